"""Recorded command lines, taken apart and put together again."""

from __future__ import annotations

import pytest

from elliptio.lineage.reproduction.commands import RUNNER, Command, parse, relocated

NO_FILE = frozenset[str]()


def test_what_runs() -> None:
    cases = {
        "python train.py --rate 0.1": Command("script", (), "train.py", ("--rate", "0.1")),
        "/home/a/.venv/bin/python3.11 -O -X dev train.py": Command("script", ("-O", "-X", "dev"), "train.py"),
        "python -Wignore -Xutf8=1 a.py": Command("script", ("-W", "ignore", "-X", "utf8=1"), "a.py"),
        "python -m pkg.train -m x -c y": Command("module", (), "pkg.train", ("-m", "x", "-c", "y")),
        "python -Im pkg": Command("module", ("-I",), "pkg"),
        "python -mpkg x": Command("module", (), "pkg", ("x",)),
        "python -c 'print(1)' a -b": Command("code", (), "print(1)", ("a", "-b")),
        "python --check-hash-based-pycs always -u x.py": Command(
            "script", ("--check-hash-based-pycs", "always", "-u"), "x.py"
        ),
        "pypy3 x.py": Command("script", (), "x.py"),
        "python /home/a/.venv/bin/snakemake --cores 1": Command(
            "tool", (), "/home/a/.venv/bin/snakemake", ("--cores", "1")
        ),
        "python /home/a/bin/train.py": Command("script", (), "/home/a/bin/train.py"),
        "python bin/train": Command("script", (), "bin/train"),
        "python 'my file.py' 'a b'": Command("script", (), "my file.py", ("a b",)),
    }
    for line, command in cases.items():
        assert parse(line, NO_FILE.__contains__) == command, line


def test_a_program_of_the_repository_is_no_tool() -> None:
    assert parse("python /repo/bin/train", {"/repo/bin/train"}.__contains__).kind == "script"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("python", "interactive"),
        ("python -i", "interactive"),
        ("python -", "interactive"),
        ("python /v/bin/ipython", "interactive"),
        ("python -m IPython", "interactive"),
        ("python /v/bin/ipython x.py", "tool"),
        ("python -m ipykernel_launcher -f /run/kernel-1.json", "notebook"),
        ("python /v/lib/python3.11/site-packages/ipykernel_launcher.py -f x.json", "notebook"),
        ("python -c 'from multiprocessing.spawn import spawn_main; spawn_main(5)' --multiprocessing-fork", "worker"),
        ("python -c 'import sys;exec(eval(sys.stdin.readline()))'", "worker"),
        ("python /v/bin/elliptio upload raw.csv", "upload"),
        ("python -m elliptio --root x upload raw.csv", "upload"),
        ("uwsgi --http :80", "unknown"),
        ("", "unknown"),
        ("python 'unbalanced", "unknown"),
        (f"python {'x' * 1_000_000}", "unknown"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_as_it_stands(line: str, kind: str) -> None:
    assert parse(line, NO_FILE.__contains__).kind == kind


@pytest.mark.parametrize(
    ("line", "fitted"),
    [
        ("python3 -O train.py /old/data.csv --out=/old", ["PY", "-O", "train.py", "/new/data.csv", "--out=/new"]),
        ("python /old/steps/train.py", ["PY", "/new/steps/train.py"]),
        ("python /older/train.py", ["PY", "/older/train.py"]),
        ("python -Wignore -m pkg a", ["PY", "-W", "ignore", "-m", "pkg", "a"]),
        ("python -c 'open(\"/old/x\")' a", ["PY", "-c", 'open("/new/x")', "a"]),
        ("python /v/bin/dvc repro", ["PY", "BIN/dvc", "repro"]),
    ],
)
def test_for_another_place(line: str, fitted: list[str]) -> None:
    command = parse(line, NO_FILE.__contains__)
    assert command.fitted("PY", lambda name: f"BIN/{name}", lambda text: relocated(text, "/old", "/new")) == fitted


def test_a_notebook_is_run_cell_by_cell() -> None:
    command = Command("notebook", program=RUNNER, arguments=("/x/cells.ipynb",))
    assert command.fitted("PY", str, str) == ["PY", "-m", RUNNER, "/x/cells.ipynb"]


def test_without_a_root_nothing_moves() -> None:
    assert relocated("/old/x", None, "/new") == "/old/x"
