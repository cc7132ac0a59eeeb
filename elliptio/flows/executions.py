"""Hold one execution of a flow: its streams, its end, and what it left."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from elliptio.flows.brokers.defining import CANCELLED, CONTROL, Outcome
from elliptio.flows.errors import (
    FlowCancelledError,
    FlowNotFoundError,
    StepFailedError,
    TamperedDataError,
    UnrecordedFlowError,
)
from elliptio.flows.outcomes import error_of, named
from elliptio.flows.reading import Reading
from elliptio.flows.streams import IO
from elliptio.flows.waiting import FEEDER, end_of

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact
    from elliptio.flows.sealing.recording import FlowRecorder
    from elliptio.flows.status import Status
    from elliptio.flows.supervisor import Supervisor
    from elliptio.work import Work

log = logging.getLogger(__name__)

INPUTS = " inputs"
"""Suffix of the group of tasks that feed inputs."""


class Execution(Mapping[str, IO[Any]]):
    """One execution of a flow: a mapping of its streams by name.

    Attributes
    ----------
    id
        Its identifier: ``await supervisor.flow(id)`` finds it from any process that uses the broker.

    """

    def __init__(self, supervisor: Supervisor, flow_id: str, plan: dict[str, Any]) -> None:
        self.id = flow_id
        self._supervisor = supervisor
        self._plan = plan
        self._recorder: FlowRecorder | None = None
        self._known: set[str] = set()
        self._is_over = False
        self._over_since = 0.0
        self._reading = Reading(
            supervisor.broker, flow_id, supervisor.settings, seen=self._seen, again=supervisor._again
        )
        names = {name for one in plan["processors"] for name in one["outputs"]}
        shown = {*names, *plan["inputs"]} if plan["all_outputs"] else plan["outputs"]
        self._streams = {name: IO[Any](name, self._reading) for name in sorted(shown)}

    def __getitem__(self, name: str) -> IO[Any]:
        """Give a stream by its name."""
        if name in self._streams:
            return self._streams[name]
        raise KeyError(f"{name!r} is not among the streams of {self.id}: {', '.join(self._streams) or 'none'}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._streams)

    def __len__(self) -> int:
        return len(self._streams)

    def __repr__(self) -> str:
        return f"Execution({self.id}: {', '.join(self._streams)})"

    async def wait(self) -> None:
        """Wait until all steps have ended.

        Raises
        ------
        StepFailedError
            If one failed: the first cause. If more failed each for itself, an ``ExceptionGroup`` of them.
        FlowCancelledError
            If it was cancelled.

        """
        self._raise(await self._errors())

    async def status(self) -> Status:
        """Tell how it goes: of each stream the count, rate and lag, of each step who works at it."""
        return await self._supervisor.status(self.id)

    async def cancel(self) -> None:
        """Stop all steps; streams that have not ended end as cancelled. What has ended stays as it is."""
        try:
            for name in await self._open_streams():
                await self._reading.channel.end(name, CANCELLED)
        finally:
            for group in (self.id, self.id + INPUTS):
                await self._supervisor.background.stop(group)

    async def forget(self) -> None:
        """Stop it, and remove all of it from the broker, also where somebody altered what lies there."""
        with suppress(TamperedDataError):
            await self.cancel()
        await self._reading.channel.forget()
        self._is_over = True
        self._supervisor._started.pop(self.id, None)

    async def sealed(self, *, failed: bool = False) -> dict[str, Artifact]:
        """Wait until all streams have ended, and give the artifact that each became.

        Parameters
        ----------
        failed
            Also make artifacts, now, of streams that failed or were cancelled: who reads one gets its values, then why
            it is not whole. Only where it was started.

        Raises
        ------
        UnrecordedFlowError
            If it was not started with ``record=``, or failed streams are asked for elsewhere.
        FlowNotFoundError
            If another process records it, in a lake whose index, as it is configured here, does not know of it.

        """
        if self._recorder is not None:
            return await self._recorder.sealed(failed=failed)
        if "recorded" not in self._plan:
            raise UnrecordedFlowError(
                f"{self.id} is not recorded, so that its streams become no artifacts: start_flow(…, record=handler)."
            )
        if failed:
            raise UnrecordedFlowError(f"Failed streams of {self.id} become artifacts only where it was started.")
        from elliptio.flows.sealing import elsewhere

        await self._errors()
        return await elsewhere.sealed(self._plan["recorded"], self.id)

    async def _open_streams(self) -> list[str]:
        """Name the streams that have not ended; all of them where that cannot be read."""
        try:
            state = await self._supervisor.broker.state(self.id)
        except TamperedDataError:
            return self._all_streams()
        if state is None:
            return []
        # What an input was given is over when the input is.
        return [name for name in self._all_streams() if end_of(state, name.removeprefix(CONTROL + FEEDER)) is None]

    def _all_streams(self) -> list[str]:
        """Name all streams: those of steps, then inputs, then what is made of them."""
        outputs = [name for one in self._plan["processors"] for name in one["outputs"]]
        steps = [one["name"] for one in self._plan["processors"]]
        controls = [CONTROL + name for name in (*(FEEDER + one for one in self._plan["inputs"]), *steps)]
        return [*controls, *self._plan["inputs"], *outputs]

    async def _errors(self) -> dict[str, Exception]:
        """Wait for the end of all steps, and give the errors of those that failed by themselves."""
        found: dict[str, Exception] = {}
        for one in self._plan["processors"]:
            step = one["name"]
            outcome = await self._end_of(step)
            self._seen(outcome)
            cause = (outcome.get("cause") or {}).get("step", step)
            if outcome["status"] == "failed" and not (cause == step and step in found):
                found.setdefault(cause, _error(outcome, step, self.id))
            elif outcome["status"] == "cancelled" and not found:
                found["cancelled"] = error_of(outcome, step, self.id)
        if len(found) > 1:
            found.pop("cancelled", None)
        self._is_over = True
        return found

    async def _has_ended(self) -> bool:
        """Tell whether nobody needs its inputs any more: all steps have ended, for a while if they become artifacts."""
        state = await self._supervisor.broker.state(self.id)
        if state is not None and not all(end_of(state, CONTROL + one["name"]) for one in self._plan["processors"]):
            return False
        now = time.monotonic()
        self._over_since = self._over_since or now
        if self._recorder is None:
            return True
        if now - self._over_since < self._supervisor.settings.lease / 4:
            return False  # what is merely longer than its readers liked becomes an artifact, what has no end does not
        log.warning("An input of %s goes on after all steps: it is ended, and becomes no artifact.", self.id)
        return True

    async def _end_of(self, step: str) -> Outcome:
        supervisor = self._supervisor
        patience = self._reading.patience(CONTROL + step)
        while True:
            _, end = await self._reading.channel.read(CONTROL + step, 0, 1, supervisor.settings.io_read_timeout)
            if end is not None:
                return end
            await patience.check()

    def _seen(self, outcome: Outcome) -> None:
        self._known.add((outcome.get("cause") or {}).get("step", ""))

    async def _end_of_block(self) -> None:
        """Wait for the end, and raise what nobody has come to know of."""
        known = set(self._known)
        try:
            errors = await self._errors()
        except FlowNotFoundError:
            return
        errors = {step: error for step, error in errors.items() if step not in known}
        errors = {step: error for step, error in errors.items() if not isinstance(error, FlowCancelledError)}
        if self._recorder is not None:
            await self._recorder.sealed()
        self._raise(errors)

    def _raise(self, errors: Mapping[str, Exception]) -> None:
        """Raise the errors of steps, if there are any: one by itself, more as a group."""
        if len(errors) > 1:
            raise ExceptionGroup(f"Steps of {self.id} failed: {', '.join(errors)}", list(errors.values()))
        for error in errors.values():
            raise error

    async def _record(self, work: Work, given: Mapping[str, list[Any]]) -> None:
        from elliptio.flows.sealing.elsewhere import artifacts_among
        from elliptio.flows.sealing.recording import FlowRecorder, Plan

        steps = [one["name"] for one in self._plan["processors"]]
        name = " → ".join(steps) if len(steps) < 4 else f"{len(steps)} steps"
        plan = Plan.of(self.id, self._plan, name, given=artifacts_among(given))
        self._recorder = FlowRecorder(work, self._reading.channel, plan)
        await self._recorder.begin()
        self._supervisor.background.start(self.id + " record", self._recorder.follow)


def work_of(record: Any) -> Work | None:
    """Give what records a flow, of what was given as ``record=``; None if nothing does.

    Raises
    ------
    TypeError
        If it is neither a `Handler` nor a run, nor True or False.

    """
    if record is None or record is False:
        return None
    from elliptio.work import Work

    if record is True:
        from elliptio.handler import Handler

        return Handler()
    if not isinstance(record, Work):
        raise TypeError(f"record takes a Handler, a run, or True for the default lake, not {record!r}.")
    return record


def _error(outcome: Outcome, step: str, flow_id: str) -> Exception:
    cause = outcome["cause"]
    said = f"{named(cause['step'])} of {flow_id} failed. {cause['kind']}: {cause['text']}"
    return StepFailedError(said, cause)
