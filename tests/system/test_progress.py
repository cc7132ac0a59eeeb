"""Progress bars: for long transfers, where somebody watches, unless switched off."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from elliptio.system import progress
from elliptio.system.progress import NamedProgress, Progress

LARGE = 100 << 20


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *, total: int = LARGE, enabled: bool = True) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "DELAY", 0.05)
    with Progress(total, "Saving", enabled=enabled) as bar:
        bar.advance(total // 2)
        time.sleep(0.3)
        bar.advance(total - total // 2)
    return stream.getvalue()


def test_a_long_transfer_shows_what_was_moved_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, Terminal())
    assert "Saving:  50%" in text
    assert "105M" in text


def test_nothing_shows_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO()) == ""


def test_nothing_shows_when_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, Terminal(), enabled=False) == ""


def test_nothing_shows_for_a_short_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "DELAY", 60)  # shorter than this on any machine
    with Progress(LARGE, "Saving") as bar:
        bar.advance(LARGE)
    assert stream.getvalue() == ""


SCRIPT = """
import elliptio as eio, elliptio.system.progress, elliptio.saving.transfer, sys, time
elliptio.system.progress.DELAY = 0.1
read = elliptio.saving.transfer._CountingReader.read
def slowly(self, size=-1):
    time.sleep(0.1)
    return read(self, size)
elliptio.saving.transfer._CountingReader.read = slowly
eio.Handler("lake").upload("large.bin")
"""


@pytest.mark.slow
@pytest.mark.parametrize(("variable", "expected"), [("1", True), ("0", False)])
def test_a_real_terminal(tmp_path: Path, variable: str, expected: bool) -> None:
    (tmp_path / "large.bin").write_bytes(bytes(20 << 20))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "ELLIPTIO_PROGRESS": variable}
    try:
        subprocess.run(
            [sys.executable, "-c", SCRIPT], cwd=tmp_path, stderr=theirs, stdin=theirs, env=environment, check=True
        )
        os.set_blocking(ours, False)
        try:
            text = os.read(ours, 100_000).decode()
        except BlockingIOError:
            text = ""
    finally:
        os.close(ours)
        os.close(theirs)
    assert ("Saving" in text) is expected


def steps(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *, enabled: bool = True) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "DELAY", 0.05)
    with NamedProgress(2, "nightly", enabled=enabled) as bar:
        bar.end()
        bar.expect(1)
        bar.begin("clean (day=1)")
        bar.begin("train")
        time.sleep(0.3)
        bar.end("clean (day=1)")
        bar.begin("report")
        bar.end("train")
    return stream.getvalue()


def test_what_is_under_way_is_shown_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    text = steps(monkeypatch, Terminal())
    assert "nightly:  33%" in text
    assert "1/3" in text
    assert "clean (day=1), train" in text
    assert "train, report" in text


@pytest.mark.slow
def test_names_are_not_shown_where_nobody_watches_or_when_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # which watches wherever it was imported
    assert steps(monkeypatch, io.StringIO()) == ""
    assert steps(monkeypatch, Terminal(), enabled=False) == ""
