"""Run a flow in this process's memory to its end, also from code that is not asynchronous."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from elliptio.flows.backgrounds import library_here, task_here
from elliptio.flows.brokers.memory import MemoryBroker
from elliptio.flows.executors.local import LocalExecutor
from elliptio.flows.supervisor import Supervisor

if TYPE_CHECKING:
    from elliptio.flows.flow import Flow

_OF_THE_LOOP = ("current_async_library", "sniffio", "current_async_library_cvar")
"""Variables that tell which event loop runs here, which does not in another thread."""

_LOOK_SECONDS = 0.1
"""An interrupt of the code that waits for a flow is looked for so often."""


def run_alone(
    flow: Flow, inputs: Any, *, all_outputs: bool, record: Any, settings: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Run a flow to its end; in a thread of its own where an event loop runs already."""

    async def run() -> dict[str, list[Any]]:
        return await in_memory(flow, inputs, all_outputs=all_outputs, record=record, settings=settings)

    return _Apart(run).result() if loop_runs() else anyio.run(run)


class _Apart:
    """Runs a coroutine in a thread of its own, which ends with the code that waits for it.

    Parameters
    ----------
    run
        Makes the coroutine.

    """

    def __init__(self, run: Callable[[], Awaitable[dict[str, list[Any]]]]) -> None:
        self._run = run
        self._found: dict[str, list[Any]] | None = None
        self._error: BaseException | None = None
        self._stop: Callable[[], object] | None = None
        self._over, self._unwanted = threading.Event(), False
        self._context = contextvars.Context()
        for variable, value in contextvars.copy_context().items():
            if variable.name not in _OF_THE_LOOP:
                self._context.run(variable.set, value)
        self._thread = threading.Thread(target=self._work, name="elliptio-flow")

    def result(self) -> dict[str, list[Any]]:
        """Run it to its end."""
        self._thread.start()
        try:
            # Not by `join`: a thread whose join is interrupted counts as one that has ended.
            while not self._over.wait(_LOOK_SECONDS):
                if _is_interrupted():
                    raise asyncio.CancelledError  # which the loop turns into the KeyboardInterrupt that it kept
        except BaseException:
            self._unwanted = True
            if self._stop is not None:
                self._stop()
            self._over.wait()
            self._thread.join()
            raise
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._found is not None
        return self._found

    def _work(self) -> None:
        try:
            self._context.run(anyio.run, self._cancellable)
        except BaseException as error:
            self._error = error
        finally:
            self._over.set()

    async def _cancellable(self) -> None:
        loop = asyncio.get_running_loop()
        with anyio.CancelScope() as scope:
            self._stop = partial(loop.call_soon_threadsafe, scope.cancel)
            if not self._unwanted:
                self._found = await self._run()
        self._stop = None


def _is_interrupted() -> bool:
    """Tell whether the task that runs here was cancelled: Ctrl-C does no more while `asyncio.run` runs."""
    task = task_here()
    return task is not None and task.cancelling() > 0


async def in_memory(
    flow: Flow, inputs: Any, *, all_outputs: bool, record: Any, settings: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Run a flow to its end in the event loop that runs here, and collect its outputs."""
    broker = MemoryBroker()
    async with Supervisor(executor=LocalExecutor(), broker=broker, **settings) as supervisor:
        execution = await supervisor.start_flow(flow, inputs=inputs, all_outputs=all_outputs, record=record)
        await execution.wait()
        if record is not None:
            await execution.sealed()
        return {name: await execution[name].collect() for name in sorted(execution)}


def loop_runs() -> bool:
    """Tell whether an event loop runs in this thread."""
    return library_here() is not None
