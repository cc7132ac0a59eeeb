"""The pictures of the pages are those that notebooks show now, small, and said in words for who cannot see them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.docs.pages import ROOT
from tests.docs.test_documents import LINKING

FOLDER = ROOT / "docs/pictures"
SCREENS = ROOT / "docs/screens"
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


def test_they_are_made_from_what_is_shown_now() -> None:
    made = dict(runpy.run_path(str(ROOT / "docs/make_pictures.py"))["pictures"]())
    assert sorted(made) == sorted(path.name for path in FOLDER.iterdir())
    for name, picture in made.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == picture, "Run: python docs/make_pictures.py"


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_they_are_small_and_whole(path: Path) -> None:
    assert path.stat().st_size < 150_000
    assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_each_is_shown_and_said_in_words() -> None:
    shown = {}
    for page in LINKING:
        for words, target in IMAGE.findall(page.read_text(encoding="utf-8")):
            assert len(words) > 20, f"{page.name} shows {target} without saying what is to be seen"
            shown[(page.parent / target).resolve()] = page
    assert {*FOLDER.iterdir(), *SCREENS.iterdir()} <= set(shown)


def test_pages_of_the_browser_are_photographed_small() -> None:
    images = pytest.importorskip("PIL.Image")
    screens = sorted(SCREENS.iterdir())
    assert len(screens) >= 4
    for path in screens:
        assert path.stat().st_size < 100_000
        with images.open(path) as image:
            assert (image.format, image.size) == ("PNG", (1280, 800))
