"""The list: what is found, narrowed down, counted, sorted and turned page by page; and the same as files."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.indexes.sqlite.index import SqliteIndex
from elliptio.ui import facets
from elliptio.ui.asked import Asked
from elliptio.ui.pages import artifacts
from elliptio.ui.view import View
from tests.performance.counting import CountingIndex
from tests.ui.conftest import client_of, policy, saved, story

ROW = re.compile(r'<tr data-id="(artifact_[^"]+)"')


def rows(client: TestClient, url: str) -> list[str]:
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    return ROW.findall(answer.text)


def link(text: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]*)"', text)
    assert found, text
    return unescape(found[1])


def test_the_newest_come_first(local: eio.Handler, ask: TestClient) -> None:
    ids = [saved(local, f"{number}.txt", str(number)).artifact_id for number in range(3)]
    assert rows(ask, "/artifacts") == ids[::-1]
    assert rows(ask, "/artifacts?sort=when") == ids


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ["raw", "model"]),
        ("project:penguins", ["raw", "model"]),
        ("who:andy", ["raw"]),
        ("-who:andy", ["model"]),
        ("tag:prod", ["model"]),
        ("file:*.csv", ["raw"]),
        ("run.accuracy:>0.5", ["model"]),
        ('{"labels.datatype": "model"}', ["model"]),
        ("state:linked", []),
    ],
)
def test_a_query_finds(h: eio.Handler, q: str, found: list[str]) -> None:
    made = story(h)
    assert set(rows(client_of(h), f"/artifacts?q={q}")) == {made[name].artifact_id for name in found}


def test_a_wrong_query_is_pointed_at(ask: TestClient) -> None:
    answer = ask.get("/artifacts?q=who:andy+prject:x")
    assert answer.status_code == 400
    assert "<code>who:andy <mark>prject:x</mark></code>" in answer.text
    assert "project:x" in answer.text


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["", "&sort=when", "&sort=-size", "&sort=size", "&sort=who", "&sort=-count"])
def test_pages_are_turned_without_losing_or_repeating(local: eio.Handler, ask: TestClient, sort: str) -> None:
    local.save_many([({"n": number % 7}, f"{number}.json") for number in range(230)])
    seen: list[str] = []
    url = f"/artifacts?q=file:*.json{sort}"
    sizes = []
    for _ in range(3):
        text = ask.get(url).text
        found = ROW.findall(text)
        sizes.append(len(found))
        seen += found
        if 'rel="next"' in text:
            url = "/artifacts" + link(text, "next")
    assert sizes == [100, 100, 30]
    assert len(set(seen)) == len(seen) == 230
    path = {"": "-creation_time", "&sort=when": "creation_time", "&sort=-size": "-total_size", "&sort=size": "total_size",  # noqa: E501
            "&sort=who": "username", "&sort=-count": "-file_count"}[sort]  # fmt: skip
    assert seen == local.search(sort=path, max_docs=0, columns=[]).ids


@pytest.mark.parametrize(
    "url",
    [
        "?sort=labels.",
        "?sort=notes",
        "?sort=labels.x&after=-1",
        "?sort=labels.x&after=5001",
        "?after=x",
        "?after=x~x&sort=size",
        "?after=2026-01-01~a",
        "?cols=" + "a," * 13,
    ],
)
def test_what_makes_no_page_is_said(ask: TestClient, url: str) -> None:
    assert ask.get(f"/artifacts{url}").status_code == 400


@pytest.mark.parametrize("direction", ["", "-"])
def test_a_label_sorts_whatever_its_values_are(h: eio.Handler, monkeypatch: pytest.MonkeyPatch, direction: str) -> None:
    monkeypatch.setattr(artifacts, "PAGE", 3)
    for number, stage in enumerate(["b", None, 3, "a", 2.5, True, "a", ["x", "y"]]):
        saved(h, f"{number}.txt", str(number), {} if stage is None else {"stage": stage})
    client, url, seen = client_of(h), f"/artifacts?cols=files,labels.stage&sort={direction}labels.stage", list[str]()
    mark = "descending" if direction else "ascending"
    while url:
        text = client.get(url).text
        assert f'aria-sort="{mark}"><a href="' in text
        seen += ROW.findall(text)
        url = "/artifacts" + link(text, "next") if 'rel="next"' in text else ""
    assert len(seen) == 8
    assert seen == h.search(sort=f"{direction}labels.stage", max_docs=0, columns=[]).ids
    assert [row["artifact_id"] for row in client.get(f"/artifacts.json?sort={direction}labels.stage").json()] == seen


def test_it_says_that_the_newest_tell_which_values_there_are(
    local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "SAMPLE", 3)
    monkeypatch.setattr(artifacts, "PAGE", 2)
    for number in range(4):
        saved(local, f"{number}.txt", str(number), {"project": f"p{number}"})
    text = re.sub(r"<[^>]*>", "", client_of(local).get("/artifacts").text)
    assert "Project seen in the newest 3" in text
    assert "Kind of file of the newest 3" in text


def test_columns_are_in_the_url(local: eio.Handler) -> None:
    made = story(local)
    text = client_of(local).get("/artifacts?cols=files,labels.datatype,run.params.depth,size").text
    assert re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]*)', text) == [
        "Files",
        "labels.datatype",
        "run.params.depth",
        "Size",
    ]
    row = text[text.index(made["model"].artifact_id) :]
    assert re.findall(r'<td class="mid">([^<]*)</td>', row)[:2] == ["model", "4"]


def facet(text: str, title: str) -> dict[str, int]:
    part = text[text.index(f"<h2>{title}") :].partition("</section>")[0]
    found = re.findall(r'<a href="[^"]*"[^>]*>(.*?)</a>', part, re.DOTALL)
    plain = [re.sub(r"<b class=.*?</b>|<[^>]*>", " ", one).split() for one in found]
    return {words[0]: int(words[-1].replace(",", "")) for words in plain}


def test_facets_count(h: eio.Handler) -> None:
    story(h)
    client = client_of(h)
    text = client.get("/artifacts").text
    assert facet(text, "Project") == {"penguins": 2}
    assert facet(text, "Who") == {"brenda": 1, "andy": 1}
    assert facet(text, "Kind of file") == {"csv": 1, "json": 1}
    assert facet(text, "State") == {"tagged": 1}


def test_each_facet_leads_to_so_many(local: eio.Handler) -> None:
    story(local)
    saved(local, "odd.CSV", "x", {"project": 'it\'s "odd" <b>'})
    client = client_of(local)
    text = client.get("/artifacts").text
    aside = text[text.index("<aside") : text.index("</aside>")]
    links = re.findall(r'<a href="([^"]*)">.*?<span>([\d,]+)</span></a>', aside, re.DOTALL)
    assert len(links) >= 7
    for where, count in links:
        assert len(rows(client, "/artifacts" + unescape(where))) == int(count), where


def test_a_facet_that_is_on_is_taken_off(local: eio.Handler) -> None:
    story(local)
    client = client_of(local)
    text = client.get("/artifacts?q=who:andy+since:30d").text
    (where,) = re.findall(r'<a href="([^"]*)" class="on"', text)
    assert "andy" not in where
    assert "since" in where


def test_the_histogram_counts_what_was_made_when(local: eio.Handler) -> None:
    story(local)
    client = client_of(local)
    text = client.get("/artifacts?q=project:penguins").text
    bars = re.findall(r'<a href="([^"]*)" aria-label="[^"]*: (\d+)"', text)
    assert sum(int(count) for _, count in bars) == 2
    assert len(rows(client, "/artifacts" + unescape(bars[0][0]))) == int(bars[0][1])


def test_a_page_that_shows_all_asks_for_it_once(tmp_path: Path) -> None:
    """What an answer can be narrowed by, how many there are and when they were made is seen in its rows."""
    index = CountingIndex(SqliteIndex(tmp_path / "index.sqlite"))
    story(eio.Handler(tmp_path / "lake", index=index, progress=False))
    client = client_of(eio.Handler(tmp_path / "lake", index=index, progress=False))
    client.get("/artifacts")
    index.asked.clear()
    text = client.get("/artifacts?q=size:>1&cols=files,who").text
    assert facet(text, "Who") == {"brenda": 1, "andy": 1}
    assert index.asked == {"find artifacts": 1, "count artifacts": 1}  # which is of the whole lake


@pytest.fixture
def of_many(h: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A view of so many artifacts that not all of them are looked at for a page."""
    for what in (facets.SAMPLE, facets.MOST_OF_ONE, facets.MOST_OF_SEVERAL):
        assert what >= artifacts.PAGE
    for module, name in ((artifacts, "PAGE"), (facets, "SAMPLE"), (facets, "MOST_OF_ONE"), (facets, "MOST_OF_SEVERAL")):
        monkeypatch.setattr(module, name, 3)
    with eio.mock_username("andy"):
        for number in range(7):
            saved(h, f"{number}.csv", "x", {"project": "seals" if number == 6 else "penguins"})
    return client_of(h)


