"""Which tests an edit asks for: with `--edited`, those of the rooms where something is not yet as it was.

The tests of a room lie in the folder of its name, those of the house as a whole at the top. What has no room of its
own, such as `elliptio/documents.py`, asks for all rooms of the heart: those below the layers, the command and the docs.
What holds everything together, such as `pyproject.toml`, asks for everything. Where nothing was edited, the shape of
the house is all that is looked at.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = frozenset({"cli", "docs", "flows", "models", "pipelines", "ui"})
ROOMS = frozenset(path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name[0].isalpha())
"""Folders of tests: rooms and layers of the package, and what is tried across them."""
HOUSE = "house"
"""The tests at the top."""
ALL = ROOMS | {HOUSE}
HEART = ALL - LAYERS
ALWAYS = frozenset({"test_shape.py"})


def part_of_test(path: str) -> str:
    """Name the room of a file below `tests`."""
    room, inside, _ = path.partition("/")
    return room if inside else HOUSE


def parts_edited(paths: Iterable[str]) -> frozenset[str]:
    """Name what paths in the repository ask for: rooms, and the house with those of the heart."""
    found: frozenset[str] = frozenset()
    for path in paths:
        found |= _parts_of(*path.partition("/"))
    return found


def _parts_of(top: str, _: str, rest: str) -> frozenset[str]:
    room = rest.partition("/")[0]
    if top in ("docs", "notebooks") or top.endswith(".md"):
        return frozenset({"docs"})
    if top in ("elliptio", "tests") and room in ROOMS:
        return frozenset({room}) if room in LAYERS else frozenset({room, HOUSE})
    if top == "tests" and room.startswith("test_"):
        return frozenset({HOUSE})
    return HEART if top in ("elliptio", "benchmarks") else ALL


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def paths_edited(since: str) -> list[str]:
    """List the files of this checkout that differ from a revision, those that git does not know included."""
    if since == "upstream":
        since = next(iter(_git("merge-base", "HEAD", "@{upstream}")), "HEAD")
    elif not _git("rev-parse", "--verify", "--end-of-options", f"{since}^{{commit}}"):
        raise pytest.UsageError(f"--edited={since}: no such revision here")
    return _git("diff", "--name-only", "--no-renames", since) + _git("ls-files", "--others", "--exclude-standard")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--edited`."""
    parser.addoption(
        "--edited",
        nargs="?",
        const="upstream",
        metavar="REVISION",
        help="only tests of the rooms that differ from REVISION (else from what was last pushed)",
    )


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which rooms are tested, so that nobody takes a few for the whole."""
    if (since := config.getoption("--edited")) is None:
        return None
    parts = sorted(parts_edited(paths_edited(since)))
    return f"edited: {', '.join(parts) or 'nothing'}; all others are left to `make quick` and `make test`"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what no edit asks for."""
    if (since := config.getoption("--edited")) is None:
        return
    parts = parts_edited(paths_edited(since))
    kept, left = [], []
    for item in items:
        path = item.path.relative_to(ROOT / "tests").as_posix()
        (kept if path in ALWAYS or part_of_test(path) in parts else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)
