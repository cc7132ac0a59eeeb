"""Notice that the program ends, from when on no thread can be started, or given work."""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

begun = False
"""True as soon as Python has ended its thread pools, before what `atexit` runs."""


def _begin() -> None:
    global begun
    begun = True


def before_threads_end(do: Callable[[], object]) -> None:
    """Have something done when the program ends, while there are threads: what was registered last comes first."""
    try:
        getattr(threading, "_register_atexit", atexit.register)(do)
    except RuntimeError:  # it ends already
        do()


# Importing the thread pools has registered their end, so this comes before it, and after all that needs threads.
before_threads_end(_begin)


def in_child() -> bool:
    """Tell whether this process is one of multiprocessing's, which do nothing of what `atexit` was told."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def may_be_stopped() -> bool:
    """Tell whether this process is one of a pool, which is killed as soon as nobody waits for a result of it."""
    return in_child() and bool(sys.modules["multiprocessing.process"].current_process().daemon)


class Pool(ThreadPoolExecutor):
    """Threads as long as there can be some; while the program ends, work is done where it is submitted."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have something done, and return what its result will be."""
        if not begun:
            return super().submit(fn, *args, **kwargs)
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done
