"""Save in the background while the program goes on, so that nobody misses an error."""

from __future__ import annotations

import atexit
import contextvars
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from elliptio.system import ending
from elliptio.system.forking import Lock

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Pending(Future[Result]):
    """A `concurrent.futures.Future`; an error that nobody has asked it for is shown when the process ends."""

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the result; raise what the work raised."""
        try:
            return super().result(timeout)
        finally:
            self._see()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait, and return what the work raised, None if nothing."""
        try:
            return super().exception(timeout)
        finally:
            self._see()

    def _see(self) -> None:
        if self.done():
            _unseen.pop(self, None)


_unfinished: dict[Pending[Any], None] = {}
_unseen: dict[Pending[Any], None] = {}
"""Work that failed, and nobody knows."""


def _forget() -> None:
    _unfinished.clear()
    _unseen.clear()


def _finish() -> None:
    wait(list(_unfinished))
    if ending.in_child():
        _show_unseen()


def _show_unseen() -> None:
    for pending in list(_unseen):
        error = pending.exception()
        log.error("A save in the background failed, so nothing was published: %s", error, exc_info=error)
        _unseen.pop(pending, None)


atexit.register(_show_unseen)
# Python ends its thread pools before anything that `atexit` runs, and a save needs them.
ending.before_threads_end(_finish)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class Background:
    """Does one thing after the other, in a thread that the end of the program waits for.

    A copy in another process, pickled or forked, has nothing to do yet.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: ending.Pool | None = None
        self._pid = os.getpid()
        self._pending: list[Pending[Any]] = []

    def __reduce__(self) -> tuple[type[Background], tuple[()]]:
        return Background, ()

    def submit(self, work: Callable[[], Result], drop: Callable[[], object]) -> Pending[Result]:
        """Do some work later, with the context variables of now; `drop` it if it is cancelled before it began.

        Where the process may be stopped before, it is done now.
        """
        pending: Pending[Result] = Pending()
        context = contextvars.copy_context()
        with self._lock:
            if self._thread is None or self._pid != os.getpid():
                self._thread, self._pid = ending.Pool(1, "elliptio-background"), os.getpid()
                self._pending = []
            self._pending = [other for other in self._pending if other in _unseen or not other.done()]
            self._pending.append(pending)
            _unfinished[pending] = None
            if not ending.may_be_stopped():
                self._thread.submit(context.run, _run, pending, work, drop)
                return pending
        _run(pending, work, drop)
        if pending in _unseen:
            _show_unseen()
        return pending

    def finish(self) -> BaseException | None:
        """Wait until all is done, and return the first error that nobody has asked for; the others are logged."""
        with self._lock:
            pending, self._pending = self._pending if self._pid == os.getpid() else [], []
        wait(pending)
        errors = [each.exception() for each in pending if each in _unseen]
        for error in errors[1:]:
            log.error("Another save in the background failed: %s", error, exc_info=error)
        return errors[0] if errors else None


def _run(pending: Pending[Result], work: Callable[[], Result], drop: Callable[[], object]) -> None:
    try:
        if not pending.set_running_or_notify_cancel():
            drop()
            return
        try:
            result = work()
        except BaseException as error:  # it belongs to whoever asks for the result
            _unseen[pending] = None
            pending.set_exception(error)
        else:
            pending.set_result(result)
    finally:
        _unfinished.pop(pending, None)
