"""`h.ui()`: the view in a frame of a notebook, served by this process; and the tile of a JupyterHub."""

from __future__ import annotations

import asyncio
import builtins
import html
import http.client
import json
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import elliptio as eio
from elliptio.ui.framing import Framed, origins
from elliptio.ui.jupyter import TOKEN, launcher
from tests.ui.conftest import saved, story


@pytest.fixture
def closing() -> Iterator[list[Framed]]:
    made: list[Framed] = []
    yield made
    for one in made:
        one.close()


def asked(url: str) -> tuple[int, http.client.HTTPMessage]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": parts.netloc})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers


def test_it_shows_itself_in_a_frame(local: eio.Handler, closing: list[Framed]) -> None:
    view = local.ui()
    closing.append(view)
    (src,) = re.findall(r'<iframe src="([^"]*)"', view._repr_html_())
    assert html.unescape(src) == view.url
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", view.url)
    status, headers = asked(view.url)
    assert (status, headers["location"]) == (303, "./")
    assert "<script" not in view._repr_html_()
    assert f'height="{view.height}"' in view._repr_html_()
    view.close()
    view.close()
    with pytest.raises(ConnectionError):
        asked(view.url)
    assert "closed" in view._repr_html_()
    assert "closed" in repr(view)


def test_there_is_one_of_each_lake(local: eio.Handler, tmp_path: Path, closing: list[Framed]) -> None:
    view = local.ui()
    other = eio.Handler(tmp_path / "other").ui()
    closing += [view, other]
    assert local.ui(height=300) is view
    assert 'height="300"' in view._repr_html_()
    assert other.url != view.url
    again = local.ui(origin="http://localhost:8888")
    closing.append(again)
    assert not view.is_open
    assert asked(again.url)[0] == 303
    again.close()
    once_more = local.ui(origin="http://localhost:8888")
    closing.append(once_more)
    assert once_more is not again
    assert asked(once_more.url)[0] == 303


def test_the_given_origin_alone_may_frame_it(local: eio.Handler, closing: list[Framed]) -> None:
    view = local.ui(origin="http://localhost:8888")
    closing.append(view)
    assert view.url.startswith("http://localhost:")
    assert asked(view.url)[1]["content-security-policy"].endswith("frame-ancestors 'self' http://localhost:8888")
    plain = local.ui()
    closing.append(plain)
    assert asked(plain.url)[1]["content-security-policy"].endswith("frame-ancestors 'self'")


@pytest.mark.parametrize(
    "origin", ["localhost:8888", "ftp://x", "http://", "http://a/b", "javascript:x", "http://u:p@x", "http://x; *", "*"]
)
def test_what_is_no_origin_is_refused(local: eio.Handler, origin: str) -> None:
    with pytest.raises(eio.ConfigError, match="origin is one such as"):
        local.ui(origin=origin)


def test_jupyter_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    environ = {"JPY_PARENT_PID": "4321"}
    assert origins(None, environ) == []
    (tmp_path / "jpserver-4321.json").write_text(json.dumps({"url": "http://localhost:8889/lab/"}))
    assert origins(None, environ) == ["http://localhost:8889", "http://127.0.0.1:8889"]
    (tmp_path / "jpserver-4321.json").write_text("{")
    assert origins(None, environ) == []
    assert origins(None, {"JPY_PARENT_PID": "../x"}) == []
    assert origins(None, {"JUPYTERHUB_PUBLIC_URL": "https://hub.example/user/andy/"}) == ["https://hub.example"]


