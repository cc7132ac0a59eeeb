"""The catalog in the browser: entries, their versions, and partitions with what is missing."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

import elliptio as eio
from elliptio.pipelines import Catalog, Entry
from elliptio.pipelines.catalog.keys import Keys
from elliptio.ui.pages.partitions import shown
from tests.ui.conftest import client_of
from tests.ui.test_injections import PAYLOADS, check
from tests.ui.test_pipelines import Project, project, quoted, text_of

__all__ = ["project"]

READ = [
    {"name": "rates", "type": "json"},
    {"name": "daily", "type": "json", "extra": {"path": "memory://a/!{day}.json"}},
    {"name": "visits", "type": "csv", "extra": {"path": "memory://a/!{month}-!{shop}.csv"}},
]


def catalog(h: eio.Handler) -> Catalog:
    return Catalog([Entry.read(one) for one in READ], handler=h)


def test_a_lake_without_entries_says_how_to_begin(local: eio.Handler) -> None:
    client = client_of(local)
    assert "catalog.save" in client.get("/catalog").text
    assert client.get("/catalog/rates").status_code == 404


def test_entries_and_their_versions(h: eio.Handler) -> None:
    with eio.mock_username("andy"):
        catalog(h).save("rates", {"a": 1})
    with eio.mock_username("brenda"):
        version = catalog(h).save("rates", {"a": 2})
        catalog(h).save("daily", 1, day="2026-01-31")
    client = client_of(h)
    listed = text_of(client.get("/catalog").text)
    assert "2 entries" in listed
    assert re.search(r"rates json default 2 rates\.json saved", listed)
    page = client.get("/catalog/rates").text
    check(page, "entry")
    assert page.count(">current<") == 1
    assert page.count(">earlier<") == 1
    assert f'<tr data-id="{version.artifact_id}">' in page
    assert "Partitions" not in page


def test_an_earlier_version_is_current_again_after_a_build_went_back(project: Project) -> None:
    project.run("steps.clean", {"by": 1})
    project.run("steps.clean", {"by": 2})
    first = project.run("steps.clean", {"by": 1}).rows[0].artifact_ids["clean"]
    page = client_of(project.handler).get("/catalog/clean").text
    row = re.search(rf'<tr data-id="{first}">.*?</tr>', page)
    assert row is not None
    assert ">current<" in row[0]
    assert "made by <code>steps.clean</code>" in page


def test_days_are_a_calendar_with_those_that_are_missing(local: eio.Handler) -> None:
    made = catalog(local)
    for day in ("2025-12-30", "2026-01-01", "2026-01-02", "2026-01-06"):
        made.save("daily", 1, day=day)
    client = client_of(local)
    page = client.get("/catalog/daily").text
    check(page, "calendar")
    text = text_of(page)
    assert "4 here · 4 days missing" in text
    assert "2026-01-03 to 2026-01-05; 2025-12-31" in text
    assert page.count('class="day here"') == 3
    assert page.count('class="day missing"') == 3
    assert client.get("/catalog/daily?year=2025").text.count('class="day here"') == 1
    assert client.get("/catalog/daily?year=x").text.count('class="day here"') == 3


def test_a_calendar_has_no_empty_months_before_or_after() -> None:
    drawn = shown({Keys({"day": str(date(2026, 9, 28) + timedelta(at))}): "x" for at in range(60)})
    assert drawn is not None
    assert [mark["says"] for mark in drawn["marks"]] == ["Sep", "Oct", "Nov"]
    assert min(cell["x"] for cell in drawn["cells"]) < 150
    assert max(cell["x"] for cell in drawn["cells"]) < drawn["width"] < 360
    long = shown({Keys({"day": day}): "x" for day in ("2024-11-30", "2025-06-01", "2026-01-02")}, "2025")
    assert long is not None
    assert (len(long["marks"]), len(long["cells"])) == (12, 365)
    assert max(cell["x"] for cell in long["cells"]) < long["width"]
    assert [year for year, _ in long["years"]] == ["2024", "2025", "2026"]
    gap = {Keys({"day": f"{year}-03-01"}): "x" for year in (2020, 2023)}
    empty = shown(gap, "2021")
    assert empty is not None
    assert empty["years"] == [("2020", False), ("2021", True), ("2022", False), ("2023", False)]
    assert {cell["state"] for cell in empty["cells"]} == {"missing"}
    ages = shown({Keys({"day": f"{year}-03-01"}): "x" for year in (1500, 2023)})
    assert ages is not None
    assert [year for year, _ in ages["years"]] == ["1500", "2023"]
    one = shown({Keys({"day": "2026-01-01"}): "x"})
    assert one is not None
    assert [mark["says"] for mark in one["marks"]] == ["Jan"]
    assert one["marks"][0]["x"] + 24 < one["width"]


def test_two_keys_are_a_grid(local: eio.Handler) -> None:
    made = catalog(local)
    for month, shop in ((1, "north"), (2, "north"), (2, "south")):
        made.save("visits", pd.DataFrame({"a": [1]}), month=month, shop=shop)
    page = client_of(local).get("/catalog/visits").text
    assert "3 here · 1 combination missing" in text_of(page)
    assert "Missing 1, south" in text_of(page)
    assert page.count('class="day here"') == 3


def test_what_is_missing_of_many() -> None:
    days = {Keys({"day": str(date(2000, 1, 1) + timedelta(2 * at))}): "x" for at in range(5000)}
    drawn = shown(days)
    assert drawn is not None
    assert (drawn["count"], drawn["missing"], len(drawn["named"])) == (5000, 4999, 20)
    assert len(drawn["cells"]) <= 366
    months = shown({Keys({"m": "2025-11"}): "x", Keys({"m": "2026-02"}): "x"})
    assert months is not None
    assert (months["missing"], months["named"]) == (2, ["2025, Dec", "2026, Jan"])
    numbers = shown({Keys({"n": at}): "x" for at in (3, 4, 17)})
    assert numbers is not None
    assert (numbers["missing"], len(numbers["rows"])) == (12, 2)
    far = shown({Keys({"n": at}): "x" for at in (0, 10**12)})
    assert far is not None
    assert far["rows"] == []
    grid = shown({Keys({"a": at, "b": at}): "x" for at in range(100)})
    assert grid is not None
    assert grid["left_out"] == "40 rows and 60 columns"
    assert shown({Keys({"name": "x"}): "x"}) is None
    assert shown({Keys({"day": "2026-02-31"}): "x"}) is None
    assert shown({Keys({"a": 1, "b": 2, "c": 3}): "x"}) is None
    assert shown({}) is None


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_others_wrote_is_text(tmp_path: Path, payload: str) -> None:
    h = eio.Handler(tmp_path / "lake")
    name = payload[:60]
    extra = {"path": "memory://a/!{day}-!{shop}.json"}
    made = Catalog([Entry(name, "json", {}), Entry("two", "json", extra)], handler=h)
    made.save(name, {"a": payload})
    made.save("two", 1, day=1, shop="".join(one for one in payload if one.isalnum() or one in "<>'\"&="))
    client = client_of(h)
    for url in ("/catalog", f"/catalog/{quoted(name)}", "/catalog/two", f"/catalog/two?year={quoted(payload)}"):
        answer = client.get(url)
        assert answer.status_code in (200, 404), answer.text
        check(answer.text, url)
