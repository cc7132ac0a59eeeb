"""How a frame of artifacts or runs shows itself where it is wider than a terminal, and in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import elliptio as eio
from elliptio.finding.table import Table
from tests.artifacts.untrusted import Untrusted


@pytest.fixture(params=[80, 120])
def width(request: pytest.FixtureRequest) -> Iterator[int]:
    """A terminal of so many columns: pandas shows what fits."""
    with pd.option_context("display.width", request.param, "display.max_columns", 0):
        yield request.param


@pytest.fixture
def found(local: eio.Handler, data: Path) -> pd.DataFrame:
    with eio.mock_username("andy"):
        for number in range(3):
            local.upload(data, {"number": number})
    return local.find()


def test_the_first_columns_are_shown_that_fit(found: pd.DataFrame, width: int) -> None:
    lines = repr(found).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].split()[:3] == ["creation_time", "username", "file_relpaths"]
    for line, artifact_id in zip(lines[2:5], found.index, strict=True):
        shown, _, _, username, *files = line.split()
        assert artifact_id.startswith(shown)
        assert len(shown) > 20
        assert username == "andy"
        assert files[:2] == ["train.txt,", "test.txt"] or files[:2] == ["test.txt,", "train.txt"]
    below = " ".join(lines[6:])
    assert below.startswith("[3 rows x ")
    assert "identifiers are shortened" in below
    assert all(name in lines[0].split() or name in below for name in found.columns)


def test_a_lineage_as_a_table_is_shown_so_too(local: eio.Handler, found: pd.DataFrame, width: int) -> None:
    lines = repr(local.lineage(found.index[0]).to_frame()).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].split()[:3] == ["generation", "state", "creation_time"]


def test_a_shortened_identifier_finds_its_artifact(local: eio.Handler, found: pd.DataFrame, width: int) -> None:
    line = repr(found).splitlines()[2]
    assert local.show(line.split()[0]).artifact_id == found.index[0]


def test_identifiers_that_would_be_alike_stay_whole(width: int) -> None:
    ids = [f"artifact_01a2005f-92a0-7001-aa55-4cbf6191277{number}" for number in range(2)]
    table = Table({f"column_{number}": ["x" * 30] * 2 for number in range(9)}, pd.Index(ids, name="artifact_id"))
    shown = repr(table)
    assert all(identifier in shown for identifier in ids)
    assert "shortened" not in shown
    assert "[2 rows x 9 columns; not shown: column_" in " ".join(shown.split())


def test_what_fits_is_shown_as_pandas_does(found: pd.DataFrame, width: int) -> None:
    narrow = found[["username"]]
    assert repr(narrow) == repr(pd.DataFrame(narrow))
    assert found.index[0] in repr(narrow)


def test_many_rows_are_not_all_shown(width: int) -> None:
    many = Table({f"column_{number}": ["x" * 30] * 1000 for number in range(9)})
    assert repr(many).count("\n") < 20
    assert "1,000 rows" in repr(many)


def test_times_that_are_missing_and_what_steers_a_terminal(width: int) -> None:
    values = {"time": pd.Series([pd.NaT], dtype="datetime64[ms, UTC]"), "text": ["\x1b[2J" + "x" * 200]}
    shown = repr(Table({**values, **{f"column_{number}": ["x" * 60] for number in range(3)}}))
    assert "\x1b" not in shown
    assert "NaT" not in shown
    assert max(map(len, shown.splitlines())) <= width


def test_a_row_is_a_line_in_a_notebook_also_where_it_is_not_trusted(found: pd.DataFrame) -> None:
    left = Untrusted(found._repr_html_())
    assert left.html.count("<td ") == left.html.count('<td style="white-space:nowrap">') == found.size
    assert left.html.count('<th style="white-space:nowrap">') >= len(found) + len(found.columns)
    assert found.index[0] in left.seen
    with pd.option_context("display.notebook_repr_html", False):
        assert found._repr_html_() is None