def test_bars_of_many_are_in_a_frame_that_nobody_waits_for(of_many: TestClient) -> None:
    text = of_many.get("/artifacts?cols=files,who").text
    assert 'class="histogram"' not in text
    (frame,) = re.findall(r'<iframe class="times" src="([^"]*)" title="When they were made">', text)
    bars = of_many.get(f"/{unescape(frame)}").text
    found = re.findall(r'<a href="([^"]*)" target="_parent" aria-label="[^"]*: (\d+)"', bars)
    assert sum(int(count) for _, count in found) == 7
    there = of_many.get("/" + unescape(found[0][0])).text
    assert '<th scope="col">Who</th>' in re.sub(r"<a [^>]*>|</a>", "", there).replace(' aria-sort="none"', "")
    (again,) = re.findall(r'<iframe class="times" src="([^"]*)"', there)
    assert sum(map(int, re.findall(r': (\d+)" tabindex', of_many.get(f"/{unescape(again)}").text))) == 7


def test_what_many_have_is_counted_no_further_than_that(of_many: TestClient) -> None:
    text = of_many.get("/artifacts").text
    assert re.findall(r"<span>([^<]*)</span></a>", text[: text.index("<h2>Who")]) == ["3+", "1"]
    both = of_many.get("/artifacts?q=project:penguins+since:30d").text
    assert '<span class="mid">more than 3 of 7</span>' in both
    one = of_many.get("/artifacts?q=project:penguins").text
    assert '<span class="mid">6 of 7</span>' in one
    assert "Who <small>of the newest 3</small>" in one


