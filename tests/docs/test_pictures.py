"""The pictures of the pages are those that notebooks show now, small, and said in words for who cannot see them."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
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


def coarse(path: Path) -> Any:
    images = pytest.importorskip("PIL.Image")
    with images.open(path) as image:
        return image.convert("RGB").resize((64, 40), images.Resampling.BOX)


def apart(one: Path, other: Path) -> float:
    """How far two pictures are apart, as seen from far away: 0 to 255."""
    chops, stat = pytest.importorskip("PIL.ImageChops"), pytest.importorskip("PIL.ImageStat")
    return float(sum(stat.Stat(chops.difference(coarse(one), coarse(other))).mean) / 3)


@pytest.mark.slow
def test_pages_of_the_browser_look_as_they_did(tmp_path: Path) -> None:
    """What differs each time, as identifiers and times, makes less than 0.5; one page for another makes 8."""
    pytest.importorskip("playwright")
    if not os.path.exists("/usr/bin/chromium"):
        pytest.skip("there is no /usr/bin/chromium: apt-get install chromium")
    make = [sys.executable, str(ROOT / "docs/make_screens.py"), str(tmp_path)]
    subprocess.run(make, check=True, timeout=300, cwd=ROOT)
    names = sorted(path.name for path in SCREENS.iterdir())
    assert sorted(path.name for path in tmp_path.glob("*.png")) == names
    for name in names:
        assert apart(SCREENS / name, tmp_path / name) < 1.5, f"{name}: if it shall look so, python docs/make_screens.py"
        assert all(apart(SCREENS / name, tmp_path / other) > 5 for other in names if other != name)
