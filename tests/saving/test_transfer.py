"""Which files are moved one by one, and which several at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.saving import transfer


@pytest.fixture
def movers(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The thread that moved each file."""
    found: dict[str, str] = {}
    save_one = transfer._save_one

    def noting(source: Any, *rest: Any, **more: Any) -> Any:
        found[source.relpath] = threading.current_thread().name
        return save_one(source, *rest, **more)

    monkeypatch.setattr(transfer, "_save_one", noting)
    monkeypatch.setattr(transfer, "_SLOW", 1000)  # however busy the machine
    return found


def files(folder: Path, count: int, size: int = 10) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:02}").write_bytes(number.to_bytes(2) * (size // 2))
    return folder


def test_small_files_of_this_machine_are_moved_by_one_thread(
    local: eio.Handler, tmp_path: Path, movers: dict[str, str]
) -> None:
    saved = local.upload(files(tmp_path / "data", 60))
    assert set(movers.values()) == {threading.current_thread().name}
    assert list(saved.files) == sorted(movers)
    assert local.verify().ok


def test_large_ones_among_them_are_moved_at_once(
    local: eio.Handler, tmp_path: Path, movers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_SMALL", 100)
    folder = files(tmp_path / "data", 20)
    for number in (5, 6, 7, 8):
        (folder / f"{number:02}").write_bytes(bytes(200))
    saved = local.upload(folder)
    assert {movers[f"{number:02}"] for number in range(5)} == {threading.current_thread().name}
    assert all(movers[f"{number:02}"].startswith("elliptio-transfer") for number in range(5, 20))
    assert list(saved.files) == sorted(movers)
    assert local.verify().ok


def test_slow_ones_are_moved_at_once(
    local: eio.Handler, tmp_path: Path, movers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network drive, where each file takes some trips to the server."""
    noting = transfer._save_one

    def slow(*arguments: Any, **more: Any) -> Any:
        time.sleep(0.002)
        return noting(*arguments, **more)

    monkeypatch.setattr(transfer, "_save_one", slow)
    monkeypatch.setattr(transfer, "_SLOW", 1e-3)
    saved = local.upload(files(tmp_path / "data", 40))
    threads = [movers[name] for name in sorted(movers)]
    assert threads[:8] == [threading.current_thread().name] * 8
    assert all(name.startswith("elliptio-transfer") for name in threads[9:])
    assert len(set(threads[9:])) > 1
    assert list(saved.files) == sorted(movers)
