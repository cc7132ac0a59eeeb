"""Entries of the type datapane: pages of HTML of anything that can show itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import elliptio as eio
from elliptio.errors import ValueRefusedError, WriteOnlyError
from elliptio.pipelines import Catalog, Entry


class Report:
    """Like a report of Datapane: it writes itself to a path."""

    def save(self, path: str) -> None:
        Path(path).write_text("<h1>saved</h1>")

    def _repr_html_(self) -> str:
        return "<h1>shown</h1>"


class Figure:
    """Like a figure of Plotly."""

    def to_html(self) -> str:
        return "<div>figure</div>"


class Rich:
    def _repr_html_(self) -> str:
        return "<b>rich</b>"


class Image:
    """Its save is of another kind: it takes a format, and refuses a page."""

    def save(self, path: str, format: str) -> None:
        raise AssertionError

    def to_html(self) -> str:
        return "<img>"


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    entry = Entry.read({"name": "report", "type": "datapane", "extra": {"path": "out/report.html"}})
    return Catalog([entry], handler=eio.Handler(tmp_path / "lake", progress=False))


@pytest.mark.parametrize(
    ("value", "page"),
    [
        (Report(), "<h1>saved</h1>"),
        (Figure(), "<div>figure</div>"),
        (Rich(), "<b>rich</b>"),
        (Image(), "<img>"),
        ("<p>text</p>", "<p>text</p>"),
    ],
)
def test_a_page(catalog: Catalog, value: Any, page: str) -> None:
    artifact = catalog.save("report", value)
    assert Path("out/report.html").read_text() == page
    assert artifact.file.relpath == "report.html"


def test_a_table_is_a_page(catalog: Catalog) -> None:
    catalog.save("report", pd.DataFrame({"amount": [12.25]}))
    assert "<td>12.25</td>" in Path("out/report.html").read_text()


def test_what_cannot_show_itself(catalog: Catalog) -> None:
    with pytest.raises(ValueRefusedError, match=r"save\(path\), to_html\(\) or _repr_html_\(\)"):
        catalog.save("report", 5)


def test_a_report_that_fails_to_save_itself(catalog: Catalog) -> None:
    class Broken:
        def save(self, path: str) -> None:
            raise OSError("no fonts")

    with pytest.raises(ValueRefusedError, match="OSError: no fonts") as raised:
        catalog.save("report", Broken())
    assert isinstance(raised.value.__cause__, OSError)


def test_it_is_only_saved(catalog: Catalog) -> None:
    catalog.save("report", "<p>text</p>")
    with pytest.raises(WriteOnlyError, match="report"):
        catalog.load("report")
