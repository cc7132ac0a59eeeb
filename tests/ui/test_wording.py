"""What pages say needs no explanation: no word of Python, numbers with their units, empty columns left out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.naming import several
from elliptio.ui.pages.run_rows import took
from tests.ui.conftest import client_of, saved, story
from tests.ui.test_pipelines import text_of


def test_things_are_counted_in_words() -> None:
    assert [several(number, "secret") for number in (0, 1, 2000)] == ["0 secrets", "1 secret", "2,000 secrets"]


def test_what_took_a_moment_took_some_milliseconds() -> None:
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    assert took({"creation_time": begin, "end_time": begin + timedelta(milliseconds=38)}) == "38 ms"
    assert took({"creation_time": begin, "end_time": begin + timedelta(seconds=272)}) == "4:32"
    assert took({"creation_time": begin, "status": "running"}) == ""


def test_what_is_not_recorded_has_no_line(local: eio.Handler, ask: TestClient) -> None:
    artifact = saved(local, "a.txt", "a")
    (document,) = local.index.find("artifacts", {"_id": artifact.artifact_id})
    git = {"commit": "a" * 40, "branch": "main", "remote": None, "dirty": False}
    local.index.replace("artifacts", {**document, "git": git})
    text = text_of(ask.get(f"/artifacts/{artifact.artifact_id}?part=code").text)
    assert "Branch main" in text
    assert "None" not in text
    assert "Remote" not in text
    packages = ask.get(f"/artifacts/{artifact.artifact_id}?part=packages").text
    has_origins = bool(artifact.metadata.environment.get("package_origins"))
    assert ("<th>From</th>" in packages) == has_origins


def test_the_days_of_the_overview_have_names_and_a_number(local: eio.Handler, ask: TestClient) -> None:
    story(local)
    text = ask.get("/").text
    part = text[text.index('id="days"') : text.index('id="newest"')]
    assert "at most 2" in part
    today = datetime.now(tz=UTC)
    assert re.findall(r"<span>(\d+ \w+)</span>", part)[-1] == f"{today.day} {today:%b}"
    assert len(re.findall(r"<span>(\d+ \w+)</span>", part)) == 4


def test_the_overview_says_how_much_was_made_lately(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(local, "a.txt", "x" * 1500)
    saved(local, "b.txt", "x" * 500)
    assert "in the last 7 days, 2 kB" in text_of(client_of(local).get("/").text)
    monkeypatch.setattr("elliptio.ui.facets.SAMPLE", 1)
    assert "in the last 7 days, more than 500 B" in text_of(client_of(local).get("/").text)


def test_a_query_that_cannot_be_read_finds_no_number(ask: TestClient) -> None:
    text = ask.get("/artifacts?q=prject:x").text
    assert '<div class="cols alone">' in text
    assert '<span class="mid">0' not in text
