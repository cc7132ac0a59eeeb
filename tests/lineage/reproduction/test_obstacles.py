"""What is told before anything starts: one case for each obstacle."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from elliptio.lineage.reproduction import obstacles
from elliptio.lineage.reproduction.commands import Command, parse
from elliptio.lineage.reproduction.obstacles import FoundCode, FoundPackages
from elliptio.metadata import Metadata
from elliptio.provenance.collecting import Packages
from elliptio.provenance.git.patch import new_file_diff

GIT = {
    "commit": "4f2a0c1d5e6b7a8990a1b2c3d4e5f60718293a4b",
    "branch": "main",
    "remote": "https://x.org/y",
    "dirty": False,
}
CODE = FoundCode(files=frozenset({"train.py", "steps/a.py"}))
HUNK = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = 3\n"


def recorded(**more: Any) -> Metadata:
    facts: dict[str, Any] = {
        "username": "andy",
        "hostname": "laptop",
        "argv": "python train.py",
        "artifact_id": "artifact_x",
        "run_id": "run_x",
        "creation_time": datetime(2026, 1, 1, tzinfo=UTC),
        "git": GIT,
        "working_directory": ".",
        "python_packages": Packages({"pandas": "2.2.3", "elliptio": "1.0.0"}),
        "environment": {
            "python": {"version": "3.11.7", "implementation": "CPython"},
            "platform": {"system": "Linux", "machine": "x86_64"},
            "gpus": [],
        },
    }
    return Metadata(**{**facts, **more})


def masked(*lines: int) -> list[dict[str, str]]:
    return [{"kind": "named-secret", "where": f"git.diff, line {line}"} for line in lines]


# --- packages that came from elsewhere ---

COMMIT = "a" * 40


@pytest.mark.parametrize(
    ("origin", "again"),
    [
        (f"git+https://h.org/x.git@{COMMIT}", True),
        (f"git+ssh://git@h.org/x.git@{COMMIT}#subdirectory=a/b", True),
        ("https://h.org/x-1.0-py3-none-any.whl#sha256=" + "b" * 64, True),
        ("file:///home/andy/x", False),
        ("-e file:///home/andy/x", False),
        (f"git+https://***@h.org/x.git@{COMMIT}", False),
        ("git+https://h.org/x.git@main", False),
        ("https://h.org/x.whl --index-url https://evil.org", False),
        ("unknown: direct_url.json is malformed", False),
    ],
)
def test_where_a_package_came_from(origin: str, again: bool) -> None:
    metadata = recorded(environment={"package_origins": {"pandas": origin, "elliptio": origin, "mine": origin}})
    told = list(obstacles.of_packages(metadata, FoundPackages("3.11.7"), project="mine", own="1.0.0"))
    (about,) = [message for message, _ in told if "pandas" in message]
    assert f"pandas 2.2.3 was installed from {origin}" in about
    assert ("is again when the command is run" in about) is again
    assert (obstacles.buildable("pandas", origin) == f"pandas @ {origin}") is again
    assert obstacles.buildable("-r x", origin) is None


# --- the code ---


def test_nothing_is_in_the_way() -> None:
    metadata = recorded()
    assert list(obstacles.of_code(metadata, None, CODE)) == []
    assert list(obstacles.of_code(recorded(git={**GIT, "dirty": True}), HUNK, CODE)) == []
    command = parse(metadata.argv, CODE.files.__contains__)
    assert list(obstacles.of_command(metadata, command, CODE.files, {})) == []
    assert list(obstacles.of_python(metadata, FoundPackages("3.11.7"))) == []
    assert list(obstacles.of_packages(metadata, FoundPackages("3.11.7"), project=None, own="1.0.0")) == []
    assert list(obstacles.of_machine(metadata, metadata.environment)) == []


@pytest.mark.parametrize(
    ("metadata", "diff", "found", "message", "prevents"),
    [
        (recorded(git=None), None, CODE, "outside of a git repository", False),
        (recorded(), None, FoundCode(problem="commit 4f2a cannot be had."), "commit 4f2a cannot be had.", True),
        (recorded(git={**GIT, "dirty": None}), None, CODE, "took too long", False),
        (recorded(git={**GIT, "dirty": True}), None, CODE, "were not recorded", False),
        (recorded(git={**GIT, "commit": None, "dirty": False}), None, FoundCode(), "no commit yet", True),
        (recorded(), None, FoundCode(files=frozenset({".gitmodules"})), "submodules", False),
        (recorded(), None, FoundCode(needs_lfs=True), "Git LFS", False),
        (recorded(), f"# elliptio: left out big.py (3.0 MiB)\n{HUNK}", CODE, "changes: big.py (3.0 MiB)", False),
        (recorded(), "# elliptio: left out 7 more files\n", CODE, "7 more files", False),
        (recorded(), f"# elliptio: bytes that are not UTF-8 were replaced\n{HUNK}", CODE, "not UTF-8", False),
        (recorded(redactions=masked(7)), HUNK, CODE, "masked in lines 7", False),
    ],
)  # fmt: skip
def test_code(metadata: Metadata, diff: str | None, found: FoundCode, message: str, prevents: bool) -> None:
    ((told, prevented),) = obstacles.of_code(metadata, diff, found)
    assert message in told
    assert prevented is prevents


@pytest.mark.parametrize("line", [5, 6])
def test_a_diff_that_cannot_be_applied(line: int) -> None:
    told = list(obstacles.of_code(recorded(redactions=masked(line)), HUNK, CODE))
    assert [prevents for _, prevents in told] == [False, True]
    assert f"cannot be applied: lines {line} of them" in told[1][0]


def test_caches_of_python_are_no_loss() -> None:
    diff = "# elliptio: left out a/__pycache__/b.cpython-311.pyc (binary, 455 bytes)\n"
    assert list(obstacles.of_code(recorded(), diff, CODE)) == []


def test_files_that_a_diff_creates() -> None:
    diff = HUNK + new_file_diff(b"new/a b.py", b"x = 1\n").decode() + new_file_diff(b"empty.py", b"").decode()
    assert obstacles.new_files(diff) == {"new/a b.py", "empty.py"}


# --- the command ---


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"argv": "python train.py ***", "redactions": [{"kind": "argument", "where": "argv, argument 2"}]}, "masked"),
        ({"argv": "python"}, "interactive session"),
        ({"argv": "python -c 'from multiprocessing.spawn import spawn_main'"}, "another one started"),
        ({"argv": "python /v/bin/elliptio upload x"}, "uploaded from elsewhere"),
        ({"argv": "uwsgi"}, "no command of Python"),
        ({"argv": "python gone.py"}, "'gone.py' is not in the recorded code"),
        ({"argv": "python ../train.py"}, "not in the recorded code"),
        ({"argv": "python /elsewhere/train.py"}, "not in the recorded code"),
        ({"argv": "python -m pkg", "working_directory": "../.."}, "outside of the repository"),
        ({"argv": "python -m ipykernel_launcher -f x.json"}, "executed cells were not recorded"),
        ({"argv": "python -m ipykernel_launcher -f x.json", "log_relpaths": ["cells.ipynb"]}, "ipython"),
    ],
)  # fmt: skip
def test_command(more: dict[str, Any], message: str) -> None:
    metadata = recorded(**more)
    command = parse(metadata.argv, lambda named: obstacles.path_in_code(metadata, named) in CODE.files)
    ((told, prevents),) = obstacles.of_command(metadata, command, CODE.files, {})
    assert message in told
    assert prevents


@pytest.mark.parametrize(
    "more",
    [
        {"argv": "python ./train.py"},
        {"argv": "python ../train.py", "working_directory": "steps"},
        {"argv": "python a.py", "working_directory": "steps"},
        {"argv": "python /home/andy/y/steps/a.py", "repository_root": "/home/andy/y"},
        {"argv": "python -m pkg"},
        {"argv": "python -c 'print(1)'"},
        {"argv": "python /v/bin/dvc repro"},
    ],
)
def test_commands_that_can_be_run(more: dict[str, Any]) -> None:
    metadata = recorded(**more)
    command = parse(metadata.argv, lambda named: obstacles.path_in_code(metadata, named) in CODE.files)
    assert list(obstacles.of_command(metadata, command, CODE.files, {})) == []


def test_a_notebook_with_its_cells() -> None:
    metadata = recorded(log_relpaths=["cells.ipynb"], notebook="study.ipynb")
    command = Command("notebook", program="cells.ipynb")
    assert list(obstacles.of_command(metadata, command, frozenset(), {"ipython": "9.0"})) == []


# --- python, packages, machine ---


@pytest.mark.parametrize(
    ("found", "message", "prevents"),
    [
        (FoundPackages("3.11.9"), "Python 3.11.7 is not here; 3.11.9 has to do.", False),
        (FoundPackages(""), "Python 3.11.7 is not here, and none like it.", True),
        (FoundPackages("", fetched=True), "uv is asked for it.", False),
        (FoundPackages("3.11.9", fetched=True), "uv is asked for it; if it has none, 3.11.9 has to do.", False),
    ],
)
def test_python(found: FoundPackages, message: str, prevents: bool) -> None:
    ((told, prevented),) = obstacles.of_python(recorded(), found)
    assert message in told
    assert prevented is prevents


def test_another_implementation_of_python() -> None:
    metadata = recorded(environment={"python": {"version": "3.11.7", "implementation": "PyPy"}})
    assert "PyPy" in next(obstacles.of_python(metadata, FoundPackages("3.11.7")))[0]
    assert "not recorded" in next(obstacles.of_python(recorded(environment={}), FoundPackages("3.11.7")))[0]


def test_packages() -> None:
    def told(found: FoundPackages, **more: Any) -> list[tuple[str, bool]]:
        options = {"project": None, "own": "1.0.0", **more}
        return list(obstacles.of_packages(recorded(), found, **options))

    missing = FoundPackages("3.11.7", missing={"pandas": "cannot be had"})
    assert told(missing) == [("pandas 2.2.3 cannot be had", False)]
    assert told(FoundPackages("3.11.7", problem="pip says no")) == [
        ("nobody could be asked for packages: pip says no", True)
    ]
    ((message, prevents),) = told(FoundPackages("3.11.7"), own="2.0")
    assert (message, prevents) == ("elliptio 1.0.0 was recorded; this one, 2.0, saves the result.", False)
    assert "installed from the recorded code" in told(FoundPackages("3.11.7"), project="pandas")[0][0]
    none = dataclasses.replace(recorded(), python_packages={})
    assert list(obstacles.of_packages(none, FoundPackages("3.11.7"), project=None, own="1")) == [
        ("no packages were recorded.", True)
    ]


def test_machine() -> None:
    then = recorded(environment={"gpus": [{"name": "A100"}], "platform": {"system": "Linux", "machine": "arm64"}})
    here = {"gpus": [], "platform": {"system": "Linux", "machine": "x86_64"}}
    assert [message for message, _ in obstacles.of_machine(then, here)] == [
        "it had A100; here is no GPU.",
        "the kind of processor was arm64, and is x86_64 here.",
    ]
    other = {**here, "gpus": [{"name": "H100"}]}
    assert "it had A100; here is H100." in [message for message, _ in obstacles.of_machine(then, other)]
