"""Lock so that a fork is no harm: a child never waits for a thread that only its parent has."""

from __future__ import annotations

import os
import threading
import weakref
from _thread import RLock
from collections.abc import Callable
from threading import get_ident

PATIENCE = 60.0
"""Seconds a fork waits for the threads inside; then it goes ahead, as a fork that never returns helps nobody."""


class Lock(RLock):  # type: ignore[misc]  # mypy takes it for final
    """A reentrant lock that a child finds open: for what is still right when only half of it was done.

    So it is for caches and counters. It can be pickled; the copy is a new lock.
    """

    # It inherits from the lock, rather than holding one, so that entering it costs no call.
    def __init__(self) -> None:
        _locks.add(self)

    def __reduce__(self) -> tuple[type[Lock], tuple[()]]:
        return Lock, ()


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()


def _renew_locks() -> None:
    for lock in list(_locks):
        lock._at_fork_reinit()  # type: ignore[attr-defined]  # threading and logging do so with theirs


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


class ForkGate:
    """A gate around work that a fork must not cut through: a fork waits until no thread is inside.

    It is for SQLite, which has mutexes of its own: a process that forks while one of its threads holds one gives its
    child a mutex that nobody will ever release. Enter with ``with``, as often as you like; do not wait for other
    threads inside.

    Parameters
    ----------
    before_fork
        Called when all threads are outside, before each fork.

    """

    def __init__(self, before_fork: Callable[[], None]) -> None:
        self._before_fork = before_fork
        self._open(0)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._shut, after_in_parent=self._reopen, after_in_child=self._renew)

    def __enter__(self) -> None:
        depth = getattr(self._own, "depth", 0)
        with self._changed:
            while self._forker is not None and not depth and self._forker != get_ident():
                self._changed.wait()
            self._inside += 1
        self._own.depth = depth + 1

    def __exit__(self, *_: object) -> None:
        self._own.depth -= 1
        with self._changed:
            self._inside -= 1
            if self._forker is not None:
                self._changed.notify_all()

    def _open(self, depth: int) -> None:
        # Reentrant, because an object that is collected at any moment may have a connection to close.
        self._changed = threading.Condition(threading.RLock())
        self._own = threading.local()
        self._own.depth = self._inside = depth
        self._forker: int | None = None

    def _shut(self) -> None:
        depth = getattr(self._own, "depth", 0)
        self._changed.acquire()
        self._changed.wait_for(lambda: self._forker is None, PATIENCE)
        self._forker = get_ident()
        # The lock stays held, so that no thread is about to take or release it at the moment of the fork.
        if self._changed.wait_for(lambda: self._inside <= depth, PATIENCE) and not depth:
            self._before_fork()

    def _reopen(self) -> None:
        self._forker = None
        self._changed.notify_all()
        self._changed.release()

    def _renew(self) -> None:
        self._open(getattr(self._own, "depth", 0))


IMPORTS = ForkGate(lambda: None)
"""Gate around what a thread of ours imports: its child would wait for ever for an import that no thread of it ends."""
