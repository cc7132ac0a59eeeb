"""Run steps in worker processes, which take them from the broker's queue."""

from __future__ import annotations

import logging
import signal
import threading
import time
from typing import TYPE_CHECKING

import anyio

from elliptio.errors import ConfigError
from elliptio.flows.brokers.defining import CONTROL, Steps
from elliptio.flows.errors import BrokerUnavailableError, FlowNotFoundError
from elliptio.flows.executors.defining import Executor
from elliptio.flows.registry import implemented
from elliptio.flows.waiting import Waits

if TYPE_CHECKING:
    from elliptio.flows.supervisor import Supervisor

log = logging.getLogger(__name__)

CONCURRENCY = 100
"""So many steps a worker runs at once, if nothing is said: most of them wait for values."""

_LOOK_SECONDS = 0.5
"""So long all steps must have waited before one more than should be is taken."""

_TRIES = 20
"""So many times in a lease a step is looked at that could not be run, of whatever reason."""

_SOON = 0.001
"""A step is hidden for at least so many seconds."""

_STOP_SECONDS = 5.0
"""Time that a worker which is stopped takes to give its steps back."""


class WorkerExecutor(Executor):
    """Let steps be run by worker processes: ``elliptio flows worker MODULE``, of which each takes what it implements.

    Examples
    --------
    >>> from elliptio.flows import WorkerExecutor
    >>> WorkerExecutor()
    WorkerExecutor()

    """

    async def start(self, flow_id: str, step: str) -> None:
        """Put a step into the queue, from which a worker takes it."""
        await queue_of(self.supervisor).put(flow_id, step)


async def work(supervisor: Supervisor, concurrency: int = CONCURRENCY) -> None:
    """Take steps that this process implements and run them, until SIGTERM or SIGINT.

    Then it takes no more, stops those that run, and leaves them to other workers. A second signal ends the process at
    once, after which its steps come back when their lease has expired.

    Parameters
    ----------
    supervisor
        Whose broker has the queue.
    concurrency
        How many steps run at once. A step that waits for values counts too; but where all of them wait, another one is
        taken, as they may wait for that.

    Raises
    ------
    ConfigError
        If nothing is implemented here, or the broker has no queue.

    """
    async with anyio.create_task_group() as tasks:
        if threading.current_thread() is threading.main_thread():
            tasks.start_soon(_stop_at_signal, tasks.cancel_scope)
        await Worker(supervisor, concurrency).run()


