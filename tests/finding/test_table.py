"""How a DataFrame of artifacts or runs shows itself; its values stay what they are."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import elliptio as eio
from elliptio.finding.frame import to_frame
from elliptio.finding.search import Found
from elliptio.finding.table_text import MOST_IN_PAGE, cell
from tests.artifacts.untrusted import Untrusted

ARGV = "/home/andy/venvs/penguins/bin/python /home/andy/penguins/src/train.py --rate 0.001 --epochs 300"
START = datetime(2026, 11, 3, 9, 12, 44, 505_000, UTC)


def found(count: int, **more: Any) -> pd.DataFrame:
    """Artifacts with long names and commands, some of them tagged."""
    ids = [f"artifact_0195e4f2-{place:04x}-7000-8000-000000000000" for place in range(count)]
    names = [f"images/deeply/nested/image_{number:05d}.png" for number in range(40)]
    columns: dict[str, list[Any]] = {
        "creation_time": [START + timedelta(minutes=place) for place in range(count)],
        "username": ["andy"] * count,
        "file_relpaths": [names if place % 2 else ["raw.csv"] for place in range(count)],
        "argv": [ARGV] * count,
        "based_on": [[] for _ in range(count)],
        "hostname": ["vm"] * count,
        "labels": [{"project": "penguins", "ticket": "", "infos": {}} for _ in range(count)],
        "notebook": [None] * count,
        "tags": [["prod"] if place == 3 else [] for place in range(count)],
        "total_size": [10**place for place in range(count)],
    }
    return to_frame(Found(ids, columns | more, count))


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("COLUMNS", "80")
    return monkeypatch


def test_eighty_columns_show_what_people_look_for() -> None:
    frame = found(18)
    lines = repr(frame).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) == 1 + 18 + 1 + 2
    assert lines[0].split() == ["artifact_id", "creation_time", "username", "file_relpaths", "tags"]
    assert re.split("  +", lines[4]) == [
        "artifact_0195e4f2-0003…", "2026-11-03 09:15", "andy", "…/image_00000.png +39", "prod",
    ]  # fmt: skip
    assert lines[-2:] == [
        "[18 rows x 10 columns; not shown: argv, based_on, hostname, labels, notebook,",
        " total_size]",
    ]
    assert frame.argv.iloc[0] == ARGV
    assert len(frame.file_relpaths.iloc[1]) == 40


def test_a_wide_terminal_shows_more(width: pytest.MonkeyPatch) -> None:
    width.setenv("COLUMNS", "160")
    lines = repr(found(18)).splitlines()
    assert max(map(len, lines)) <= 160
    assert lines[1].startswith("artifact_0195e4f2-0000-7000-8000-000000000000  2026-11-03 09:12  andy")
    assert "project=penguins" in lines[1]
    assert "python train.py" in lines[1] or "argv" in lines[-1]
    width.setenv("COLUMNS", "1000")
    assert repr(found(18)) == repr(pd.DataFrame(found(18)))


def test_of_many_rows_the_middle_is_left_out() -> None:
    lines = repr(found(100, total_size=[1] * 100)).splitlines()
    assert (len(lines), lines[6]) == (1 + 11 + 1 + 2, "…")
    assert lines[7].startswith("artifact_0195e4f2-005f…")
    assert "100 rows x 10 columns" in lines[-2]


@pytest.mark.parametrize("option", [("display.max_columns", None), ("display.large_repr", "info")])
def test_who_asks_pandas_for_another_way_gets_it(option: tuple[str, Any]) -> None:
    with pd.option_context(*option):
        assert repr(found(3)).splitlines()[1:] == repr(pd.DataFrame(found(3))).splitlines()[1:]


def test_what_fits_and_what_is_empty_is_as_ever() -> None:
    frame = found(3)[["username"]]
    assert repr(frame) == repr(pd.DataFrame(frame))
    assert repr(found(0)) == repr(pd.DataFrame(found(0)))
    assert found(0)._repr_html_().replace(' style="white-space:nowrap"', "") == pd.DataFrame(found(0))._repr_html_()


def test_a_page_leaves_out_what_holds_nothing_and_says_so() -> None:
    page = unescape(re.sub("<[^>]*>", "\n", found(100, total_size=[1] * 100)._repr_html_()))
    texts = [line.strip() for line in page.splitlines() if line.strip()]
    assert "100 rows x 10 columns; not shown: based_on, notebook" in texts
    assert texts.count("…") == 9
    for text in ("2026-11-03 09:12:44", "project=penguins", "[images/deeply/nested/image_00000.png +39]", "[prod]"):
        assert text in texts
    assert len([text for text in texts if text.startswith("artifact_0195")]) == 10


def test_what_others_wrote_steers_nothing() -> None:
    frame = found(3, labels=[{"\x1b[2J": "\u202e<script>"}] * 3, argv=["\x1b"] * 3)[["argv", "labels"]]
    for shown in (repr(found(3, argv=["\x1b"] * 3)), frame._repr_html_()):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "<script>" not in shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (pd.NaT, ""), (pd.NA, ""), (float("nan"), ""), ([], ""), ({}, ""), ({"a": [], "b": 0}, "b=0"),
        (3, "3"), (True, "True"), (0.1 + 0.2, "0.3"), (pd.Timedelta("1.5s"), "1.5 s"), (timedelta(hours=2), "2:00:00"),
        (["a.csv", "b.csv"], "a.csv, b.csv"), (["a" * 30, "b"], f"{'a' * 20}… +1"), ("x" * 30, f"{'x' * 23}…"),
        (np.arange(2), "[0 1]"), (datetime(2026, 1, 1, 2, tzinfo=UTC), "2026-01-01 02:00"),
    ],
)  # fmt: skip
def test_cells(value: Any, text: str) -> None:
    assert cell("x", value, 24) == text


def test_a_command_is_shown_without_its_folders() -> None:
    assert cell("argv", ARGV, MOST_IN_PAGE) == "python train.py --rate 0.001 --epochs 300"
    assert cell("argv", "train.py /data/a", MOST_IN_PAGE) == "train.py a"
    assert cell("argv", "", MOST_IN_PAGE) == ""


def test_frames_that_users_made_of_it_show_themselves(local: eio.Handler, data: Path) -> None:
    local.upload(data)
    frame = local.find()
    for made in (frame.T, frame.reset_index(), frame.assign(x=1)[["x"]], frame.groupby("username").agg(["size"])):
        assert repr(made)
        assert made._repr_html_()
    assert shutil.get_terminal_size().columns == 80
    assert max(map(len, repr(frame).splitlines())) <= 80


def test_a_row_is_a_line_in_a_notebook_also_where_it_is_not_trusted() -> None:
    left = Untrusted(found(3)._repr_html_())
    assert left.html.count("<td ") == left.html.count('<td style="white-space:nowrap">') > 3
    assert left.html.count("<th ") == left.html.count('<th style="white-space:nowrap">') > 3
    assert "style" not in left.lost


def test_a_lineage_as_a_table_is_shown_so_too(local: eio.Handler, data: Path) -> None:
    lines = repr(local.lineage(local.upload(data)).to_frame()).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[0] == "artifact_id"
