"""Recording a run while it goes on: what began, what was measured and loaded, how it ended."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Self

from elliptio import naming
from elliptio.errors import ElliptioError
from elliptio.lake import run_nodes, run_output, run_points, run_records, spool
from elliptio.lake.lake import Lake
from elliptio.metadata import VERSION
from elliptio.protocols import Document
from elliptio.runs.facts import outcome
from elliptio.runs.scopes import Scope
from elliptio.system import ending, liveness
from elliptio.system.forking import Lock

log = logging.getLogger(__name__)

FIRST_SECONDS = 1.0
"""Seconds until what was measured is written for the first time: short runs are killed too."""

LOG_SECONDS = 5.0
"""Seconds between two writes of what was measured, at first."""

LOG_SECONDS_AT_LAST = 60.0
"""And after some twenty minutes: a run of days should not leave tens of thousands of files."""

HEARTBEAT_SECONDS = 30.0

GLANCE_SECONDS = 0.5
"""Seconds until who looks at a run that goes on can see what it measured."""

MOST_WRITTEN = 16 << 20
"""Bytes of what was measured that go into one file, by a generous estimate."""


class Recording:
    """A run that goes on, in the process that began it; in another, only what that one adds to it.

    Parameters
    ----------
    lake
        Where it is recorded.
    scope
        What is loaded in it.
    begin
        What is known from the start; None in a process that another one started as a part of this run.

    Attributes
    ----------
    steps
        What records brief steps of it together, once there are any: see `runs.brief`.
    described
        Identifiers of the environments that this process described in files of it, or of steps of it.

    """

    def __init__(self, lake: Lake, scope: Scope, begin: Document | None = None) -> None:
        self._lake = lake
        self._scope = scope
        self._begin = begin
        self._owner = begin is not None
        self._life: liveness.LifeLock | None = None
        # Two, so that who measures never waits for a store.
        self._lock, self._writing = Lock(), Lock()
        self._metrics: dict[str, Any] = {}
        self._params: dict[str, Any] = dict((begin or {}).get("params", {}))
        self._notes: list[dict[str, Any]] = []
        self.steps: Any = None
        self.described: set[str] = set()
        self._mine: set[int] = set()
        self._renew()
        self._told = 0
        scope.run = self
        scope.changed = self._ensure_thread
        _recordings.add(self)
        if scope.used:
            self._ensure_thread()

    def _renew(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._added: dict[str, Any] = {}
        self._said: list[dict[str, Any]] = []
        self._told = len(self._scope.used)
        self._number: int | None = 1 if self._owner else None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._started = time.monotonic()
        self._failed = False
        self._glance: run_points.Waiting | None = None

    def forked(self) -> None:
        """Go on in a child of a fork: the run stays that of the parent, and so does what it has still to write."""
        if self._life is not None:
            self._life.forget()
        self._owner, self.steps = False, None
        self._renew()

    @classmethod
    def began(cls, lake: Lake, scope: Scope, begin: Document, *, diff: str | None) -> Self:
        """Record that a run begins; `diff` is what is not committed of its code.

        Raises
        ------
        StoreError
            If the store cannot be written.

        """
        recording = cls(lake, scope, begin)
        path = run_records.lock_path(lake, scope.run_id)
        recording._life = liveness.LifeLock(path) if path else None
        try:
            run_records.write(lake, scope.run_id, run_records.BEGIN, begin)
            if diff is not None:
                run_output.write_log(lake, scope.run_id, naming.DIFF_LOG, diff)
        except BaseException:
            recording._release()
            raise
        try:
            recording._tell_index(recording._document(), aloud=True)
            recording._ensure_thread()
        except BaseException as error:  # whoever interrupts this has no run that could end
            recording.finish(error)
            raise
        return recording

    @property
    def root(self) -> str:
        """Identifier of the outermost run around this one."""
        return str(self._known().get("root", self._scope.run_id))

    def describes(self, environment_id: str) -> bool:
        """Tell whether files of it, or of a step that was made here, say what is in an environment."""
        return environment_id in self.described or environment_id == self._known().get("environment_id")

    def _known(self) -> Document:
        """Facts that were known from the start; of a run of another process what its file says, if it can be read."""
        if self._begin is None:
            self._begin = _begin_of(self._lake, self._scope.run_id)
        return self._begin or {}

    def moved(self, root: str) -> None:
        """Take note that another run is the outermost around this one now."""
        if self._begin is not None:
            self._begin = {**self._begin, "root": root}

    def log(self, values: Mapping[str, Any], step: int | None) -> None:
        """Keep what was measured; it is written a few seconds later."""
        row = {"time": run_records.now(), "step": step, "values": values}
        with self._lock:
            self._rows.append(row)
            self._metrics.update(values)
        self._ensure_thread()

    @property
    def params(self) -> dict[str, Any]:
        """Parameters, those that were added meanwhile included; in another process those that it added itself."""
        with self._lock:
            return dict(self._params)

    def add_params(self, values: Mapping[str, Any]) -> None:
        """Keep more parameters; they are written a few seconds later."""
        with self._lock:
            self._params.update(values)
            self._added.update(values)
        self._ensure_thread()

    def note(self, remark: dict[str, Any]) -> None:
        """Keep a remark; it is written a few seconds later."""
        with self._lock:
            self._notes.append(remark)
            self._said.append(remark)
        self._ensure_thread()

    def flush(self) -> None:
        """Write what was measured, loaded, added and remarked since it was last written.

        Raises
        ------
        StoreError
            If the store cannot be written; it is written the next time then.

        """
        with self._writing:
            waiting, used = list(self._rows), self._scope.used[self._told :]
            with self._lock:
                added, said = dict(self._added), list(self._said)
            while waiting or used or added or said:
                rows = waiting[: _fitting(waiting)]
                more = {name: values for name, values in (("params", added), ("notes", said)) if values}
                content = {"time": run_records.now(), "rows": rows, "used": used, **more}
                number = run_records.add_log(self._lake, self._scope.run_id, content, self._number)
                self._mine.add(number)
                self._number = number + 1
                self._told += len(used)
                with self._lock:
                    del self._rows[: len(rows)]
                    del self._said[: len(said)]
                    self._added = {name: value for name, value in self._added.items() if added.get(name) is not value}
                waiting, used, added, said = waiting[len(rows) :], [], {}, []
                run_points.clear(self._glance)

    @property
    def begin(self) -> Document | None:
        """Facts that were known from the start, in the process that began it."""
        return self._begin if self._owner else None

    def keep_steps(self, steps: Sequence[Mapping[str, Any]]) -> str:
        """Write what there is to say of steps that are over, to a file of the run; return its name."""
        with self._writing:
            number = run_records.add_log(self._lake, self._scope.run_id, run_records.of_steps(steps), self._number)
            self._mine.add(number)
            self._number = number + 1
        return f"{self._scope.run_id}/{run_records.log_name(number)}"

    def finish(self, error: BaseException | None) -> None:
        """Record how the run ended; in a child of a fork, only what it added: the run goes on.

        Raises
        ------
        StoreError
            If the store cannot be written.

        """
        try:
            self._finish(error)
        except Exception:
            raise
        except BaseException as interrupt:  # else it would seem to go on for as long as this process lives
            self._finish(error or interrupt)
            raise
        finally:
            self._release()

    def _finish(self, error: BaseException | None) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self.steps is not None:
            self.steps.close()
        self.flush()
        if self._owner:
            end = {**outcome(error), "end_time": run_records.now()}
            written = run_records.write(self._lake, self._scope.run_id, run_records.END, end)
            document = self._ended(end, written)
            if document is not None:
                self._tell_index(document, aloud=True)

    def _release(self) -> None:
        run_points.remove(self._glance)
        if self._life is not None:
            self._life.release()

    def _ended(self, end: Mapping[str, Any], written: bool) -> Document | None:
        """Document of the run, with what others added to it, and the end that was written first; None if deleted."""
        run_id = self._scope.run_id
        names = run_records.files(self._lake, run_id).get(run_id, set())
        if run_nodes.DELETED in names:
            return None
        if written and {*run_records.log_numbers(names)} <= self._mine:
            return {**self._document(), **end}
        return run_nodes.rooted(
            self._lake, run_records.read(self._lake, run_id, {*names, run_records.END} if end else names)
        )

    def _document(self) -> Document:
        return {
            "_id": self._scope.run_id,
            **(self._begin or {}),
            "version": VERSION,
            "status": run_records.RUNNING,
            "end_time": None,
            "error": None,
            "params": self.params,
            "metrics": run_records.last_values(dict(self._metrics)),
            "notes": list(self._notes),
            "used": list(self._scope.used),
            "heartbeat": run_records.now(),
            "lake_id": self._lake.lake_id,
        }

    def _tell_index(self, document: Document, *, aloud: bool) -> None:
        """Bring the index up to date; if that fails the run is recorded all the same, and a note says so."""
        with contextlib.ExitStack() as block:
            if aloud:
                says = "The run is recorded, but h.runs does not show it yet"
                block.enter_context(spool.telling(self._lake, note=self._scope.run_id, says=says))
            try:
                with self._lake.pausing():
                    self._lake.record_run(document)
            except ElliptioError as error:
                if aloud:
                    raise
                log.info("The index was not told of %s: %s", self._scope.run_id, error)

    # --- in the background ---

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._thread is None and not self._stop.is_set() and not ending.begun:
                thread = threading.Thread(target=self._work, name="elliptio-run", daemon=True)
                thread.start()
                self._thread = thread
                if not self._owner:
                    _flush_at_exit(self, self._try_flush)

    def _work(self) -> None:
        written = heard = time.monotonic()
        due, told = min(FIRST_SECONDS, LOG_SECONDS), self._told
        while not self._stop.wait(min(GLANCE_SECONDS, LOG_SECONDS, HEARTBEAT_SECONDS)):
            now = time.monotonic()
            if now - written >= due:
                self._try_flush()
                written, due = now, min(LOG_SECONDS_AT_LAST, max(LOG_SECONDS, (now - self._started) / 20))
            elif self._owner:
                self._show()
            # Who asks what hangs on an artifact has to learn soon that this run reads it.
            if self._owner and (self._told > told or now - heard >= HEARTBEAT_SECONDS):
                self._beat()
                heard, told = now, self._told

    def _show(self) -> None:
        """Let who looks see what was measured since; it is written to stay some seconds later."""
        with self._writing:
            self._glance = run_points.show(self._lake, self._scope.run_id, self._rows, self._glance)

    def _beat(self) -> None:
        """Tell the index that the run goes on."""
        try:
            document = self._ended({}, written=True)
        except ElliptioError as error:
            log.info("What others added to %s could not be read: %s", self._scope.run_id, error)
            document = self._document()
        if document is not None:
            self._tell_index({**document, "heartbeat": run_records.now()}, aloud=False)

    def _try_flush(self) -> None:
        try:
            self.flush()
            self._failed = False
        except ElliptioError as error:
            if not self._failed:
                log.warning("What %s measured could not be written; it is tried again: %s", self._scope.run_id, error)
            self._failed = True


_recordings: weakref.WeakSet[Recording] = weakref.WeakSet()


def moved(lake: Lake, run_ids: Set[str], root: str) -> None:
    """Let runs that go on in this process know that another run is the outermost around them now."""
    for recording in list(_recordings):
        if recording._scope.run_id in run_ids and recording._lake.store.root == lake.store.root:
            recording.moved(root)


def _after_fork() -> None:
    for recording in list(_recordings):
        recording.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _flush_at_exit(recording: Recording, flush: Callable[[], None]) -> None:
    # multiprocessing ends its processes without what `atexit` does; this is called there and elsewhere.
    from multiprocessing.util import Finalize

    Finalize(recording, flush, exitpriority=100)


def _begin_of(lake: Lake, run_id: str) -> Document | None:
    """Read how a run of another process began, if it can be read."""
    try:
        return run_records.read(lake, run_id, ())
    except ElliptioError as error:
        log.warning("The run %s is not known here: %s", run_id, error)
        return None


def _fitting(rows: Sequence[Mapping[str, Any]]) -> int:
    """Count the rows, from the first one on, that go into one file; what is too long for a reader is lost."""
    room = MOST_WRITTEN
    for number, row in enumerate(rows):
        # A letter may take six bytes.
        room -= 100 + sum(30 + 6 * len(name) for name in row["values"])
        if room < 0:
            return max(number, 1)
    return len(rows)
