"""Killed at any moment of a save, a lake shows only what is complete, and has all that was returned."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.lake.upkeep import orphans
from tests.forks import Parent
from tests.reliability import saver

# Killed before the first document was recorded, a lake has files and an empty index, which finding warns of.
pytestmark = pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning")

LONG = "ELLIPTIO_TORTURE" in os.environ
RANDOM_KILLS = {"local": 400, "s3": 100} if LONG else {"local": 12, "s3": 4}
CALLS = (1, 2, 3, 5) if LONG else (2,)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "small.txt").write_text("small")
    (folder / "deep" / "empty").touch()
    (folder / "large.bin").write_bytes(random.randbytes(400_000))
    return folder


@pytest.fixture(autouse=True)
def no_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kill left on S3 would have to wait for an hour."""
    monkeypatch.setattr(orphans, "FLOOR", timedelta(minutes=-1))


MakeRoot = Callable[[str], str]


@pytest.fixture
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> MakeRoot:
    return lambda kind: str(tmp_path / "lake") if kind == "local" else request.getfixturevalue("s3_root")


@pytest.fixture(scope="module")
def savers() -> Iterator[Parent]:
    parent = Parent(saver.__name__, "elliptio.handler", "elliptio.provenance.git.state", "boto3", "obstore")
    yield parent
    parent.close()


def run(savers: Parent, root: str, source: Path, *arguments: str, seconds: float | None = None) -> list[str]:
    """Let the saver run until it kills itself, or is killed after some seconds; return what it printed."""
    process = savers.start(root, source, *arguments, cwd=source.parent)
    first = ""
    if seconds is not None:
        first = process.stdout.readline()
        time.sleep(seconds)
        process.kill()
    printed, code = process.communicate()
    assert code == -9
    return (first + printed).split()


def check(root: str, returned: set[str]) -> int:
    """Hold a lake against the promise; return how many artifacts a kill left complete but not recorded."""
    h = eio.Handler(root)
    visible = set(h.find(max_docs=0).index)
    assert returned <= visible
    report = h.verify()
    assert report.ok, report.problems
    assert report.artifacts == len(visible)
    for orphan in h.gc(dry_run=False, grace=timedelta(0)):
        assert orphan.removed
    assert h.gc() == []
    assert not list(h.store.list(".elliptio/staging"))
    unrecorded = h.reindex()
    assert unrecorded.ok, unrecorded.problems
    assert h.verify().ok
    assert set(h.find(max_docs=0).index) >= visible
    h.close()
    return unrecorded.artifacts


ONLY = {
    "local": ("hash in place", "put (folder)", "flush", "rename", "publish (folder)"),
    "s3": ("put (S3)", "publish (S3)"),
}
CASES = [
    pytest.param(kind, step, when, id=f"{kind}, {when} {step}")
    for kind, other in (("local", "s3"), ("s3", "local"))
    for step in saver.STEPS
    if step not in ONLY[other]
    for when in ("before", "after")
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "step", "when"), CASES)
def test_killed_at_a_step(lake: MakeRoot, savers: Parent, source: Path, kind: str, step: str, when: str) -> None:
    root = lake(kind)
    returned: set[str] = set()
    for call in (1,) if step == "identity" else CALLS:
        returned |= set(run(savers, root, source, step, when, str(call)))
        check(root, returned)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["local", "s3"])
def test_killed_at_random_times(lake: MakeRoot, savers: Parent, source: Path, kind: str) -> None:
    root = lake(kind)
    returned: set[str] = set()
    left = 0
    for _ in range(RANDOM_KILLS[kind]):
        returned |= set(run(savers, root, source, seconds=random.uniform(0, 0.3)))
        if not LONG:
            left += check(root, returned)
    left += check(root, returned)
    print(f"{RANDOM_KILLS[kind]} kills, {len(returned)} artifacts returned, {left} complete but not recorded, lost: 0")
