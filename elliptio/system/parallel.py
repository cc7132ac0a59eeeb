"""Do the same thing with many items, several at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from elliptio.system import ending

T = TypeVar("T")


def each(
    do: Callable[[T], object],
    items: Iterable[T],
    *,
    workers: int,
    name: str,
    stopped: threading.Event | None = None,
) -> None:
    """Do something with each item, in so many threads; in this one for less than two, and while the program ends.

    Items are asked for when a thread is free, so a million of them take no more memory than a few, and no further one
    after something failed. `stopped` is set then: what takes long may look at it, and end with any error.

    Raises
    ------
    BaseException
        The first failure of a thread, or of `items`.

    """
    if workers <= 1 or ending.begun:
        for item in items:
            do(item)
        return
    left, lock = iter(items), threading.Lock()
    stopped = threading.Event() if stopped is None else stopped
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not stopped.is_set():
                with lock:
                    item = next(left, _END)
                if item is _END:
                    return
                do(item)  # type: ignore[arg-type]
        except BaseException as error:
            failures.append(error)
            stopped.set()

    with ending.Pool(workers, name) as pool:
        running = [pool.submit(work) for _ in range(workers)]
        try:
            for one in running:
                one.result()
        finally:
            stopped.set()
    if failures:
        raise failures[0]


_END = object()