def test_of_what_no_index_serves_the_newest_are_looked_at_once(
    of_many: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = of_many.get("/artifacts?q=file:*.csv").text
    assert '<span class="mid">more than 3 of 7</span>' in text
    assert "<iframe" not in text
    recent = of_many.get("/artifacts?q=file:*.csv+since:30d").text
    (frame,) = re.findall(r'<iframe class="times" src="([^"]*)"', recent)
    assert "Of all times more than 3 match" in of_many.get(f"/{unescape(frame)}").text
    monkeypatch.setattr(facets, "SAMPLE", 7)
    assert "more than 7 match" not in of_many.get("/times?q=file:*.csv+since:30d").text
    assert "Nothing was made." in of_many.get("/times?q=project:whales").text
    assert of_many.get("/times?q=prject:x").status_code == 400


def test_the_same_as_files(local: eio.Handler) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    made = story(local)
    client = client_of(local)
    (row,) = json.loads(client.get("/artifacts.json?q=tag:prod").content)
    assert row["artifact_id"] == made["model"].artifact_id
    assert row["labels"]["datatype"] == "model"
    answer = client.get("/artifacts.csv?q=tag:prod&cols=who,labels.datatype")
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["artifact_id", "username", "labels.datatype"],
        [row["artifact_id"], "brenda", "model"],
    ]
    table = pq.read_table(io.BytesIO(client.get("/artifacts.parquet?q=tag:prod").content))
    assert table.column("artifact_id").to_pylist() == [row["artifact_id"]]
    assert client.get("/artifacts.json?q=prject:x").status_code == 400


def test_the_same_is_said_as_python_command_and_url(local: eio.Handler) -> None:
    made = story(local)
    text = client_of(local).get("/artifacts?q=who:andy").text
    (python, command) = map(unescape, re.findall(r'data-copy="([^"]*)"', text)[:2])
    assert list(eval(python, {"h": local}).index) == [made["raw"].artifact_id]
    assert command.startswith("elliptio find ")
    assert "artifacts?q=who:andy" in text


def test_what_was_deleted_is_shown_where_that_is_asked(local: eio.Handler) -> None:
    artifact = saved(local, "old.txt", "x")
    local.delete(artifact)
    client = client_of(local)
    assert rows(client, "/artifacts") == []
    assert rows(client, "/artifacts?deleted=1") == [artifact.artifact_id]
    gone = client.get(f"/artifacts/{artifact.artifact_id}")
    assert (gone.status_code, "was deleted by" in gone.text) == (410, True)
    assert client.get(f"/lineage/{artifact.artifact_id}").status_code == 200


