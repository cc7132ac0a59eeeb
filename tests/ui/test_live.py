"""Runs that go on are followed: each page by a stream, the index asked once a second, and the killed shown as such."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

import elliptio as eio
from elliptio.lake import dead_runs
from elliptio.ui.live import Listener, Live, Topic
from elliptio.ui.pages.run_rows import number
from elliptio.ui.view import View
from tests.ui.conftest import client_of, policy, saved

RUN = """
import sys, time
import elliptio as eio
h = eio.Handler(sys.argv[1])
with h.run("train", {"depth": 4}, log_output=True) as run:
    run.log(loss=1.0, step=0)
    print(run.run_id, file=sys.__stdout__, flush=True)
    for line in sys.stdin:
        if line.strip() == "end":
            break
        run.log(loss=float(line), step=int(time.monotonic() * 10) % 1000 + 1)
        print("measured", line.strip(), flush=True)
"""


class Elsewhere:
    """A run in another process, which measures what it is told."""

    def __init__(self, h: eio.Handler) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, h.store.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.run_id = self.process.stdout.readline().strip()

    def log(self, value: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{value}\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.log("end")
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture
def elsewhere(local: eio.Handler) -> Iterator[Elsewhere]:
    found = Elsewhere(local)
    yield found
    found.stop()


class Page:
    """What a page is told, without a server."""

    def __init__(self, live: Live, topic: Topic, last: str = "") -> None:
        self.told: list[dict[str, Any]] = []
        self.ids: list[int] = []
        self.listener = Listener(topic, self._put)
        live._thread = threading.current_thread()  # it is asked here, not behind
        assert live.join(self.listener, last)

    def _put(self, text: str | None) -> None:
        assert text is not None
        numbered, data = text.strip().split("\n")
        self.ids.append(int(numbered.removeprefix("id: ")))
        self.told.append(json.loads(data.removeprefix("data: ")))


def tick(live: Live) -> None:
    live.tick(list(live._listeners))


def test_a_page_of_a_run_is_told_what_is_new(h: eio.Handler) -> None:
    live = Live(View(h, policy()))
    with h.run("train", log_output=True) as run:
        run.log(loss=0.5, step=1)
        run._recorder.flush()
        page = Page(live, Topic(run.run_id))
        tick(live)
        first = page.told[0]["parts"]
        assert "step 1: 0.5" in first["live-charts"]
        assert "running" in first["live-state"]
        assert run.run_id in first["live-tree"]
        run.log(loss=0.25, step=2)
        run._recorder.flush()
        made = saved(run, "model.json", "{}")
        for _ in range(5):
            tick(live)
        parts = {name: text for told in page.told[1:] for name, text in told["parts"].items()}
        assert "step 2: 0.25" in parts.get("live-charts", "") + parts.get("live-mine-1", "")
        assert made.artifact_id in parts["live-made"]
        assert page.ids == sorted(set(page.ids))
    tick(live)
    tick(live)
    assert page.told[-1] == {"ended": True}


def test_only_the_line_is_told_where_the_scale_stays(local: eio.Handler) -> None:
    live = Live(View(local, policy()))
    with local.run("train") as run:
        for step, loss in enumerate((1.0, 0.0, 0.5)):
            run.log(loss=loss, step=step)
        page = Page(live, Topic(run.run_id, "step"))
        run._recorder.flush()
        tick(live)
        run.log(loss=0.75, step=2)
        run._recorder.flush()
        tick(live)
        assert "live-charts" not in page.told[1]["parts"]
        assert "0.75" in page.told[1]["parts"]["live-mine-1"]
        late = Page(live, Topic(run.run_id))
        tick(live)
        assert "0.75" in late.told[0]["parts"]["live-charts"]


def test_the_last_event_resumes(local: eio.Handler) -> None:
    live = Live(View(local, policy()))
    with local.run("train") as run:
        first = Page(live, Topic(run.run_id))
        tick(live)
        again = Page(live, Topic(run.run_id), str(first.ids[-1]))
        missed = Page(live, Topic(run.run_id), str(first.ids[-1] - 1))
        assert not again.listener.fresh
        assert missed.listener.fresh
        tick(live)
        assert missed.ids[0] > first.ids[0]


def test_the_index_is_asked_once_a_second_however_many_look(
    local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    live = Live(View(local, policy()))
    with local.run("sweep"), local.run("train") as run, local.run("other") as other:
        for topic in (Topic(), Topic(run.run_id), Topic(run.run_id, "time"), Topic(other.run_id)) * 5:
            Page(live, topic)
        run.log(loss=1)
        run._recorder._show()
        for name in ("find", "count", "get"):
            if hasattr(type(local.index), name):
                real = getattr(local.index, name)
                monkeypatch.setattr(
                    local.index,
                    name,
                    lambda *args, _real=real, **more: (asked.append(str(args)), _real(*args, **more))[1],
                )
        for _ in range(10):
            tick(live)
    assert len([one for one in asked if "'$or'" in one or "run_id" in one]) == 10
    assert len(asked) <= 10 + 3  # what the runs themselves ask when they end


def test_a_list_is_told_how_its_runs_go(local: eio.Handler) -> None:
    live = Live(View(local, policy()))
    page = Page(live, Topic())
    tick(live)
    assert page.told == [{"runs": {}}]
    with local.run("train") as run:
        tick(live)
        assert "running" in page.told[-1]["runs"][run.run_id]["state"]
    tick(live)
    assert "finished" in page.told[-1]["runs"][run.run_id]["state"]


def test_a_killed_run_is_told_as_killed(local: eio.Handler) -> None:
    elsewhere = Elsewhere(local)
    elsewhere.log(0.125)
    live = Live(View(local, policy()))
    page, listed = Page(live, Topic(elsewhere.run_id)), Page(live, Topic())
    while not any(": 0.125<" in str(told) for told in page.told):
        tick(live)
    os.kill(elsewhere.process.pid, signal.SIGKILL)
    elsewhere.stop()
    for _ in range(3):
        tick(live)
    assert page.told[-1] == {"ended": True}
    assert "killed" in listed.told[-1]["runs"][elsewhere.run_id]["state"]
    text = client_of(local).get(f"/runs/{elsewhere.run_id}").text
    assert "killed" in text
    assert ": 0.125<" in text  # what it measured last is there, though it was killed before it was written to stay
    assert local.lake.find_runs({"_id": elsewhere.run_id}).__next__()["metrics"] == {"loss": 0.125}


def test_who_was_just_asked_for_need_not_be_asked_again(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    with local.run("train"):
        found = list(local.lake.find_runs({"status": "running"}))
        monkeypatch.setattr(local.lake.index, "find", None)
        dead_runs.bury(local.lake, found)


def test_too_many_are_sent_away(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.ui.live.MOST_LISTENERS", 1)
    live = Live(View(local, policy()))
    Page(live, Topic())
    assert not live.join(Listener(Topic(), lambda text: None))


def test_a_page_that_follows_works_without_javascript(local: eio.Handler) -> None:
    client = client_of(local)
    with local.run("train") as run:
        for url in ("/runs", f"/runs/{run.run_id}"):
            text = client.get(url).text
            assert '<noscript><meta http-equiv="refresh"' in text
            assert "static/live.js" in text
    for url in ("/runs", f"/runs/{run.run_id}"):
        text = client.get(url).text
        assert "http-equiv" not in text
        assert "static/live.js" not in text


def test_the_scripts_are_small() -> None:
    import gzip

    from elliptio.ui.assets import ASSETS

    assert sum(len(gzip.compress(asset.content)) for asset in ASSETS.values()) <= 60_000


# --- over a port ---


Ask = Callable[..., http.client.HTTPResponse]


@pytest.fixture
def stream(served: Any) -> Iterator[Ask]:
    """Ask a server for a stream, and close that in the end."""
    opened: list[Any] = []

    def ask(path: str, *, cookie: bool = True, **headers: str) -> http.client.HTTPResponse:
        parts = urlsplit(served.place)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
        named = {"Cookie": f"{served.policy.cookie}={served.policy.token}"} if cookie else {}
        connection.request("GET", path, headers={**named, **headers})
        answer = connection.getresponse()
        opened.extend((answer, connection))
        return answer

    yield ask
    for one in opened:
        one.close()


def events(answer: http.client.HTTPResponse) -> Iterator[tuple[int, dict[str, Any]]]:
    place = 0
    while line := answer.readline().decode():
        if line.startswith("id: "):
            place = int(line[4:])
        elif line.startswith("data: "):
            yield place, json.loads(line[6:])


@pytest.mark.slow
def test_the_stream_is_guarded_and_goes_on(stream: Ask, elsewhere: Elsewhere) -> None:
    assert stream("/events", cookie=False).status == 401
    assert stream("/events", **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert stream("/events", Origin="http://evil.example").status == 403
    assert stream("/events?x=place").status == 400
    answer = stream(f"/events?run={elsewhere.run_id}")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    found = events(answer)
    before, told = next(found)
    assert "live-state" in told["parts"]
    elsewhere.log(0.0625)
    while "0.0625" not in str(told):
        before, told = next(found)
    again, told = next(events(stream(f"/events?run={elsewhere.run_id}", **{"Last-Event-ID": "1"})))
    assert again > before
    assert "0.0625" in told["parts"]["live-charts"]


@pytest.mark.slow
def test_many_tabs_leave_room_for_pages(stream: Ask, elsewhere: Elsewhere) -> None:
    open_ones = [stream(f"/events?run={elsewhere.run_id}") for _ in range(70)]
    assert {one.status for one in open_ones} == {200}
    assert stream("/runs").status == 200


@pytest.mark.slow
def test_a_point_is_on_screen_within_two_seconds(served: Any, chromium: Any, elsewhere: Elsewhere) -> None:
    context = chromium.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(served.url)
    page.goto(f"{served.place}runs/{elsewhere.run_id}")
    page.wait_for_selector("#live-head-1 .v:text-is('1')")
    took = []
    for value in (0.5, 0.375, 0.3125):
        began = time.monotonic()
        elsewhere.log(value)
        page.wait_for_selector(f"#live-head-1 .v:text-is('{number(value)}')")
        page.wait_for_selector(f"#live-lines :text('measured {value}')")
        took.append(time.monotonic() - began)
    elsewhere.stop()
    page.wait_for_selector("h1 :text('finished')")
    assert errors == []
    context.close()
    print("seconds until a point is on screen:", [round(one, 2) for one in took])


@pytest.mark.slow
def test_a_hidden_page_does_not_follow(served: Any, chromium: Any, elsewhere: Elsewhere) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(served.url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/events" in request.url else None)
    page.goto(f"{served.place}runs/{elsewhere.run_id}")
    page.wait_for_selector("#live-head-1 .v:text-is('1')")
    hide = """(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange')); }"""
    assert len(asked) == 1
    page.evaluate(hide, True)
    elsewhere.log(0.21875)
    time.sleep(3)
    assert page.text_content("#live-head-1 .v") == "1"
    page.evaluate(hide, False)
    page.wait_for_selector("#live-head-1 .v:text-is('0.2188')")
    assert len(asked) == 2
    context.close()
