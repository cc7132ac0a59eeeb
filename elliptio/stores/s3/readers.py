"""Read objects of S3 as files: in ranges, several ahead of whoever reads on."""

# The methods are those of `io.RawIOBase`.
# ruff: noqa: D102

from __future__ import annotations

import io
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol, TypeVar

from elliptio.errors import StoreError
from elliptio.stores.s3.movers import Mover
from elliptio.stores.s3.writers import STEP
from elliptio.system.ending import Pool

log = logging.getLogger(__name__)

T = TypeVar("T")
BUFFER = 128 << 10
"""Bytes that are fetched at first, and after each jump."""

WIDEST = 4 << 20
"""Bytes of the widest range."""

AHEAD = 5
"""Number of ranges that may wait in memory to be read, for all readers of a store together."""


class Ahead:
    """Hold the threads that fetch what will be read next, and the room that it may take."""

    def __init__(self) -> None:
        self._pool = Pool(AHEAD, "elliptio-ahead")
        self._free = threading.Semaphore(AHEAD)

    def start(self, start: int, stop: int, fetch: Callable[[], Any]) -> Range | None:
        """Fetch a range in a thread, if there is room."""
        if not self._free.acquire(blocking=False):
            return None
        return Range(start, stop, self._pool.submit(fetch), self._free)


class Range(NamedTuple):
    """Hold a range that is on its way, or there."""

    start: int
    stop: int
    content: Future[Any]
    room: threading.Semaphore

    def drop(self) -> None:
        """Make room for others, as soon as nothing is fetched into it any more."""
        self.content.cancel()
        self.content.add_done_callback(lambda _: self.room.release())


class Bucket(Protocol):
    """Give a reader what it needs of a store.

    Attributes
    ----------
    root
        URL that keys are relative to.
    """

    root: str

    def full_key(self, key: str) -> str:
        """Return the key of an object within its bucket."""

    def attempt(self, action: str, do: Callable[[Mover], T], key: str | None = None) -> T:
        """Do something patiently, and explain what goes wrong; a missing object is a missing `key`."""

    def ahead(self) -> Ahead:
        """Return what fetches ahead, in this process."""


class Reader(io.RawIOBase):
    """Read an object: a little at first and after each jump, then more, and ahead, the further one reads on.

    Parameters
    ----------
    store, key
        Store and key of the object.
    whole
        True where all of it is going to be read, in order.

    """

    def __init__(self, store: Bucket, key: str, *, whole: bool = False) -> None:
        self._store = store
        self._key = key
        self._full = store.full_key(key)
        self._pid = os.getpid()
        self._ahead: deque[Range] = deque()
        self._current: Range | None = None
        self._start = self._position = 0
        self._widest = WIDEST
        # So many bytes were read on since the last jump: as many may be fetched ahead.
        self._run = AHEAD * WIDEST if whole else 0
        self._size, found = self._attempt(lambda mover: mover.read(self._full, STEP if whole else BUFFER))
        self._chunk = memoryview(found)
        if whole:
            self._fetch_ahead(len(self._chunk))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if self._position >= self._size or not len(buffer):
            return 0
        offset = self._position - self._start
        if not 0 <= offset < len(self._chunk):
            self._fetch(len(buffer))
            offset = self._position - self._start
        part = self._chunk[offset : offset + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def readall(self) -> bytes:
        parts = []
        while part := self.read(STEP):
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        self._forget_the_parent()
        self._drop_ahead()
        self._keep(0, b"")
        super().close()

    def _fetch(self, wanted: int) -> None:
        """Get the bytes at the current position into the chunk."""
        start = self._position
        on = start == self._start + len(self._chunk)
        self._run = self._run + len(self._chunk) if on else 0
        self._forget_the_parent()
        if not self._take(start):
            self._drop_ahead()
            # Whoever reads a lot at once gets it; what is read by the way stays small, as it may be one of many.
            width = max(min(wanted, self._widest), min(self._run, STEP), BUFFER)
            self._keep(start, self._range(start, min(self._size, start + width)))
        self._fetch_ahead(self._start + len(self._chunk))

    def _take(self, start: int) -> bool:
        """Make the range that was fetched ahead the current one, if it is the next and did not fail."""
        if not self._ahead or self._ahead[0].start != start:
            return False
        taken = self._ahead.popleft()
        try:
            found = taken.content.result()
        except BaseException as error:
            taken.drop()
            if not isinstance(error, Exception):
                raise
            log.debug("Fetching %s ahead failed, so it goes on step by step: %s", self._full, error)
            self._widest = STEP
            return False
        self._keep(start, found, taken)
        return True

    def _keep(self, start: int, found: Any, current: Range | None = None) -> None:
        """Make bytes the current chunk, and room where the last one was."""
        self._chunk, self._start = memoryview(found), start
        if self._current is not None:
            self._current.drop()
        self._current = current

    def _fetch_ahead(self, position: int) -> None:
        """Start to fetch what follows, at most as much as was read on so far."""
        if self._widest < WIDEST or self._run < STEP:
            return
        end = self._ahead[-1].stop if self._ahead else position
        width = min(WIDEST, self._run)
        while end < self._size and end + width - position <= self._run:
            stop = min(self._size, _aligned(end, width))
            started = self._store.ahead().start(end, stop, lambda start=end, stop=stop: self._range(start, stop))  # type: ignore[misc]
            if started is None:
                return
            self._ahead.append(started)
            end = stop

    def _forget_the_parent(self) -> None:
        """Leave what was fetched ahead alone in a child of a fork: it has neither its threads nor its locks."""
        if os.getpid() != self._pid:
            self._ahead, self._current, self._pid = deque(), None, os.getpid()

    def _drop_ahead(self) -> None:
        while self._ahead:
            self._ahead.pop().drop()

    def _range(self, start: int, stop: int) -> Any:
        found = self._attempt(lambda mover: mover.read_range(self._full, start, stop))
        if not len(found):
            raise StoreError(f"cannot read {self._store.root}/{self._key}: it ends at {start} of {self._size} bytes")
        return found

    def _attempt(self, do: Callable[[Mover], T]) -> T:
        return self._store.attempt("read from", do, self._key)


def _aligned(start: int, width: int) -> int:
    """Return the end of a range that is at most so wide."""
    # Servers read the parts of a large file, which begin at multiples.
    stop = start + width
    return stop - stop % WIDEST if stop // WIDEST > start // WIDEST else stop
