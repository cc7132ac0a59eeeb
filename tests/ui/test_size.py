"""What a page costs in a large lake, counted: it does not grow with what the page does not show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import elliptio as eio
from benchmarks import lakes
from benchmarks.place import Place
from elliptio.indexes.sqlite import candidates
from elliptio.ui import facets
from elliptio.ui.asked import Answer, Asked
from elliptio.ui.pages import artifact, artifacts, files, overview
from elliptio.ui.view import View
from tests.performance.counting import calls_of, hook, sqlite_steps
from tests.ui.conftest import policy

pytestmark = pytest.mark.slow

FEW, MANY = 300, 3000


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[int, eio.Handler]:
    hook()
    found = {}
    for count in (FEW, MANY):
        folder = tmp_path_factory.mktemp("filled")
        found[count] = lakes.filled(Place(folder, folder, documents=count))
    return found


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a lake of `FEW` is beyond already."""
    monkeypatch.setattr(artifacts, "PAGE", 10)
    monkeypatch.setattr(candidates, "_RARE", 12)
    for name in ("SAMPLE", "MOST_COUNTED", "MOST_OF_ONE", "MOST_OF_SEVERAL"):
        monkeypatch.setattr(facets, name, 12)


@pytest.mark.parametrize(
    ("page", "q"),
    [
        (artifacts.show, ""),
        (artifacts.show, "who:user3"),
        (artifacts.show, "since:2026-01-01"),
        (artifacts.show, "who:user3 since:2026-01-01"),
        (artifacts.show, "file:*.txt"),
        (artifacts.show, "-who:user3"),
        (overview.show, ""),
        (artifact.show, ""),
    ],
)
def test_a_page_costs_the_same_among_many(
    filled: dict[int, eio.Handler], page: Callable[[View, Asked], Answer], q: str
) -> None:
    """Steps of SQLite's machine, and nothing was counted before: ten times the artifacts make its trees deeper."""
    steps = {}
    for count, h in filled.items():
        asked = Asked("/artifacts", {"id": lakes.artifact_id(77)}, query=(("q", q),))
        page(View(h, policy()), asked)
        with sqlite_steps() as found:
            page(View(h, policy()), asked)
        steps[count] = found["steps"]
    assert 0 < steps[MANY] <= 1.2 * steps[FEW] + 100, steps


def test_a_page_of_very_many_files_lists_a_hundred(local: eio.Handler, tmp_path: Path) -> None:
    """Each further file takes at most the few calls that tell its name from that of a picture."""
    calls: dict[str, dict[int, int]] = {"list": {}, "document": {}, "file": {}}
    for count in (1000, 3000):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"{number:04}.csv").write_text("a,b\n1,2\n")
        identifier, view = local.upload(folder).artifact_id, View(local, policy())
        for name, page, part in (("list", artifact.show, "files"), ("document", artifact.show, "document"),
                                 ("file", files.show, "files")):  # fmt: skip
            asked = Asked("/artifacts/x", {"id": identifier, "n": "7"}, query=(("part", part), ("from", "900")))
            body = page(view, asked).body
            calls[name][count] = calls_of(lambda page=page, asked=asked, view=view: page(view, asked))
            assert isinstance(body, bytes)
            assert body.count(b'class="cut"') == (100 if name == "list" else 0)
    for name, of in calls.items():
        assert (of[3000] - of[1000]) / 2000 <= 3.5, (name, of)  # 45, where the list of files is read for each page
