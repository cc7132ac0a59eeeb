"""In whatever way a step ends, its readers learn it, and it ends alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from elliptio.flows import IO, Flow, IOStreamTimeout, Processor, RedisBroker, StepFailedError, Supervisor
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


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_it_fails_an_input_too(loop: str) -> None:
    passes = Processor(name="passes-on", inputs=["x"], outputs=["y"])

    @passes
    async def _passes(x: IO[int]) -> AsyncIterator[int]:
        async for value in x.stream():
            yield value

    def given() -> Iterator[int]:
        yield 1
        sys.exit("no data today")

    async def main() -> None:
        async with Supervisor() as supervisor:
            execution = await supervisor.start_flow(Flow.from_tasks(passes).resolve(), {"x": given()})
            got, error = await _read(execution)
            assert got == [1]
            assert (error.kind, error.text) == CAUSES["exit"]
            assert "What the input 'x' was given failed" in str(error)

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
def test_steps_that_fail_each_by_itself_are_all_named(loop: str) -> None:
    fail = [Processor(name=f"fails-{n}", inputs=["go"], outputs=[f"never-{n}"]) for n in range(3)]
    for one in fail:

        @one
        async def _fail(go: IO[int], name: str = one.name) -> int:
            raise ValueError(f"{name} has no luck")

    async def main() -> None:
        async with Supervisor() as supervisor:
            execution = await supervisor.start_flow(Flow.from_tasks(*fail).resolve(), {"go": 1})
            with pytest.raises(ExceptionGroup, match="fails-0, fails-1, fails-2") as caught:
                await execution.wait()
            causes = [
                (error.step, error.text) for error in caught.value.exceptions if isinstance(error, StepFailedError)
            ]
            assert causes == [(f"fails-{n}", f"fails-{n} has no luck") for n in range(3)]

    anyio.run(main, backend=loop)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_step_whose_worker_is_gone_for_good_is_named_with_it(redis_url: str, loop: str) -> None:
    async def main() -> None:
        broker = RedisBroker(redis_url, secret="of tests", lease=0.2)
        settings = {"io_read_timeout": 0.1, "io_read_pending_timeout": 0.6}
        async with Supervisor(broker=broker, executor=WorkerExecutor(), **settings) as supervisor:
            execution = await supervisor.start_flow(flow, {"how": "exit"})
            assert await broker.flow(execution.id).claim("ends-oddly", 0.2)
            with (
                anyio.fail_after(20),
                pytest.raises(IOStreamTimeout, match=r"'ends-oddly' of .*, and nobody has taken"),
            ):
                await execution["y"].first()
            await execution.forget()

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


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_flow_that_is_cancelled_while_steps_read_complains_of_nothing(
    loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    makes = Processor(name="makes", inputs=["n"], outputs=["x"])
    follows = Processor(name="follows", inputs=["x"], outputs=["y"])

    async def given() -> AsyncIterator[int]:
        for number in range(1_000):
            yield number

    @makes
    async def _makes(n: IO[int]) -> AsyncIterator[int]:
        async for value in n.stream():
            yield value

    @follows
    async def _follows(x: IO[int]) -> AsyncIterator[int]:
        async for value in x.stream():
            yield value

    async def main() -> None:
        async with Supervisor(limit=10) as supervisor:
            for moments in range(20):
                execution = await supervisor.start_flow(Flow.from_tasks(makes, follows).resolve(), {"n": given()})
                for _ in range(moments):
                    await anyio.lowlevel.checkpoint()
                await execution.cancel()
                assert (await execution.status()).state == "cancelled"
                await execution.forget()

    anyio.run(main, backend=loop)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
