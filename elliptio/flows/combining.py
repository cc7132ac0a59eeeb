"""Read several streams together: side by side, or each value when it comes; or one in lists."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar

import anyio

from elliptio.flows.errors import UnevenStreamsError
from elliptio.flows.reading import Stream

T = TypeVar("T")


class _Missing(enum.Enum):
    NO_PAD = enum.auto()


NO_PAD = _Missing.NO_PAD


class Zipped(AsyncIterator[tuple[Any, ...]]):
    """Streams side by side, a value of each at a time."""

    def __init__(self, streams: list[Stream[Any]], pad: Any, strict: bool) -> None:
        self._streams, self._pad, self._strict = streams, pad, strict
        self._open = list(range(len(streams)))

    async def __anext__(self) -> tuple[Any, ...]:
        row = [self._pad] * len(self._streams)
        ended = []
        for index in list(self._open):
            try:
                row[index] = await anext(self._streams[index])
            except StopAsyncIteration:
                ended.append(index)
                if self._pad is NO_PAD and not self._strict:
                    break
        if ended and self._pad is NO_PAD:
            await self._stop(ended)
        self._open = [index for index in self._open if index not in ended]
        if not self._open:
            raise StopAsyncIteration
        return tuple(row)

    async def _stop(self, ended: list[int]) -> None:
        names = [stream.name for stream in self._streams]
        for stream in self._streams:
            await stream.aclose()
        open_ones, self._open = [index for index in self._open if index not in ended], []
        if self._strict and open_ones:
            raise UnevenStreamsError(
                f"The streams do not end together: {names[ended[0]]!r} has ended, and {names[open_ones[0]]!r} has "
                "another value. Give a pad, or leave out strict_when_no_pad."
            )
        raise StopAsyncIteration


class Merged(AsyncIterator[Any]):
    """Streams at once, each value when it comes."""

    def __init__(self, streams: list[Stream[Any]]) -> None:
        self._streams = streams
        for stream in streams:
            stream.alone = False
        self._ready: Iterator[Any] = iter(())

    async def __anext__(self) -> Any:
        while True:
            for value in self._ready:
                return value
            if not self._streams:
                raise StopAsyncIteration
            if not any(stream.is_ready for stream in self._streams):
                await self._wait()
            # What was read of one comes after what is there of the others.
            self._streams.sort(key=lambda stream: not stream.is_ready)
            stream = self._streams.pop(0)
            if not stream.is_ready:
                self._streams.insert(0, stream)
                continue
            values = await stream.take()
            if values is not None:
                self._ready = iter(values)
                self._streams.append(stream)

    async def _wait(self) -> None:
        """Wait until a stream has a value or has ended."""
        errors: list[Exception] = []
        async with anyio.create_task_group() as tasks:

            async def fetch(stream: Stream[Any]) -> None:
                try:
                    await stream.fetch()
                except Exception as error:
                    errors.append(error)
                tasks.cancel_scope.cancel()

            for stream in self._streams:
                tasks.start_soon(fetch, stream)
        for stream in self._streams:
            await stream.answered()
        if errors:
            raise errors[0]


class Batches(AsyncIterator[list[T]]):
    """Values of a stream in lists of one length, but for the last."""

    def __init__(self, stream: Stream[T], size: int) -> None:
        self._stream, self._size = stream, size
        self._values: list[T] = []

    async def __anext__(self) -> list[T]:
        while len(self._values) < self._size:
            more = await self._stream.take()
            if more is None:
                break
            self._values.extend(more)
        batch, self._values = self._values[: self._size], self._values[self._size :]
        if not batch:
            raise StopAsyncIteration
        return batch
