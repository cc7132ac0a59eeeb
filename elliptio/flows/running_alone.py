"""Run a flow in this process's memory to its end, also from code that is not asynchronous."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anyio

from elliptio.flows.backgrounds import library_here
from elliptio.flows.brokers.memory import MemoryBroker
from elliptio.flows.executors.local import LocalExecutor
from elliptio.flows.supervisor import Supervisor

if TYPE_CHECKING:
    from elliptio.flows.flow import Flow

_OF_THE_LOOP = ("current_async_library", "sniffio", "current_async_library_cvar")
"""Variables that tell which event loop runs here, which does not in another thread."""


def run_alone(
    flow: Flow, inputs: Any, *, all_outputs: bool, record: Any, settings: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Run a flow to its end; in a thread of its own where an event loop runs already."""

    def run() -> dict[str, list[Any]]:
        return anyio.run(lambda: in_memory(flow, inputs, all_outputs=all_outputs, record=record, settings=settings))

    if not loop_runs():
        return run()
    found: list[dict[str, list[Any]]] = []
    errors: list[BaseException] = []
    context = contextvars.Context()
    for variable, value in contextvars.copy_context().items():
        if variable.name not in _OF_THE_LOOP:
            context.run(variable.set, value)

    def work() -> None:
        try:
            found.append(context.run(run))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="elliptio-flow")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return found[0]


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
