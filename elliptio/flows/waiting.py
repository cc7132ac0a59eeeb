"""Tell why a stream does not go on: nobody runs a step, its worker was lost, or steps wait for each other."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from elliptio.flows.brokers.defining import CONTROL, Broker, Outcome
from elliptio.flows.errors import FlowNotFoundError, IOStreamTimeout, NobodyRunsError
from elliptio.flows.settings import Settings

FEEDER = "@input "
"""Prefix of the step that feeds an input stream."""

ASKING = "?"
"""Prefix of a reader while its step can do nothing but wait for the next value of that stream."""

AMONG = "??"
"""Prefix of a reader while its step can do nothing but wait for the next value of one of several streams."""


Start = Callable[[str, str], Awaitable[None]]
"""Lets a step of a flow be run."""


class Waits:
    """Tells since when a step waits for values or for room; entered while it does.

    Attributes
    ----------
    taken
        When the lease of somebody else who has the step ends, by the monotonic clock, unless that is made longer; 0 if
        nobody has.

    """

    def __init__(self) -> None:
        self._count, self._since = 0, 0.0
        self.taken = 0.0

    def __enter__(self) -> None:
        if not self._count:
            self._since = time.monotonic()
        self._count += 1

    def __exit__(self, *error: object) -> None:
        self._count -= 1

    @property
    def seconds(self) -> float:
        """Seconds for which it has waited; 0 if it does not."""
        return time.monotonic() - self._since if self._count else 0.0


class Patience:
    """Wait for the values of a stream for as long as somebody is alive who could write them.

    What nobody has taken in time is started once more, if there is a way to: who should have may be gone.
    """

    def __init__(self, broker: Broker, flow_id: str, stream: str, settings: Settings, again: Start | None) -> None:
        self._broker, self._flow_id, self._stream, self._settings = broker, flow_id, stream, settings
        self._again = again
        self.rest()

    def rest(self) -> None:
        """Begin anew: there was a value."""
        self._since = time.monotonic()

    async def check(self) -> None:
        """Raise an error if it has taken too long, and nobody is alive who could write a value."""
        since = time.monotonic() - self._since
        late = self._again is not None and since >= self._settings.flow_execution_advancement_timeout
        if since < self._settings.io_read_pending_timeout and not late:
            return
        plan = await self._broker.flow(self._flow_id).plan()
        state = await self._broker.state(self._flow_id)
        if plan is None or state is None:
            raise FlowNotFoundError(f"There is no flow {self._flow_id!r}: it was forgotten, or has expired.")
        absent = list(missing(plan, state, self._stream, time.time()))
        if self._again is not None and late:
            again, self._again = self._again, None
            for step in [step for step, _ in absent if not step.startswith(FEEDER)]:
                await again(self._flow_id, step)
        if since < self._settings.io_read_pending_timeout:
            return
        if not absent:
            self.rest()
            return
        waited = f"The stream {self._stream!r} had no value for {self._settings.io_read_pending_timeout:g} s"
        lost = [step for step, lease in absent if lease]
        if lost:
            where = ", ".join(f"{step!r} of {lease['worker']}" for step, lease in absent if lease)
            raise IOStreamTimeout(f"{waited}: whoever worked at {where} is gone, and nobody has taken it over.")
        steps = ", ".join(sorted(repr(step) for step, _ in absent))
        raise NobodyRunsError(
            f"{waited}: nobody has taken {steps}. Start a worker that implements it: elliptio flows worker MODULE."
        )


def writer_of(plan: Mapping[str, Any], stream: str) -> str:
    """Name the step that writes a stream, or whose end it tells."""
    if stream.startswith(CONTROL):
        return stream.removeprefix(CONTROL)
    return next((one["name"] for one in plan["processors"] if stream in one["outputs"]), FEEDER + stream)


def missing(
    plan: Mapping[str, Any], state: Mapping[str, Any], stream: str, now: float
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield the steps that nobody works at and a stream waits for, and the lease that has expired, if there was one."""
    look, seen = [stream], {stream}
    while look:
        step = writer_of(plan, look.pop())
        lease = state["leases"].get(step)
        if lease is not None and lease["until"]:
            if lease["until"] < now and end_of(state, CONTROL + step) is None:
                yield step, lease
            continue
        waits = [name for name in plan["wait"].get(step, ()) if end_of(state, name) is None]
        if not waits and end_of(state, CONTROL + step) is None:
            yield step, None
        look += [name for name in waits if name not in seen]
        seen.update(waits)


def circle(plan: Mapping[str, Any], state: Mapping[str, Any], stream: str, limits: tuple[int, int]) -> str | None:
    """Describe how steps wait for each other in a circle, beginning with who writes a full stream; None if not."""
    first = writer_of(plan, stream)
    ways: list[tuple[str, list[str]]] = [(first, [])]
    seen = set()
    while ways:
        step, said = ways.pop()
        for other, why in _held_by(plan, state, step, limits):
            if other == first:
                return "; ".join([*said, why])
            if other not in seen:
                seen.add(other)
                ways.append((other, [*said, why]))
    return None


def holders(state: Mapping[str, Any], stream: str, limits: tuple[int, int]) -> list[str]:
    """Name the readers that hold a stream back: those that are too far behind."""
    one = state["streams"].get(stream)
    if one is None or one["end"] is not None:
        return []
    limit, limit_bytes = limits
    mean = one["bytes"] / one["count"] if one["count"] else 0
    behind = {reader: one["count"] - position for reader, position in one["readers"].items()}
    return sorted(reader for reader, far in behind.items() if far >= limit or far * mean >= limit_bytes)


def asked_by(state: Mapping[str, Any], step: str) -> Iterator[tuple[str, str]]:
    """Yield the streams that a step, or whoever had it before, says to wait for, and as which reader it does."""
    for name, one in state["streams"].items():
        for reader in (ASKING + step, AMONG + step):
            if reader in one["readers"]:
                yield name, reader


def can_only_wait(plan: Mapping[str, Any], state: Mapping[str, Any], step: str, limits: tuple[int, int]) -> bool:
    """Tell whether a step has worked off all that there is, or whoever reads what it makes is too far behind."""
    streams = state["streams"]
    outputs = next(one["outputs"] for one in plan["processors"] if one["name"] == step)
    if any(holders(state, name, limits) for name in outputs if name not in plan["unbounded"]):
        return True
    asked = [(reader, streams[name]) for name, reader in asked_by(state, step) if end_of(state, name) is None]
    one_of = [one["readers"][reader] == one["count"] for reader, one in asked if reader == AMONG + step]
    return any(one["readers"][reader] == one["count"] for reader, one in asked if reader == ASKING + step) or (
        bool(one_of) and all(one_of)
    )


def _held_by(
    plan: Mapping[str, Any], state: Mapping[str, Any], step: str, limits: tuple[int, int]
) -> Iterator[tuple[str, str]]:
    """Yield the steps that a step waits for, and why."""
    for name, one in state["streams"].items():
        if writer_of(plan, name) == step and name not in plan["unbounded"]:
            for reader in holders(state, name, limits):
                if not reader.startswith(ASKING):
                    yield reader, f"{step!r} waits until {reader!r} has read more of {name!r}"
        elif one["end"] is None and one["readers"].get(ASKING + step) == one["count"]:
            other = writer_of(plan, name)
            yield other, f"{step!r} waits for the next value of {name!r}, which {other!r} writes"


def end_of(state: Mapping[str, Any], stream: str) -> Outcome | None:
    """Tell how a stream has ended, as the state of a flow says; None if it has not."""
    one = state["streams"].get(stream)
    return one["end"] if one else None
