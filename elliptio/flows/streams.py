"""Name a stream of a flow, to be read as often as one likes, by as many as like, also after the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar, cast

from elliptio.flows.combining import NO_PAD, Batches, Merged, Zipped
from elliptio.flows.errors import EmptyStreamError, MismatchedIOError, ReadOnlyIOError
from elliptio.flows.reading import BATCH, FROM_FIRST, FROM_LATEST, ONLY_NEW, Cursor, Reading, Stream
from elliptio.flows.values import IOVal, IOVals, values_of
from elliptio.flows.waiting import ASKING

__all__ = ["FROM_FIRST", "FROM_LATEST", "IO", "ONLY_NEW"]

T = TypeVar("T")


class IO(Generic[T]):
    """A named stream of a flow.

    A processor gets one for each input, by the name of the parameter; `Supervisor.start_flow` gives one for each
    output. Reading it takes nothing away.

    Examples
    --------
    >>> from elliptio.flows import IO, Processor
    >>> total = Processor(name="total", inputs=["a", "b"], outputs=["sums"])
    >>> @total
    ... async def _total(a: IO[int], b: IO[int]):
    ...     async for one, other in a.stream_with(b):
    ...         yield one + other
    >>> _total(a=[1, 2], b=[10, 20])
    {'sums': [11, 22]}

    """

    def __init__(self, name: str, reading: Reading, write: Callable[[str, list[Any]], Any] | None = None) -> None:
        self.name = name
        self._reading = reading
        self._write = write

    def __repr__(self) -> str:
        return f"IO({self.name!r} of {self._reading.flow_id})"

    def __aiter__(self) -> AsyncIterator[T]:
        """Refuse it: where to begin and whether to hold the stream is said by `stream`."""
        raise TypeError(f"{self!r} is read by its methods: `async for value in io.stream()`, or `await io.collect()`.")

    async def first(self) -> T:
        """Give the first value; wait for it.

        Raises
        ------
        EmptyStreamError
            If the stream ended without one.
        StepFailedError, FlowCancelledError
            If it failed, or was cancelled, before.

        """
        return await self._at(0)

    async def latest(self) -> T:
        """Give the last value that is there; wait for the first one.

        Raises
        ------
        EmptyStreamError
            If the stream ended without one.

        """
        return await self._at(max(0, await self.count() - 1), last=True)

    async def count(self) -> int:
        """Count the values that are there."""
        return await self._reading.count(self.name)

    def stream(self, cursor: Cursor | int = FROM_FIRST, *, hold: bool = False) -> Stream[T]:
        """Read value after value, until the stream ends.

        A step is attached to the stream from here on: whoever writes it waits while it is too far behind. Other readers
        are not, unless they say so.

        Parameters
        ----------
        cursor
            Where to begin: at the first value, behind the last one that is there, at that one, or at a position.
        hold
            Hold the stream back too if this is no step, for as long as it goes on reading.

        Raises
        ------
        StepFailedError, FlowCancelledError
            After the last value, if the stream did not end well.
        IOStreamTimeout
            If no value comes for long, and nobody is alive who could write one.

        """
        if not isinstance(cursor, Cursor) and (isinstance(cursor, bool) or not isinstance(cursor, int) or cursor < 0):
            raise TypeError(f"cursor must be FROM_FIRST, ONLY_NEW, FROM_LATEST or a position, not {cursor!r}.")
        return Stream(self.name, self._reading, cursor, hold=hold)

    def stream_with(
        self, *others: IO[Any], pad: Any = NO_PAD, strict_when_no_pad: bool = False
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Read several streams side by side, a value of each at a time, until the shortest ends.

        Parameters
        ----------
        others
            The other streams.
        pad
            What stands for the values of a stream that has ended, until the longest ends.
        strict_when_no_pad
            Raise an `UnevenStreamsError`, a ValueError, if they do not end together.

        """
        return Zipped(self._streams("stream_with", others), pad, strict_when_no_pad)

    def as_available(self, *others: IO[Any]) -> AsyncIterator[Any]:
        """Read several streams at once, each value when it comes, until all have ended."""
        return Merged(self._streams("as_available", others))

    def _streams(self, method: str, others: tuple[IO[Any], ...]) -> list[Stream[Any]]:
        for one in others:
            if not isinstance(one, IO):
                raise TypeError(f"{method} takes streams (IO), as in a.{method}(b, c), not {one!r}.")
        return [one.stream() for one in (self, *others)]

    async def collect(self) -> list[T]:
        """Read all values; wait for the end."""
        stream, values = self.stream(), list[T]()
        while (more := await stream.take()) is not None:
            values.extend(more)
        return values

    def batches(self, size: int) -> AsyncIterator[list[T]]:
        """Read values in lists of ``size``; the last one may be shorter."""
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(f"size must be a whole number above 0, not {size!r}.")
        return Batches(self.stream(), size)

    async def write(self, item: IOVal[T] | IOVals[T]) -> None:
        """Write to the stream, in the step that has it as an output.

        Raises
        ------
        ReadOnlyIOError
            If it is only read here.
        MismatchedIOError
            If the value is for another stream.

        """
        if self._write is None:
            raise ReadOnlyIOError(
                f"The stream {self.name!r} is only read here. The step that has it among its outputs writes it: by "
                "yield, or by a parameter of that name."
            )
        if not isinstance(item, IOVal | IOVals) or item.name != self.name:
            raise MismatchedIOError(f"Only an IOVal of the name {self.name!r} can be written here, not {item!r}.")
        await self._write(self.name, values_of(item))

    async def _at(self, position: int, *, last: bool = False) -> T:
        with self._reading.waits:
            return await self._read_at(position, last=last)

    async def _read_at(self, position: int, *, last: bool) -> T:
        reading, asks = self._reading, False
        patience = reading.patience(self.name)
        try:
            while True:
                wait = reading.settings.io_read_timeout
                values, end = await reading.channel.read(self.name, position, BATCH if last else 1, wait)
                if values:
                    return cast(T, values[-1])
                if end is not None:
                    raise reading.error_of(self.name, end) or EmptyStreamError(
                        f"The stream {self.name!r} ended without a value."
                    )
                if reading.reader is not None and not asks:
                    asks = True
                    await reading.channel.progress(self.name, ASKING + reading.reader, position)
                await patience.check()
        finally:
            if asks:
                reading.left.append((self.name, f"{ASKING}{reading.reader}"))
