"""``elliptio ui``: what it prints, and what it refuses."""

from __future__ import annotations

import builtins
import gc
import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Run
from tests.cli.test_main import spawn


@pytest.mark.slow
def test_it_prints_one_address_and_serves_there(saved: str, root: Path) -> None:
    process = spawn("ui", "--root", root, "--no-open")
    try:
        assert process.stdout is not None
        url = urlsplit(process.stdout.readline().strip())
        assert (url.hostname, url.query[:6]) == ("127.0.0.1", "token=")
        connection = http.client.HTTPConnection(url.netloc, timeout=60)
        connection.request("GET", f"{url.path}?{url.query}")
        answer = connection.getresponse()
        answer.read()
        cookie = answer.headers["set-cookie"].partition(";")[0]
        connection.request("GET", f"/artifacts/{saved}", headers={"cookie": cookie})
        answer = connection.getresponse()
        assert (answer.status, b"train.txt" in answer.read()) == (200, True)
        connection.close()
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "0.0.0.0"], "--token TOKEN --i-know"),
        (["--host", "0.0.0.0", "--i-know"], "--token TOKEN --i-know"),
        (["--host", "0.0.0.0", "--token", "a-token-of-enough-letters"], "--token TOKEN --i-know"),
        (["--host", "::"], "can be reached from other machines"),
        (["--host", "lake.example"], "can be reached from other machines"),
        (["--host", "127.0.0.1.evil.example"], "can be reached from other machines"),
        (["--token", "short"], "A token has at least 16"),
        (["--token", ""], "--token TOKEN or ELLIPTIO_UI_TOKEN, or leave it out"),
        (["--allow-host", "a b"], "--allow-host takes one name, such as hub.example or hub.example:8443, not 'a b'"),
        (["--allow-host", ""], "--allow-host takes one name"),
        (["--allow-host", "https://hub.example"], "--allow-host takes one name"),
        (["--allow-host", "hub.example,lake.example"], "--allow-host takes one name"),
        (["--token", "with a space in it; and more"], "A token has at least 16"),
        (["--write", "everything"], "--write takes tags, views, not 'everything'"),
        (["--base-path", "/a b"], "--base-path is a path"),
        (["--base-path", "/a%2Fb"], "--base-path is a path"),
        (["--base-path", "/a;b"], "--base-path is a path"),
        (["--base-path", "/a/../b"], "--base-path is a path"),
        (["--port", "99999999"], "Cannot listen on"),
    ],
)
def test_what_it_refuses(cli: Run, saved: str, options: list[str], says: str) -> None:
    result = cli("ui", "--no-open", *options)
    assert result.code == 1
    assert says in result.error


def test_a_port_that_is_taken_is_said(cli: Run, saved: str) -> None:
    from elliptio.ui.serving import listening

    taken = listening("127.0.0.1", 0)
    assert "--port 0" in cli("ui", "--no-open", "--port", taken.getsockname()[1]).error
    taken.close()


def test_without_the_extra_it_is_named(cli: Run, saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.partition(".")[0] == "starlette":
            raise ModuleNotFoundError("No module named 'starlette'")
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "pip install 'elliptio[ui]'" in cli("ui", "--no-open").error


def test_what_is_loaded_for_it_is_no_more_searched_for_cycles(
    cli: Run, saved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append((gc.isenabled(), "elliptio.ui.serving" in sys.modules)))
    cli("ui", "--no-open", "--token", "short")
    assert (frozen, gc.isenabled()) == ([(False, True)], True)


def test_the_help_loads_nothing_of_it() -> None:
    code = "import sys\nfrom elliptio.cli import main\nmain(['--help'])\nmain(['ui', '--help'])\n"
    check = "print('starlette' in sys.modules or 'uvicorn' in sys.modules or 'elliptio.ui.app' in sys.modules)"
    import subprocess

    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_the_way_through_ssh_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from elliptio.ui.serving import ssh_line

    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert ssh_line(8123) is None
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 50000 10.0.0.2 22")
    assert ssh_line(8123) == "ssh -L 8123:127.0.0.1:8123 10.0.0.2"


def test_a_lake_that_is_not_there(cli: Run) -> None:
    assert "There is no lake at" in cli("ui", "--no-open").error


@pytest.mark.slow
def test_the_demo_opens_its_lake(root: Path, tmp_path: Path) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{opened}.part" && mv "{opened}.part" "{opened}"\n')
    browser.chmod(0o755)
    environ = {**os.environ, "BROWSER": f"{browser} %s"}
    command = [sys.executable, "-m", "elliptio", "demo", "--ui", "--root", str(root)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        printed = next(line.strip() for line in process.stdout if "?token=" in line)
        url = urlsplit(printed)
        connection = http.client.HTTPConnection(url.netloc, timeout=60)
        connection.request("GET", f"{url.path}?{url.query}")
        cookie = connection.getresponse().headers["set-cookie"].partition(";")[0]
        connection.close()
        connection.request("GET", "/artifacts", headers={"cookie": cookie})
        assert b"model.json" in connection.getresponse().read()
        connection.close()
        while not opened.exists() and process.poll() is None:
            time.sleep(0.05)
        assert opened.read_text().strip() == printed
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
