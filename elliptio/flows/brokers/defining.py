"""Say what a broker promises: the seam between steps of a flow and where its streams are kept.

The docstrings here are the contract; `elliptio.testing.BrokerConformance` checks it against any implementation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

Outcome = dict[str, Any]
"""The end of a stream, a plain document: ``status`` ("done", "failed" or "cancelled"), ``count`` of values, ``digest``
of them (None in memory, where nothing is serialized), and for a failure ``cause``: step, kind, text, worker,
traceback."""

DONE: Outcome = {"status": "done"}
CANCELLED: Outcome = {"status": "cancelled"}

CONTROL = "@"
"""Prefix of a step's own stream. It has no values, and ends when the step has ended."""

HEARD = "~"
"""Prefix of readers that are no steps: such a one holds a stream back only while it is heard of, which ends as many
seconds after its last progress as a lease lasts."""


class Epoch(int):
    """Counts how often a step was claimed, and holds the state that it had saved last (None if none).

    Where it is 0 because somebody else has the step, ``left`` is for how many seconds yet. ``lost`` is whether whoever
    had it before has not given it back: that one was lost, or stood still.

    Examples
    --------
    >>> Epoch(2, {"row": 7}) == 2, Epoch(2, {"row": 7}).state
    (True, {'row': 7})

    """

    state: Any
    left: float
    lost: bool

    def __new__(cls, number: int, state: Any = None, left: float = 0.0, *, lost: bool = False) -> Epoch:
        """Make one of a number."""
        epoch = super().__new__(cls, number)
        epoch.state, epoch.left, epoch.lost = state, left, lost
        return epoch


@runtime_checkable
class Channel(Protocol):
    """The streams, leases and plan of one execution of a flow. All of it is atomic, each call by itself.

    A position counts values: a stream of three has the positions 0, 1 and 2, and the next value goes to 3.
    """

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
        """Append values of which the first belongs at a position, and return the position after the last value.

        Idempotent by position: values that are there already (``at`` plus their index is below the end) are passed
        over. So an append of no values tells how long the stream is. Each append renews the step's lease, and keeps
        ``state`` (if it is not None) together with the values: both or neither.

        Parameters
        ----------
        stream
            Its name.
        values
            What to append; it may be of any length, the limit notwithstanding.
        at
            Position of the first of them.
        step, epoch
            Who appends, by which claim.
        state
            What `claim` gives to whoever resumes the step. Without values, it is kept all the same.
        release
            Give the lease back instead of renewing it: another one may claim the step at once, and the epoch is refused
            from then on. In the state, the lease is ``until`` 0, of no worker.

        Raises
        ------
        LeaseLostError
            If the epoch is not that of the step's last claim.
        StreamEndedError
            If the stream has ended and there are values (those that are there already apart).
        PositionError
            If there would be a hole.
        StreamFullError
            If the slowest attached reader is `limit` values or bytes behind, after a wait for room of about half a
            second. A stream that the plan calls ``unbounded`` is never full.
        UnserializableValueError
            If a value cannot be kept here. Nothing is appended then.
        BrokerUnavailableError
            If the broker could not be reached for as long as it tries; whether the values were appended is not known.

        """

    async def read(
        self, stream: str, after: int, limit: int, wait: float, *, reader: str = ""
    ) -> tuple[Sequence[Any], Outcome | None]:
        """Read at most about ``limit`` values from position ``after`` on, and how the stream ended.

        Waits up to ``wait`` seconds while there is neither a value nor the end. The outcome is given together with
        the last values, or alone; it is None as long as more may come. Any number may read the same, also after the
        end. With a ``reader``, it is said before that this one is at ``after``, as by `progress`.

        Raises
        ------
        TamperedDataError
            If what is kept there is not what was appended.
        BrokerUnavailableError
            If the broker could not be reached for as long as it tries.

        """

    async def end(self, stream: str, outcome: Outcome, step: str = "", epoch: int = 0) -> list[str]:
        """End a stream, and name the steps that may start now: those that waited for it, and for nothing else.

        The first end counts; another one changes nothing and returns nothing. Of all who end streams that a step
        waits for (``plan["wait"][step]``), exactly one is told to start it. Without a step it is ended by authority,
        whoever holds the lease: so a flow is cancelled.

        Raises
        ------
        LeaseLostError
            If the epoch is not that of the step's last claim.

        """

    async def progress(self, stream: str, reader: str, position: int | None) -> None:
        """Say how far a reader is, which attaches it; None detaches it.

        While it is attached, the stream takes no more values than its limit allows beyond this position.
        """

    async def claim(self, step: str, ttl: float) -> Epoch:
        """Take a lease on a step for ``ttl`` seconds and return its epoch, or 0.

        0 means that somebody else has a lease that has not expired, or that the step has ended (its control stream,
        `CONTROL` and its name, has). Each claim has a higher epoch than the one before, which is refused from then on.
        The lease is renewed by each append, for the same time. The epoch says whether the one before was given back.
        """

    async def plan(
        self, document: dict[str, Any] | None = None, *, given: Mapping[str, Sequence[Any]] | None = None
    ) -> dict[str, Any] | None:
        """Keep the plan of the flow (a document of plain values), or give it; None if there is none.

        Parameters
        ----------
        document
            The plan.
        given
            Streams that are there as soon as the plan is, whole and ended as done: their values, by name. Who keeps the
            plan starts what waits for nothing else. A stream that is there already stays as it is.

        Raises
        ------
        UnserializableValueError
            If a value cannot be kept here. Nothing is kept then.

        """

    async def forget(self) -> None:
        """Remove all of the flow. Whoever waits in `read` is told that it is gone: a `FlowNotFoundError`."""


class Steps(Protocol):
    """A queue of steps that wait for a worker. A step that was taken and not finished comes back after its time."""

    async def put(self, flow: str, step: str) -> None:
        """Add a step; one that is there already is there once."""

    async def take(self, steps: Iterable[str], ttl: float, wait: float) -> tuple[str, str] | None:
        """Take the flow and the name of a step that has one of these names, or None after ``wait`` seconds.

        It is hidden from others for ``ttl`` seconds, then it comes back, unless it was kept or is finished.
        """

    async def keep(self, flow: str, step: str, ttl: float) -> None:
        """Hide a step for another while."""

    async def finish(self, flow: str, step: str) -> None:
        """Remove a step."""

    async def offer(self, steps: Iterable[str], ttl: float) -> None:
        """Say for a while that this process takes steps of these names."""

    async def offered(self) -> set[str]:
        """List the names of steps that somebody takes."""


@runtime_checkable
class Broker(Protocol):
    """Keeps the state of flows: this process's memory, or a server."""

    @property
    def shared(self) -> bool:
        """Tell whether other processes see it. Then it may be used from several threads, each with its event loop."""

    @property
    def steps(self) -> Steps | None:
        """The queue of steps for workers; None if it is not shared."""

    def flow(self, flow_id: str) -> Channel:
        """Give the channel of one execution; nothing is asked or written yet."""

    async def state(self, flow_id: str) -> dict[str, Any] | None:
        """Tell what is known of a flow, None if nothing is.

        It is a document::

            {"streams": {name: {"count": int, "bytes": int, "end": Outcome | None, "first": time, "last": time,
                                "readers": {reader: position}}},
             "leases": {step: {"epoch": int, "until": time, "worker": str}}}

        Times are seconds since 1970, 0 where nothing has happened yet. A lease with ``until`` in the past has expired.
        """

    async def flows(self) -> list[str]:
        """List the identifiers of all flows that are kept, newest first."""

    async def aclose(self) -> None:
        """Close connections. What is kept stays."""
