"""Killed at any moment of a save, a lake shows whole models only, and has all that were returned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.lake.upkeep import orphans
from tests.forks import Parent
from tests.models import saver

pytestmark = [
    pytest.mark.slow,
    # Killed before the first document was recorded, a lake has files and an empty index, which finding warns of.
    pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning"),
]
LOCAL = [step for step in saver.STEPS if "S3" not in step and step not in ("copy", "identity", "hash in place")]


@pytest.fixture(scope="module")
def savers() -> Iterator[Parent]:
    parent = Parent(saver.__name__, "elliptio.handler", "elliptio.provenance.git.state")
    yield parent
    parent.close()


def _run(savers: Parent, root: Path, step: str, when: str, call: int) -> set[str]:
    """Let the saver run until it kills itself; return what it printed."""
    printed, code = savers.start(root, step, when, call, cwd=Path(__file__).parents[2]).communicate()
    assert code == -9
    return set(printed.split())


def _check(h: eio.Handler, returned: set[str]) -> None:
    visible = set(h.find(max_docs=0).index)
    assert returned <= visible
    for artifact_id in visible:
        artifact = h.show(artifact_id)
        made = artifact.load(strict=True)
        assert type(made) is saver.Saved
        for part, size in zip(made.parts, (1000, 3), strict=True):
            assert part.pixels.tolist() == [made.number] * size
    assert h.verify().ok


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", LOCAL)
def test_killed_at_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, savers: Parent, step: str, when: str
) -> None:
    monkeypatch.setattr(orphans, "FLOOR", timedelta(minutes=-1))
    root = tmp_path / "lake"
    returned: set[str] = set()
    # A schema is recorded once.
    for call in (1,) if step == "record the schema" else (1, 2):
        returned |= _run(savers, root, step, when, call)
        h = eio.Handler(root)
        _check(h, returned)
        assert all(orphan.removed for orphan in h.gc(dry_run=False, grace=timedelta(0)))
        assert not list(h.store.list(".elliptio/staging"))
        assert h.reindex().ok
        _check(h, returned)
        h.close()
