"""Keep flows in the memory of this process: no server, and nothing is serialized."""

from __future__ import annotations

import os
import time
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

import anyio

from elliptio.flows.brokers.defining import CONTROL, DONE, HEARD, Epoch, Outcome
from elliptio.flows.errors import (
    FlowNotFoundError,
    LeaseLostError,
    PositionError,
    StreamEndedError,
    StreamFullError,
)
from elliptio.flows.settings import load
from elliptio.flows.values import size_of
from elliptio.naming import several

PATIENCE = 0.5
"""So many seconds an append waits for room before it is refused."""

_KEPT = 100
"""So many flows that have ended are kept."""

_SMALL = frozenset({int, float, bool, type(None), complex})


class MemoryBroker:
    """Keep flows in the memory of this process, for one event loop at a time.

    Flows that have ended are kept for those who come later: the last hundred of them, for as long as ``ttl`` says.

    Parameters
    ----------
    limit, limit_bytes
        How far the slowest attached reader of a stream may be behind, in values and in bytes (about: what
        `sys.getsizeof` or ``nbytes`` says).
    lease, ttl
        Seconds that a reader which is not a step holds a stream after it was last heard of, and that a flow which
        has ended is kept.

    Raises
    ------
    ConfigError
        If one of these is not above 0.

    Examples
    --------
    >>> from elliptio.flows import MemoryBroker
    >>> MemoryBroker(limit=100)
    MemoryBroker(flows=0)

    """

    shared = False
    steps = None

    def __init__(
        self, limit: int = 1000, limit_bytes: int = 64 * 2**20, *, lease: float = 15.0, ttl: float = 7 * 86400.0
    ) -> None:
        checked = load({"limit": limit, "limit_bytes": limit_bytes, "lease": lease, "ttl": ttl})
        self.limit = checked.limit
        self.limit_bytes = checked.limit_bytes
        self.lease = checked.lease
        self.ttl = checked.ttl
        self._flows: dict[str, _Channel] = {}
        self._asked: WeakValueDictionary[str, _Channel] = WeakValueDictionary()
        self._ended: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"MemoryBroker(flows={len(self._flows)})"

    def flow(self, flow_id: str) -> _Channel:
        """Give the channel of one execution."""
        channel = self._flows.get(flow_id) or self._asked.get(flow_id)
        if channel is None:
            channel = self._asked[flow_id] = _Channel(self, flow_id)
        return channel

    async def state(self, flow_id: str) -> dict[str, Any] | None:
        """Tell what is known of a flow."""
        channel = self._flows.get(flow_id)
        return None if channel is None else channel.state()

    async def flows(self) -> list[str]:
        """List the identifiers of all flows that are kept, newest first."""
        return list(reversed(self._flows))

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""

    def _keep(self, channel: _Channel) -> None:
        self._flows.setdefault(channel.id, channel)

    def _drop(self, flow_id: str) -> None:
        self._flows.pop(flow_id, None)
        self._ended.pop(flow_id, None)

    def _has_ended(self, flow_id: str) -> None:
        """Note that a flow has ended, and drop those that have been kept long enough."""
        now = time.time()
        self._ended[flow_id] = now
        old = [one for one, since in self._ended.items() if now - since > self.ttl]
        for one in [*old, *list(self._ended)[: max(0, len(self._ended) - _KEPT)]]:
            self._drop(one)


@dataclass
class _Stream:
    values: list[Any] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    size: int = 0
    end: Outcome | None = None
    readers: dict[str, tuple[int, float]] = field(default_factory=dict)
    came: anyio.Event | None = None
    left: anyio.Event | None = None
    first: float = 0.0
    last: float = 0.0

    def add(self, values: Sequence[Any]) -> None:
        self.starts.append(len(self.values))
        self.sizes.append(self.size)
        self.values.extend(values)
        self.size += _size(values)
        self.last = time.time()
        self.first = self.first or self.last
        self.wake()

    def size_before(self, position: int) -> int:
        """Count the bytes of the values before a position, as exactly as appends tell."""
        if position >= len(self.values):
            return self.size
        index = bisect_right(self.starts, position) - 1
        return self.sizes[index] if index >= 0 else 0

    def wake(self) -> None:
        if self.came is not None:
            self.came.set()
            self.came = None

    def wake_writer(self) -> None:
        if self.left is not None:
            self.left.set()
            self.left = None


