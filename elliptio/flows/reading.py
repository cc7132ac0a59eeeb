"""Read one stream value after value: from where one likes, attached to it or not."""

from __future__ import annotations

import enum
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from operator import length_hint
from typing import TypeVar

from elliptio.flows.backgrounds import library_here
from elliptio.flows.brokers.defining import HEARD, Broker, Channel, Outcome
from elliptio.flows.outcomes import error_of
from elliptio.flows.settings import Settings
from elliptio.flows.waiting import AMONG, ASKING, Patience, Start, Waits

T = TypeVar("T")

BATCH = 1000
"""So many values are asked for at once."""

_SOON = 0.05
"""So many seconds a reader waits for values before it tells how far it is, and it tells no later than after so many."""


class Cursor(enum.Enum):
    """Says where reading begins."""

    FROM_FIRST = "from the first value"
    ONLY_NEW = "after the last value that is there"
    FROM_LATEST = "from the last value that is there"

    def __repr__(self) -> str:
        return self.name


FROM_FIRST, ONLY_NEW, FROM_LATEST = Cursor.FROM_FIRST, Cursor.ONLY_NEW, Cursor.FROM_LATEST


@dataclass
class Reading:
    """Reads the streams of a flow, for a step or for anybody.

    Attributes
    ----------
    reader
        Name of the step, if it is one: it is attached to what it reads, and holds it back. None: a casual reader.
    skips_failures
        Whether a stream that failed merely ends.
    begin
        Where a step that goes on begins to read.
    seen
        Called with how a stream ended, when a reader comes to know of it.
    asked
        Called with a stream and a position when the value at that position is asked for.
    left
        Streams that were left before their end, so that nothing holds them any more.
    again
        Lets a step be run that nobody has taken in time, if there is a way to.
    waits
        Notes when there is nothing to do but to wait.
    attached
        Streams that the step is attached to.

    """

    broker: Broker
    flow_id: str
    settings: Settings
    reader: str | None = None
    skips_failures: bool = False
    asked: Callable[[str, int], None] | None = None
    begin: int = 0
    seen: Callable[[Outcome], None] | None = None
    left: list[tuple[str, str]] = field(default_factory=list)
    again: Start | None = None
    waits: Waits = field(default_factory=Waits)
    attached: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.channel: Channel = self.broker.flow(self.flow_id)

    async def let_go(self) -> None:
        """Detach readers that have left."""
        while self.left:
            await self.channel.progress(*self.left.pop(), None)

    async def count(self, stream: str) -> int:
        """Count the values that are there of a stream."""
        state = await self.broker.state(self.flow_id)
        return int(state["streams"].get(stream, {}).get("count", 0)) if state else 0

    def error_of(self, stream: str, end: Outcome) -> Exception | None:
        """Make the error that a reader gets after the last value, if the stream did not end well."""
        if self.seen is not None:
            self.seen(end)
        if end["status"] == "done" or (end["status"] == "failed" and self.skips_failures):
            return None
        return error_of(end, stream, self.flow_id)

    def patience(self, stream: str) -> Patience:
        """Begin to wait for the values of a stream."""
        return Patience(self.broker, self.flow_id, stream, self.settings, self.again)


