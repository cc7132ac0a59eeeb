"""Follow runs that go on: one question to the index a second, however many pages look."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from elliptio.errors import ElliptioError
from elliptio.lake import dead_runs, run_records
from elliptio.protocols import Document
from elliptio.ui.pages import following
from elliptio.ui.pages.following import Followed
from elliptio.ui.view import View

log = logging.getLogger(__name__)

SECONDS = 1.0
"""Time between two questions to the index."""

EVERY_MADE = 5
"""Of so many questions one is for what was made, and the others are for how runs go."""

MOST_RUNS = 300
"""Runs that are asked for."""

MOST_MADE = 50
MOST_LISTENERS = 100
MOST_WAITING = 32
"""Events that wait for a page that does not take them; then it has to ask anew."""


@dataclass(frozen=True)
class Topic:
    """A page that is looked at: of one run, with its axes, or of all."""

    run_id: str = ""
    x: str = "step"
    y: str = "linear"


@dataclass(eq=False)
class Listener:
    """A page that is open somewhere.

    Attributes
    ----------
    topic
        What it shows.
    put
        Takes a text of the stream; None ends it.
    fresh
        Whether it needs all, and not only what has changed.

    """

    topic: Topic
    put: Callable[[str | None], None]
    fresh: bool = True


@dataclass
class Live:
    """State of all that goes on, for the pages of a server.

    Attributes
    ----------
    view
        The lake as it is shown.
    number
        Number of the last event. Those of a server that was started later are greater.

    """

    view: View
    number: int = field(default_factory=lambda: int(time.time() * 1000))

    def __post_init__(self) -> None:
        """Begin with nobody looking."""
        self._listeners: list[Listener] = []
        self._topics: dict[Topic, Followed] = {}
        self._going: list[str] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ticks = 0

    def join(self, listener: Listener, last: str = "") -> bool:
        """Let a page follow, from after an event where that was the last there is; False where too many do."""
        with self._lock:
            if len(self._listeners) >= MOST_LISTENERS:
                return False
            known = self._topics.get(listener.topic)
            listener.fresh = known is None or last != str(known.number)
            self._listeners.append(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="elliptio-ui-live", daemon=True)
                self._thread.start()
        return True

    def leave(self, listener: Listener) -> None:
        """Let a page go."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _work(self) -> None:
        while True:
            began = time.monotonic()
            with self._lock:
                if not self._listeners:
                    self._thread = None
                    self._topics.clear()
                    return
                listeners = list(self._listeners)
            try:
                self.tick(listeners)
            except ElliptioError as error:
                log.info("How runs go cannot be told: %s", error)
            except Exception:
                log.exception("How runs go cannot be told")
            time.sleep(max(SECONDS - (time.monotonic() - began), SECONDS / 5))

    def tick(self, listeners: Sequence[Listener]) -> None:
        """Ask once, and tell each page what is new to it."""
        topics = {listener.topic for listener in listeners}
        watched = sorted({topic.run_id for topic in topics if topic.run_id})
        self._ticks += 1
        if watched and self._ticks % EVERY_MADE == 0:
            runs: list[Document] | None = None
            made = list(
                self.view.h.lake.find({"run_id": {"$in": watched}}, sort=[("creation_time", -1)], limit=MOST_MADE)
            )
        else:
            runs, made = self._runs(watched), []
        for topic in topics:
            followed = self._topics.setdefault(topic, Followed())
            mine = [listener for listener in listeners if listener.topic == topic]
            fresh = any(listener.fresh for listener in mine)
            if topic.run_id:
                following.update(followed, topic.run_id, runs, made)
                told = following.told_of_run(self.view, followed, topic.run_id, topic.x, topic.y, fresh=fresh)
            else:
                told = following.told_of_all(self.view, followed, runs, fresh=fresh)
            if told:
                self._tell(mine, followed, told)

    def _runs(self, watched: Sequence[str]) -> list[Document]:
        """Ask how runs go: those that do, those that did a moment ago, and those that are looked at."""
        wanted = {"$or": [{"status": run_records.RUNNING}, {"_id": {"$in": [*watched, *self._going]}}]}
        found = list(self.view.h.lake.find_runs(wanted, sort=[("creation_time", -1)], limit=MOST_RUNS))
        going = [run for run in found if run.get("status") == run_records.RUNNING]
        dead_runs.bury(self.view.h.lake, going)
        self._going = [run["_id"] for run in going]
        return found

    def _tell(self, listeners: Sequence[Listener], followed: Followed, told: dict[str, Any]) -> None:
        self.number += 1
        followed.number = self.number
        text = event(self.number, told)
        for listener in listeners:
            listener.fresh = False
            listener.put(text)


def event(number: int, told: dict[str, Any]) -> str:
    """Write an event of the stream."""
    return f"id: {number}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n"
