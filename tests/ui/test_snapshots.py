"""Snapshots in the browser, and what differs between two of them."""

from __future__ import annotations

import re
from html import unescape

import pytest

import elliptio as eio
from elliptio.pipelines.snapshots.lake import LakeBackend
from elliptio.testing.backends import graph, partition, snapshot
from tests.ui.conftest import client_of
from tests.ui.test_injections import PAYLOADS, check
from tests.ui.test_pipelines import NAMES, Project, project, quoted, text_of

__all__ = ["project"]


def test_a_lake_without_snapshots_says_how_to_begin(local: eio.Handler) -> None:
    client = client_of(local)
    assert "elliptio pipelines run" in client.get("/snapshots").text
    for wrong in ("abcd", "none", "a", "%00", "zzzz", "artifact_1"):
        assert client.get(f"/snapshots/{wrong}").status_code == 404


def test_two_snapshots_and_what_differs(project: Project) -> None:
    session = project.session()
    with session:
        one = project.pipeline(session, NAMES).run().snapshot
        one.tag("prod")
        other = project.pipeline(session, NAMES).run({"by": 3, "password": "another-secret-9"}).snapshot
    client = client_of(project.handler)
    listed = client.get("/snapshots").text
    check(listed, "snapshots")
    assert listed.index(other.id[:12]) < listed.index(one.id[:12])
    assert '<span class="tag">prod</span>' in listed
    page = client.get(f"/snapshots/{one.id[:8]}").text
    check(page, "snapshot")
    assert one.id in page
    assert f'href="?with={other.id}"' in page
    assert page.count('<g class="box') == 7
    for row in one.rows():
        assert f'href="../artifacts/{row["artifact_id"]}"' in page
    compared = client.get(f"/snapshots/{one.id}?with={other.id}").text
    check(compared, "diff")
    text = text_of(compared)
    assert "parameter clean.by 1 3" in text
    assert "output report" in text
    assert "secret" not in compared
    assert "Nothing: they are of the same code" in client.get(f"/snapshots/{one.id}?with={one.id}").text
    assert client.get(f"/snapshots/{one.id}?with=none").status_code == 404


def test_snapshots_of_any_index(h: eio.Handler) -> None:
    one = snapshot(graph())
    with LakeBackend(h).connect() as connection:
        connection.write_snapshot_tag(one, "prod")
    client = client_of(h)
    assert one.id[:12] in client.get("/snapshots").text
    assert one.id in client.get(f"/snapshots/{one.id[:10]}").text


def test_all_snapshots_are_listed_page_by_page(h: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.ui.pages.snapshots.PAGE", 3)
    made = [snapshot(graph(), f"d{number}") for number in range(7)]
    with LakeBackend(h).connect() as connection:
        for one in made:
            connection.write_snapshot_tag(one, "prod", overwrite=True)
    client, url, seen = client_of(h), "/snapshots", list[str]()
    while url:
        text = client.get(url).text
        assert '<span class="mid">7</span>' in text
        seen += re.findall(r'<a class="open" href="./snapshots/([^"]+)"', text)
        older = re.search(r'rel="next" href="([^"]*)"', text)
        url = f"/snapshots{unescape(older[1])}" if older else ""
    assert seen == [one.id for one in reversed(made)]
    assert client.get("/snapshots?after=x").status_code == 400


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_others_wrote_is_text(local: eio.Handler, payload: str) -> None:
    from elliptio.pipelines.crafts.fingerprints import Fingerprint
    from elliptio.pipelines.graphs.graph import Graph, GraphCraft
    from elliptio.pipelines.snapshots.snapshot import Snapshot

    craft = GraphCraft(payload, payload, (("a", payload, False),), (("out", False),), (payload,), True, payload)
    made = [
        Snapshot(Graph(payload, (craft,)), {payload: {payload: value}}, {payload: [partition(payload)]},
                 Fingerprint.from_string(value), entries={})
        for value in (payload, "other")
    ]  # fmt: skip
    with LakeBackend(local, payload).connect() as connection:
        for one in made:
            connection.write_snapshot_tag(one, "".join(each for each in payload if each.isprintable()), overwrite=True)
    client = client_of(local)
    for url in ("/snapshots", f"/snapshots/{made[0].id}", f"/snapshots/{made[0].id}?with={made[1].id}",
                f"/snapshots/{made[0].id}?with={quoted(payload)}"):  # fmt: skip
        answer = client.get(url)
        assert answer.status_code in (200, 404), answer.text
        check(answer.text, url)
