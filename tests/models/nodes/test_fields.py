"""Fields of nodes are typed as those of models: what is read is what was written, also from classes of functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

import elliptio as eio
from elliptio.models import DataModel, FieldTypeError, UnfitValueError, sync
from elliptio.models.nodes import node as nodes
from elliptio.models.sync import Node


class Color(Enum):
    RED = "r"


@dataclass
class Point:
    x: float
    y: float | None = None


class Settings(DataModel, version=1):
    layers: list[int]


class Typed(Node):
    day: date = date(2026, 3, 1)
    moment: datetime = datetime(2026, 10, 25, 2, 30, 0, 7, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    lasted: timedelta = timedelta(microseconds=1)
    color: Color = Color.RED
    where: Path = Path("a/b")
    amount: Decimal = Decimal("1.10")
    key: UUID = UUID(int=7)
    kind: Literal["a", "b"] = "a"
    pair: tuple[int, str] = (1, "x")
    some: set[int] = field(default_factory=lambda: {1, 2})
    point: Point = field(default_factory=lambda: Point(1.0))
    either: Point | Settings | None = None
    by_number: dict[int, float] = field(default_factory=lambda: {1: float("inf")})
    anything: Any = None


def own(node: Any) -> dict[str, Any]:
    return {entry.name: getattr(node, entry.name) for entry in nodes.own_fields(type(node))}


def test_what_is_read_is_what_was_written(h: eio.Handler) -> None:
    node = Typed(either=Settings([1, 2]), anything={"a.b": [Decimal(2), Color.RED]})
    sync.write_node(node)
    found = sync.read_node(node)
    assert type(found) is Typed
    assert own(found) == own(node)
    assert found.moment.fold == 1
    for query in (
        {"node.color": {"$exists": True}, "node.point.x": 1},
        {"node.moment": {"$lt": datetime(2026, 10, 25, 2, tzinfo=UTC)}},
        {"node.pair": "x"},
    ):
        assert [row["run_id"] for row in h.runs.search(query).rows()] == [node.node_id]
    found.point = Point(2.0, 3.0)
    sync.write_node(found)
    assert sync.read_node(node).point == Point(2.0, 3.0)  # type: ignore[attr-defined]


def test_a_class_of_a_function(h: eio.Handler) -> None:
    @dataclass
    class Inner:
        n: int

    class Local(Node):
        inner: Inner
        when: datetime | None = None

    node = Local(inner=Inner(3))
    sync.write_node(node)
    assert sync.read_node(node).inner == Inner(3)  # type: ignore[attr-defined]


def test_what_does_not_fit_is_refused(h: eio.Handler) -> None:
    with pytest.raises(UnfitValueError, match="day") as raised:
        sync.write_node(Typed(day="today", kind="c"))  # type: ignore[arg-type]
    assert "kind" in str(raised.value)
    with pytest.raises(UnfitValueError, match="anything"):
        sync.write_node(Typed(anything=pd.DataFrame({"a": [1]})))

    class Wrong(Node):
        call: type[object]

    with pytest.raises(FieldTypeError, match="call"):
        sync.write_node(Wrong(call=int))
    assert list(h.lake.find_runs({})) == []


def test_a_field_that_came_later_has_its_default(h: eio.Handler) -> None:
    def first() -> str:
        class Run(Node):
            size: int

        return sync.write_node(Run(size=1)).node_id

    def second() -> type[Node]:
        class Run(Node):
            size: float
            more: list[int] = field(default_factory=list)

        return Run

    node_id = first()
    cls = second()
    key = (
        next(key for key in nodes._classes if "first.<locals>.Run" in key)
        if any("first.<locals>.Run" in key for key in nodes._classes)
        else "tests.models.nodes.test_fields:test_a_field_that_came_later_has_its_default.<locals>.first.<locals>.Run"
    )
    nodes._classes[key] = cls
    found = sync.read_node(node_id)
    assert type(found) is cls
    assert own(found) == {"size": 1, "more": []}
    found.size = 2.5  # type: ignore[attr-defined]
    sync.write_node(found)
    assert own(sync.read_node(node_id)) == {"size": 2.5, "more": []}
