"""Give the streams, leases and plan of one flow in Redis."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

import anyio

from elliptio.flows.brokers.defining import CONTROL, Epoch, Outcome
from elliptio.flows.brokers.redis import scripts
from elliptio.flows.brokers.redis.client import Call, Client, Script
from elliptio.flows.brokers.redis.entries import Records, Tail
from elliptio.flows.brokers.redis.reading import MOST_BYTES, Guess, read_entries
from elliptio.flows.errors import (
    FlowNotFoundError,
    LeaseLostError,
    PositionError,
    StreamEndedError,
    StreamFullError,
    TamperedDataError,
)
from elliptio.naming import several

if TYPE_CHECKING:
    from elliptio.flows.settings import Settings

ROOM_SECONDS = 0.5
"""Time that an append waits for room."""

_PAUSE, _LONGEST_PAUSE = 0.001, 0.02
"""Seconds between two tries, which get longer."""


class Keys:
    """Name the keys of a flow, all with one hash tag, so that they lie on one node of a cluster.

    Examples
    --------
    >>> Keys("flow_1").stream("foo")
    'elliptio:{flow_1}:s:foo'

    """

    def __init__(self, flow: str) -> None:
        self._base = f"elliptio:{{{quote(flow, safe='', errors='surrogatepass')}}}:"
        self.all = f"{self._base}h"
        self.gone = f"{self._base}gone"

    def stream(self, name: str) -> str:
        """Name the key of a stream."""
        return f"{self._base}s:{name}"

    def readers(self, stream: str) -> str:
        """Name the key of the readers of a stream."""
        return f"{self._base}r:{stream}"


class Shared(NamedTuple):
    """Hold what all channels of a broker have in common."""

    client: Client
    settings: Settings
    worker: str
    register: Callable[[str], Call]
    unregister: Callable[[str], Awaitable[None]]

    @property
    def ttl(self) -> int:
        """Milliseconds for which a flow is kept."""
        return max(1, int(self.settings.ttl * 1000))


class RedisChannel:
    """Keep one flow in Redis: see `elliptio.flows.brokers.defining.Channel`."""

    def __init__(self, shared: Shared, records: Records, flow: str) -> None:
        self._shared, self._records, self._flow = shared, records, flow
        self._keys = Keys(flow)
        self._tails: dict[str, Tail] = {}
        self._guesses: dict[str, Guess] = {}
        self._plan: tuple[bytes, dict[str, Any]] | None = None
        self._seen = False

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
        """Append values of which the first belongs at a position, and return the position after the last value."""
        parts = self._records.parts(stream, values) if len(values) else []
        kept = b"" if state is None else self._records.state(state, step)
        tail, asked = self._tails.get(stream, Tail()), False
        until, pause = anyio.current_time() + ROOM_SECONDS, _PAUSE
        while True:
            if at > tail.top and asked:
                raise PositionError(
                    f"Stream {stream!r} has {several(tail.top, 'value')}: those from position {at:,} on would leave a "
                    "hole."
                )
            fresh = parts[tail.top - at :] if at <= tail.top else []
            entries, after = self._records.entries(stream, fresh, tail)
            probe = -1 if at > tail.top else tail.top
            status, *more = await self._append(stream, step, epoch, probe, kept, after.size, int(release), entries)
            if status == b"ok":
                if entries:
                    self._tails[stream] = after
                return int(more[0])
            if status == b"at":
                tail, asked = self._records.tail(stream, *more), True
                self._tails[stream] = tail
                continue
            self._refuse(status, more, stream, step)
            if anyio.current_time() + pause > until:
                raise StreamFullError(_full(stream, more))
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _append(
        self, stream: str, step: str, epoch: int, at: int, state: bytes, size: int, release: int, entries: list[Any]
    ) -> list[Any]:
        settings = self._shared.settings
        keys = [self._keys.all, self._keys.stream(stream), self._keys.readers(stream)]
        return await self._run(
            scripts.APPEND, keys, step, stream, int(epoch), at, settings.limit, settings.limit_bytes, self._shared.ttl,
            state, size, release, *entries,
        )  # fmt: skip

    def _refuse(self, status: bytes, more: list[Any], stream: str, step: str) -> None:
        if status == b"lost":
            raise LeaseLostError(f"Step {step!r} of flow {self._flow!r} is not held here any more.")
        if status == b"ended":
            outcome = self._records.read(more[1], "end", stream)
            raise StreamEndedError(f"Stream {stream!r} has ended ({outcome.get('status')}).", outcome)

    async def read(
        self, stream: str, after: int, limit: int, wait: float, *, reader: str = ""
    ) -> tuple[Sequence[Any], Outcome | None]:
        """Read at most about ``limit`` values from position ``after`` on, and how the stream ended."""
        values: list[Any] = []
        size = 0.0
        while True:
            at, room = after + len(values), limit - len(values)
            count = self._guesses.get(stream, Guess()).count(room)
            found = await self._entries(stream, at, count, 0 if values else wait, reader)
            reader = ""
            if not found:
                break
            more, end, guess = read_entries(self._records, stream, at, room, found)
            self._guesses[stream] = guess
            values += more
            size += guess.size * guess.entries
            # Where it was asked for too few, there may be more.
            if end or guess.entries < count or len(values) >= limit or size >= MOST_BYTES:
                return values, end
        if not values:
            await self._check_nothing(stream, after)
        return values, None

    async def _entries(self, stream: str, after: int, count: int, wait: float, reader: str = "") -> list[Any]:
        key = self._keys.stream(stream)
        block = ("BLOCK", int(wait * 1000)) if wait >= 0.001 else ()
        command = ("XREAD", "COUNT", count, *block, "STREAMS", key, self._keys.gone, f"{after}-0", "0-0")
        if reader:
            answer, found = await self._shared.client.run_and_ask(self._at(stream, reader, after), command, wait)
            await self._heard(answer)
        else:
            found = await self._shared.client.ask(*command, wait=wait)
        found = found or []
        if any(name != key.encode("utf-8", "surrogatepass") for name, _ in found):
            raise self._gone()
        self._seen = self._seen or bool(found)
        return found[0][1] if found else []

    async def _check_nothing(self, stream: str, after: int) -> None:
        """Tell a stream that has nothing yet from one that is gone, or that was cut.

        Raises
        ------
        FlowNotFoundError
            If the flow was there, and is not any more.
        TamperedDataError
            If there should have been something.

        """
        fields = ("made", f"e:{stream}", f"t:{stream}")
        made, end, length = await self._shared.client.ask("HMGET", self._keys.all, *fields)
        if made is None:
            if self._seen:
                raise self._gone()
            return
        self._seen = True
        known = (length or b"0").partition(b":")[0]
        if end is None and known.isdigit() and int(known) <= after:
            return
        if not await self._entries(stream, after, 1, 0):  # it may have come in between
            raise TamperedDataError(f"Stream {stream!r} of flow {self._flow!r} was cut at position {after:,}.")

    async def end(self, stream: str, outcome: Outcome, step: str = "", epoch: int = 0) -> list[str]:
        """End a stream, and name the steps that may start now: those that waited for it, and for nothing else."""
        tail, token = self._tails.get(stream, Tail()), uuid4().hex
        keys = [self._keys.all, self._keys.stream(stream)]
        while True:
            signature, plan = self._plan or (b"", {})
            waiting = [part for each in _waiting(plan, stream) for part in each]
            record = self._records.outcome(stream, outcome, tail)
            status, *more = await self._run(
                scripts.END, keys, step, int(epoch), stream, record, tail.top, signature, token, self._shared.ttl,
                int(self._seen), *waiting,
            )  # fmt: skip
            if status == b"plan":
                self._plan = None
                if more[0]:
                    self._keep_plan(more[0])
            elif status == b"at":
                tail = self._records.tail(stream, *more)
            elif status == b"ok":
                return [name.decode("utf-8", "surrogatepass") for name in more[0]]
            else:
                self._refuse(status, more, stream, step)
                return []

    async def progress(self, stream: str, reader: str, position: int | None) -> None:
        """Say how far a reader is, which attaches it; None detaches it."""
        script, keys, arguments = self._at(stream, reader, position)
        await self._run(script, keys, *arguments)

    def _at(self, stream: str, reader: str, position: int | None) -> Call:
        keys = [self._keys.all, self._keys.readers(stream)]
        where = "" if position is None else position
        heard = int(self._shared.settings.lease * 1000)
        return scripts.PROGRESS, keys, (stream, reader, where, self._shared.ttl, int(self._seen), heard)

    async def claim(self, step: str, ttl: float) -> Epoch:
        """Take a lease on a step for ``ttl`` seconds and return its epoch, or 0."""
        lasts = max(1, int(ttl * 1000))
        status, *more = await self._run(
            scripts.CLAIM, [self._keys.all], step, lasts, uuid4().hex, self._shared.worker, self._shared.ttl,
            int(self._seen),
        )  # fmt: skip
        if status == b"gone":
            raise self._gone()
        number, state, left_or_lost = more
        if not number:
            return Epoch(0, left=int(left_or_lost) / 1000)
        return Epoch(number, self._records.read_state(state, step) if state else None, lost=bool(left_or_lost))

    async def plan(
        self, document: dict[str, Any] | None = None, *, given: Mapping[str, Sequence[Any]] | None = None
    ) -> dict[str, Any] | None:
        """Keep the plan of the flow, or give it; None if there is none."""
        if document is None:
            record = await self._shared.client.ask("HGET", self._keys.all, "plan")
            self._seen = self._seen or record is not None
            return None if record is None else self._keep_plan(record)
        record = self._records.signed(document, "plan")
        unbounded = document.get("unbounded", ())
        kept: list[Any] = [record, self._shared.ttl, len(unbounded), *unbounded]
        keys = [self._keys.all, *map(self._keys.stream, given or ())]
        for stream, values in (given or {}).items():
            kept += self._records.whole(stream, values)
        await self._shared.client.run_all([(scripts.PLAN, keys, kept), self._shared.register(self._flow)])
        self._seen = True
        self._keep_plan(record)
        return document

    def _keep_plan(self, record: bytes) -> dict[str, Any]:
        document: dict[str, Any] = self._records.read(record, "plan")
        self._plan = record[:16], document
        return document

    async def forget(self) -> None:
        """Remove all of the flow. Whoever waits in `read` is told that it is gone: a `FlowNotFoundError`."""
        await self._shared.client.run(scripts.FORGET, [self._keys.all, self._keys.gone])
        await self._shared.client.ask("UNLINK", self._keys.gone)
        await self._shared.unregister(self._flow)
        self._tails.clear()
        self._guesses.clear()
        self._plan = None

    async def state(self) -> dict[str, Any] | None:
        """Tell what is known of the flow, None if nothing is."""
        from elliptio.flows.brokers.redis.showing import shown

        found, readers = await self._shared.client.run(scripts.STATE, [self._keys.all])
        try:
            return shown(self._records, found, readers) if found else None
        except ValueError as error:
            raise TamperedDataError(f"What is kept of flow {self._flow!r} is not what was written: {error}") from error

    async def _run(self, script: Script, keys: Sequence[str], *arguments: Any) -> list[Any]:
        return await self._heard(await self._shared.client.run(script, keys, *arguments))

    async def _heard(self, answer: list[Any]) -> list[Any]:
        renewed, *more = answer
        if renewed:
            await self._shared.client.run_all([self._shared.register(self._flow)])
        self._seen = self._seen or more[0] not in (b"gone", b"lost")
        return more

    def _gone(self) -> FlowNotFoundError:
        return FlowNotFoundError(f"Flow {self._flow!r} is not there any more: it was forgotten, or has expired.")


def _waiting(plan: dict[str, Any], stream: str) -> Iterable[tuple[Any, ...]]:
    """Say of each step that waits for a stream how many and which it waits for."""
    for step, needed in (plan.get("wait") or {}).items():
        names = list(dict.fromkeys(needed))
        if stream in names:
            yield step, len(names), *names


def _full(stream: str, more: Sequence[Any]) -> str:
    if len(more) < 3:
        return f"Stream {stream!r} is about to be ended."
    reader = more[1].decode("utf-8", "replace")
    return f"Stream {stream!r} has {several(more[0], 'value')}, and its reader {reader!r} is at {int(more[2]):,}."


__all__ = ["CONTROL", "Keys", "RedisChannel", "Shared"]
