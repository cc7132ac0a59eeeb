"""``/runs``: found by a query, as a tree with bars, a hundred at a time, and as files."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.ui.pages import run_rows
from elliptio.ui.shortcuts import ShortcutError, read_run_bar
from tests.ui.conftest import client_of
from tests.ui.test_injections import PAYLOADS, check, quoted

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def sweep(h: eio.Handler, depths: tuple[int, ...] = (2, 4, 8)) -> list[str]:
    """A run with runs in it, of which the last one fails."""
    found = []
    with eio.mock_username("brenda"), h.run("sweep") as outer:
        found.append(outer.run_id)
        for depth in depths:
            try:
                with outer.run("train", {"depth": depth, "seed": 7}) as run:
                    found.append(run.run_id)
                    run.log(loss=1 / depth)
                    if depth == depths[-1]:
                        raise ValueError("not a number")
            except ValueError:
                pass
    return found


def ids(text: str) -> list[str]:
    """Identifiers of the rows of a page."""
    return re.findall(r'<tr data-id="([^"]+)"', text)


def test_the_tree_has_bars_states_and_what_differs(local: eio.Handler, ask: TestClient) -> None:
    outer, first, _, last = sweep(local)
    text = ask.get("/runs").text
    assert ids(text)[:2] == [outer, first]
    assert ids(text)[-1] == last
    assert text.count('class="span"') == 4
    assert 'class="grow d1"' in text
    assert "failed" in text
    assert "ValueError" in text
    assert re.search(r'<span class="dim">depth</span> 2', text)
    assert "seed" not in text  # they do not differ in it
    assert re.search(r'<span class="dim">loss</span> 0.25', text)


def test_both_indexes_show_the_same(h: eio.Handler) -> None:
    found = sweep(h)
    client = client_of(h)
    assert ids(client.get("/runs").text) == found
    assert ids(client.get("/runs?q=status:failed").text) == [found[3]]
    assert ids(client.get("/runs?q=depth:<4").text) == [found[1]]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("name:train", {"name": "train"}),
        ("run:tr*", {"name": {"$regex": "^tr.*$"}}),
        ("state:failed user:andy", {"status": "failed", "username": "andy"}),
        ("-who:andy", {"username": {"$ne": "andy"}}),
        ("param.depth:=4", {"params.depth": 4}),
        ("metric.loss:<0.5", {"metrics.loss": {"$lt": 0.5}}),
        ("loss:<0.5", {"$or": [{"metrics.loss": {"$lt": 0.5}}, {"params.loss": {"$lt": 0.5}}]}),
        ("run.loss:<0.5", {"$or": [{"metrics.loss": {"$lt": 0.5}}, {"params.loss": {"$lt": 0.5}}]}),
        ("run.params.depth:=4", {"params.depth": 4}),
        ("since:1d", {"creation_time": {"$gte": NOW - timedelta(days=1)}}),
        ("project:penguins", {"labels.project": "penguins"}),
        ('{"status": "failed"}', {"status": "failed"}),
        ("", {}),
    ],
)
def test_the_bar_means_a_query(text: str, query: dict[str, Any]) -> None:
    bar = read_run_bar(text, now=NOW)
    found = json.loads(json.dumps(bar.query, default=str))
    expected = json.loads(json.dumps(query, default=str))
    if "$regex" in str(expected):
        assert bar.query["name"]["$regex"].startswith("^tr")
    else:
        assert found == expected
    assert read_run_bar(bar.text, now=NOW) == bar


@pytest.mark.parametrize(
    ("text", "wrong", "instead"),
    [
        ("stats:failed", "stats:failed", "status"),
        ("status:faild", "status:faild", "status:failed"),
        ("name:", "name:", "name:"),
        ("loss:<x", "loss:<x", "number"),
        ("since:never", "since:never", "30d"),
        ('{"nme": 1}', '"nme"', "name"),
        ('{"status": {"$foo": 1}}', '"$foo"', "docs/queries.md"),
        ('{"status" "failed"}', '"', "status"),
        ("metric.a..b:1", "metric.a..b:1", "docs/queries.md"),
        ('"open', '"open', '"'),
    ],
)
def test_what_cannot_be_read_is_pointed_at(ask: TestClient, text: str, wrong: str, instead: str) -> None:
    with pytest.raises(ShortcutError) as error:
        read_run_bar(text, now=NOW)
    assert text[error.value.start : error.value.end] == wrong
    assert instead in error.value.instead
    answer = ask.get("/runs", params={"q": text})
    assert answer.status_code == 400
    assert "<mark>" in answer.text


def test_pages_are_turned(local: eio.Handler, ask: TestClient) -> None:
    made = []
    for number in range(103):
        with local.run("many", {"number": number}) as run:
            made.append(run.run_id)
    for query in ("", "?q=name:many", "?as=list"):
        text = ask.get(f"/runs{query}").text
        first = ids(text)
        older = re.search(r'rel="next" href="([^"]+)"', text)
        assert older is not None
        second = ids(ask.get("/runs" + older[1].replace("&amp;", "&")).text)
        assert len(first) == 100
        assert [*first, *second] == made[::-1]


def test_a_large_run_says_what_is_left_out(local: eio.Handler, ask: TestClient) -> None:
    sweep(local, tuple(range(1, 21)))
    text = ask.get("/runs").text
    assert len(ids(text)) == 13
    assert "8 more in it" in text


def test_the_same_answer_as_files(local: eio.Handler, ask: TestClient) -> None:
    found = sweep(local)
    rows = ask.get("/runs.json?q=name:train").json()
    assert {row["run_id"] for row in rows} == set(found[1:])
    assert rows[0]["params"] == {"depth": 8, "seed": 7}
    table = list(csv.DictReader(io.StringIO(ask.get("/runs.csv?q=depth:2").text)))
    assert [(row["run_id"], row["params.depth"], row["metrics.loss"]) for row in table] == [(found[1], "2", "0.5")]
    text = ask.get("/runs?q=depth:2").text
    assert "h.runs(" in text
    assert "elliptio runs " in text


def test_where_a_page_ended_is_checked(ask: TestClient) -> None:
    for after in ("x", "2026-01-01~x", "~", "2026-01-01T00:00:00"):
        assert ask.get("/runs", params={"after": after}).status_code == 400


def test_there_are_none(ask: TestClient) -> None:
    assert "There are no runs yet" in ask.get("/runs").text
    assert "No run matches" in ask.get("/runs?q=name:x").text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_asked_for_is_text(ask: TestClient, payload: str) -> None:
    for url in ("/runs?q={}", "/runs?after={}", "/runs?as={}", "/runs?q=name:{}", "/runs?q=%7B{}"):
        answer = ask.get(url.format(quoted(payload)))
        assert answer.status_code < 500, (url, answer.text)
        check(answer.text, url)


def test_bars_lie_in_their_window() -> None:
    runs = [
        {"run_id": "a", "creation_time": NOW, "end_time": NOW + timedelta(seconds=10), "status": "finished"},
        {"run_id": "b", "creation_time": NOW + timedelta(seconds=5), "end_time": None, "status": "running"},
        {"run_id": "c", "creation_time": "damaged", "status": "finished"},
        {"run_id": "d", "creation_time": NOW, "end_time": None, "status": "recorded"},
    ]
    now = NOW + timedelta(seconds=20)
    shown = run_rows.window(runs, now)
    assert shown == (NOW, now)
    assert [run_rows.bar(run, shown, now) for run in runs] == [
        {"x": 0.0, "width": 500.0},
        {"x": 250.0, "width": 750.0},
        None,
        {"x": 0.0, "width": 6.0},
    ]


def test_a_circle_of_runs_ends() -> None:
    runs = [{"run_id": "a", "parent": "b"}, {"run_id": "b", "parent": "a"}]
    assert [(run["run_id"], depth) for run, depth, _ in run_rows.nested(runs, ["a"], 10)] == [("a", 0), ("b", 1)]


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(None, ""), (0.02, "20 ms"), (2.5, "2.5 s"), (42, "42 s"), (272, "4:32"), (3750, "1:02:30"), (1e6, "11 days")],
)
def test_durations(seconds: float | None, says: str) -> None:
    assert run_rows.lasting(seconds) == says
