"""Record the steps of a build, of which there may be thousands, each over in a moment.

A step is written as any run is, when it lasted a while, measures or begins something, or fails. What it saves names it,
so it is written before that can be seen, with how it ended where nothing else is left to do. Of one that saves nothing,
what there is to say is written together with that of others, to a file of the run around it: see `lake.run_records`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from elliptio.errors import ElliptioError
from elliptio.lake import run_records, spool
from elliptio.lake.lake import Lake
from elliptio.protocols import Document, Staging
from elliptio.runs.recording import Recording
from elliptio.runs.scopes import Scope
from elliptio.system import ending, liveness
from elliptio.system.forking import Lock

log = logging.getLogger(__name__)

MOMENT = 0.2
"""Seconds after which a step is recorded as any other run is: no child process that it starts is up before."""

TOGETHER_SECONDS = 1.0
"""Seconds between two writes of the steps that are over: of a build that is killed, so much is not known."""

MOST = 5000
"""Steps in one file."""


class Brief(Recording):
    """A step of a build, which may be over in a moment.

    Parameters
    ----------
    lake, scope, begin
        As of `Recording`.
    among
        The steps of the same run.

    """

    _is_lasting = False

    def __init__(self, lake: Lake, scope: Scope, begin: Document, among: Steps) -> None:
        super().__init__(lake, scope, begin)
        self._among = among
        self._is_written = False
        self._over: dict[str, Any] | None = None
        self._is_beside = False
        self._beginning = self._writing
        self._forks = _forks
        self.since = time.monotonic()
        scope.saving = self.write_begin
        scope.publishing = self.write_all
        among.watch(self)

    @property
    def root(self) -> str:
        """Identifier of the outermost run around this one; who asks begins a run in it, which names this one."""
        self.write_begin()
        return super().root

    def write_begin(self) -> None:
        """Write what began: from now on others may name it."""
        with self._beginning:
            if self._is_written or not self._owner:
                return
            assert self._begin is not None
            used = list(self._scope.used)
            run_records.write(self._lake, self._scope.run_id, run_records.BEGIN, {**self._begin, "used": used})
            self._told, self._is_written = len(used), True

    def write_all(self, beside: Staging) -> None:
        """Write what began and that it is over, beside what it saves and is published next; it does nothing more then.

        Where it lasted a while, only what began: how it ends is another file.
        """
        with self._beginning:
            if self._is_written or not self._owner:
                return
            assert self._begin is not None
            used = list(self._scope.used)
            content = {**self._begin, "used": used}
            if self._is_alone():
                self._over = {"status": run_records.FINISHED, "end_time": run_records.now(), "error": None}
                content["over"] = self._over
            run_records.write(self._lake, self._scope.run_id, run_records.BEGIN, content, beside=beside)
            self._told, self._is_written, self._is_beside = len(used), True, True

    def last(self) -> None:
        """Be recorded as any other run from now on."""
        with self._beginning:
            if self._is_lasting or self._stop.is_set() or not self._owner:
                return
            path = run_records.lock_path(self._lake, self._scope.run_id)
            self.write_begin()
            self._life = liveness.LifeLock(path) if path else None
            self._is_lasting = True
            self._tell_index(self._document(), aloud=True)
            self._ensure_thread()

    def log(self, values: Mapping[str, Any], step: int | None) -> None:
        """Keep what was measured."""
        self.last()
        super().log(values, step)

    def add_params(self, values: Mapping[str, Any]) -> None:
        """Keep more parameters."""
        self.last()
        super().add_params(values)

    def note(self, remark: dict[str, Any]) -> None:
        """Keep a remark."""
        self.last()
        super().note(remark)

    def flush(self) -> None:
        """Write what was measured and loaded since it was last written."""
        self.last()
        super().flush()

    def forked(self) -> None:
        """Go on in a child of a fork."""
        super().forked()
        self._is_lasting = True

    def _ensure_thread(self) -> None:
        if self._is_lasting:
            super()._ensure_thread()

    def _finish(self, error: BaseException | None) -> None:
        self._among.forget(self)
        with self._beginning:
            self._stop.set()
        if self._owner:
            if error is None and not self._is_written and self._is_alone():
                end = {"status": run_records.FINISHED, "end_time": run_records.now()}
                self._among.add({**self._document(), **end})
                return
            if error is None and self._over is not None and self._is_as_written():
                self._among.add({**self._document(), **self._over}, is_written=True)
                return
            if self._is_beside:  # it may be that nothing was published, and not this either
                content = {**(self._begin or {}), "used": self._scope.used[: self._told]}
                run_records.write(self._lake, self._scope.run_id, run_records.BEGIN, content)
            self.write_begin()
        super()._finish(error)

    def _ended(self, end: Mapping[str, Any], written: bool) -> Document | None:
        if written and self._is_alone():
            return {**self._document(), **end}
        return super()._ended(end, written)

    def _tell_index(self, document: Document, *, aloud: bool) -> None:
        """Tell it with other steps, a moment later, of one that is over and that it does not know."""
        if self._is_lasting or document["status"] != run_records.FINISHED:
            super()._tell_index(document, aloud=aloud)
        else:
            self._among.add(document, is_written=True)

    def _is_as_written(self) -> bool:
        """Tell whether nothing came to it since all of it was written."""
        return not self._is_lasting and self._forks == _forks and self._told == len(self._scope.used)

    def _is_alone(self) -> bool:
        """Tell whether no other process can have written something of it."""
        return self._forks == _forks and time.monotonic() - self.since < MOMENT


_forks = 0
"""Count of how often this process was forked."""


def _count_forks() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=_count_forks)


class Steps:
    """The steps of one run, as long as that goes on in this process.

    Parameters
    ----------
    lake, recording
        Where; that of the run around them.

    """

    def __init__(self, lake: Lake, recording: Recording) -> None:
        self._lake = lake
        self._recording = recording
        self._lock = Lock()
        self._open: set[Brief] = set()
        self._over: dict[str, Document] = {}
        self._written: dict[str, Document] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def watch(self, step: Brief) -> None:
        """Let a step be recorded as any other run when it lasts."""
        with self._lock:
            self._open.add(step)
            self._ensure_thread()

    def forget(self, step: Brief) -> None:
        """Note that a step is over."""
        with self._lock:
            self._open.discard(step)

    def add(self, document: Document, *, is_written: bool = False) -> None:
        """Keep what there is to say of a step that is over; it is written, and the index told, a moment later."""
        with self._lock:
            (self._written if is_written else self._over)[document["_id"]] = document
            self._ensure_thread()

    def close(self) -> None:
        """Write what is still to be written."""
        self._stop.set()
        thread = self._thread
        if thread is not None:
            thread.join()
        self.write()

    def write(self) -> None:
        """Write the steps that are over."""
        with self._lock:
            over, self._over = list(self._over.values()), {}
            written, self._written = list(self._written.values()), {}
        try:
            while some := over[:MOST]:
                name = self._recording.keep_steps([run_records.as_step(one, self._recording.begin) for one in some])
                del over[:MOST]
                self._tell([{**one, "recorded_in": name} for one in some])
            while some := written[:MOST]:
                del written[:MOST]
                self._tell(some)
        finally:  # what could not be written is written the next time
            with self._lock:
                self._over = {one["_id"]: one for one in over} | self._over
                self._written = {one["_id"]: one for one in written} | self._written

    def _tell(self, documents: list[Document]) -> None:
        around = str(documents[0]["parent"])
        says = "The steps of the run are recorded, but h.runs does not show them yet"
        with spool.telling(self._lake, note=around, says=says), self._lake.pausing():
            self._lake.index.insert(run_records.COLLECTION, *documents)

    def _ensure_thread(self) -> None:
        if self._thread is None and not self._stop.is_set() and not ending.begun:
            self._thread = threading.Thread(target=self._work, name="elliptio-steps", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        written = needed = time.monotonic()
        while not self._stop.wait(MOMENT / 2):
            now = time.monotonic()
            with self._lock:
                lasting = [one for one in self._open if now - one.since >= MOMENT]
                self._open.difference_update(lasting)
                if self._open or self._over or self._written:
                    needed = now
                elif now - needed >= TOGETHER_SECONDS:  # a worker may wait for hours, in many runs
                    self._thread = None
                    return
            for one in lasting:
                with contextlib.suppress(ElliptioError):  # it says so itself when it ends
                    one.last()
            if now - written >= TOGETHER_SECONDS:
                written = now
                try:
                    self.write()
                except ElliptioError as error:
                    log.warning("What steps were made could not be written: %s", error)


class Told(Steps):
    """The steps that this process makes of a run of another one, which is told of them and records them."""

    def write(self) -> None:
        """Leave that to the process that is told."""

    def take(self) -> list[Document]:
        """Hand over what there is to say of the steps that are over: each ``document``, and whether it `is_written`."""
        with self._lock:
            over, self._over = self._over, {}
            written, self._written = self._written, {}
        return [
            {"document": one, "is_written": is_written}
            for is_written, some in ((False, over), (True, written))
            for one in some.values()
        ]


def steps_of(lake: Lake, recording: Recording) -> Steps:
    """Give what records the brief steps of a run."""
    with recording._lock:
        if recording.steps is None:
            recording.steps = Steps(lake, recording)
        found: Steps = recording.steps
    return found
