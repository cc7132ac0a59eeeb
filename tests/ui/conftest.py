"""A view of a lake: asked in this process, or served on a port and looked at with a browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.ui.app import application
from elliptio.ui.guard import Policy
from elliptio.ui.view import View

TOKEN = "token-of-this-test-and-of-no-other-0123456"
PORT = 8123
HOST = f"127.0.0.1:{PORT}"
CHROMIUM = "/usr/bin/chromium"


def policy(**more: Any) -> Policy:
    return Policy(**{"token": TOKEN, "port": PORT, "write": frozenset({"tags"}), **more})


_portals: list[BlockingPortal] = []


@pytest.fixture(scope="session", autouse=True)
def loop() -> Iterator[None]:
    """Run a loop in a thread, as a server does: a client without one starts a loop and its threads for each request."""
    with start_blocking_portal() as portal:
        _portals.append(portal)
        yield
        _portals.clear()


Ask = Callable[..., TestClient]


def client_of(h: eio.Handler, *, entered: bool = True, **more: Any) -> TestClient:
    """A client of a view, as a browser that has opened the printed URL."""
    rules = policy(**more)
    client = TestClient(application(View(h, rules)), base_url=f"http://{HOST}", follow_redirects=False)
    client.portal = _portals[-1] if _portals else None  # who is not in this folder has none
    if entered:
        client.cookies.set(rules.cookie, TOKEN)
    return client


@pytest.fixture
def ask(local: eio.Handler) -> TestClient:
    """A client of a view of a local lake."""
    return client_of(local)


def saved(h: eio.Handler, name: str, content: str | bytes, labels: Any = None, **more: Any) -> eio.Artifact:
    """Save a file of this content."""
    with h.new([name], labels, **more) as new:
        new.file.local_path.parent.mkdir(parents=True, exist_ok=True)
        new.file.local_path.write_bytes(content.encode() if isinstance(content, str) else content)
    return h.show(new.artifact_id)


def story(h: eio.Handler) -> dict[str, eio.Artifact]:
    """What two people made of a table."""
    with eio.mock_username("andy"):
        raw = saved(h, "raw.csv", "species,mass\nAdelie,3700\nGentoo,5000\n", {"project": "penguins"})
    with eio.mock_username("brenda"), h.run("train", {"depth": 4}) as run:
        run.get(raw.artifact_id).file.download_string()
        model = saved(run, "model.json", '{"depth": 4}', {"project": "penguins", "datatype": "model"})
        run.log(accuracy=0.9)
    h.tag(model, "prod")
    return {"raw": raw, "model": h.show(model.artifact_id)}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; without one these tests are skipped. While it runs, no other loop can in this thread: not for long."""
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def served(local: eio.Handler) -> Iterator[Any]:
    """The view of a local lake on a port."""
    from elliptio.ui.serving import Server

    server = Server(local, write=["tags"])
    server.start()
    yield server
    server.stop()


def damage(file: eio.RemoteFile) -> None:
    """Change a byte of a stored file, which stays as long."""
    path = Path(file.remote_url)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