class Stream(AsyncIterator[T]):
    """The values of a stream, one after the other; made by `elliptio.flows.IO.stream`.

    Attributes
    ----------
    alone
        Whether its reader can do nothing else while it waits for the next value; not if that of another stream does.

    """

    def __init__(self, name: str, reading: Reading, cursor: Cursor | int = FROM_FIRST, *, hold: bool = False) -> None:
        self.name = name
        self._reading = reading
        self._cursor = cursor
        self._values: Iterator[T] = iter(())
        self._fetched = -1 if isinstance(cursor, Cursor) else cursor
        self._end: Outcome | None = None
        self._told, self._told_at = -1, 0.0
        self._asking = False
        self.alone = True
        self._asked = reading.asked
        self._reader = reading.reader
        if self._reader is None and hold:
            self._reader = HEARD + uuid.uuid4().hex
        self._patience = reading.patience(name)

    @property
    def position(self) -> int:
        """Count of values that were read, or passed over; -1 before it is known where to begin."""
        return self._fetched - length_hint(self._values)

    def __aiter__(self) -> AsyncIterator[T]:
        # A generator takes half the time a value. On trio one that is broken off warns, and those that note what is
        # asked for must know of each value.
        return self if self._asked is not None or library_here() == "trio" else self._generated()

    async def _generated(self) -> AsyncIterator[T]:
        while True:
            for value in self._values:
                yield value
            if not await self.fetch():
                return

    async def __anext__(self) -> T:
        """Give the next value, or end; see `IO.stream`."""
        if self._asked is not None and self.position >= 0:
            self._asked(self.name, self.position)
        for value in self._values:
            return value
        if not await self.fetch():
            raise StopAsyncIteration
        return next(self._values)

    async def take(self) -> list[T] | None:
        """Give the values that are there, at least one; None at the end."""
        values = list(self._values)
        if not values and await self.fetch():
            values = list(self._values)
        return values or None

    @property
    def is_ready(self) -> bool:
        """Tell whether the next value, or the end, is here already."""
        return length_hint(self._values) > 0 or self._end is not None

    async def fetch(self) -> bool:
        """Get more values; tell whether there are any."""
        with self._reading.waits:
            return await self._fetch()

    async def _fetch(self) -> bool:
        reading = self._reading
        if self._fetched < 0:
            self._fetched = await self._begin()
            if self._asked is not None:
                self._asked(self.name, self.position)
        while self._end is None:
            reader = self._news(at_all=self._told < 0)
            tell = self._reader is not None and not self._asking
            wait = min(_SOON, reading.settings.io_read_timeout) if tell else reading.settings.io_read_timeout
            values, self._end = await reading.channel.read(self.name, self.position, BATCH, wait, reader=reader)
            if self._asking and (values or self._end):
                await self._ask(False)
            if values:
                self._values = iter(values)
                self._fetched += len(values)
                self._patience.rest()
                return True
            if self._end is None:
                if reader := self._news(at_all=True):
                    await reading.channel.progress(self.name, reader, self.position)
                await self._ask(True)
                await self._patience.check()
        await self._leave()
        error = reading.error_of(self.name, self._end)
        if error is not None:
            raise error
        return False

    async def _begin(self) -> int:
        if not isinstance(self._cursor, Cursor):
            return self._cursor
        if self._cursor is FROM_FIRST:
            return self._reading.begin
        return max(0, await self._reading.count(self.name) - (self._cursor is FROM_LATEST))

    def _news(self, *, at_all: bool) -> str:
        """Name the reader if it is to be said how far it is: when it begins, by and by, and when it has to wait."""
        if self._reader is None or self._told == self.position:
            return ""
        now = time.monotonic()
        few = self.position - self._told < max(1, self._reading.settings.limit // 4)
        if not at_all and few and now - self._told_at < _SOON:
            return ""
        self._reading.attached.add(self.name)
        self._told, self._told_at = self.position, now
        return self._reader

    async def answered(self) -> None:
        """Say that the step waits here no longer."""
        await self._ask(False)

    async def _ask(self, asking: bool) -> None:
        """Say whether the step can do nothing but wait for the next value: here, or of one of several streams."""
        if self._reading.reader is not None and self._asking != asking:
            self._asking = asking
            await self._reading.channel.progress(self.name, self._asker, self.position if asking else None)

    @property
    def _asker(self) -> str:
        return f"{ASKING if self.alone else AMONG}{self._reading.reader}"

    async def _leave(self) -> None:
        await self._ask(False)
        if self._reader is not None and self._told >= 0:
            self._told = -1
            reader, self._reader = self._reader, None
            await self._reading.channel.progress(self.name, reader, None)
            self._reading.attached.discard(self.name)

    async def aclose(self) -> None:
        """Stop reading: nothing is held back any more."""
        self._values, self._end = iter(()), self._end or {"status": "done"}
        await self._leave()

    def __del__(self) -> None:
        # Whoever breaks off a loop does not close what it was over.
        if getattr(self, "_told", -1) >= 0 and self._reader is not None:
            self._reading.left.append((self.name, self._reader))
            if self._asking:
                self._reading.left.append((self.name, self._asker))