@dataclass
class _Lease:
    epoch: int = 0
    until: float = 0.0
    ttl: float = 0.0
    state: Any = None
    since: float = 0.0


class _Channel:
    """One execution; see `elliptio.flows.brokers.defining.Channel`."""

    def __init__(self, broker: MemoryBroker, flow_id: str) -> None:
        self.id = flow_id
        self._broker = broker
        self._streams: dict[str, _Stream] = {}
        self._leases: dict[str, _Lease] = {}
        self._plan: dict[str, Any] | None = None
        self._waits: dict[str, set[str]] = {}
        self._open: set[str] = set()
        self._gone = False

    async def append(
        self,
        stream: str,
        values: Sequence[Any],
        at: int,
        step: str,
        epoch: int,
        *,
        state: Any = None,
        release: bool = False,
    ) -> int:
        """Append values of which the first belongs at a position."""
        lease = self._held(step, epoch)
        one = self._stream(stream)
        new = values[len(one.values) - at :] if at < len(one.values) else values
        if new:
            self._check(stream, one, at)
            if one.readers and self._is_full(stream, one):
                await self._room(stream, one)
                lease = self._held(step, epoch)
                self._check(stream, one, at)
                new = values[max(0, len(one.values) - at) :]
            one.add(new)
        lease.until = 0.0 if release else time.monotonic() + lease.ttl
        if state is not None:
            lease.state = state
        return len(one.values)

    async def read(
        self, stream: str, after: int, limit: int, wait: float, *, reader: str = ""
    ) -> tuple[Sequence[Any], Outcome | None]:
        """Read values from a position on, and how the stream ended."""
        if self._gone:
            raise FlowNotFoundError(f"The flow {self.id!r} was forgotten.")
        if reader:
            await self.progress(stream, reader, after)
        one = self._stream(stream)
        if after >= len(one.values) and one.end is None and wait > 0:
            if one.came is None:
                one.came = anyio.Event()
            with anyio.move_on_after(wait):
                await one.came.wait()
            if self._gone:
                raise FlowNotFoundError(f"The flow {self.id!r} was forgotten while its stream {stream!r} was read.")
        values = one.values[after : after + limit]
        return values, one.end if after + len(values) >= len(one.values) else None

    async def end(self, stream: str, outcome: Outcome, step: str = "", epoch: int = 0) -> list[str]:
        """End a stream, and name the steps that may start now."""
        if step:
            self._held(step, epoch)
        one = self._stream(stream)
        if one.end is not None:
            return []
        one.end = {**outcome, "count": len(one.values), "digest": None}
        one.wake()
        one.wake_writer()
        start = []
        for waiting, inputs in list(self._waits.items()):
            inputs.discard(stream)
            if not inputs:
                start.append(waiting)
                del self._waits[waiting]
        if stream in self._open:
            self._open.remove(stream)
            if not self._open:
                self._broker._has_ended(self.id)
        return start

    async def progress(self, stream: str, reader: str, position: int | None) -> None:
        """Say how far a reader is, which attaches it; None detaches it."""
        one = self._stream(stream)
        if position is None:
            one.readers.pop(reader, None)
        else:
            one.readers[reader] = position, time.monotonic()
        if one.left is not None and not self._is_full(stream, one):
            one.wake_writer()

    async def claim(self, step: str, ttl: float) -> Epoch:
        """Take a lease on a step and return its epoch, or 0."""
        if self._gone:
            return Epoch(0)
        self._broker._keep(self)
        lease = self._leases.setdefault(step, _Lease())
        now = time.monotonic()
        control = self._streams.get(CONTROL + step)
        if control is not None and control.end is not None:
            return Epoch(0)
        if now < lease.until:
            return Epoch(0, left=lease.until - now)
        lost = lease.until > 0
        lease.epoch += 1
        lease.until, lease.ttl, lease.since = now + ttl, ttl, time.time()
        return Epoch(lease.epoch, lease.state, lost=lost)

    async def plan(
        self, document: dict[str, Any] | None = None, *, given: Mapping[str, Sequence[Any]] | None = None
    ) -> dict[str, Any] | None:
        """Keep the plan of the flow, or give it."""
        if document is not None:
            self._broker._keep(self)
            self._gone = False
            self._plan = document
            self._open = {CONTROL + processor["name"] for processor in document.get("processors", ())}
            for name in (given or {}).keys() - self._streams.keys():
                self._fill(self._stream(name), (given or {})[name])
            ended = {name for name, one in self._streams.items() if one.end is not None}
            waits = {step: {*inputs} - ended for step, inputs in document.get("wait", {}).items()}
            self._waits = {step: inputs for step, inputs in waits.items() if inputs}
        return self._plan

    @staticmethod
    def _fill(one: _Stream, values: Sequence[Any]) -> None:
        if values:
            one.add(values)
        one.end = {**DONE, "count": len(values), "digest": None}

    async def forget(self) -> None:
        """Remove all of the flow."""
        self._gone = True
        self._broker._drop(self.id)
        for one in self._streams.values():
            one.wake()
            one.wake_writer()
        self._streams, self._leases, self._plan, self._waits, self._open = {}, {}, None, {}, set()

    def state(self) -> dict[str, Any]:
        """Tell what is known of the flow."""
        late = time.time() - time.monotonic()
        streams = {
            name: {
                "count": len(one.values),
                "bytes": one.size,
                "end": one.end,
                "first": one.first,
                "last": one.last,
                "readers": {reader: position for reader, (position, _) in one.readers.items()},
            }
            for name, one in self._streams.items()
        }
        leases = {
            step: {
                "epoch": one.epoch,
                "until": one.until + late if one.until else 0,
                "worker": f"process {os.getpid()}" if one.until else "",
                "since": one.since,
            }
            for step, one in self._leases.items()
        }
        return {"streams": streams, "leases": leases}

    def _stream(self, name: str) -> _Stream:
        one = self._streams.get(name)
        if one is None:
            one = self._streams[name] = _Stream()
        return one

    def _held(self, step: str, epoch: int) -> _Lease:
        lease = self._leases.get(step)
        if self._gone or lease is None or lease.epoch != epoch or not lease.until:
            raise LeaseLostError(f"Another one has taken over the step {step!r} of {self.id!r}, or it was forgotten.")
        return lease

    def _check(self, stream: str, one: _Stream, at: int) -> None:
        if one.end is not None:
            raise StreamEndedError(f"The stream {stream!r} of {self.id!r} has ended ({one.end['status']}).", one.end)
        if at > len(one.values):
            count = several(len(one.values), "value")
            raise PositionError(f"The stream {stream!r} has {count}, so that none can come at {at}.")

    def _is_full(self, stream: str, one: _Stream) -> bool:
        if self._plan is not None and stream in self._plan.get("unbounded", ()):
            return False
        now = time.monotonic()
        for reader, (position, heard) in list(one.readers.items()):
            if reader.startswith(HEARD) and now - heard > self._broker.lease:
                del one.readers[reader]
            elif (
                len(one.values) - position >= self._broker.limit
                or one.size - one.size_before(position) >= self._broker.limit_bytes
            ):
                return True
        return False

    async def _room(self, stream: str, one: _Stream) -> None:
        with anyio.move_on_after(PATIENCE):
            while self._is_full(stream, one):
                if one.left is None:
                    one.left = anyio.Event()
                await one.left.wait()
                if one.end is not None or self._gone:
                    return
        if self._is_full(stream, one):
            raise StreamFullError(f"The slowest reader of the stream {stream!r} is too far behind.")


def _size(values: Sequence[Any]) -> int:
    if _SMALL.issuperset(map(type, values)):
        return 32 * len(values)
    return sum(map(size_of, values))
