"""Killed at any moment of taking many partitions in, a lake has each whole or not at all, and takes in the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.lake.upkeep import orphans
from elliptio.pipelines import Session
from tests.forks import Parent
from tests.pipelines.catalog import taker
from tests.pipelines.sessions import project

pytestmark = [
    pytest.mark.slow,
    # Killed before the first document was recorded, a lake has files and an empty index, which finding warns of.
    pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning"),
]
DAYS = 12


@pytest.fixture(scope="module")
def takers() -> Iterator[Parent]:
    parent = Parent(taker.__name__, "pandas", "yaml", "elliptio.handler", "elliptio.provenance.git.state")
    yield parent
    parent.close()


def shop(tmp_path: Path) -> Path:
    root = project(tmp_path / "shop", {"name": "sales", "type": "csv", "extra": {"path": "sales/!{day}.csv"}})
    (root / "sales").mkdir()
    for day in range(DAYS):
        (root / f"sales/{day}.csv").write_text(f"product,amount\nnails,{day}\n")
    return root


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", taker.STEPS)
def test_killed_at_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takers: Parent, step: str, when: str
) -> None:
    monkeypatch.setattr(orphans, "FLOOR", timedelta(minutes=-1))
    root, lake = shop(tmp_path), tmp_path / "lake"
    eio.Handler(lake, progress=False).upload(root / "pyproject.toml")
    _, code = takers.start(lake, root, step, when, 1, cwd=Path(__file__).parents[3]).communicate()
    assert code == -9

    h = eio.Handler(lake, progress=False)
    assert h.verify().ok
    with Session(root, handler=h) as session:
        assert len(session.catalog.partitions("sales")) == DAYS
        for day in range(DAYS):
            assert session.catalog.load("sales", day=day)["amount"].tolist() == [day]
            assert len(session.catalog.versions("sales", day=day)) == 1, "none was taken in twice"
            assert (root / f"sales/{day}.csv").read_text() == f"product,amount\nnails,{day}\n"
    assert all(orphan.removed for orphan in h.gc(dry_run=False, grace=timedelta(0)))
    assert not list(h.store.list(".elliptio/staging"))
    assert h.reindex().ok
    assert h.verify().ok
    assert len(h.find({"entry.name": "sales"}, max_docs=0)) == DAYS