def test_an_empty_lake_is_no_error(ask: TestClient) -> None:
    for path in ("/", "/artifacts", "/tags", "/artifacts.json", "/artifacts.csv"):
        assert ask.get(path).status_code == 200, path


def test_why_nothing_is_there_is_told(tmp_path: Path) -> None:
    assert "There is no lake at" in client_of(eio.Handler(tmp_path / "lake")).get("/artifacts").text


@pytest.mark.slow
def test_looking_leaves_no_trace(h: eio.Handler) -> None:
    made = story(h)
    before = [(one["artifact_id"], one["based_on"]) for one in h.search(columns=["based_on"], max_docs=0).rows()]
    runs = [(one["run_id"], one["used"]) for one in h.runs.search(columns=["used"], max_docs=0).rows()]
    client = client_of(h)
    with h.run("meanwhile") as run:
        for one in made.values():
            for path in (f"/artifacts/{one.artifact_id}", f"/artifacts/{one.artifact_id}/files/0",
                         f"/artifacts/{one.artifact_id}/files/0/raw", f"/lineage/{one.artifact_id}",
                         f"/artifacts/{one.artifact_id}?part=document", "/artifacts.json", "/t/prod"):  # fmt: skip
                assert client.get(path).status_code in (200, 303), path
        after = saved(run, "after.txt", "x")
    assert after.metadata.based_on == []
    assert h.based_on == []
    assert before == [(one["artifact_id"], one["based_on"]) for one in h.search({"_id": {"$ne": after.artifact_id}}, columns=["based_on"], max_docs=0).rows()]  # fmt: skip  # noqa: E501
    now = h.runs.search(columns=["used", "name"], max_docs=0).rows()
    assert runs == [(one["run_id"], one["used"]) for one in now if one["name"] != "meanwhile"]
    assert [one["used"] for one in now if one["name"] == "meanwhile"] in ([[]], [None])


def test_what_was_counted_among_many_is_kept_for_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which values there are, and how many have each; what is counted among few, is counted for every page."""
    monkeypatch.setattr(facets, "SAMPLE", 5)
    monkeypatch.setattr(artifacts, "PAGE", 2)
    index, now = CountingIndex(SqliteIndex(tmp_path / "index.sqlite")), [0.0]
    h = eio.Handler(tmp_path / "lake", index=index, progress=False)
    view = View(h, policy(), kept=facets.Kept(lambda: now[0]))

    def look() -> tuple[str, Counter[str]]:
        index.asked.clear()
        body = artifacts.show(view, Asked("/artifacts")).body
        assert isinstance(body, bytes)
        return body.decode(), index.asked.copy()

    for number in range(4):
        saved(h, f"{number}.csv", "x", {"project": "penguins"})
    look()
    page, of_few = look()
    assert "<span>4</span>" in page
    for number in range(4, 9):
        saved(h, f"{number}.csv", "x", {"project": "penguins"})
    page, first = look()
    assert "<span>9</span>" in page
    saved(h, "9.csv", "x", {"project": "penguins"})
    page, again = look()
    assert "<span>9</span>" in page
    assert '<span class="mid">10</span>' in page
    assert again["find artifacts"] == first["find artifacts"] - 1 == of_few["find artifacts"] - 1
    assert (of_few["count artifacts"], first["count artifacts"], again["count artifacts"]) == (0, 3, 1)
    now[0] += facets.LASTS
    assert "<span>10</span>" in look()[0]


@pytest.mark.parametrize("path", ["artifacts.json", "artifacts.csv", "artifacts.parquet", "runs.json", "runs.csv"])
def test_a_program_is_told_plainly_what_is_wrong(ask: TestClient, path: str) -> None:
    answer = ask.get(f'/{path}?q={{"username": {{"$near": 1}}}}')
    assert answer.status_code == 400
    if path.endswith(".json"):
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert "$near" in answer.json()["error"]
    else:
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert "$near" in answer.text
    assert "<" not in answer.text
    assert ask.get("/artifacts?q=prject:x").headers["content-type"] == "text/html; charset=utf-8"
