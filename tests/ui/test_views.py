"""Saved views: a name for a link, in files as those of tags, saved by a form where that is allowed."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest

import elliptio as eio
from elliptio.errors import MetadataError
from elliptio.lake import saved_views
from elliptio.ui.serving import Server
from tests.ui.conftest import client_of, policy, saved
from tests.ui.looking import faults
from tests.ui.test_injections import PAYLOADS, check

WRITES = {"write": frozenset({"views"})}
URL = "artifacts?q=who:andy&sort=-size"


def form(
    name: str = "ours", url: str = URL, *, seen: str = "", what: str = "save", token: str | None = None
) -> dict[str, str]:
    found = policy().form_token if token is None else token
    return {"form_token": found, "name": name, "url": url, "seen": seen, "what": what}


def names(h: eio.Handler) -> dict[str, str | None]:
    return {one.name: one.url for one in saved_views.current(h.lake)[0]}


def put(h: eio.Handler, key: str, content: Any) -> None:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    assert h.store.create(f"{saved_views.VIEWS}/{key}", data)


def change(**more: Any) -> dict[str, Any]:
    return {"url": URL, "time": "2026-01-01T00:00:00+00:00", "username": "eve", "version": 1, **more}


def test_a_view_is_saved_shown_changed_and_taken_away(h: eio.Handler) -> None:
    client = client_of(h, **WRITES)
    with eio.mock_username("andy"):
        assert client.post("/views", data=form()).headers["location"] == "views"
    for page in ("/", "/artifacts", "/views"):
        text = client.get(page).text
        assert 'href="./artifacts?q=who:andy&amp;sort=-size"' in text, page
        assert "ours" in text
        assert "andy" in text
    assert client.post("/views", data=form(url="tags", seen="1")).status_code == 303
    assert names(h) == {"ours": "tags"}
    assert names(eio.Handler(h.store, index=h.lake.index)) == {"ours": "tags"}, "the files are the truth"
    assert client.post("/views", data=form(what="remove", seen="2")).status_code == 303
    assert names(h) == {}
    assert client.post("/views", data=form(url="environments")).status_code == 303, "a name that is free again"
    assert names(h) == {"ours": "environments"}


def test_of_what_changed_meanwhile_nothing_is_overwritten(h: eio.Handler) -> None:
    client = client_of(h, **WRITES)
    assert client.post("/views", data=form()).status_code == 303
    late = client.post("/views", data=form(url="tags"))
    assert (late.status_code, "not the one you saw" in late.text) == (409, True)
    assert client.post("/views", data=form(url="tags", seen="1")).status_code == 303
    assert client.post("/views", data=form(url="runs", seen="1")).status_code == 409
    assert client.post("/views", data=form(what="remove", seen="1")).status_code == 409
    assert names(h) == {"ours": "tags"}


def test_of_many_who_save_a_name_at_once_one_does(local: eio.Handler) -> None:
    found: list[int] = []

    def save(number: int) -> None:
        data = form(url=f"artifacts?q=count:{number}")
        found.append(client_of(local, **WRITES).post("/views", data=data).status_code)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [303] + [409] * 7


@pytest.mark.parametrize(
    "data",
    [form(token=""), form(token="0" * 64), {}, form(""), form("a/b"), form("a:b"), form("x" * 81), form("a\nb"),
     form(what="delete"), form(seen="x"), form(seen="-1"), form(what="remove")],
)  # fmt: skip
def test_a_form_that_is_none_of_ours_does_nothing(local: eio.Handler, data: dict[str, str]) -> None:
    status = 400 if data.get("form_token") == policy().form_token else 403
    assert client_of(local, **WRITES).post("/views", data=data).status_code == status
    assert names(local) == {}


LINKS = [
    "javascript:alert(1)", "//evil.example", "http://evil.example", "/artifacts", "../x", "artifacts/../../x",
    "artifacts/%2e%2e/x", "artifacts/%2E./x", "data:text/html,x", "artifacts?q=<b>", 'artifacts?q="', "artifacts#x",
    "?q=x", "artifacts?token=abc", "artifacts?q=x&token=abc", "artifacts?q=a b", "artifacts?q=\n", "",
    "artifacts\\x", "a" * 2001, "artifacts//evil.example",
    "JavaScript:x", " javascript:x", "artifacts?q=é", *PAYLOADS,
]  # fmt: skip


@pytest.mark.parametrize("url", LINKS)
def test_a_view_leads_to_a_page_of_ours_and_nowhere_else(local: eio.Handler, url: str) -> None:
    with pytest.raises(MetadataError):
        saved_views.check_url(url)
    assert client_of(local, **WRITES).post("/views", data=form(url=url)).status_code in (303, 400)
    assert names(local) == (
        {"ours": url.strip()} if url != url.strip() and url.strip() in names(local).values() else {}
    )


def test_links_that_there_are() -> None:
    for url in (
        "artifacts",
        URL,
        "compare?id=artifact_1&id=run_2",
        "tags/a%20b",
        "lineage/artifact_1?to=x",
        "artifacts?q=%7B%22a%22:1%7D",
    ):
        assert saved_views.check_url(url) == url


def test_nothing_is_written_unless_that_was_said(local: eio.Handler) -> None:
    for rules, status in ((frozenset(), 405), (frozenset({"tags"}), 403)):
        client = client_of(local, write=rules)
        assert client.post("/views", data=form()).status_code == status
        assert "<form method" not in client.get("/views").text
        assert "Save view" not in client.get("/artifacts").text
    assert names(local) == {}
    artifact = saved(local, "a.txt", "x")
    tag = {"form_token": policy().form_token, "seen": "", "what": "move", "to": artifact.artifact_id}
    assert client_of(local, **WRITES).post("/tags/prod", data=tag).status_code == 403


def test_hostile_files_are_named_and_passed_over(h: eio.Handler) -> None:
    assert client_of(h, **WRITES).post("/views", data=form()).status_code == 303
    wrong = {
        "script/00000001.json": change(url="javascript:alert(1)"),
        "away/00000001.json": change(url="//evil.example"),
        "number/00000001.json": change(url=7),
        "nobody/00000001.json": change(username=["x"]),
        "never/00000001.json": change(time="2026-01-01"),
        "newer/00000001.json": change(version=99),
        "text/00000001.json": b"hello",
        "list/00000001.json": [1],
        "long/00000001.json": b" " * 100_000,
        "far/99999999.json": change(),
        "zero/00000000.json": change(),
        "Upper/00000001.json": change(),
        "x.json": change(),
        "more/deep/00000001.json": change(),
    }
    for key, content in wrong.items():
        put(h, key, content)
    found, problems = saved_views.current(h.lake)
    assert [one.name for one in found] == ["ours"]
    for key in wrong:
        assert any(key in problem for problem in problems), (key, problems)
    assert len(problems) == len(wrong)
    client = client_of(h)
    for page in ("/", "/artifacts", "/views"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "14 files are no" in answer.text
        assert not re.search('href="[^"]*(evil|javascript)', answer.text)
        check(answer.text, page)


def test_a_damaged_view_is_saved_anew(local: eio.Handler) -> None:
    put(local, "ours/00000001.json", b"hello")
    assert client_of(local, **WRITES).post("/views", data=form()).status_code == 303
    assert names(local) == {"ours": URL}


def test_a_list_offers_what_it_shows(local: eio.Handler) -> None:
    client = client_of(local, **WRITES)
    text = client.get("/artifacts?q=who:andy+file:*.csv&sort=-size&after=9~artifact_1&cols=files,size").text
    (url,) = re.findall(r'name="url" value="([^"]*)"', text)
    assert url == "artifacts?q=who:andy%20file:*.csv&amp;sort=-size&amp;cols=files%2Csize"
    assert client.post("/views", data=form(url=url.replace("&amp;", "&"))).status_code == 303
    assert 'aria-current="true"' in client.get(f"/{url.replace('&amp;', '&')}").text
    assert "Save view" not in client.get("/artifacts?q=" + "x" * 3000).text


def test_no_more_are_shown_than_fit(local: eio.Handler) -> None:
    for number in range(14):
        assert saved_views.save(local.lake, f"view {number:02}", URL, username="andy", seen=0)
    client = client_of(local)
    assert "2 more" in client.get("/artifacts").text
    assert "view 13" in client.get("/views").text


def test_what_others_wrote_is_text(local: eio.Handler) -> None:
    client = client_of(local, **WRITES)
    for number, payload in enumerate(PAYLOADS):
        name = f"{number} " + "".join(one for one in payload if one not in "/:" and one.isprintable()).strip()[:66]
        plain = "".join(one for one in payload if one.isprintable() and one not in "/\\")[:60]
        with eio.mock_username(plain):
            assert client.post("/views", data=form(name)).status_code == 303
        put(local, f"{len(names(local))}/00000001.json", change(url=payload, username=payload))
    for page in ("/", "/artifacts", "/views"):
        check(client.get(page).text, page)


@pytest.mark.slow
def test_the_pages_please_everybody(served: Any, chromium: Any, local: eio.Handler) -> None:
    for number in range(3):
        assert saved_views.save(local.lake, f"view {number}", URL, username="andy", seen=0)
    put(local, "x.json", b"")
    server = Server(local, write=["tags", "views"])
    server.start()
    try:
        assert faults(chromium, server, ["", "artifacts", "views"]) == []
        context = chromium.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(server.url)
        page.goto(f"{server.place}artifacts?q=who:brenda")
        page.fill("nav.saved input[name=name]", "hers")
        page.click("text=Save view")
        page.click("table.rows >> text=hers")
        assert page.url == f"{server.place}artifacts?q=who:brenda"
        page.goto(f"{server.place}views")
        page.click("[aria-label='Take hers away']")
        assert names(local).keys() == {"view 0", "view 1", "view 2"}
        context.close()
    finally:
        server.stop()
