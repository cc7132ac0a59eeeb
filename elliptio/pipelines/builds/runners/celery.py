"""Make steps as tasks of Celery."""

from __future__ import annotations

import contextlib
import logging
import threading
from concurrent.futures import Future
from importlib import import_module
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.runners.elsewhere import adapted, variables
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
        self._waiting: dict[Any, Future[Any]] = {}
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
        result = self._task.apply_async((data, variables(self._session)), argsrepr=shown, kwargsrepr="{}")
        future: Future[Any] = Future()
        with self._changed:
            self._waiting[result] = future
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="elliptio-celery", daemon=True)
                self._watcher.start()
            self._changed.notify()
        return adapted(future, self._session)

    def close(self) -> None:
        """Revoke what has not begun."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._watcher is not None:
            self._watcher.join()
        for result, future in self._waiting.items():
            with contextlib.suppress(Exception):
                result.revoke()
            future.cancel()
        self._waiting.clear()

    def _watch(self) -> None:
        """Look which tasks are done, as long as there are any."""
        while True:
            with self._changed:
                if self._closed:
                    return
                self._changed.wait(POLL_SECONDS if self._waiting else None)
                waiting = dict(self._waiting)
            for result, future in waiting.items():
                try:
                    if not result.ready():
                        continue
                    future.set_result(result.get(disable_sync_subtasks=False))
                    result.forget()
                except Exception as error:
                    if not future.done():
                        future.set_exception(error)
                with self._changed:
                    self._waiting.pop(result, None)
