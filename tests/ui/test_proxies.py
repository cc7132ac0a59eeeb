"""Behind two kinds of proxies: every link of a crawl answers, under a prefix that is stripped and one that is not."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

import elliptio as eio
from elliptio.ui.serving import Server
from tests.ui.conftest import story

pytestmark = pytest.mark.slow

PREFIX = "/user/andy/proxy"


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on to a port, with or without the prefix, by a name of its own."""

    strips = True
    port = 0

    def do_GET(self) -> None:
        if not self.path.startswith(f"{PREFIX}/"):
            self.send_error(404)
            return
        path = self.path[len(PREFIX) :] if self.strips else self.path
        inner = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        inner.request("GET", path, headers={"Host": "hub.example", "Cookie": self.headers.get("Cookie", "")})
        answer = inner.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "date", "server", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        inner.close()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(params=["stripping", "whole"])
def behind(request: pytest.FixtureRequest, local: eio.Handler) -> Iterator[tuple[str, Server]]:
    """The address of a view behind a proxy."""
    strips = request.param == "stripping"
    server = Server(local, base="" if strips else PREFIX, hosts=["hub.example"])
    server.start()
    kind = type("Kind", (Proxy,), {"strips": strips, "port": server.port})
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{proxy.server_port}{PREFIX}/", server
    proxy.shutdown()
    proxy.server_close()
    server.stop()


def asked(url: str, cookie: str = "") -> tuple[int, dict[str, str], str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers={"Cookie": cookie})
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def test_every_link_of_a_crawl_answers(behind: tuple[str, Server], local: eio.Handler) -> None:
    story(local)
    start, server = behind
    status, headers, _ = asked(f"{start}artifacts?token={server.policy.token}")
    assert status == 303
    assert urljoin(f"{start}artifacts", headers["location"]) == f"{start}artifacts"
    cookie = headers["set-cookie"].partition(";")[0]
    seen, waiting = {start}, [start]
    while waiting and len(seen) < 400:
        url = waiting.pop()
        status, headers, text = asked(url, cookie)
        if status == 303:
            found = [headers["location"]]
        else:
            assert status == 200, (url, text)
            found = re.findall(r'(?:href|src|action)="([^"]*)"', text) if "text/html" in headers["content-type"] else []
        for one in found:
            where = urljoin(url, unescape(one)).partition("#")[0]
            assert where.startswith(start), (url, one)
            if where not in seen and "part=" not in where and "/frame" not in where:
                seen.add(where)
                waiting.append(where)
    assert len(seen) > 30


def test_what_is_asked_by_another_name_is_refused_and_told(local: eio.Handler) -> None:
    server = Server(local)
    server.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/", headers={"Host": "hub.example"})
    answer = connection.getresponse()
    assert answer.status == 403
    assert b"--allow-host hub.example" in answer.read()
    connection.close()
    server.stop()


def test_below_the_base_alone(local: eio.Handler) -> None:
    server = Server(local, base="lake")
    server.start()
    cookie = f"{server.policy.cookie}={server.policy.token}"
    place = f"http://127.0.0.1:{server.port}"
    assert asked(f"{place}/", cookie)[0] == 404
    status, headers, _ = asked(f"{place}/lake", cookie)
    assert (status, urljoin(f"{place}/lake", headers["location"])) == (303, f"{place}/lake/")
    assert asked(f"{place}/lake/", cookie)[0] == 200
    assert asked(f"{place}/lakes/", cookie)[0] == 404
    assert server.url.startswith(f"{place}/lake/?token=")
    server.stop()
