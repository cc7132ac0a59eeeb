"""In whatever way a step ends, its readers learn it, and it ends alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from elliptio.flows import IO, Flow, Processor, RedisBroker, StepFailedError, Supervisor
from elliptio.flows.executors.workers import Worker, WorkerExecutor

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

ends = Processor(name="ends-oddly", inputs=["how"], outputs=["y"])


@ends
async def _ends(how: IO[str]) -> AsyncIterator[int]:
    yield 1
    await {"exit": _exit, "interrupt": _interrupt, "cancelled": _wait_for_cancelled}[await how.first()]()


async def _exit() -> None:
    sys.exit("no data today")


async def _interrupt() -> None:
    raise KeyboardInterrupt


async def _wait_for_cancelled() -> None:
    task = asyncio.ensure_future(asyncio.sleep(60))
    task.cancel()
    await task


flow = Flow.from_tasks(ends).resolve()
WAYS = [
    ("asyncio", "exit"),
    ("trio", "exit"),
    ("asyncio", "interrupt"),
    ("trio", "interrupt"),
    ("asyncio", "cancelled"),
]
CAUSES = {
    "exit": ("SystemExit", "no data today"),
    "interrupt": ("KeyboardInterrupt", ""),
    "cancelled": ("CancelledError", ""),
}


async def _read(execution: Any) -> tuple[list[int], StepFailedError]:
    got = []
    with anyio.fail_after(20), pytest.raises(StepFailedError) as caught:
        async for value in execution["y"].stream():
            got.append(value)
    return got, caught.value


@pytest.mark.parametrize(("loop", "how"), WAYS)
def test_what_is_no_exception_fails_the_step(loop: str, how: str) -> None:
    async def main() -> None:
        async with Supervisor() as supervisor:
            execution = await supervisor.start_flow(flow, {"how": how})
            got, error = await _read(execution)
            assert got == [1]
            assert (error.step, error.kind, error.text) == ("ends-oddly", *CAUSES[how])

    anyio.run(main, backend=loop)


@pytest.mark.parametrize(("loop", "how"), WAYS)
def test_a_worker_outlives_it(redis_url: str, loop: str, how: str) -> None:
    async def main() -> None:
        broker = RedisBroker(redis_url, secret="of tests")
        async with (
            Supervisor(broker=broker, executor=WorkerExecutor()) as supervisor,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(Worker(supervisor, 2).run)
            for _ in range(2):
                execution = await supervisor.start_flow(flow, {"how": how})
                assert (await _read(execution))[1].kind == CAUSES[how][0]
                assert (await execution.status()).steps["ends-oddly"].epoch == 1
            tasks.cancel_scope.cancel()

    anyio.run(main, backend=loop)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_step_that_is_cancelled_is_no_failure(loop: str) -> None:
    endless = Processor(name="endless", outputs=["y"])

    @endless
    async def _endless() -> AsyncIterator[int]:
        yield 1
        await anyio.sleep_forever()

    async def main() -> str:
        async with Supervisor() as supervisor:
            execution = await supervisor.start_flow(Flow.from_tasks(endless).resolve())
            await execution["y"].first()
            await execution.cancel()
            return (await execution.status()).state

    assert anyio.run(main, backend=loop) == "cancelled"