def test_behind_a_hub(local: eio.Handler, closing: list[Framed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/andy/")
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "https://hub.example/user/andy/")
    view = local.ui()
    closing.append(view)
    found = re.fullmatch(r"(https://hub\.example/user/andy/proxy/(\d+)/)\?token=.*", view.url)
    assert found
    inner = http.client.HTTPConnection("127.0.0.1", int(found[2]), timeout=30)
    inner.request("GET", f"/?{urlsplit(view.url).query}", headers={"Host": "hub.example"})
    assert inner.getresponse().status == 303
    inner.close()


def test_in_a_running_loop(local: eio.Handler, closing: list[Framed]) -> None:
    async def cell() -> int:
        view = local.ui()
        closing.append(view)
        return (await asyncio.to_thread(asked, view.url))[0]

    # In a thread of its own: that of a browser has a loop already.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(cell())).result() == 303


def test_looking_leaves_no_trace_and_warns_as_before(local: eio.Handler, closing: list[Framed], tmp_path: Path) -> None:
    raw = story(local)["raw"]
    with local.run("meanwhile") as run:
        view = local.ui()
        closing.append(view)
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(view.url).port or 0, timeout=30)
        cookie = f"elliptio-ui-{urlsplit(view.url).port}={urlsplit(view.url).query.partition('=')[2]}"
        connection.request("GET", f"/artifacts/{raw.artifact_id}/files/0/raw", headers={"Cookie": cookie})
        assert connection.getresponse().read().startswith(b"species")
        connection.close()
        assert saved(run, "after.txt", "x").metadata.based_on == []
    nowhere = eio.Handler(tmp_path / "nowhere")
    closing.append(nowhere.ui())
    with pytest.warns(eio.EmptyIndexWarning):
        nowhere.find()


def test_a_handler_that_is_shown_can_be_sent(local: eio.Handler, closing: list[Framed]) -> None:
    closing.append(local.ui())
    sent = pickle.loads(pickle.dumps(local))
    assert sent.store.root == local.store.root


def test_without_the_extra_it_says_so(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "starlette":
            raise ImportError(name)
        return real(name, *more, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(eio.MissingExtraError, match=r"pip install 'elliptio\[ui\]'"):
        local.ui()


@pytest.mark.slow
def test_it_ends_with_the_process(tmp_path: Path) -> None:
    code = "import sys, elliptio as eio\nprint(eio.Handler(sys.argv[1]).ui().url)\n"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "lake")], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    with pytest.raises(ConnectionError):
        asked(done.stdout.strip())


class Notebook(BaseHTTPRequestHandler):
    """A page of a notebook that shows a view in a frame."""

    shown = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"<!doctype html><title>notebook</title>{self.shown}".encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.slow
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_browser_shows_it_in_the_notebook(
    local: eio.Handler, chromium: Any, closing: list[Framed], host: str
) -> None:
    story(local)
    kind = type("Kind", (Notebook,), {})
    jupyter = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=jupyter.serve_forever, daemon=True).start()
    view = local.ui(origin=f"http://{host}:{jupyter.server_port}")
    closing.append(view)
    kind.shown = view._repr_html_()  # type: ignore[attr-defined]
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"http://{host}:{jupyter.server_port}/")
    frame = page.frame_locator("iframe")
    frame.locator("nav.main >> text=Artifacts").click()
    frame.locator("text=raw.csv").first.click()
    frame.locator("text=Adelie").first.wait_for()
    # A page of another origin shows nothing in its frame.
    page.goto(f"http://{'localhost' if host != 'localhost' else '127.0.0.1'}:{jupyter.server_port}/")
    page.wait_for_load_state()
    assert page.frame_locator("iframe").locator("nav.main").count() == 0
    context.close()
    jupyter.shutdown()
    jupyter.server_close()


def test_the_tile_of_jupyter() -> None:
    found = launcher()
    assert found["command"][:4] == [sys.executable, "-m", "elliptio", "ui"]
    assert "{port}" in found["command"]
    token = found["environment"][TOKEN]
    assert len(token) == 43
    assert token not in " ".join(found["command"])
    assert found["request_headers_override"]["Cookie"] == f"elliptio-ui-{{port}}={token}"
    assert Path(found["launcher_entry"]["icon_path"]).read_text().startswith("<svg")
    assert launcher()["environment"] != found["environment"]


def test_jupyter_finds_the_tile() -> None:
    from importlib.metadata import entry_points

    (found,) = [one for one in entry_points(group="jupyter_serverproxy_servers") if one.name == "elliptio"]
    assert found.load() is launcher
