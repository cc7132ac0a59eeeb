"""Behind two kinds of proxies, as Jupyter has them: every link of a crawl answers; and two views in one browser."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

import elliptio as eio
from elliptio.ui.jupyter import launcher
from elliptio.ui.serving import Server
from tests.ui.conftest import saved, story

pytestmark = pytest.mark.slow

HUB = "/user/andy"
MOST = 2
"""So many links are followed to a page with the same parameters: of all combinations there is no end."""


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on to a port, with or without the prefix, by a name of its own."""

    strips = True
    port = 0
    prefix = ""

    def do_GET(self) -> None:
        if not self.path.startswith(f"{self.prefix}/"):
            self.send_error(404)
            return
        path = self.path[len(self.prefix) :] if self.strips else self.path
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
    """The address of a view behind a proxy: Jupyter's ``/proxy/PORT/``, or ``/proxy/absolute/PORT/``."""
    strips = request.param == "stripping"
    port = free_port()
    prefix = f"{HUB}/proxy/{port}" if strips else f"{HUB}/proxy/absolute/{port}"
    server = Server(local, port=port, base="" if strips else prefix, hosts=["hub.example"])
    server.start()
    kind = type("Kind", (Proxy,), {"strips": strips, "port": server.port, "prefix": prefix})
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{proxy.server_port}{prefix}/", server
    proxy.shutdown()
    proxy.server_close()
    server.stop()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def asked(url: str, cookie: str = "") -> tuple[int, dict[str, str], str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers={"Cookie": cookie})
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def test_every_link_of_a_crawl_answers(behind: tuple[str, Server], local: eio.Handler) -> None:
    made = story(local)
    saved(local, "report.html", "<h1>hello</h1>", {"project": "penguins"}, based_on=made["model"])
    start, server = behind
    status, headers, _ = asked(f"{start}artifacts?token={server.policy.token}")
    assert status == 303
    assert urljoin(f"{start}artifacts", headers["location"]) == f"{start}artifacts"
    cookie = headers["set-cookie"].partition(";")[0]
    seen, waiting = {start}, [start]
    kinds = set()
    shapes: Counter[tuple[str, tuple[str, ...]]] = Counter()
    while waiting:
        url = waiting.pop(0)
        status, headers, text = asked(url, cookie)
        if status == 303:
            found = [headers["location"]]
        else:
            assert status == 200, (url, text)
            is_page = "text/html" in headers["content-type"]
            found = re.findall(r' (?:href|src|action)="([^"]*)"', text) if is_page else []
        kinds.add(re.sub(r"artifact_[0-9a-f-]+|\d+|\?.*", "*", url[len(start) :]))
        for one in found:
            where = urljoin(url, unescape(one)).partition("#")[0]
            assert where.startswith(start), (url, one)
            parts = urlsplit(where)
            shape = parts.path, tuple(sorted({pair.partition("=")[0] for pair in parts.query.split("&")}))
            if where not in seen and shapes[shape] < MOST:
                shapes[shape] += 1
                seen.add(where)
                waiting.append(where)
    assert len(seen) > 100
    wanted = {"", "artifacts", "tags", "problems", "lineage/*", "artifacts/*", "artifacts/*/files/*/raw",
              "artifacts/*/files/*/frame", "static/style.css*"}  # fmt: skip
    assert wanted <= kinds, wanted - kinds


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


@pytest.mark.parametrize("base", ["/user/andy@example.org/proxy/absolute/8000", "/user/j%C3%B6rg%20k"])
def test_below_the_home_of_a_user_of_jupyterhub(local: eio.Handler, base: str) -> None:
    server = Server(local, base=base)
    server.start()
    place = f"http://127.0.0.1:{server.port}{base}"
    assert server.place == f"{place}/"
    status, headers, _ = asked(server.url)
    assert (status, urljoin(server.url, headers["location"])) == (303, f"{place}/")
    assert f"Path={base}/;" in headers["set-cookie"]
    cookie = headers["set-cookie"].partition(";")[0]
    for path in ("/", "/artifacts", "/static/style.css"):
        assert asked(place + path, cookie)[0] == 200
    status, headers, _ = asked(place, cookie)
    assert (status, urljoin(place, headers["location"])) == (303, f"{place}/")
    server.stop()


def test_two_views_in_one_browser(local: eio.Handler, tmp_path: Path, chromium: Any) -> None:
    other = eio.Handler(tmp_path / "other")
    saved(local, "here.txt", "x")
    saved(other, "there.txt", "x")
    servers = [Server(local), Server(other)]
    for server in servers:
        server.start()
    context = chromium.new_context()
    page = context.new_page()
    for server in servers:
        page.goto(server.url)
    for _ in range(2):
        for server, name in zip(servers, ("here.txt", "there.txt"), strict=True):
            page.goto(f"{server.place}artifacts")
            assert page.is_visible(f"text={name}")
    assert len({cookie["name"] for cookie in context.cookies()}) == 2
    # The token of one is none of the other's.
    status, _, _ = asked(servers[0].place, f"{servers[0].policy.cookie}={servers[1].policy.token}")
    assert status == 401
    context.close()
    for server in servers:
        server.stop()


