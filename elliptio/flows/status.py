"""Tell how an execution goes: what its streams hold, who works at its steps, who holds whom back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elliptio.flows.brokers.defining import CONTROL
from elliptio.flows.waiting import ASKING, FEEDER, end_of, holders, writer_of
from elliptio.naming import several


@dataclass(frozen=True)
class StreamStatus:
    """Tells how a stream goes.

    Attributes
    ----------
    count, size
        How many values it has, and their bytes in the broker.
    rate
        Values a second, from the first to the last.
    lag
        How far its slowest attached reader is behind.
    state
        "open", "done", "failed" or "cancelled".
    writer
        The step that writes it.
    held_by
        Steps and readers that hold it back.

    """

    count: int
    size: int
    rate: float
    lag: int
    state: str
    writer: str
    held_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepStatus:
    """Tells how a step goes.

    Attributes
    ----------
    state
        "waiting" (for inputs to end), "ready" (and nobody has taken it), "running", "lost" (its lease has expired),
        "done", "failed" or "cancelled".
    worker
        Who has its lease, or had it last.
    epoch
        How often it was taken.

    """

    state: str
    worker: str = ""
    epoch: int = 0


@dataclass(frozen=True)
class Status:
    """Tells how an execution goes; it prints as a table.

    Attributes
    ----------
    id, state
        The execution, and "running", "done", "failed" or "cancelled".
    streams, steps
        By name.
    missing
        Steps that nobody implements, as far as workers say.
    cause
        The first cause, if a step failed.

    """

    id: str
    state: str
    streams: Mapping[str, StreamStatus]
    steps: Mapping[str, StepStatus]
    missing: frozenset[str] = frozenset()
    cause: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.id}: {self.state}"]
        width = max(map(len, (*self.streams, *self.steps)), default=0)
        for name, one in self.streams.items():
            held = f", held by {', '.join(one.held_by)}" if one.held_by else ""
            lag = f", {one.lag:,} behind" if one.lag else ""
            count = several(one.count, "value") + " " * (one.count == 1)  # digits stand below digits
            lines.append(f"  {name:<{width}}  {one.state:<9}  {count:>17}  {one.rate:>10,.0f}/s{lag}{held}")
        for name, step in self.steps.items():
            where = f"  {step.worker}" if step.worker else ""
            gone = "  nobody implements it" if name in self.missing else ""
            lines.append(f"  [{name}]{' ' * (width - len(name))} {step.state}{where}{gone}")
        if self.cause:
            lines.append(f"  {self.cause['step']!r} failed: {self.cause['kind']}: {self.cause['text']}")
        return "\n".join(lines)


def status_of(
    flow_id: str,
    plan: Mapping[str, Any],
    state: Mapping[str, Any],
    limits: tuple[int, int],
    offered: set[str],
    now: float,
) -> Status:
    """Tell how an execution goes, by its plan and what its broker knows."""
    names = [*plan["inputs"], *(name for one in plan["processors"] for name in one["outputs"])]
    streams = {name: _stream(plan, state, name, limits) for name in names}
    steps = {one["name"]: _step(plan, state, one["name"], now) for one in plan["processors"]}
    ends = [end_of(state, CONTROL + name) for name in steps]
    cause: dict[str, Any] = next((end["cause"] for end in ends if end and end["status"] == "failed"), {})
    missing = frozenset(name for name, one in steps.items() if one.state in ("ready", "lost") and name not in offered)
    if any(end is None for end in ends):
        how = "running"
    else:
        found = {end["status"] for end in ends if end}
        how = next((one for one in ("failed", "cancelled") if one in found), "done")
    return Status(flow_id, how, streams, steps, missing, cause)


def _stream(plan: Mapping[str, Any], state: Mapping[str, Any], name: str, limits: tuple[int, int]) -> StreamStatus:
    writer = writer_of(plan, name)
    writer = "" if writer.startswith(FEEDER) else writer
    one = state["streams"].get(name)
    if one is None:
        return StreamStatus(0, 0, 0.0, 0, "open", writer)
    took = one["last"] - one["first"]
    end = one["end"]
    behind = [one["count"] - position for reader, position in one["readers"].items() if not reader.startswith(ASKING)]
    held = () if name in plan["unbounded"] else tuple(holders(state, name, limits))
    return StreamStatus(
        one["count"],
        one["bytes"],
        one["count"] / took if took > 0 else float(one["count"]),
        max(behind, default=0),
        end["status"] if end else "open",
        writer,
        held,
    )


def _step(plan: Mapping[str, Any], state: Mapping[str, Any], name: str, now: float) -> StepStatus:
    lease = state["leases"].get(name)
    end = end_of(state, CONTROL + name)
    if lease is None or not lease["until"]:
        waits = any(end_of(state, stream) is None for stream in plan["wait"].get(name, ()))
        how = end["status"] if end else "waiting" if waits else "ready"
        return StepStatus(how, epoch=lease["epoch"] if lease else 0)
    how = end["status"] if end else "running" if lease["until"] >= now else "lost"
    return StepStatus(how, lease["worker"], lease["epoch"])
