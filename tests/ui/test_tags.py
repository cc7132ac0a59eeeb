"""Tags: what they name, their histories, and moving them by a form that knows what it saw."""

from __future__ import annotations

import re
import threading
from html import unescape

import pytest

import elliptio as eio
from tests.ui.conftest import client_of, policy, saved, story


def form(to: str = "", *, seen: str = "", what: str = "move", token: str | None = None) -> dict[str, str]:
    found = policy().form_token if token is None else token
    return {"form_token": found, "seen": seen, "what": what, "to": to}


def test_a_tag_and_its_history(h: eio.Handler) -> None:
    made = story(h)
    h.tag(made["raw"], "prod", overwrite=True)
    h.tags.remove("prod")
    client = client_of(h)
    assert "There are no tags" in client.get("/tags").text
    text = client.get("/tags/prod").text
    assert "names nothing now" in text
    assert len(re.findall("<li[ >]", text)) == 3
    model, raw = (f"…{made[name].artifact_id[-8:]}" for name in ("model", "raw"))
    said = re.sub(r"\s+", " ", re.sub("<[^>]*>", "", text))
    assert f"took it away from raw.csv {raw}" in said
    assert f"moved it from model.json {model} to raw.csv {raw} · what differs" in said
    assert f"gave it to model.json {model}" in said
    (link,) = re.findall(r'href="\.\./(compare[^"]*)"', text)
    assert client.get(f"/{unescape(link)}").status_code == 200
    assert client.get("/tags/none").status_code == 404
    assert client.get("/t/prod").status_code == 404


def test_short_ways(local: eio.Handler) -> None:
    made = story(local)
    client = client_of(local)
    identifier = made["model"].artifact_id
    assert client.get("/t/prod").headers["location"] == f"../artifacts/{identifier}"
    assert client.get(f"/a/{identifier}").headers["location"] == f"../artifacts/{identifier}"
    assert client.get(f"/a/{identifier.removeprefix('artifact_')}").headers["location"] == f"../artifacts/{identifier}"
    assert client.get("/a/artifact_").status_code == 404


def test_a_tag_is_moved_if_it_is_as_it_was_seen(h: eio.Handler) -> None:
    made = story(h)
    raw, model = made["raw"].artifact_id, made["model"].artifact_id
    client = client_of(h)
    late = client.post("/tags/prod", data=form(raw, seen=raw))
    assert (late.status_code, "moved meanwhile" in late.text) == (409, True)
    assert client.post("/tags/prod", data=form(raw, seen=model)).headers["location"] == "prod"
    assert h.show("tag:prod").artifact_id == raw
    assert client.post("/tags/prod", data=form(seen=model, what="remove")).status_code == 409
    assert client.post("/tags/prod", data=form(seen=raw, what="remove")).status_code == 303
    assert client.post("/tags/prod", data=form(raw, seen=raw)).status_code == 409
    assert client.post("/tags/prod", data=form(raw, seen="")).status_code == 303
    assert h.search({"tags": "prod"}, columns=[]).ids == [raw]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (form("x", token=""), 403),
        (form("x", token="0" * 64), 403),
        ({}, 403),
        (form("", seen="x"), 400),
        (form("artifact_none", seen="x"), 404),
        (form("x", what="delete"), 400),
    ],
)
def test_a_form_that_is_none_of_ours_does_nothing(local: eio.Handler, data: dict[str, str], status: int) -> None:
    made = story(local)
    assert client_of(local).post("/tags/prod", data=data).status_code == status
    assert local.show("tag:prod") == made["model"]


def test_nothing_is_written_unless_that_was_said(local: eio.Handler) -> None:
    made = story(local)
    client = client_of(local, write=frozenset())
    assert "<form method" not in client.get("/tags/prod").text
    assert client.post("/tags/prod", data=form(made["raw"].artifact_id)).status_code == 405
    assert local.show("tag:prod") == made["model"]


def test_a_form_comes_as_a_form(local: eio.Handler) -> None:
    made = story(local)
    client = client_of(local)
    body = "&".join(
        f"{key}={value}" for key, value in form(made["raw"].artifact_id, seen=made["model"].artifact_id).items()
    )
    assert client.post("/tags/prod", content=body, headers={"content-type": "text/plain"}).status_code == 403
    assert client.post("/tags/prod", content=b"x" * 100_000).status_code == 403
    assert local.show("tag:prod") == made["model"]


def test_of_many_who_move_a_tag_at_once_one_does(local: eio.Handler) -> None:
    made = story(local)
    seen = made["model"].artifact_id
    others = [saved(local, f"{number}.txt", str(number)).artifact_id for number in range(8)]
    found: list[int] = []

    def move(to: str) -> None:
        found.append(client_of(local).post("/tags/prod", data=form(to, seen=seen)).status_code)

    threads = [threading.Thread(target=move, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [303] + [409] * 7


def test_a_name_of_any_letters(local: eio.Handler) -> None:
    name = "größe 50% #1?&=<b>"
    local.tag(story(local)["raw"], name)
    client = client_of(local)
    where = re.findall(r'<a class="tag open" href="([^"]*)"', client.get("/tags").text)
    assert any(client.get(f"/{one.removeprefix('./')}").status_code == 200 and "%23" in one for one in where)