def test_the_tile_starts_a_view(local: eio.Handler, tmp_path: Path) -> None:
    """As jupyter-server-proxy does with what the entry point says."""
    story(local)
    tile = launcher()
    port = free_port()

    def filled(text: str) -> str:
        return text.replace("{port}", str(port)).replace("{base_url}", f"{HUB}/")

    environ = {**os.environ, **tile["environment"], "ELLIPTIO_ROOT": str(local.store.root)}
    command = [filled(one) for one in tile["command"]]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"http://127.0.0.1:{port}/\n"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {name: filled(value) for name, value in tile["request_headers_override"].items()}
        connection.request("GET", "/artifacts", headers={"Sec-Fetch-Site": "same-origin", **headers})
        answer = connection.getresponse()
        assert (answer.status, b"model.json" in answer.read()) == (200, True)
        connection.request("GET", "/artifacts")
        assert connection.getresponse().status == 401
        connection.close()
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_jupyter_server_proxy_takes_the_tile() -> None:
    config = pytest.importorskip("jupyter_server_proxy.config")
    made = config.ServerProcess(name="elliptio", **launcher())
    assert made.launcher_entry.path_info == "elliptio/"


@pytest.fixture
def jupyter(local: eio.Handler, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A real Jupyter server with jupyter-server-proxy: where it is, and what lets in."""
    pytest.importorskip("jupyter_server_proxy", reason="pip install jupyter-server-proxy, which brings 40 packages")
    port, folders = free_port(), ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    environ = {**os.environ, **dict.fromkeys(folders, str(tmp_path)), "ELLIPTIO_ROOT": str(local.store.root)}
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={port}",
               "--ServerApp.jpserver_extensions=jupyter_server_proxy=True", f"--ServerApp.base_url={HUB}/",
               "--IdentityProvider.token=of-jupyter"]  # fmt: skip
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environ, stderr=log)
    place, status = f"127.0.0.1:{port}", 0
    for _ in range(200):
        assert process.poll() is None, (tmp_path / "log").read_text()
        with contextlib.suppress(OSError):
            status, got, _ = through(place, f"{HUB}/api/status?token=of-jupyter", {})
        if status == 200:
            break
        time.sleep(0.2)
    # A browser that was let in has this; what is in the address or in a header would be taken for Jupyter's own.
    yield place, {"Cookie": got["set-cookie"].partition(";")[0]}
    process.terminate()
    process.wait(timeout=30)


def through(place: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(place, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def test_the_tile_in_a_real_jupyter(jupyter: tuple[str, dict[str, str]], local: eio.Handler) -> None:
    made = story(local)
    place, headers = jupyter
    assert through(place, f"{HUB}/elliptio/artifacts", {})[0] in (302, 403)
    status, _, text = through(place, f"{HUB}/elliptio/artifacts", headers)
    assert (status, "model.json" in text) == (200, True)
    for link in ("./", f"artifacts/{made['model'].artifact_id}", f"lineage/{made['raw'].artifact_id}", "problems"):
        assert through(place, f"{HUB}/elliptio/{link.removeprefix('./')}", headers)[0] == 200
    tiles = through(place, f"{HUB}/server-proxy/servers-info", headers)[2]
    assert '"title": "elliptio"' in tiles


@pytest.mark.parametrize("how", ["proxy", "proxy/absolute"])
def test_a_view_behind_a_real_jupyter(jupyter: tuple[str, dict[str, str]], local: eio.Handler, how: str) -> None:
    made = story(local)
    place, headers = jupyter
    port = free_port()
    prefix = f"{HUB}/{how}/{port}"
    server = Server(local, port=port, base="" if how == "proxy" else prefix, hosts=[place])
    server.start()
    status, got, _ = through(place, f"{prefix}/artifacts?token={server.policy.token}", headers)
    assert (status, urljoin(f"{prefix}/artifacts", got["location"])) == (303, f"{prefix}/artifacts")
    headers = {"Cookie": f"{headers['Cookie']}; {got['set-cookie'].partition(';')[0]}"}
    status, _, text = through(place, f"{prefix}/artifacts", headers)
    assert (status, "model.json" in text) == (200, True)
    links = {urljoin(f"{prefix}/artifacts", unescape(one)) for one in re.findall(r' (?:href|src)="([^"#]+)"', text)}
    assert f"{prefix}/artifacts/{made['model'].artifact_id}" in links
    for link in links:
        assert link.startswith(f"{prefix}/"), link
        assert through(place, link, headers)[0] == 200, link
    raw = f"{prefix}/artifacts/{made['model'].artifact_id}/files/0/raw"
    assert through(place, raw, headers)[2] == '{"depth": 4}'
    server.stop()
