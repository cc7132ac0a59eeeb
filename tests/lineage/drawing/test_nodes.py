"""What is said of an artifact in a lineage."""

from __future__ import annotations

from typing import Any

import pytest

from elliptio.lineage.drawing.nodes import Node, cut, details, subtitle, title
from tests.lineage.drawing.family import node


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({"file_relpaths": ["a/b/train.csv"]}, "train.csv"),
        ({"file_relpaths": ["train.csv", "test.csv"]}, "train.csv, test.csv"),
        ({"file_relpaths": ["train.csv", "test.csv", "model.pkl"]}, "train.csv and 2 more"),
        ({"file_relpaths": ["a_name_that_is_quite_long_.parquet"]}, "a_name_that_is_qui…arquet"),
        ({"file_relpaths": ["a_name_that_is_long.csv"] + ["b"] * 1234}, "a_name_th… and 1,234 more"),
        ({"file_relpaths": [], "file_count": 20_000}, "20,000 files"),
        ({"file_relpaths": ["a\x1b[2J\nb"]}, "a�[2J b"),
    ],
)
def test_title(facts: dict[str, Any], shown: str) -> None:
    assert title(node("x", **facts), 25) == shown
    assert len(shown) <= 25


def test_where_there_is_little_room_the_name_comes_before_how_many_more() -> None:
    assert title(node("x", file_relpaths=["train.csv", "test.csv"]), 13) == "train.csv +1"


def test_who_and_when() -> None:
    assert subtitle(node("x"), 40) == "andy  2026-11-03 09:12"
    deleted = Node("x", 0, "deleted", {**node("x").document, "username": "somebody with a name"})
    assert subtitle(deleted, 34) == "somebo…  2026-11-03 09:12  deleted"
    assert (title(Node("gone", 0, "unknown"), 40), subtitle(Node("gone", 0, "unknown"), 40)) == ("gone", "unknown")


def test_wide_letters_take_two_columns() -> None:
    assert cut("データセット", 12) == "データセット"
    assert cut("データセット", 11) == "データセッ…"
    assert cut("データセット", 10) == "データセ…"


def test_many_files_are_not_all_named() -> None:
    lines = details(node("x", file_relpaths=[f"{number}.png" for number in range(50)]))
    assert lines[:2] == ["x", "0.png"]
    assert "… and 30 more files" in lines
    assert len(lines) == 23
