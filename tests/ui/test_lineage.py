"""Lineage: as a picture of at most 40 boxes, as a tree, as a table; the way to another, and what is wrong if it is."""

from __future__ import annotations

import re
from html import unescape

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.lineage.drawing import overview
from elliptio.ui.pages import lineage as page
from tests.ui.conftest import client_of, saved, story


def boxes(text: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'<text class="t"[^>]*>([^<]*)', text)]


def legend(text: str) -> list[str]:
    (found,) = re.findall(r'<div class="foot legend">(.*?)</div>', text)
    return re.findall(r"</i>([^<]+)", found)


def test_a_lineage_is_drawn_with_runs_above(h: eio.Handler) -> None:
    made = story(h)
    text = client_of(h).get(f"/lineage/{made['raw'].artifact_id}").text
    assert boxes(text) == ["raw.csv", "model.json"]
    assert legend(text) == ["asked for", "artifact, its run above"]
    assert re.search(r'<text class="cap "[^>]*>train · ', text)
    assert "2 boxes, none left out" in text
    assert re.search(r"<b>1</b><span>artifact was made of it", text)
    assert re.search(r"<b>1 tag</b>.*prod", text)
    assert re.search(r"<b>1 person</b><span>brenda", text)


def test_directions_depths_and_forms(local: eio.Handler) -> None:
    made = story(local)
    saved(local, "report.md", "x", based_on=made["model"])
    client = client_of(local)
    url = f"/lineage/{made['model'].artifact_id}"
    assert boxes(client.get(f"{url}?dir=up").text) == ["raw.csv", "model.json"]
    assert "is wrong" not in client.get(f"{url}?dir=up").text
    assert boxes(client.get(f"{url}?dir=down").text) == ["model.json", "report.md"]
    assert boxes(client.get(f"/lineage/{made['raw'].artifact_id}?depth=1").text) == ["raw.csv", "model.json"]
    assert "┌─ " in client.get(f"{url}?as=tree").text
    assert len(re.findall('<tr data-id="artifact', client.get(f"{url}?as=table").text)) == 3


@pytest.mark.parametrize("query", ["dir=left", "depth=0", "depth=x", "depth=-1", "depth=\u0663", "as=cube"])
def test_what_is_no_lineage_is_said(local: eio.Handler, ask: TestClient, query: str) -> None:
    artifact = saved(local, "a.txt", "x")
    assert ask.get(f"/lineage/{artifact.artifact_id}?{query}").status_code == 400
    assert ask.get("/lineage/artifact_none").status_code == 404


def test_the_way_to_another_is_marked(local: eio.Handler) -> None:
    made = story(local)
    saved(local, "other.md", "x", based_on=made["raw"])
    text = client_of(local).get(f"/lineage/{made['raw'].artifact_id}?to={made['model'].artifact_id}").text
    assert "way to model.json" in text
    assert "2 on the way" in text
    assert len(re.findall(r'class="box [^"]*\boff"', text)) == 1
    assert len(re.findall(r'class="box [^"]*\bway"', text)) == 2
    text = client_of(local).get(f"/lineage/{made['raw'].artifact_id}?to=artifact_none").text
    assert "an artifact that is not in this lineage" in text


def test_an_edge_that_is_implied_is_counted(local: eio.Handler) -> None:
    raw = saved(local, "raw.csv", "x")
    model = saved(local, "model.pt", "x", based_on=raw)
    saved(local, "report.md", "x", based_on=[raw.artifact_id, model.artifact_id])
    text = client_of(local).get(f"/lineage/{raw.artifact_id}").text
    assert "1 edge that a longer way implies is hidden" in text


def test_who_reads_it_now_is_a_link(local: eio.Handler) -> None:
    raw = saved(local, "raw.csv", "x")
    with local.run("train") as run:
        run.get(raw.artifact_id)
        recording = run._scope.run
        assert recording is not None
        recording.flush()
        recording._beat()
        text = client_of(local).get(f"/lineage/{raw.artifact_id}").text
    assert f'reads it now: <a class="l" href="../runs/{run.run_id}">train</a>' in text


