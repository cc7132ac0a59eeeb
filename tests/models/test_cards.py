"""Cards of models and records in notebooks."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import elliptio as eio
from elliptio.models import DataModel, Record, field
from elliptio.models.cards import MOST_COLUMNS, MOST_FIELDS, MOST_ROWS


class Photo(DataModel, version=2):
    title: str
    table: pd.DataFrame
    pixels: np.ndarray[Any, Any]
    layers: dict[str, list[np.ndarray[Any, Any]]]
    password: str = field(default="geheim", repr=False)


class Own(DataModel, version=1):
    number: int

    def __repr__(self) -> str:
        return "own"


class Silent(DataModel, version=1, repr=False):
    number: int


TABLE = pd.DataFrame({"<i>": range(100), "b": ["<script>"] * 100, **{f"c{n}": [n] * 100 for n in range(20)}})


def photo(title: str = "<b>") -> Photo:
    return Photo(title, TABLE, np.zeros((2, 3)), {"k": [np.ones(2)]})


class Texts(HTMLParser):
    """Reads the cells of a card as somebody without a style sheet does, and holds that tags are closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert not {name for name, _ in attrs if name.startswith("on")}
        if tag not in ("br", "img"):
            self.open.append(tag)
        if tag in ("th", "td"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def test_what_is_there_is_shown() -> None:
    html = photo()._repr_html_()
    assert html is not None
    cells = Texts(html).cells
    assert cells[cells.index("title") + 1] == "'<b>'"
    assert cells[cells.index("table") + 1] == "DataFrame 100 x 22"
    assert cells[cells.index("pixels") + 1] == "ndarray 2 x 3, float64"
    assert cells.count("<script>") == MOST_ROWS
    assert "<script>" not in html
    assert f"c{MOST_COLUMNS - 3}" in cells
    assert f"c{MOST_COLUMNS - 2}" not in cells
    assert "Photo version 2" in html
    assert "password" not in html
    assert "geheim" not in html


def test_nothing_is_read_for_it(local: eio.Handler) -> None:
    artifact = local.save(photo(), "photo")
    model = artifact.load()
    shutil.rmtree(Path(artifact.metadata.remote_root) / "files")
    cells = Texts(model._repr_html_()).cells
    assert re.fullmatch(
        r"DataFrame 100 x 22, [\d.]+ kB, not loaded: <i>, b, c0, c1, c2, c3, c4, c5, …", cells[cells.index("table") + 1]
    )
    assert cells[cells.index("pixels") + 1] == "ndarray 2 x 3, float64, 176 B, not loaded"
    assert cells[cells.index("layers") + 1] == "not loaded"
    assert cells[cells.index("saved as") + 1] == artifact.artifact_id


def test_what_was_touched_is_shown(local: eio.Handler) -> None:
    model = local.save(photo(), "photo").load()
    assert model.table.equals(TABLE)
    assert Texts(model._repr_html_()).cells.count("<script>") == MOST_ROWS


def test_a_record_says_why(local: eio.Handler) -> None:
    class Gone(DataModel, version=1):
        title: str
        table: pd.DataFrame

    artifact = local.save(Gone("<b>", TABLE), "gone")

    class Gone(DataModel, version=2):  # type: ignore[no-redef]
        other: int

    record = artifact.load()
    assert isinstance(record, Record)
    cells = Texts(record._repr_html_()).cells
    assert cells[cells.index("title") + 1] == "'<b>'"
    assert "not loaded" in cells[cells.index("table") + 1]
    assert "cannot take version 1" in cells[cells.index("a record") + 1]


@pytest.mark.parametrize("size", [(200, 100), (5000, 2000)], ids=["small", "large"])
def test_a_small_image_is_seen(size: tuple[int, int]) -> None:
    image = pytest.importorskip("PIL.Image")

    class Picture(DataModel, version=1):
        image: image.Image

    html = Picture(image.new("RGB", size, "red"))._repr_html_()
    assert html is not None
    assert ('<img src="data:image/png;base64,' in html) == (size == (200, 100))
    assert f"{size[0]:,} x {size[1]:,}, RGB" in Texts(html).cells
    assert len(html) < 5000


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "F", "CMYK", "RGBA", "LA"])
def test_images_of_all_modes(mode: str) -> None:
    image = pytest.importorskip("PIL.Image")

    class Picture(DataModel, version=1):
        image: image.Image

    html = Picture(image.new(mode, (8, 8)))._repr_html_()
    assert html is not None
    assert '<img src="data:image/png;base64,' in html


def test_whoever_shows_himself_is_shown_so() -> None:
    assert Own(1)._repr_html_() is None
    assert Silent(1)._repr_html_() is None


def test_tables_of_others() -> None:
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")

    class Tables(DataModel, version=1):
        one: polars.DataFrame
        other: pyarrow.Table
        series: pd.Series[Any]
        twice: pd.DataFrame

    twice = pd.DataFrame([[1, 2]], columns=["x", "x"])
    html = Tables(polars.DataFrame({"p": [1.5]}), pyarrow.table({"q": ["z"]}), pd.Series([7], name="s"), twice)
    cells = Texts(str(html._repr_html_())).cells
    for name, value in (("p", "1.5"), ("q", "z"), ("s", "7")):
        assert cells[cells.index(name) + 1] == value
    assert cells[cells.index("x") : cells.index("x") + 4] == ["x", "x", "1", "2"]


def test_a_value_that_cannot_show_itself() -> None:
    class Odd(DataModel, version=1):
        number: Any

    class Raises:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    assert "Raises" in str(Odd(Raises())._repr_html_())


def test_very_many_fields() -> None:
    many: Any = type(DataModel)(
        "Many", (DataModel,), {"__annotations__": {f"f{n}": int for n in range(200)}, "__qualname__": "Many"}, version=1
    )
    cells = Texts(many(*range(200))._repr_html_()).cells
    assert len(cells) == 2 * MOST_FIELDS + 2
    assert cells[-1] == "and 150 more"
