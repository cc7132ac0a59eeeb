"""The web service of the page on flows, in a real server."""

from __future__ import annotations

import http.client
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "flows.md"

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")]


@pytest.fixture
def service() -> Iterator[tuple[int, Any]]:
    """Its port, and the module."""
    (block,) = [block for block in blocks(PAGE) if block.file == "service.py"]
    module: Any = types.ModuleType("service")
    exec(compile(block.text, str(Path("service.py")), "exec"), module.__dict__)
    server = uvicorn.Server(uvicorn.Config(module.app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1], module
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


def until(there: Any) -> None:
    end = time.monotonic() + 30
    while not there():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_values_come_as_events(service: tuple[int, Any]) -> None:
    port, module = service
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/even/3")
    answer = connection.getresponse()
    assert answer.getheader("content-type", "").startswith("text/event-stream")
    assert answer.read().decode() == "data: 0\n\ndata: 2\n\ndata: 4\n\nevent: end\ndata:\n\n"
    connection.close()
    until(lambda: not module.app.state.supervisor.broker._flows)


def test_a_reader_that_goes_away_ends_the_flow(service: tuple[int, Any]) -> None:
    port, module = service
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/even/1000000000")
    answer = connection.getresponse()
    assert answer.readline() == b"data: 0\n"  # long before the end
    assert len(module.app.state.supervisor.broker._flows) == 1
    connection.close()
    answer.close()
    until(lambda: not module.app.state.supervisor.broker._flows)
    until(lambda: not len(module.app.state.supervisor.background))
