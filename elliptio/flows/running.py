"""Run one step: take its lease, give it its streams, hand on what it yields, and end what it writes."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from elliptio.flows.backgrounds import is_cancelled
from elliptio.flows.brokers.defining import CANCELLED, CONTROL, DONE, Broker, Epoch, Outcome
from elliptio.flows.errors import (
    BrokerUnavailableError,
    FlowCancelledError,
    FlowNotFoundError,
    LeaseLostError,
    StepFailedError,
    StreamEndedError,
)
from elliptio.flows.keeping import Keeper
from elliptio.flows.outcomes import failed, single
from elliptio.flows.parameters import Checkpoint
from elliptio.flows.reading import Reading
from elliptio.flows.registry import implementation_of
from elliptio.flows.settings import Settings
from elliptio.flows.streams import IO
from elliptio.flows.waiting import Start, Waits, end_of
from elliptio.flows.writing import Outputs

if TYPE_CHECKING:
    from elliptio.flows.runner import Runner

log = logging.getLogger(__name__)

_SHORT = 0.05
"""A step that takes fewer seconds is not asked whether it was cancelled."""

_LEAVE_SECONDS = 2.0
"""Time that a step which is left to others takes to give its lease back."""


@dataclass
class Surroundings:
    """Holds what a step needs to run: the broker, settings, a way to start the steps after it, who keeps its lease.

    Attributes
    ----------
    leaves
        Whether a step that is stopped from outside is left to others, instead of being cancelled for good.
    again
        Lets a step be run that nobody has taken in time, where others run them.
    waits
        Notes when the step waits for values or for room.
    plan
        That of the flow, where it is known here; else the broker is asked for it.

    """

    broker: Broker
    settings: Settings
    start: Start
    keeper: Keeper
    leaves: bool = False
    again: Start | None = None
    waits: Waits = field(default_factory=Waits)
    plan: dict[str, Any] | None = None


async def run_step(around: Surroundings, flow_id: str, step: str) -> bool:
    """Run a step of a flow, if nobody else does; tell whether it was run to its end here.

    Raises
    ------
    FlowNotFoundError
        If there is no such flow.

    """
    channel = around.broker.flow(flow_id)
    plan = around.plan if around.plan is not None else await channel.plan()
    if plan is None:
        raise FlowNotFoundError(f"There is no flow {flow_id!r}: it was forgotten, or has expired.")
    epoch = await channel.claim(step, around.settings.lease)
    if not epoch:
        around.waits.taken = time.monotonic() + epoch.left if epoch.left else 0.0
        return False
    return await _Step(around, flow_id, plan, step, epoch).run()


class _Step:
    def __init__(self, around: Surroundings, flow_id: str, plan: dict[str, Any], step: str, epoch: Epoch) -> None:
        self.around = around
        self.name = step
        self.plan = plan
        self.document = next(one for one in plan["processors"] if one["name"] == step)
        self.epoch = epoch
        skips = self.document["on_failure"] == "skip"
        self.reading = Reading(around.broker, flow_id, around.settings, step, skips_failures=skips)
        self.reading.again, self.reading.waits = around.again, around.waits
        self.channel = self.reading.channel
        self.outputs = Outputs(self.reading, plan, self.document, epoch)
        self.lost = False
        self.cancelled = False

    async def run(self) -> bool:
        """Run it, and end what it writes; tell whether it was run to its end here."""
        try:
            with self.around.keeper.keeping(self.reading.flow_id, self.name, self.epoch) as self.renewed:
                outcome = await self._outcome()
            if outcome is None:
                return False
            await self._end(outcome)
        except LeaseLostError:
            log.warning("The step %r of %s was taken over by another worker.", self.name, self.reading.flow_id)
            return False
        except anyio.get_cancelled_exc_class():
            if self.around.leaves:
                await self._leave()
            else:
                with anyio.CancelScope(shield=True):
                    await self._end(CANCELLED)
            raise
        return True

    async def _leave(self) -> None:
        """Give the lease back, so that another one need not wait for its end."""
        with anyio.move_on_after(_LEAVE_SECONDS, shield=True), suppress(BrokerUnavailableError, LeaseLostError):
            await self.channel.append(CONTROL + self.name, [], 0, self.name, self.epoch, release=True)

    async def _outcome(self) -> Outcome | None:
        """Run the function, and say how it ended; None if it goes on elsewhere."""
        try:
            await self._check_inputs()
            await self.outputs.open()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._keep, tasks.cancel_scope)
                self.outputs.tasks = tasks
                try:
                    await self._work()
                finally:
                    await self.outputs.flush()
                tasks.cancel_scope.cancel()
        except BaseException as group:
            error = single(group)
            if isinstance(error, LeaseLostError):
                raise error from None
            if isinstance(error, FlowCancelledError | StreamEndedError):
                return CANCELLED
            if not isinstance(error, Exception):
                # On trio, a cancellation is in a group with what came at the same time.
                raise next(one for one in _leaves(error) if not isinstance(one, Exception)) from None
            if isinstance(error, BaseExceptionGroup):
                error = _first_cause(error)
            if isinstance(error, _RaisedError):
                error = error.raised
            if not isinstance(error, StepFailedError):
                log.info("The step %r of %s failed.", self.name, self.reading.flow_id, exc_info=error)
            return failed(self.name, error)
        if self.lost:
            raise LeaseLostError(f"Another one has taken over the step {self.name!r}.")
        return CANCELLED if self.cancelled else DONE

    async def _work(self) -> None:
        """Call the function; what it raises beside exceptions, as `sys.exit` does, fails the step alone."""
        try:
            await self._call(implementation_of(self.document))
        except (SystemExit, KeyboardInterrupt) as error:
            raise _RaisedError(error) from error
        except anyio.get_cancelled_exc_class() as error:
            if is_cancelled():
                raise
            raise _RaisedError(error) from error  # of a task that the function has waited for

    async def _check_inputs(self) -> None:
        """Raise the error of an input that the step has waited for, and that failed."""
        names = self.plan["wait"].get(self.name, ())
        state = await self.around.broker.state(self.reading.flow_id) if names else None
        for name in names:
            end = end_of(state, name) if state else None
            error = self.reading.error_of(name, end) if end else None
            if error is not None:
                raise error

    async def _keep(self, scope: anyio.CancelScope) -> None:
        """Renew the lease while the step runs, and stop it if it was cancelled or taken over."""
        pause = self.around.settings.lease / 3
        await anyio.sleep(min(_SHORT, pause))
        while True:
            _, end = await self.channel.read(CONTROL + self.name, 0, 1, pause)
            if end is not None:
                self.cancelled = True
                scope.cancel()
                return
            await self.reading.let_go()
            try:
                await self.outputs.renew()
            except LeaseLostError:
                self.lost = True
                scope.cancel()
                return
            self.renewed()

    async def _call(self, runner: Runner) -> None:
        parameters = runner.parameters
        given: dict[str, Any] = {name: IO[Any](stream, self.reading) for name, stream in parameters.inputs.items()}
        given |= {name: IO[Any](stream, self.reading, self.outputs.put) for name, stream in parameters.outputs.items()}
        saved = self.epoch.state or {}
        if parameters.checkpoint:
            given[parameters.checkpoint] = Checkpoint(saved.get("saved"), self.outputs.save)
        if parameters.checkpoint or self.document["resume"] == "per_value":
            self.reading.begin = saved.get("input", 0)
            self.reading.asked = self.outputs.asked

        async def work(**dependencies: Any) -> None:
            named = {**given, **dependencies}
            first = [named.pop(name) for name in parameters.positional]
            result = runner.function(*first, **named)
            if parameters.generates:
                await self.outputs.take_all(result)
            else:
                await self.outputs.take(await result)

        await _with_dependencies(work, parameters.dependencies)

    async def _end(self, outcome: Outcome) -> None:
        """End all that the step writes, then the step itself, and start what waited for that."""
        if outcome["status"] == "done":
            for name in self.outputs.empty():
                log.warning("Output IO %r is empty.", name)
        for name in [*self.document["outputs"], CONTROL + self.name]:
            for step in await self.channel.end(name, outcome, self.name, self.epoch):
                await self.around.start(self.reading.flow_id, step)
        # What was read to its end is left already; an earlier one who had the step may have left nothing.
        for name in self.document["inputs"] if self.epoch > 1 else sorted(self.reading.attached):
            await self.channel.progress(name, self.name, None)
        if self.epoch > 1:
            await self._start_again()

    async def _start_again(self) -> None:
        """Start what waited for the step, in case that whoever ended its streams was lost before."""
        state = await self.around.broker.state(self.reading.flow_id)
        ended = {name for name in state["streams"] if end_of(state, name)} if state else set()
        for step, inputs in self.plan["wait"].items():
            if ended.issuperset(inputs) and not ended.isdisjoint(self.document["outputs"]):
                await self.around.start(self.reading.flow_id, step)


class _RaisedError(Exception):
    """Carries what a function raised that is no exception, through all that ends with it."""

    def __init__(self, raised: BaseException) -> None:
        super().__init__(str(raised))
        self.raised = raised


async def _with_dependencies(work: Callable[..., Awaitable[None]], parameters: tuple[inspect.Parameter, ...]) -> None:
    """Call a function with what its parameters depend on, which is closed when it returns."""
    if not parameters:
        await work()
        return
    from fast_depends import inject

    async def injected(**dependencies: Any) -> None:
        await work(**dependencies)

    injected.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    await inject(injected, cast=False)()


def _first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Choose among errors that came together: one that is no consequence of another step's."""
    leaves = list(_leaves(group))
    return next((one for one in leaves if not isinstance(one, StepFailedError)), leaves[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error
