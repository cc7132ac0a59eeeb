"""Make steps as tasks of Celery."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from importlib import import_module
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.runners.answers import adapted
from elliptio.pipelines.builds.runners.elsewhere import variables
from elliptio.pipelines.builds.runners.here import Inline
from elliptio.pipelines.builds.runners.tasks import Task
from elliptio.pipelines.errors import PipelineDefinitionError

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession

log = logging.getLogger(__name__)

TASK = "elliptio.step"
"""Name of the task."""

POLL_SECONDS = 0.05
"""Seconds between two looks at what is being made."""

BEAT_SECONDS = 2.0
"""Seconds after which a worker tells again that a step is being made, and after which that is looked at."""

SILENT_SECONDS = 30.0
"""Seconds without a word about a step after which workers are asked whether they make it."""

PING_SECONDS = 2.0
"""Seconds that workers have for an answer."""

MOST_MISSES = 3
"""Times in a row that no worker at all answers until what they had to make is given up."""

MOST_TRIES = 2
"""Times that a step is given to workers: one that kills each of them is not given to all."""


class _Sent:
    """A step that was given to the workers."""

    def __init__(self, craft: str, arguments: tuple[Any, ...]) -> None:
        self.craft, self.arguments = craft, arguments
        self.future: Future[Any] = Future()
        self.tries = 1
        self.told: Any = None
        self.heard = time.monotonic()

    def hear(self, told: Any) -> bool:
        """Note what a worker tells of it; False where that has been the same for long."""
        if told != self.told:
            self.told, self.heard = told, time.monotonic()
        return time.monotonic() - self.heard < SILENT_SECONDS

    @property
    def worker(self) -> str | None:
        """Name of the worker that makes it, if one does."""
        return self.told.get("hostname") if isinstance(self.told, dict) else None


class Celery:
    """Makes steps as tasks of Celery; those that no other process can make, here.

    Parameters
    ----------
    session
        Where.
    app
        The app; its workers include `elliptio.pipelines.celery`.

    Raises
    ------
    PipelineDefinitionError
        If the app has no result backend.

    """

    one_by_one = False

    def __init__(self, session: BaseSession, app: Any) -> None:
        import_module(
            "elliptio.pipelines.celery"
        )  # which names the task; by its name, as it makes steps with this room
        self._session = session
        self._eager = bool(app.conf.task_always_eager)
        if not self._eager and type(app.backend).__name__ == "DisabledBackend":
            raise PipelineDefinitionError(
                f"The app {app.main!r} of Celery has no result backend, so nobody would know what a step made: "
                "Celery(…, backend='redis://…')."
            )
        self._task = app.tasks[TASK]
        self._waiting: dict[Any, _Sent] = {}
        self._control = app.control
        self._looked = time.monotonic()
        self._was_heard = False
        self._misses = 0
        self._changed = threading.Condition()
        self._closed = False
        self._watcher: threading.Thread | None = None

    def submit(self, step: Task) -> Future[Outcome]:
        """Make a step as a task, if another process can make it."""
        data = step.data()
        if data is None:
            return Inline().submit(step)
        # What is logged of a task does not show where the lake is, and how to sign in there.
        shown = f"({step.call.craft.name!r}, {step.key[:12]!r})"
        sent = _Sent(step.call.craft.name, ((data, variables(self._session)), shown))
        result = self._send(sent)
        with self._changed:
            self._waiting[result] = sent
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="elliptio-celery", daemon=True)
                self._watcher.start()
            self._changed.notify()
        return adapted(sent.future, self._session)

    def _send(self, sent: _Sent) -> Any:
        arguments, shown = sent.arguments
        return self._task.apply_async(arguments, argsrepr=shown, kwargsrepr="{}")

    def close(self) -> None:
        """Revoke what has not begun."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._watcher is not None:
            self._watcher.join()
        for result, sent in self._waiting.items():
            with contextlib.suppress(Exception):
                result.revoke()
            sent.future.cancel()
        self._waiting.clear()

    def _watch(self) -> None:
        """Look which tasks are done, as long as there are any."""
        while True:
            with self._changed:
                if self._closed:
                    return
                self._changed.wait(POLL_SECONDS if self._waiting else None)
                waiting = dict(self._waiting)
            for result, sent in waiting.items():
                try:
                    if not result.ready():
                        continue
                    sent.future.set_result(result.get(disable_sync_subtasks=False))
                    result.forget()
                except Exception as error:
                    if not sent.future.done():
                        sent.future.set_exception(error)
                self._was_heard = True
                with self._changed:
                    self._waiting.pop(result, None)
            if self._waiting and time.monotonic() - self._looked >= BEAT_SECONDS:
                try:
                    self._look_after(dict(self._waiting))
                except Exception:  # a broker that is away for a while
                    log.debug("cannot look after the workers", exc_info=True)
                self._looked = time.monotonic()

    def _look_after(self, waiting: Mapping[Any, _Sent]) -> None:
        """Look whether the workers that make steps are alive."""
        silent = {}
        for result, sent in waiting.items():
            told = result.info if result.state == "STARTED" else None
            if not sent.hear(told):
                silent[result] = sent
            self._was_heard = self._was_heard or told is not None
        if not silent:
            return
        alive = self._control.inspect(timeout=PING_SECONDS).active() or {}
        # By what they make, not by their names: one that was started again has that of the one that was killed.
        made = {task["id"] for tasks in alive.values() for task in tasks}
        lost = {result: sent for result, sent in silent.items() if sent.worker is not None and result.id not in made}
        if not alive and not lost and not self._was_heard:
            log.warning("No worker of Celery answers: %d steps wait for one", len(waiting))
        # What a lost worker had taken from the queue and not begun is nobody's now.
        unbegun = {result: sent for result, sent in silent.items() if sent.worker is None}
        over = unbegun if lost or (not alive and self._was_heard) else {}
        self._misses = 0 if alive else self._misses + 1
        for result, sent in {**lost, **over}.items():
            # Who looks after workers may be about to start one again.
            if alive or self._misses >= MOST_MISSES:
                self._give_again(result, sent, bool(alive))
        for sent in silent.values():
            sent.heard = time.monotonic()

    def _give_again(self, result: Any, sent: _Sent, can_be_made: bool) -> None:
        """Give a step of a worker that is lost to another one, or say that it is lost."""
        who = f"the worker {sent.worker} of Celery" if sent.worker else "the workers of Celery"
        with self._changed:
            self._waiting.pop(result, None)
        with contextlib.suppress(Exception):
            result.revoke()
            result.forget()
        if can_be_made and sent.tries < MOST_TRIES:
            log.warning("%s is silent: the step %s is given to another one", who, sent.craft)
            sent.tries += sent.worker is not None
            sent.told = None
            with self._changed:
                self._waiting[self._send(sent)] = sent
            return
        again = f", and {sent.tries} were lost over it" if sent.tries > 1 else ""
        sent.future.set_exception(
            ConnectionError(f"{who}, which had the craft {sent.craft} to make: no answer any more{again}")
        )
