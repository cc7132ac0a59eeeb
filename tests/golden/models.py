"""Writes the golden lake of data models and nodes: ``python -m tests.golden.models tests/golden/models-v1``.

As `tests.golden.make`, of the layer `elliptio.models`: what its first version stored must open for ever.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePosixPath
from types import ModuleType, SimpleNamespace
from typing import Any, Literal, NamedTuple
from unittest.mock import patch
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

import elliptio as eio
from elliptio.models import DataModel, engine_context, field, identity
from elliptio.models.sync import (
    Node,
    current_node,
    write_node,
    write_node_models,
    write_parent_child_relationships,
)
from tests.golden.make import PLAIN, START, _facts, _fixed

sys.modules.setdefault("penguins", ModuleType("penguins"))
"""Where the classes below say that they are defined."""

KEPT = ("lake.json", "records", "runs")


class Species(Enum):
    __module__ = "penguins"
    ADELIE = "Adelie"
    GENTOO = "Gentoo"


class Range(NamedTuple):
    least: float
    most: float


Range.__module__ = "penguins"


def first() -> type[Any]:
    class Training(DataModel, version=1):
        __module__, __qualname__ = "penguins", "Training"
        rate: float
        begun: str
        note: str
        layers: list[int] = field(default_factory=list)

    return Training


def second() -> type[Any]:
    """A field was renamed, one removed, one added."""

    class Training(DataModel, version=2):
        __module__, __qualname__ = "penguins", "Training"
        learning_rate: float
        begun: str
        layers: list[int] = field(default_factory=list)
        seed: int = 0

    return Training


def third() -> type[Any]:
    """A field was retyped."""

    class Training(DataModel, version=3):
        __module__, __qualname__ = "penguins", "Training"
        learning_rate: float
        begun: date
        layers: list[int] = field(default_factory=list)
        seed: int = 0

    return Training


def others() -> SimpleNamespace:
    """Classes that never changed: of many types, and with big fields."""

    class Inner(DataModel, version=1):
        __module__, __qualname__ = "penguins", "Inner"
        number: int

    class Other(DataModel, version=1):
        __module__, __qualname__ = "penguins", "Other"
        number: int

    class Kinds(DataModel, version=1):
        __module__, __qualname__ = "penguins", "Kinds"
        species: Species
        limits: Range
        state: Literal["new", "old"]
        moment: datetime
        zoned: datetime
        day: date
        clock: time
        span: timedelta
        where: PurePosixPath
        key: UUID
        price: Decimal
        wave: complex
        content: bytes
        losses: list[float]
        large: int
        by_number: dict[int, str]
        dotted: dict[str, int]
        names: set[str]
        pairs: tuple[tuple[int, str], ...]
        small: np.float32
        either: Inner | Other
        inner: list[Inner]
        anything: Any
        nothing: str | None = None

    class Sample(DataModel, version=1):
        __module__, __qualname__ = "penguins", "Sample"
        table: pd.DataFrame
        pixels: np.ndarray[Any, Any]
        parts: dict[str, list[np.ndarray[Any, Any]]]

    class Fold(Node):
        __module__, __qualname__ = "penguins", "Fold"
        number: int
        ended_at: datetime | None = None

    return SimpleNamespace(Inner=Inner, Other=Other, Kinds=Kinds, Sample=Sample, Fold=Fold)


def kinds(of: Any) -> Any:
    """One value of each kind."""
    return of.Kinds(
        species=Species.GENTOO,
        limits=Range(0.5, float("inf")),
        state="old",
        moment=datetime(2026, 11, 3, 9, 12, 44, 505_123, tzinfo=UTC),
        zoned=datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        day=date(2026, 11, 3),
        clock=time(9, 12, 44, 1),
        span=timedelta(days=-1, microseconds=1),
        where=PurePosixPath("data/ü.csv"),
        key=UUID(int=7),
        price=Decimal("1.10"),
        wave=complex(1, -2),
        content=b"\0\xff",
        losses=[0.1, float("nan"), float("-inf"), -0.0],
        large=2**200,
        by_number={1: "one", -2: "two"},
        dotted={"a.b": 1, "$x": 2, "": 3, "\0": 4},
        names={"Zoë", "🐧"},
        pairs=((1, "a"), (2, "b")),
        small=np.float32(0.1),
        either=of.Other(1),
        inner=[of.Inner(1), of.Inner(2)],
        anything={"list": [1, (2.5, None)], "model": of.Inner(3)},
    )


def sample(of: Any) -> Any:
    """A frame and arrays."""
    table = pd.DataFrame({"mass": [3750, 3800], "size": pd.Categorical(["s", "l"], ["s", "m", "l"], ordered=True)})
    return of.Sample(table, np.arange(6, dtype="<f4").reshape(2, 3), {"first": [np.zeros(2), np.ones(1)]})


@contextmanager
def no_classes() -> Iterator[None]:
    """Nothing that was defined before is known in the block, and nothing of the block after it."""
    with patch.object(identity, "_defined", {}):
        yield


class _Clock(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return START + timedelta(hours=1)


PROCESS = {"machine": "0f1e2d3c-4b5a", "namespace": "pid:[4026531836]", "pid": 4242, "began": "123456"}


def write(folder: Path) -> None:
    """Write the lake into a folder."""
    with (
        tempfile.TemporaryDirectory() as name,
        no_classes(),
        _fixed(),
        _facts(PLAIN),
        patch("elliptio.lake.run_records.datetime", _Clock),
        patch("elliptio.system.liveness.this_process", lambda: PROCESS),
        eio.mock_username("andy"),
    ):
        lake = Path(name, "lake")
        with eio.Handler(lake) as h, engine_context(h):
            _fill(h)
        for path in (lake / ".elliptio").iterdir():
            if path.name not in KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in lake.rglob("lock"):
            path.unlink()
        shutil.copytree(lake, folder)


def _fill(h: eio.Handler) -> None:
    for version, given in enumerate(
        [(0.1, "2026-11-01", "with a note", [64]), (0.2, "2026-11-02", [32], 7), (0.3, date(2026, 11, 3), [16], 8)], 1
    ):
        h.save([first, second, third][version - 1]()(*given), f"version {version}", {"project": "penguins"})
    of = others()
    h.save(kinds(of), "kinds")
    h.save(sample(of), "sample")
    with current_node(Node):
        write_node_models("current", {"inner": of.Inner(1)})
        with current_node(of.Fold, number=1) as fold:
            write_node_models("current", {"inner": of.Inner(2), "other": of.Other(2)})
        with current_node(of.Fold, number=2) as moved:
            pass
    fold.ended_at = datetime(2026, 11, 3, 10, tzinfo=UTC)
    write_node(fold)
    write_parent_child_relationships([(fold.node_id, moved.node_id)])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
