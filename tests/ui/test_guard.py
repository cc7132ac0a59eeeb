"""Who gets in: a table of requests, first as values, then through the whole application."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.ui.guard import Decision, Facts, Kind, Policy, decide, headers
from tests.ui.conftest import CHROMIUM, HOST, PORT, TOKEN, client_of, policy, saved, story

GOOD = Facts("GET", Kind.PAGE, [HOST], cookies=[TOKEN])
OPENED = {"mode": "navigate", "dest": "document"}

CASES: list[tuple[dict[str, Any], int]] = [
    # host
    ({}, 200),
    ({"hosts": [f"localhost:{PORT}"]}, 200),
    ({"hosts": [f"LocalHost:{PORT}"]}, 200),
    ({"hosts": [f"[::1]:{PORT}"]}, 200),
    ({"hosts": ["127.0.0.1"]}, 403),
    ({"hosts": [f"127.0.0.1:{PORT + 1}"]}, 403),
    ({"hosts": [f"127.0.0.2:{PORT}"]}, 403),
    ({"hosts": [f"localhost.:{PORT}"]}, 403),
    ({"hosts": [f"evil.example:{PORT}"]}, 403),
    ({"hosts": [f"localhost.evil.example:{PORT}"]}, 403),
    ({"hosts": [f"127.0.0.1.nip.io:{PORT}"]}, 403),
    ({"hosts": [f"user@127.0.0.1:{PORT}"]}, 403),
    ({"hosts": [f"127.0.0.1:{PORT}/x"]}, 403),
    ({"hosts": [f"127.0.0.1:{PORT}#"]}, 403),
    ({"hosts": [f"127.0.0.1:{PORT} "]}, 403),
    ({"hosts": [f"2130706433:{PORT}"]}, 403),
    ({"hosts": [f"0x7f000001:{PORT}"]}, 403),
    ({"hosts": [f"127.1:{PORT}"]}, 403),
    ({"hosts": [f"0.0.0.0:{PORT}"]}, 403),
    ({"hosts": [f"[::]:{PORT}"]}, 403),
    ({"hosts": [f"[::ffff:127.0.0.1]:{PORT}"]}, 403),
    ({"hosts": ["\u0661\u0662\u0667.0.0.1:8123"]}, 403),
    ({"hosts": [""]}, 403),
    ({"hosts": []}, 403),
    ({"hosts": [HOST, HOST]}, 403),
    ({"hosts": [HOST, "evil.example"]}, 403),
    # origin
    ({"origins": [f"http://{HOST}"]}, 200),
    ({"origins": [f"http://localhost:{PORT}"]}, 200),
    ({"origins": [f"https://{HOST}"]}, 200),
    ({"origins": ["http://127.0.0.1:8888"]}, 403),
    ({"origins": ["https://evil.example"]}, 403),
    ({"origins": [f"http://{HOST}.evil.example"]}, 403),
    ({"origins": [f"http://{HOST}@evil.example"]}, 403),
    ({"origins": [f"http://{HOST}/"]}, 403),
    ({"origins": [f"ftp://{HOST}"]}, 403),
    ({"origins": ["null"]}, 403),
    ({"origins": ["file://"]}, 403),
    ({"origins": [""]}, 403),
    ({"origins": ["http://[::1"]}, 403),
    ({"origins": [f"http://{HOST}", "https://evil.example"]}, 403),
    ({"origins": ["null"], "site": "same-origin"}, 200),
    ({"origins": ["null"], "site": "cross-site"}, 403),
    # fetch metadata
    ({"site": "same-origin"}, 200),
    ({"site": "none"}, 200),
    ({"site": "same-site"}, 403),
    ({"site": "cross-site"}, 403),
    ({"site": "Same-Origin"}, 403),
    ({"site": ""}, 403),
    ({"site": "same-origin, cross-site"}, 403),
    ({"site": "cross-site", **OPENED}, 200),
    ({"site": "same-site", **OPENED}, 200),
    ({"site": "cross-site", **OPENED, "kind": Kind.DATA}, 403),
    ({"site": "cross-site", **OPENED, "kind": Kind.BYTES}, 403),
    ({"site": "cross-site", **OPENED, "kind": Kind.FRAME}, 403),
    ({"site": "cross-site", **OPENED, "kind": Kind.STATIC}, 403),
    ({"site": "cross-site", **OPENED, "method": "POST"}, 403),
    ({"site": "cross-site", "mode": "navigate", "dest": "iframe"}, 403),
    ({"site": "cross-site", "mode": "no-cors", "dest": "image"}, 403),
    ({"site": "cross-site", "mode": "cors", "dest": "empty"}, 403),
    ({"site": "cross-site", "mode": "no-cors", "dest": "document"}, 403),
    # token
    ({"cookies": []}, 401),
    ({"cookies": [""]}, 401),
    ({"cookies": [TOKEN[:-1]]}, 401),
    ({"cookies": [TOKEN + "x"]}, 401),
    ({"cookies": [TOKEN.upper()]}, 401),
    ({"cookies": ["\udc80"]}, 401),
    ({"cookies": ["wrong", TOKEN]}, 200),
    ({"cookies": [], "tokens": [TOKEN]}, 200),
    ({"cookies": [], "tokens": [TOKEN, "x"]}, 401),
    ({"cookies": [], "tokens": [""]}, 401),
    ({"cookies": [], "tokens": [TOKEN], "method": "POST"}, 401),
    ({"cookies": [], "tokens": [TOKEN], "hosts": ["evil.example"]}, 403),
    # method
    ({"method": "HEAD"}, 200),
    ({"method": "POST"}, 200),
    *[({"method": method}, 405) for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "")],
]


@pytest.mark.parametrize(("changed", "status"), CASES)
def test_who_gets_in(changed: dict[str, Any], status: int) -> None:
    assert decide(policy(), dataclasses.replace(GOOD, **changed)).status == status


def test_the_table_is_large_enough() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        (["lake.example"], "lake.example", 200),
        (["lake.example"], "lake.example:8443", 200),
        (["Lake.Example"], "lake.EXAMPLE", 200),
        (["lake.example:8443"], "lake.example:8443", 200),
        (["lake.example:8443"], "lake.example", 403),
        (["lake.example:8443"], "lake.example:1", 403),
        (["lake.example"], "evil.lake.example", 403),
        (["lake.example"], "lake.example.evil", 403),
        (["*"], "lake.example", 403),
    ],
)
def test_a_proxy_may_be_named(allowed: list[str], host: str, status: int) -> None:
    rules = policy(hosts=tuple(allowed))
    assert decide(rules, dataclasses.replace(GOOD, hosts=[host])).status == status
    assert decide(rules, dataclasses.replace(GOOD, origins=[f"https://{host}"])).status == status


@pytest.mark.parametrize("changed", [{"hosts": ["lake.example"]}, {"origins": ["https://lake.example"]}])
def test_a_refusal_names_what_allows_it(changed: dict[str, Any]) -> None:
    assert "--allow-host lake.example" in decide(policy(), dataclasses.replace(GOOD, **changed)).says


def test_without_write_nothing_is_posted() -> None:
    found = decide(policy(write=frozenset()), dataclasses.replace(GOOD, method="POST"))
    assert (found.status, "--write tags" in found.says) == (405, True)


def test_a_frame_of_one_page_alone_is_let_in() -> None:
    framed = dataclasses.replace(GOOD, site="same-site", mode="navigate", dest="iframe")
    assert decide(policy(framed_by="http://localhost:8888"), framed).status == 200
    assert decide(policy(), framed).status == 403
    assert (
        "frame-ancestors 'self' http://localhost:8888"
        in headers(policy(framed_by="http://localhost:8888"), Kind.PAGE)["content-security-policy"]
    )


def test_headers_of_a_page() -> None:
    assert headers(policy(), Kind.PAGE) == {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }


def test_what_files_say_runs_nothing() -> None:
    assert headers(policy(), Kind.BYTES)["content-security-policy"] == "sandbox"
    assert headers(policy(), Kind.FRAME)["content-security-policy"].startswith("sandbox; default-src 'none'; ")
    assert "allow-" not in headers(policy(), Kind.FRAME)["content-security-policy"]


def test_the_token_goes_from_the_url_into_a_cookie(local: eio.Handler) -> None:
    client = client_of(local, entered=False)
    refused = client.get("/artifacts")
    assert (refused.status_code, "token" in refused.text) == (401, True)
    let_in = client.get(f"/artifacts?q=who:andy&token={TOKEN}&sort=size")
    assert let_in.status_code == 303
    assert let_in.headers["location"] == "artifacts?q=who%3Aandy&sort=size"
    cookie = let_in.headers["set-cookie"]
    assert cookie == f"elliptio-ui-{PORT}={TOKEN}; HttpOnly; Path=/; SameSite=Strict"
    assert client.get("/artifacts").status_code == 200
    assert "set-cookie" not in client.get("/artifacts?token=wrong").headers
    assert TOKEN not in client.get("/artifacts").text


@pytest.mark.parametrize(
    ("path", "where"), [("/", "./"), ("/artifacts", "artifacts"), ("//evil.example", "evil.example"), ("/a:b", "a%3Ab")]
)
def test_the_way_in_leads_nowhere_else(local: eio.Handler, path: str, where: str) -> None:
    client = client_of(local, entered=False)
    answer = client.request("GET", f"http://{HOST}{path}?token={TOKEN}")
    assert answer.headers["location"] == where


def test_every_answer_has_the_headers(ask: TestClient) -> None:
    for path in ("/", "/artifacts", "/artifacts?q=x:y", "/tags", "/nothing", "/static/style.css", "/static/nothing",
                 "/artifacts.json", "/tags/none"):  # fmt: skip
        found = ask.get(path).headers
        for name, value in headers(policy(), Kind.PAGE).items():
            if not (name == "cache-control" and path == "/static/style.css"):
                assert found[name] == value, (path, name)
    for refused in (ask.put("/"), ask.get("/", headers={"host": "evil.example"}), ask.options("/")):
        assert refused.headers["content-security-policy"].startswith("default-src 'none'")
        assert "access-control-allow-origin" not in refused.headers


def test_a_method_that_a_page_has_not_is_refused_like_all_else(ask: TestClient) -> None:
    for method, path in (("POST", "/artifacts"), ("PUT", "/artifacts"), ("POST", "/static/style.css")):
        answer = ask.request(method, path)
        assert answer.status_code == 405
        assert "GET" in answer.headers["allow"]
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
    assert "not for this page" in ask.post("/artifacts").text


def test_a_line_break_behind_an_address_makes_it_another(ask: TestClient, local: eio.Handler) -> None:
    artifact = saved(local, "a.txt", "a")
    for path in ("/", "/artifacts", "/artifacts.json", f"/artifacts/{artifact.artifact_id}/files/0/raw"):
        assert ask.get(path).status_code == 200
        assert ask.get(f"{path}%0a").status_code == 404


def test_two_servers_have_two_cookies() -> None:
    assert Policy("t", 1).cookie != Policy("t", 2).cookie
    assert decide(policy(), GOOD) == Decision(200)


def test_no_more_than_so_many_at_once(local: eio.Handler) -> None:
    client = client_of(local)
    client.app._open = 64  # type: ignore[attr-defined]
    answer = client.get("/artifacts")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_page_that_takes_too_long_is_given_up(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.ui.app.SECONDS", 0.05)
    go_on = threading.Event()
    monkeypatch.setattr("elliptio.ui.pages.tags.show", lambda *_: go_on.wait(30))
    answer = client_of(local).get("/tags")
    go_on.set()
    assert (answer.status_code, "It took too long" in answer.text) == (503, True)


@pytest.mark.parametrize("end", ["/files/0/raw", "/files/0/frame", "/files/0/image", "/logs/0/raw"])
def test_a_link_of_another_site_leads_to_pages_alone(local: eio.Handler, end: str) -> None:
    artifact = saved(local, "a.html", "<p>x")
    client = client_of(local)
    linked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get(f"/artifacts/{artifact.artifact_id}", headers=linked).status_code == 200
    assert client.get(f"/artifacts/{artifact.artifact_id}{end}", headers=linked).status_code == 403
    assert client.get("/artifacts.json", headers=linked).status_code == 403


@pytest.mark.slow
def test_a_name_that_is_made_to_lead_here_gets_nothing(served: Any, chromium: Any, local: eio.Handler) -> None:
    """A page of another name, which its owner lets lead to this machine, at the very port: DNS rebinding."""
    raw = story(local)["raw"].artifact_id
    names = ("rebound.example", "localhost.rebound.example", "127.0.0.1.nip.example")
    rules = ", ".join(f"MAP {name} 127.0.0.1" for name in names)
    browser = chromium.browser_type.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", f"--host-resolver-rules={rules}"]
    )
    context = browser.new_context()
    page = context.new_page()
    page.goto(served.url)  # so that the browser has the cookie
    assert page.goto(f"{served.place}artifacts").status == 200
    ask = """async ([url, how]) => { try { const a = await fetch(url, {credentials: 'include', method: how});
        return [a.status, await a.text()]; } catch { return [0, '']; } }"""
    for name in names:
        place = f"http://{name}:{served.port}/"
        answer = page.goto(place)
        assert (answer.status, "which is none of its names" in answer.text()) == (403, True)
        assert page.evaluate("location.host") == f"{name}:{served.port}"
        token = f"?token={served.policy.token}"
        for path in (
            "",
            "artifacts.json",
            f"artifacts/{raw}/files/0/raw",
            "static/style.css",
            token,
            f"artifacts{token}",
        ):
            for how in ("GET", "HEAD", "POST"):
                status, text = page.evaluate(ask, [place + path, how])
                assert status in (0, 403), (path, how)
                assert "Adelie" not in text
        assert page.evaluate(ask, [f"{served.place}artifacts.json", "GET"]) == [0, ""]
        assert page.evaluate("document.cookie") == ""
    context.close()
    browser.close()
