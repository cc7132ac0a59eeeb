"""Hand on what a step yields: gathered to batches, at its position, held up where a reader is far behind."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from elliptio.flows.brokers.defining import CONTROL, Epoch
from elliptio.flows.errors import HeldUpError, MismatchedIOError, ReplayError, StreamFullError
from elliptio.flows.losses import LOST, check, losses, marked
from elliptio.flows.reading import Reading
from elliptio.flows.serializing import same
from elliptio.flows.values import IOVal, IOVals, size_of, values_of
from elliptio.flows.waiting import asked_by, can_only_wait, circle
from elliptio.naming import shorten

BATCH, PAUSE = 100, 0.001
"""Values are handed on when there are so many, or as many as a reader may be behind, or after so many seconds; large
ones when they make about a quarter of the bytes that it may be behind."""

_MOST = 500
"""To a server a question costs as much as some hundred values, so that many go at once."""

_BARE = frozenset({int, float, str, bytes, bool, dict, tuple, type(None)})
"""Classes of values that name no stream, as most do: they are not asked whether they do."""


class Outputs:
    """Brings what a step has yielded to the broker."""

    def __init__(self, reading: Reading, plan: dict[str, Any], document: dict[str, Any], epoch: Epoch) -> None:
        names: list[str] = document["outputs"]
        self._reading = reading
        self._plan = plan
        self._step: str = document["name"]
        self._epoch = epoch
        self._single = names[0] if len(names) == 1 else None
        self._asks = reading.broker.shared
        self._batch = _together(reading.settings.limit, shared=self._asks)
        self._most = reading.settings.limit_bytes // 4
        self._buffers: dict[str, list[Any]] = {name: [] for name in names}
        self._positions: dict[str, int] = dict.fromkeys(names, 0)
        self._there: dict[str, int] = dict.fromkeys(names, 0)
        self._state: Any = None
        self._saved: tuple[Any] | None = None
        self._before: dict[str, Any] = epoch.state or {}
        self._times = 0
        self._per_value = document["resume"] == "per_value"
        self._lock = anyio.Lock(fast_acquire=True)
        self._news: anyio.Event | None = None
        self._idle = True
        self.tasks: TaskGroup | None = None

    async def open(self) -> None:
        """Find out what was written before, by whoever had the step.

        Raises
        ------
        StepLostError
            If too many in a row were lost with it.

        """
        if self._epoch == 1:
            return
        saved = self._before.get("outputs", {})
        for name in self._buffers:
            self._there[name] = await self._reading.channel.append(name, [], 0, self._step, self._epoch)
            self._positions[name] = saved.get(name, 0)
        self._times = losses(self._epoch, self._there, waited=await self._has_waited())
        if self._times or LOST in self._before:
            await self._renew(marked(self._before, self._times, self._there))
        check(self._times, self._reading.settings.attempts, self._step)

    async def _has_waited(self) -> bool:
        """Tell whether whoever had the step could only wait; it does so no longer."""
        reading = self._reading
        state = await reading.broker.state(reading.flow_id)
        if state is None:
            return False
        reading.left += asked_by(state, self._step)
        await reading.let_go()
        return can_only_wait(self._plan, state, self._step, reading.settings.limits)

    def empty(self) -> list[str]:
        """List the streams that nothing was written to."""
        return [name for name, position in self._positions.items() if not position]

    async def take_all(self, items: AsyncIterator[Any]) -> None:
        """Take all that a step yields."""
        find, clock, bare, batch, most = self._buffers.get, time.perf_counter, self._single, self._batch, self._most
        count, since, look, stride = 0, 0.0, 1, 1  # the first value goes at once
        try:
            async for item in items:
                if type(item) is IOVal and (buffer := find(item.name)) is not None:
                    buffer.append(item.value)
                    count += 1
                elif bare is not None and type(item) in _BARE:
                    self._buffers[bare].append(item)
                    count += 1
                else:
                    count += self._sort(item)
                if self._saved is not None:
                    self._anchor()
                if count < look:
                    if self._idle:
                        self._tell()
                    continue
                # The clock is looked at less and less often, as long as values come fast and are small.
                late = clock() - since > PAUSE
                size = size_of(item.value if type(item) is IOVal else item) or 1
                if count >= batch or late or count * size >= most:
                    await self.flush()
                    count, look = 0, stride
                    if late:
                        await anyio.lowlevel.checkpoint()
                        look = stride = 1
                    if late or self._asks:  # the time that a server takes is none in which values were gathered
                        since = clock()
                else:
                    stride = min(2 * stride, 16, batch, most // size - count + 1)
                    look = count + stride
                    if self._idle:
                        self._tell()
            if self._saved is not None:
                self._anchor()
        finally:
            with anyio.CancelScope(shield=True):
                await items.aclose()  # type: ignore[attr-defined]

    async def take(self, item: Any) -> None:
        """Take what a step returns; None is nothing, if it does not stand for a value."""
        if item is not None:
            self._sort(item)
        if self._saved is not None:
            self._anchor()

    async def put(self, name: str, values: list[Any]) -> None:
        """Take what a step writes to one of its streams."""
        self._buffers[name].extend(values)
        if self._saved is not None:
            self._anchor()
        if len(self._buffers[name]) >= self._batch:
            await self.flush()
        else:
            self._tell()

    def _tell(self) -> None:
        self._idle = False
        if self._news is not None:
            self._news.set()
        elif self.tasks is not None:
            self._news = anyio.Event()
            self._news.set()
            self.tasks.start_soon(self._deliver)

    def _sort(self, item: Any) -> int:
        """Put what was yielded to its stream; return how many values it is."""
        if isinstance(item, IOVal):
            self._buffer(item.name).append(item.value)
            return 1
        if isinstance(item, IOVals):
            values = values_of(item)
            self._buffer(item.name).extend(values)
            return len(values)
        if isinstance(item, list) and item and all(isinstance(one, IOVal | IOVals) for one in item):
            return sum(map(self._sort, item))
        if self._single is None:
            outputs = ", ".join(self._buffers) or "none"
            raise MismatchedIOError(
                f"The step {self._step!r} made a value without the name of a stream: {_short(item)}. With one output "
                f"that would do; its outputs are: {outputs}. Yield IOVal(name=…, value=…)."
            )
        self._buffers[self._single].append(item)
        return 1

    def _buffer(self, name: str) -> list[Any]:
        if name not in self._buffers:
            raise MismatchedIOError(
                f"The step {self._step!r} made a value for the stream {name!r}, which is not among its outputs: "
                f"{', '.join(sorted(self._buffers)) or 'none'}."
            )
        return self._buffers[name]

    def save(self, state: Any) -> None:
        """Keep a state together with what is yielded next, or with all before if a value is asked for first."""
        self._saved = (state,)

    def asked(self, stream: str, position: int) -> None:
        """Note that a step asks for the value of an input at a position: all before were worked off."""
        if self._per_value:
            self._note({"input": position}, new=position > self._before.get("input", 0))
        elif self._saved is not None:
            self._anchor()

    def _anchor(self) -> None:
        """Note after which values a state was reached that was saved."""
        saved, self._saved = self._saved, None
        before = self._before.get("saved")
        # Only one that was lost compares: what it saves once more is nothing new.
        new = not self._times or saved is None or before is None or not same(saved[0], before[0])
        self._note({"saved": saved}, new=new)

    def _note(self, state: dict[str, Any], *, new: bool) -> None:
        """Note a state to be kept; one that is no further than before keeps how often the step was lost."""
        self._state = {**state, "outputs": self._expected()}
        if new:
            self._times = 0
        elif self._times:
            self._state = marked(self._state, self._times, self._there)

    def _expected(self) -> dict[str, int]:
        return {name: self._positions[name] + len(values) for name, values in self._buffers.items()}

    async def _deliver(self) -> None:
        """Hand on values while the step waits for something else."""
        assert self._news is not None
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            self._idle = True  # what is yielded while this hands on is told once more
            await self.flush()

    async def flush(self) -> None:
        """Hand on all that was gathered."""
        if self._state is None and not any(self._buffers.values()) and not self._lock.locked():
            return
        async with self._lock:
            full = [name for name, values in self._buffers.items() if values]
            state, self._state = self._state, None
            if state is not None and not full:
                await self._renew(state)
            for name in full:
                values, self._buffers[name] = self._buffers[name], []
                at = self._positions[name]
                # Of a state, all that it counts must be there before it.
                await self._append(name, values, at, state if name == full[-1] else None)
        if self._reading.left:
            await self._reading.let_go()

    async def renew(self) -> None:
        """Renew the lease, and keep with it a state that no value came after."""
        if self._state is None or any(self._buffers.values()) or self._lock.locked():
            await self._renew(None)  # a state goes with the values that it counts
        else:
            await self.flush()

    async def _renew(self, state: Any) -> None:
        channel = self._reading.channel
        await channel.append(CONTROL + self._step, [], 0, self._step, self._epoch, state=state)

    async def _append(self, name: str, values: list[Any], at: int, state: Any) -> None:
        self._positions[name] = at + len(values)
        if at < self._there[name] and values:
            await self._compare(name, values, at)
        append = partial(self._reading.channel.append, name, values, at, self._step, self._epoch, state=state)
        try:
            await append()
        except StreamFullError:
            with self._reading.waits:
                await self._wait_for_room(name, append)

    async def _wait_for_room(self, name: str, append: Callable[[], Awaitable[int]]) -> None:
        stuck = _Stuck(self._reading, self._plan, name)
        while True:
            await stuck.check()
            with suppress(StreamFullError):
                await append()
                return

    async def _compare(self, name: str, values: list[Any], at: int) -> None:
        """Compare what a step that runs again makes with what it had written."""
        until = min(self._there[name], at + len(values))
        position = at
        while position < until:
            before, _ = await self._reading.channel.read(name, position, until - position, 0)
            for value, old in zip(values[position - at : until - at], before, strict=False):
                if not same(value, old):
                    raise ReplayError(
                        f"The step {self._step!r} was run again and made another value {position} of {name!r}: "
                        f"{_short(value)} instead of {_short(old)}. A step that cannot make the same again saves what "
                        "it goes on from: by a parameter of the type Checkpoint."
                    )
                position += 1
            if not before:
                raise ReplayError(f"The stream {name!r} does not have its value {position} any more.")


class _Stuck:
    """Find out whether steps wait for each other while a stream stays full."""

    def __init__(self, reading: Reading, plan: dict[str, Any], stream: str) -> None:
        self._reading, self._plan, self._stream = reading, plan, stream
        self._seen: Any = None
        self._since = 0.0

    async def check(self) -> None:
        """Raise an error if nothing has moved for long, and steps wait for each other in a circle."""
        state = await self._reading.broker.state(self._reading.flow_id)
        settings = self._reading.settings
        said = circle(self._plan, state, self._stream, settings.limits) if state else None
        moved = state and {name: (one["count"], one["readers"]) for name, one in state["streams"].items()}
        if said is None or moved != self._seen:
            self._seen, self._since = moved, time.monotonic()
        elif time.monotonic() - self._since > settings.io_read_pending_timeout / 3:
            raise HeldUpError(
                f"Steps wait for each other: {said}. Read such streams side by side (stream_with, as_available), or "
                "wait for the one that comes late: Processor(wait={…})."
            )


def _together(limit: int, *, shared: bool) -> int:
    """Say how many values are handed on at once, of which a reader may be `limit` behind."""
    return min(limit, max(BATCH, min(limit // 4, _MOST)) if shared else BATCH)


def _short(value: Any) -> str:
    return shorten(repr(value), 80)