def test_very_many_are_folded_and_open_in_place(local: eio.Handler) -> None:
    raw = saved(local, "raw.csv", "x")
    made = local.save_many([({"n": number}, f"{number}.json") for number in range(60)], based_on=raw)
    client = client_of(local)
    url = f"/lineage/{raw.artifact_id}"
    text = client.get(url).text
    assert len(boxes(text)) <= 40
    assert legend(text) == ["asked for", "artifact, its run above", "folded"]
    (fold,) = [one for one in boxes(text) if "more like it" in one]
    assert int(fold.split()[0]) + len(boxes(text)) - 1 == len(made) + 1
    (link,) = re.findall(r'href="(\?open=[^"]*)"', text)
    opened = client.get(url + unescape(link)).text
    assert len(boxes(text)) < len(boxes(opened)) <= 40


def test_a_lineage_that_was_folded_is_not_folded_again(h: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = saved(h, "raw.csv", "x")
    h.save_many([({"n": number}, f"{number}.json") for number in range(60)], based_on=raw)
    client, url, foldings = client_of(h), f"/lineage/{raw.artifact_id}", []
    fold = overview._overview
    monkeypatch.setattr(overview, "_overview", lambda *given: foldings.append(1) or fold(*given))
    text = client.get(url).text
    assert client.get(url).text == text
    assert len(foldings) == 1
    (link,) = re.findall(r'href="(\?open=[^"]*)"', text)
    opened = client.get(url + unescape(link)).text
    assert len(foldings) == 2
    saved(h, "report.md", "x", based_on=raw)
    assert "report.md" in client.get(url + unescape(link)).text  # another lineage, of which nothing is known
    assert "report.md" not in opened


def test_the_list_below_a_picture_has_what_is_drawn(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = saved(local, "raw.csv", "x")
    local.save_many([({"n": number}, f"{number}.json") for number in range(60)], based_on=raw)
    last = saved(local, "last.md", "x", based_on=saved(local, "report.md", "x", based_on=raw))
    text = client_of(local).get(f"/lineage/{raw.artifact_id}").text
    drawn = re.findall(r'class="node[^"]*" href="[^"]*" data-id="(artifact_[^"]*)"', text)
    assert last.artifact_id in drawn
    assert sorted(re.findall(r'<tr data-id="([^"]*)"', text)) == sorted(drawn)
    assert sorted(re.findall(r'way-to" data-id="([^"]*)"', text)) == sorted(set(drawn) - {raw.artifact_id}), "key w"
    assert f'{63 - len(drawn)} more are folded or farther away: <a class="l" href="?as=table">a table</a>' in text
    table = client_of(local).get(f"/lineage/{raw.artifact_id}?as=table").text
    assert table.count('<tr data-id="artifact') == 63
    monkeypatch.setattr(page, "MOST_ROWS", 10)
    assert "53 more farther away are not listed" in client_of(local).get(f"/lineage/{raw.artifact_id}?as=table").text


def test_a_run_that_failed_is_a_box_of_its_own(local: eio.Handler) -> None:
    raw = saved(local, "raw.csv", "x")
    with pytest.raises(MemoryError), local.run("train") as run:
        run.get(raw.artifact_id).file.download_string()
        raise MemoryError("none left")
    text = client_of(local).get(f"/lineage/{raw.artifact_id}").text
    assert boxes(text) == ["raw.csv", "train"]
    assert "failed · MemoryError" in text


def test_what_is_too_far_away_is_counted(local: eio.Handler, ask: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [saved(local, "0.txt", "x")]
    for number in range(1, 9):
        made.append(saved(local, f"{number}.txt", "x", based_on=made[-1]))
    url = f"/lineage/{made[0].artifact_id}"
    monkeypatch.setattr(page, "MOST_NODES", 3)
    assert "5 more farther away are left out" in ask.get(url).text
    assert re.search(r"<b>8</b><span>artifacts were made of it", ask.get(url).text)
    monkeypatch.undo()
    monkeypatch.setattr(page, "MOST_GENERATIONS", 4)
    assert "5 artifacts, as far as 4 generations reach" in ask.get(url).text
