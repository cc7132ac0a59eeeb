"""Start flows, and find them again: the supervisor of a process."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
import anyio.to_thread

from elliptio.errors import ConfigError
from elliptio.flows import settings as flow_settings
from elliptio.flows.backgrounds import Background, library_here
from elliptio.flows.brokers.defining import Broker
from elliptio.flows.brokers.memory import MemoryBroker
from elliptio.flows.errors import (
    FlowExecutionAdvancementTimeout,
    FlowNotFoundError,
    SupervisorError,
    TamperedDataError,
)
from elliptio.flows.executions import INPUTS, Execution, work_of
from elliptio.flows.executors.defining import Executor
from elliptio.flows.feeding import Feeder
from elliptio.flows.inputs import is_entry, is_plain, sorted_inputs, with_artifacts
from elliptio.flows.keeping import Keeper
from elliptio.flows.registry import implementation
from elliptio.flows.running import Surroundings, run_step
from elliptio.flows.status import Status, status_of
from elliptio.flows.waiting import Start, Waits
from elliptio.naming import new_id

if TYPE_CHECKING:
    from elliptio.flows.flow import Flow
    from elliptio.flows.serializing import Serializer

log = logging.getLogger(__name__)


class _Attached(type):
    @property
    def instance(cls) -> Supervisor:
        """The supervisor of this process.

        Raises
        ------
        SupervisorError
            If none was attached.

        """
        if Supervisor._instance is None:
            raise SupervisorError(
                "There is no supervisor in this process yet: Supervisor.attach(executor=LocalExecutor())."
            )
        return Supervisor._instance


class Supervisor(metaclass=_Attached):
    """Starts flows by an executor, and keeps their streams in a broker.

    One is attached to a process (`attach`), or one is used for a block: ``async with Supervisor(…) as supervisor``.
    The end of the block waits for what was started in it, or cancels that if the block raised.

    Parameters
    ----------
    executor
        Who runs the steps; this process, if nothing is said.
    broker
        Where the streams are kept; this process's memory, if nothing is said.
    redis_config
        Instead of a broker: ``{"url": "redis://…"}``, and perhaps ``secret`` and other arguments of `RedisBroker`.
    serializer
        How values are written for Redis, instead of elliptio's own way.
    settings
        See `elliptio.flows.settings.Settings`.

    Examples
    --------
    >>> import anyio
    >>> from elliptio.flows import Flow, IOVal, Processor, Supervisor
    >>> @Processor(name="square", inputs=["n"], outputs=["n2"])
    ... async def square(n):
    ...     async for value in n.stream():
    ...         yield value**2
    >>> async def main():
    ...     async with Supervisor() as supervisor:
    ...         flow = Flow.from_tasks(square.processor).resolve()
    ...         result = await supervisor.start_flow(flow, inputs=[IOVal(name="n", value=7)])
    ...         return await result["n2"].first()
    >>> anyio.run(main)
    49

    """

    _instance: ClassVar[Supervisor | None] = None

    def __init__(
        self,
        *,
        executor: Executor | None = None,
        redis_config: Mapping[str, Any] | None = None,
        broker: Broker | None = None,
        serializer: Serializer | None = None,
        **settings: Any,
    ) -> None:
        from elliptio.flows.executors.local import LocalExecutor

        self.settings = flow_settings.load(settings)
        self.broker = broker if broker is not None else self._broker(redis_config, serializer)
        if broker is not None and (redis_config is not None or serializer is not None):
            raise ConfigError("Give a broker, or redis_config and serializer, not both.")
        if broker is not None:
            known = getattr(broker, "settings", broker)
            names = (name for name in ("limit", "limit_bytes", "lease") if hasattr(known, name))
            self.settings = flow_settings.load({**{name: getattr(known, name) for name in names}, **settings})
        self.executor = executor if executor is not None else LocalExecutor()
        for what, one, method in (("executor", self.executor, "start"), ("broker", self.broker, "flow")):
            if isinstance(one, type) or not callable(getattr(one, method, None)):
                raise ConfigError(f"{what} must be one with a method `{method}`, not {one!r}.")
        self._is_local = bool(getattr(self.executor, "local", False))
        if not self._is_local and not self.broker.shared:
            raise ConfigError(
                f"{self.executor!r} runs steps in other processes, which do not see this one's memory. Give a broker "
                "that they see: redis_config={'url': 'redis://…'}."
            )
        self.executor._supervisor = self
        self.background = Background()
        self.keeper = Keeper(self.broker, self.settings.lease)
        self._started: dict[str, Execution] = {}

    def __repr__(self) -> str:
        return f"Supervisor(executor={self.executor!r}, broker={self.broker!r})"

    def __call__(self) -> Supervisor:
        """Return itself, so that `Supervisor.instance` may be called too."""
        return self

    @classmethod
    def attach(cls, **arguments: Any) -> Supervisor:
        """Make the supervisor of this process; the arguments are those of the class.

        Raises
        ------
        SupervisorError
            If there is one already.

        """
        if Supervisor._instance is not None:
            raise SupervisorError(
                f"This process has a supervisor already, {Supervisor._instance!r}. Shut it down first: "
                "Supervisor.shutdown()."
            )
        Supervisor._instance = cls(**arguments)
        return Supervisor._instance

    def shutdown(self: Supervisor | None = None) -> None:  # as `attach`, it may be called on the class
        """Detach it from this process, so that another one can be attached. Flows that run go on.

        On the class, ``Supervisor.shutdown()``, it is the one that is attached, if any. Connections of the event loop
        that runs here are closed when nothing of them goes on here. `aclose` waits for that, as should who ends its
        loop after this.
        """
        one = Supervisor._instance if self is None else self
        if one is None:
            return
        one._detach()
        if library_here() is not None:
            Background().start("a supervisor that was shut down", one._close)

    async def aclose(self) -> None:
        """Detach it from this process, wait for what goes on in this event loop, and close connections of this loop."""
        self._detach()
        await self._close()

    def _detach(self) -> None:
        if Supervisor._instance is self:
            Supervisor._instance = None
        self.keeper.stop()

    async def _close(self) -> None:
        await self.background.wait()
        await self.broker.aclose()

    async def __aenter__(self) -> Supervisor:
        """Enter a block that what is started in it does not outlive."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what was started; cancel it if the block raised."""
        started, self._started = dict(self._started), {}
        try:
            if error is None:
                for execution in started.values():
                    await execution._end_of_block()
                for flow_id in started:
                    await self.background.stop(flow_id + INPUTS)  # perhaps without an end, and read by nobody
                await self.background.wait()
        finally:
            with anyio.CancelScope(shield=True):
                for execution in started.values():
                    await execution.cancel()
                await self.background.stop()
                self._detach()
                await self.broker.aclose()

    async def start_flow(
        self, flow: Flow, inputs: Any = (), *, all_outputs: bool = False, record: Any = None
    ) -> Execution:
        """Start a flow, and return its streams at once.

        Parameters
        ----------
        flow
            A flow that was resolved.
        inputs
            A list of `IOVal` (several of one name are several values), or a mapping. Generators, iterators,
            asynchronous iterables, a stream of another flow, artifacts and entries of a catalog are streamed;
            everything else, lists included, is one value.
        all_outputs
            Give all streams, not only those that nobody in the flow reads.
        record
            A `Handler` or a run: the flow becomes a run there, and its streams artifacts. True: of the default lake.

        Raises
        ------
        UnresolvedFlowError
            If the flow was not resolved.
        FloatingIOError, MismatchedIOError
            If an input is missing, or cannot be one.
        UnregisteredProcessorError
            If steps run here, and nobody implements one.

        """
        if not hasattr(flow, "topology"):
            raise TypeError(f"start_flow takes a flow, not {flow!r}: Flow.from_tasks(…).resolve().")
        topology = flow.topology
        given = sorted_inputs(topology, inputs)
        if any(map(is_entry, chain.from_iterable(given.values()))):
            given = await anyio.to_thread.run_sync(with_artifacts, given)
        if self._is_local:
            for processor in topology.processors:
                implementation(processor)
        flow_id = new_id("flow")[0]
        plan = {**topology.document(), "id": flow_id, "created": time.time(), "all_outputs": all_outputs}
        plan["inputs"] = sorted(given)
        work = work_of(record)
        if work is not None:
            from elliptio.flows.sealing.elsewhere import recorded

            plan["recorded"] = recorded(work, given)
        execution = Execution(self, flow_id, plan)
        channel = self.broker.flow(flow_id)
        whole = {name: values for name, values in given.items() if all(map(is_plain, values))}
        await channel.plan(plan, given=whole)
        self._forget_ended()
        self._started[flow_id] = execution
        try:
            if work is not None:
                await execution._record(work, given)
            for name in given.keys() - whole.keys():
                await self._feed(execution, name, given[name])
            for processor in topology.processors:
                if processor.awaited <= whole.keys():
                    await self._start(flow_id, processor.name)
        except BaseException:  # nothing is left of what was started half
            with anyio.CancelScope(shield=True):
                await execution.forget()
            raise
        return execution

    async def run_step(self, flow_id: str, step: str, *, leave: bool = False, waits: Waits | None = None) -> bool:
        """Run a step of a flow in this process, if nobody works at it; tell whether it was run to its end.

        What a worker calls, and what is asked for by an executor of one's own.

        Parameters
        ----------
        flow_id, step
            The execution, and the name of the processor.
        leave
            If this is stopped from outside, leave the step to others instead of cancelling it for good.
        waits
            Notes when the step waits for values or for room.

        Raises
        ------
        FlowNotFoundError
            If there is no such flow.

        """
        execution = self._started.get(flow_id)
        around = Surroundings(
            self.broker,
            self.settings,
            self._start,
            self.keeper,
            leave,
            self._again,
            Waits() if waits is None else waits,
            None if execution is None else execution._plan,
        )
        if execution is not None and execution._recorder is not None:
            async with execution._recorder.step(step):
                return await run_step(around, flow_id, step)
        return await run_step(around, flow_id, step)

    async def flow(self, flow_id: str) -> Execution:
        """Find an execution by its identifier, also one that another process started.

        Raises
        ------
        FlowNotFoundError
            If there is none, a LookupError.

        """
        if flow_id in self._started:
            return self._started[flow_id]
        return Execution(self, flow_id, await self._plan(flow_id))

    async def cancel(self, flow_id: str) -> None:
        """Cancel an execution; see `Execution.cancel`."""
        await (await self.flow(flow_id)).cancel()

    async def forget(self, flow_id: str) -> None:
        """Remove all of an execution; see `Execution.forget`."""
        try:
            execution = await self.flow(flow_id)
        except TamperedDataError:  # what its streams are is not known, but all keys are its own
            await self.broker.flow(flow_id).forget()
            return
        await execution.forget()

    async def status(self, flow_id: str) -> Status:
        """Tell how an execution goes: of each stream the count, rate and lag, of each step who works at it."""
        plan, state = await self._plan(flow_id), await self.broker.state(flow_id)
        offered = set() if self.broker.steps is None else await self.broker.steps.offered()
        if self._is_local or self.broker.steps is None:
            offered |= {one["name"] for one in plan["processors"]}
        state = state or {"streams": {}, "leases": {}}
        return status_of(flow_id, plan, state, self.settings.limits, offered, time.time())

    async def _plan(self, flow_id: str) -> dict[str, Any]:
        plan = await self.broker.flow(flow_id).plan()
        if plan is None:
            raise FlowNotFoundError(
                f"There is no flow {flow_id!r}: a wrong identifier, or it was forgotten, or has expired."
            )
        return plan

    def _broker(self, redis_config: Mapping[str, Any] | None, serializer: Serializer | None) -> Broker:
        names = ("limit", "limit_bytes", "lease", "ttl")
        if redis_config is None:
            return MemoryBroker(**{name: getattr(self.settings, name) for name in names})
        if not isinstance(redis_config, Mapping):
            raise ConfigError(
                f"redis_config must be a mapping, {{'url': 'redis://…'}}, not a {type(redis_config).__name__}."
            )
        from elliptio.flows import RedisBroker  # by the door, which says what to install

        ours = {name: getattr(self.settings, name) for name in names}
        ours["secret"] = self.settings.serialization_secret
        return RedisBroker(**{**ours, "serializer": serializer, **redis_config})

    @property
    def _again(self) -> Start | None:
        """Lets others run a step that nobody has taken; what runs here is not lost without this."""
        return None if self._is_local else self._start

    async def _start(self, flow_id: str, step: str) -> None:
        with anyio.move_on_after(self.settings.flow_execution_advancement_timeout):
            await self.executor.start(flow_id, step)
            return
        raise FlowExecutionAdvancementTimeout(
            f"{self.executor!r} has not dispatched the step {step!r} of {flow_id} within "
            f"{self.settings.flow_execution_advancement_timeout:g} s (flow_execution_advancement_timeout)."
        )

    async def _feed(self, execution: Execution, name: str, values: list[Any]) -> None:
        """Write an input that something streams, in the background."""
        around = Surroundings(self.broker, self.settings, self._start, self.keeper)
        feeder = Feeder(around, execution.id, name, execution._has_ended)
        await feeder.begin()
        self.background.start(execution.id + INPUTS, feeder.feed, values)

    def _forget_ended(self) -> None:
        """Keep no execution that has ended, but for its broker."""
        for flow_id in [one for one, execution in self._started.items() if execution._is_over]:
            del self._started[flow_id]
