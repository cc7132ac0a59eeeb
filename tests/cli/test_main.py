"""What all verbs share: options, exit codes, errors, streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.cli.main import GROUPS, VERBS
from elliptio.cli.verbs import find as find_verb
from tests.cli.conftest import Run

HEAVY = ("pandas", "numpy", "pymongo", "bson", "boto3", "git", "tqdm", "elliptio.handler", "elliptio.lake.lake")


def spawn(*arguments: object, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "elliptio", *map(str, arguments)]
    repository = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": str(repository), **more.pop("env", {})}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    return subprocess.Popen(command, env=environ, **{**pipes, **more})


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help(anywhere: Run, verb: str) -> None:
    result = anywhere(*filter(None, [verb]), "--help")
    assert result.code == 0
    assert result.out.startswith(f"usage: elliptio {verb}".rstrip())
    assert result.err == ""


@pytest.mark.slow
def test_a_verb_loads_no_other() -> None:
    code = "import sys, elliptio.cli; elliptio.cli.main(['pipelines', '--help']); print(*sys.modules)"
    repository = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=repository)
    loaded = {name.rpartition(".")[2] for name in done.stdout.split() if name.startswith("elliptio.cli.verbs.")}
    assert loaded == {"pipelines"}


def test_the_bare_command_says_what_each_verb_does(anywhere: Run) -> None:
    result = anywhere()
    assert (result.code, result.err) == (0, "")
    assert result == anywhere("--help")
    for title in GROUPS:
        assert f"\n{title}\n  " in result.out
    for verb in VERBS:
        (line,) = [line for line in result.out.splitlines() if line.startswith(f"  {verb} ")]
        assert len(line.split()) > 3
    assert anywhere("--json").code == 2


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (["fnd"], "did you mean 'find'?"),
        (["--root", "x", "shwo", "a"], "did you mean 'show'?"),
        (["find", "--use", "andy"], "did you mean '--user'?"),
        (["find", "--projct=x"], "did you mean '--project'?"),
        (["--jsno", "find"], "did you mean '--json'?"),
        (["delete", "artifact_x", "--froce"], "did you mean '--force'?"),
        (["zzz"], "there is no verb 'zzz': elliptio --help lists them"),
        (["find", "--zzz"], "there is no option --zzz: --help lists them"),
        (
            ["get", "artifact_01", "-o", "out"],
            "elliptio get: error: there is no option -o: elliptio get --help lists them",
        ),
        (["show", "a", "b"], "there is no place for 'b'; elliptio show --help says what it takes"),
        (["pipelines", "run", "report", "top=1"], "no place for 'top=1'; did you mean --param top=1?"),
        (["flows", "run", "nb:flow", "upto=3"], "no place for 'upto=3'; did you mean --input upto=3?"),
        (["artifacts", "best_products"], "there is no verb 'best_products': say ls, describe"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_one_that_is_meant(anywhere: Run, given: list[str], hint: str) -> None:
    result = anywhere(*given)
    assert (result.code, result.out) == (2, "")
    assert hint in result.err.splitlines()[-1]


def test_words_that_only_look_like_options_are_values(anywhere: Run, cli: Run, root: Path, saved: str) -> None:
    assert "--froce" in anywhere("show", "--root", root, "--", "--froce").error
    assert cli("find", "--sort", "-total_size").code == 0
    assert "no lake at" in anywhere("--root", "find", "find").error


def test_version(anywhere: Run) -> None:
    result = anywhere("--version")
    assert (result.code, result.out) == (0, f"elliptio {eio.__version__}\n")


@pytest.mark.slow
def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from elliptio.cli import main; main(['find', '--help']); main(['--help']);"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stderr == "[]\n"


@pytest.mark.slow
def test_finding_does_not_load_pandas(saved: str, root: Path) -> None:
    code = (
        f"import sys; from elliptio.cli import main; main(['find', '--root', {str(root)!r}]);"
        "print([name for name in ('pandas', 'numpy', 'pymongo', 'git') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert saved in done.stdout
    assert done.stderr == "[]\n"


def test_common_options_stand_before_or_after_the_verb(anywhere: Run, saved: str, root: Path) -> None:
    before = anywhere("--root", root, "--json", "find")
    after = anywhere("find", "--root", root, "--json")
    mixed = anywhere("--json", "find", "--root", root)
    assert [row["artifact_id"] for row in before.json] == [saved]
    assert before == after == mixed


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",),
        ("upload",),
        ("show",),
        ("get",),
        ("find", "{"),
        ("find", "[]"),
        ("find", '{"creation_time": {"$gte": {"$date": "soon"}}}'),
        ("find", '{"_id": {"$oid": "no"}}'),
        ("find", "--limit", "-1"),
        ("find", "--limit", "many"),
        ("find", "--since", "yesterday"),
        ("find", "--label", "project"),
        ("find", "--columns", ","),
        ("find", "--use", "andy"),
        ("upload", "a", "--labels", "[1]"),
        ("upload", "a", "--label", "project=x", "--project", "y"),
        ("show", "a", "--packages", "--diff"),
        ("lineage",),
        ("lineage", "a", "--depth", "0"),
        ("lineage", "a", "--depth", "many"),
        ("lineage", "a", "--direction", "sideways"),
        ("lineage", "a", "--dot", "--mermaid"),
        ("demo", "--index", "sqlite:///x"),
    ],
)
def test_wrong_usage(anywhere: Run, arguments: tuple[str, ...]) -> None:
    result = anywhere(*arguments)
    assert (result.code, result.out) == (2, "")
    assert ": error: " in result.err.splitlines()[-1]
    as_json = anywhere("--json", *arguments)
    assert (as_json.code, as_json.out) == (2, "")
    assert json.loads(as_json.err)["error"]["type"] == "UsageError"


def test_an_error_is_one_line(cli: Run, saved: str) -> None:
    result = cli("show", "artifact_nobody_has")
    assert (result.code, result.out) == (1, "")
    assert "artifact_nobody_has" in result.error


def test_an_error_as_json(cli: Run, saved: str) -> None:
    result = cli("show", "artifact_nobody_has", "--json")
    assert (result.code, result.out) == (1, "")
    error = json.loads(result.err)["error"]
    assert error["type"] == "DocumentNotFoundError"
    assert "artifact_nobody_has" in error["message"]


def test_verbose_shows_where(cli: Run, saved: str) -> None:
    result = cli("show", "artifact_nobody_has", "--verbose")
    assert "Traceback" in result.err
    assert result.err.splitlines()[-1].startswith("elliptio: error: ")


@pytest.mark.slow
def test_an_unreachable_index(cli: Run, saved: str) -> None:
    result = cli("find", "--index", "mongodb://bob:secret@127.0.0.1:1/db?serverSelectionTimeoutMS=300")
    assert result.code == 1
    assert "127.0.0.1:1" in result.error
    assert "secret" not in result.err


def test_a_wrong_setting(anywhere: Run, here: Path) -> None:
    (here / "elliptio.toml").write_text("rooot = 'x'\n")
    result = anywhere("find")
    assert result.code == 1
    assert "rooot" in result.error


def test_interrupted(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(find_verb, "run", interrupt)
    assert cli("find").code == 130


def test_a_bug_is_one_line_too(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(args: object) -> int:
        raise TypeError("two\nlines")

    monkeypatch.setattr(find_verb, "run", fail)
    result = cli("find")
    assert result.code == 1
    assert "unexpected TypeError: two lines" in result.error


@pytest.mark.slow
def test_run_as_a_module(saved: str, root: Path) -> None:
    process = spawn("find", "--root", root, "--json")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert [row["artifact_id"] for row in json.loads(out)] == [saved]


@pytest.mark.slow
def test_a_reader_that_goes_away(saved: str, root: Path) -> None:
    process = spawn("find", "--root", root)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), err) == (141, "")


@pytest.mark.slow
@pytest.mark.parametrize("stream", [">&-", ">&- 2>&-"])
def test_a_closed_stdout(saved: str, root: Path, data: Path, stream: str) -> None:
    for arguments in (["find"], ["upload", str(data)], ["find", "--json"]):
        command = [sys.executable, "-m", "elliptio", *arguments, "--root", str(root)]
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(
            ["sh", "-c", f'"$@" {stream}', "sh", *command], env=environ, stderr=subprocess.PIPE, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert len(eio.Handler(root).find()) == 2


@pytest.mark.slow
def test_output_is_utf8_whatever_the_locale(cli: Run, saved: str, root: Path, here: Path) -> None:
    (here / "über.txt").write_text("x")
    cli("upload", here / "über.txt", "--label", "who=Zoë")
    for more in ((), ("--json",)):
        process = spawn("find", "--root", root, *more, env={"PYTHONIOENCODING": "ascii", "COLUMNS": "200"})
        out, err = process.communicate()
        assert (process.returncode, err) == (0, "")
        assert "über.txt" in out
        assert "Zoë" in out


@pytest.mark.parametrize(
    "arguments", [["find"], ["runs"], ["tags"], ["verify"], ["gc"], ["reindex"], ["flush"], ["show", "artifact_x"]]
)
def test_a_lake_that_is_not_there_is_an_error(anywhere: Run, tmp_path: Path, arguments: list[str]) -> None:
    result = anywhere("--root", tmp_path / "lkae", *arguments)
    assert result.code == 1
    assert f"There is no lake at {tmp_path / 'lkae'}" in result.error
    assert not (tmp_path / "lkae").exists()


def test_a_lake_that_nobody_named_may_not_be_there_yet(anywhere: Run) -> None:
    assert anywhere("find", "--json").json == []