class Worker:
    """Runs steps that are taken from the queue, or that somebody else was told to run; for one event loop.

    While a step runs, it stays hidden in the queue. When it has ended, whoever ran it, it is removed; otherwise it
    comes back, so that a step is never lost, whatever happens to those who run it.
    """

    def __init__(self, supervisor: Supervisor, concurrency: int) -> None:
        if concurrency < 1:
            raise ConfigError(f"A worker runs at least one step at once, not {concurrency}.")
        self._supervisor, self._concurrency = supervisor, concurrency
        self._queue = queue_of(supervisor)
        self._lease = supervisor.settings.lease
        self._running: dict[anyio.CancelScope, Waits] = {}
        self._room = anyio.Event()
        self._stopped = self._told = False

    async def run(self) -> None:
        """Take steps and run them, until this is cancelled."""
        names = implemented()
        if not names:
            raise ConfigError(
                "No processor is implemented here, so that a worker has nothing to do: import the modules first."
            )
        log.info("Takes steps of %s.", ", ".join(names))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._offer, names)
            while True:
                wait = await self._wait_for_room()
                taken = await self._take(names, wait)
                if taken is not None:
                    if len(self._running) >= self._concurrency:
                        self._tell_of_waiting()
                    scope = self._enter()
                    tasks.start_soon(self._carry, *taken, scope, self._lease / _TRIES)

    async def carry(self, flow_id: str, step: str) -> None:
        """Run a step that was not taken from the queue, if nobody runs it."""
        if not self._stopped:
            await self._carry(flow_id, step, self._enter(), None)

    def stop(self) -> None:
        """Stop all steps, and leave them to others."""
        self._stopped = True
        for scope in self._running:
            scope.cancel()

    def _enter(self) -> anyio.CancelScope:
        scope = anyio.CancelScope()
        self._running[scope] = Waits()
        return scope

    async def _wait_for_room(self) -> float:
        """Wait until another step may be taken; return how long that may wait for one."""
        while len(self._running) >= self._concurrency or self._stopped:
            self._room = anyio.Event()
            with anyio.move_on_after(_LOOK_SECONDS):
                await self._room.wait()
                continue
            if not self._stopped and all(one.seconds >= _LOOK_SECONDS for one in self._running.values()):
                return 0.0
        return self._lease

    def _tell_of_waiting(self) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "All %d steps that run here wait for values, perhaps of a step that nobody runs: another one is taken. "
                "A higher --concurrency takes it at once.", len(self._running),
            )  # fmt: skip

    async def _take(self, names: list[str], wait: float) -> tuple[str, str] | None:
        try:
            return await self._queue.take(names, self._lease, wait)
        except BrokerUnavailableError as error:
            log.warning("No steps can be taken. %s", error)
            await anyio.sleep(1)
            return None

    async def _carry(self, flow_id: str, step: str, scope: anyio.CancelScope, again: float | None) -> None:
        """Run a step; one that has not ended comes back after ``again`` seconds, or when it would anyway."""
        over, waits = False, self._running[scope]
        try:
            with scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._keep, flow_id, step)
                    over = await self._run(flow_id, step, waits)
                    tasks.cancel_scope.cancel()
        finally:
            self._running.pop(scope, None)
            self._room.set()
            # What was left shows at once, what somebody else has when the lease of that one ends.
            with anyio.move_on_after(_STOP_SECONDS, shield=True):
                again = max(_SOON, waits.taken - time.monotonic()) if waits.taken else again
                await self._put_away(flow_id, step, over, again)

    async def _run(self, flow_id: str, step: str, waits: Waits) -> bool:
        """Run a step, if nobody does; tell whether there is nothing left to do."""
        try:
            if await self._supervisor.run_step(flow_id, step, leave=True, waits=waits):
                return True
            if waits.taken:
                return False
            _, end = await self._supervisor.broker.flow(flow_id).read(CONTROL + step, 0, 1, 0)
        except FlowNotFoundError:
            return True
        except BrokerUnavailableError as error:
            log.warning("The step %r of %s is left. %s", step, flow_id, error)
            return False
        except Exception:
            log.exception("The step %r of %s could not be run.", step, flow_id)
            return False
        return end is not None

    async def _put_away(self, flow_id: str, step: str, over: bool, again: float | None) -> None:
        try:
            if over:
                await self._queue.finish(flow_id, step)
            elif again is not None:
                await self._queue.keep(flow_id, step, again)
        except BrokerUnavailableError as error:
            log.warning("The step %r of %s shows in the queue later than it should. %s", step, flow_id, error)

    async def _keep(self, flow_id: str, step: str) -> None:
        """Hide a step from others while it runs."""
        while True:
            await anyio.sleep(self._lease / 3)
            try:
                await self._queue.keep(flow_id, step, self._lease)
            except BrokerUnavailableError:
                continue

    async def _offer(self, names: list[str]) -> None:
        while True:
            try:
                await self._queue.offer(names, self._lease)
            except BrokerUnavailableError as error:
                log.warning("Nobody can be told what this worker does. %s", error)
            await anyio.sleep(self._lease / 3)


def queue_of(supervisor: Supervisor) -> Steps:
    """Give the queue of steps.

    Raises
    ------
    ConfigError
        If the broker has none.

    """
    steps = supervisor.broker.steps
    if steps is None:
        raise ConfigError(
            f"{supervisor.broker!r} has no queue that other processes see. Give redis_config={{'url': 'redis://…'}}."
        )
    return steps


async def _stop_at_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            log.info("Stopped by %s.", signal.Signals(number).name)
            scope.cancel()
            return
