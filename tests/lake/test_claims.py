"""What is to be made once is claimed by one at a time, on a folder and on S3."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.lake import claims
from elliptio.lake.claims import claimed


@pytest.fixture(params=["local", "s3"])
def handler(request: pytest.FixtureRequest, tmp_path: Path) -> eio.Handler:
    root = str(tmp_path / "lake") if request.param == "local" else request.getfixturevalue("s3_root")
    handler = eio.Handler(root, progress=False)
    return handler


def test_one_at_a_time(handler: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "POLL_SECONDS", 0.02)
    inside, most = 0, []

    def work(_: int) -> bool:
        nonlocal inside
        with claimed(handler.lake, "step") as waited:
            inside += 1
            most.append(inside)
            time.sleep(0.01)
            inside -= 1
        return waited

    with ThreadPoolExecutor(5) as pool:
        waited = list(pool.map(work, range(10)))
    assert most == [1] * 10
    assert True in waited
    with claimed(handler.lake, "step") as late:
        assert not late
    assert not list(handler.lake.store.list(f"{claims.CLAIMS}/step"))


HOLD = """
import os, sys, time
import elliptio as eio
from elliptio.lake.claims import claimed
with claimed(eio.Handler(sys.argv[1], progress=False).lake, "step"):
    print("held", flush=True)
    sys.stdin.read()
    if sys.argv[2] == "die":
        os._exit(1)
"""


@pytest.mark.parametrize("end", ["die", "leave"])
def test_who_waits_gets_it_when_the_other_leaves_or_dies(
    handler: eio.Handler, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = threading.Event()

    def watched(look: Callable[..., object]) -> Callable[..., object]:
        def watch(*asked: object, **options: object) -> object:
            try:
                found = look(*asked, **options)
            except BlockingIOError:
                met.set()
                raise
            if found:
                met.set()
            return found

        return watch

    monkeypatch.setattr(claims.fcntl, "flock", watched(claims.fcntl.flock))
    monkeypatch.setattr(claims, "_is_held", watched(claims._is_held))
    command = [sys.executable, "-c", HOLD, handler.store.root, end]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        got = threading.Event()
        entered = []

        def wait() -> None:
            with claimed(handler.lake, "step") as waited:
                entered.append(waited)
                got.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert met.wait(120)
        assert not got.is_set()
        other.stdin.close()
        thread.join(120)
    assert entered == [True]


@pytest.mark.server
def test_of_two_that_see_nobody_one_steps_back(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "POLL_SECONDS", 0.01)
    lake = eio.Handler(s3_root, progress=False).lake
    prefix = f"{claims.CLAIMS}/step"
    looked = []
    is_held = claims._is_held

    def late(*args: object, but: str = "") -> bool:
        looked.append(bool(but))
        found = is_held(lake, prefix, but=but)
        if len(looked) == 1:
            # Between this look and what follows, another process says that it wants it too.
            lake.store.create(f"{prefix}/other/00000000.json", claims._sign())
        if len(looked) == 3:
            lake.store.remove(f"{prefix}/other")
        return found

    monkeypatch.setattr(claims, "_is_held", late)
    with claimed(lake, "step") as waited:
        assert waited
    assert looked == [False, True, False, False, True]


@pytest.mark.server
def test_who_leaves_takes_away_no_claim_of_another(s3_root: str) -> None:
    lake = eio.Handler(s3_root, progress=False).lake
    prefix = f"{claims.CLAIMS}/step"
    with claimed(lake, "step"):
        lake.store.create(f"{prefix}/other/00000000.json", claims._sign())
    assert [stored.key for stored in lake.store.list(prefix)] == [f"{prefix}/other/00000000.json"]


@pytest.mark.server
def test_what_the_dead_left_is_removed(s3_root: str) -> None:
    lake = eio.Handler(s3_root, progress=False).lake
    prefix = f"{claims.CLAIMS}/step"
    silent = json.loads(claims._sign())
    silent["process"]["machine"], silent["time"] = "elsewhere", "2026-01-01T00:00:00+00:00"
    lake.store.create(f"{prefix}/silent/00000000.json", json.dumps(silent).encode())
    lake.store.create(f"{prefix}/silent/00000001.json", json.dumps(silent).encode())
    lake.store.create(f"{prefix}/damaged/00000000.json", b"{")
    with claimed(lake, "step") as waited:
        assert not waited
    assert not list(lake.store.list(prefix))


@pytest.mark.server
def test_a_claim_is_renewed(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.02)
    lake = eio.Handler(s3_root, progress=False).lake
    with claimed(lake, "step"):
        while len(list(lake.store.list(claims.CLAIMS))) < 3:
            time.sleep(0.01)
    assert not list(lake.store.list(claims.CLAIMS))
