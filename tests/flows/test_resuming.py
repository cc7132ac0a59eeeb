"""A step whose worker was lost goes on elsewhere: nothing is lost, doubled or out of order."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from elliptio.flows import IO, Checkpoint, Flow, LeaseLostError, MemoryBroker, Processor, StepFailedError, Supervisor
from tests.flows.nowhere import Nowhere

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

COUNT = 1000


def resumed(
    processor: Processor, stop_at: int, reached: list[int], broker: Callable[[], Any], backend: str
) -> list[Any]:
    """Run a step until it has made a number of values, stop it as if its worker was lost, and let another one go on."""

    async def main() -> list[Any]:
        async with Supervisor(broker=broker(), executor=Nowhere(), lease=0.2) as supervisor:
            inputs = {name: iter(range(COUNT)) for name in processor.inputs}
            result = await supervisor.start_flow(Flow.from_tasks(processor).resolve(), inputs)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: supervisor.run_step(result.id, processor.name, leave=True))
                while len(reached) < stop_at:
                    await anyio.sleep(0.001)
                tasks.cancel_scope.cancel()
            assert (await result.status()).streams["y"].count < COUNT
            while not await supervisor.run_step(result.id, processor.name):
                await anyio.sleep(0.01)
            assert not await supervisor.run_step(result.id, processor.name)
            assert (await result.status()).steps[processor.name].epoch == 2
            return await result["y"].collect()

    return anyio.run(main, backend=backend)


def test_a_step_runs_again(broker: Any, backend: str) -> None:
    processor, reached = Processor(name="again", inputs=["x"], outputs=["y"]), []

    @processor
    async def _again(x: IO[int]) -> AsyncIterator[int]:
        async for number in x.stream():
            reached.append(number)
            if number % 10 == 0:
                await anyio.sleep(0.001)
            yield number * number

    assert resumed(processor, 300, reached, broker, backend) == [number * number for number in range(COUNT)]
    assert reached.count(0) == 2


@pytest.mark.slow
def test_a_step_that_makes_other_values_fails_loudly(broker: Any, backend: str) -> None:
    processor, reached = Processor(name="other", inputs=["x"], outputs=["y"]), []
    counter = itertools.count()

    @processor
    async def _other(x: IO[int]) -> AsyncIterator[int]:
        async for number in x.stream():
            reached.append(number)
            await anyio.sleep(0.0001)
            yield next(counter)

    with pytest.raises(StepFailedError, match=r"(?s)ReplayError.*another value 0 of 'y'.*Checkpoint"):
        resumed(processor, 300, reached, broker, backend)


def test_each_input_by_itself(broker: Any, backend: str) -> None:
    processor, reached = Processor(name="each", inputs=["x"], outputs=["y"], resume="per_value"), []

    @processor
    async def _each(x: IO[int]) -> AsyncIterator[int]:
        async for number in x.stream():
            reached.append(number)
            if number % 10 == 0:
                await anyio.sleep(0.001)
            for more in range(number % 3):
                yield 10 * number + more

    wanted = [10 * number + more for number in range(COUNT) for more in range(number % 3)]
    assert resumed(processor, 500, reached, broker, backend) == wanted
    assert reached.count(0) == 1
    assert reached.count(200) == 1


def test_a_state_that_was_saved(broker: Any, backend: str) -> None:
    processor, reached = Processor(name="sums", inputs=["x"], outputs=["y"]), []

    @processor
    async def _sums(x: IO[int], c: Checkpoint) -> AsyncIterator[tuple[int, int]]:
        done, total = await c.load((0, 0))
        async for number in x.stream(cursor=done):
            reached.append(number)
            done, total = done + 1, total + number
            if number % 10 == 0:
                await anyio.sleep(0.001)
            c.save((done, total))
            yield (number, total)

    wanted = list(zip(range(COUNT), itertools.accumulate(range(COUNT)), strict=True))
    assert resumed(processor, 500, reached, broker, backend) == wanted
    assert reached.count(0) == 1


def resumed_late(processor: Processor, reached: list[int], broker: Callable[[], Any], backend: str) -> None:
    """Lose a step after it has worked for some leases, and let another one go on."""

    async def main() -> None:
        async with Supervisor(broker=broker(), executor=Nowhere(), lease=0.06) as supervisor:
            execution = await supervisor.start_flow(Flow.from_tasks(processor).resolve(), {"x": iter(range(100))})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: supervisor.run_step(execution.id, processor.name, leave=True))
                while len(reached) < 60:
                    await anyio.sleep(0.001)
                tasks.cancel_scope.cancel()
            while not await supervisor.run_step(execution.id, processor.name):
                await anyio.sleep(0.01)

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("outputs", [["y"], []])
def test_a_state_is_kept_that_no_value_comes_after(broker: Any, backend: str, outputs: list[str]) -> None:
    processor, reached, totals = Processor(name="total", inputs=["x"], outputs=outputs), [], []

    @processor
    async def _total(x: IO[int], c: Checkpoint) -> int | None:
        done, total = await c.load((0, 0))
        async for number in x.stream(cursor=done):
            reached.append(number)
            await anyio.sleep(0.005)
            done, total = done + 1, total + number
            c.save((done, total))
        totals.append(total)
        return total if outputs else None

    resumed_late(processor, reached, broker, backend)
    assert (totals, reached.count(0)) == ([sum(range(100))], 1)


@pytest.mark.parametrize("outputs", [["y"], []])
def test_inputs_that_make_no_value_are_not_read_again(broker: Any, backend: str, outputs: list[str]) -> None:
    processor, reached = Processor(name="few", inputs=["x"], outputs=outputs, resume="per_value"), []

    @processor
    async def _few(x: IO[int]) -> AsyncIterator[int]:
        async for number in x.stream():
            reached.append(number)
            await anyio.sleep(0.005)
            if outputs and number == 99:
                yield number

    resumed_late(processor, reached, broker, backend)
    assert (reached.count(0), reached[-1]) == (1, 99)


def test_a_worker_that_comes_back_is_refused(backend: str) -> None:
    processor = Processor(name="late", outputs=["y"])
    goes_on: list[anyio.Event] = []

    @processor
    async def _late() -> AsyncIterator[int]:
        yield 1
        if goes_on:
            await goes_on.pop().wait()
        yield 2

    async def main() -> list[int]:
        broker = MemoryBroker()
        async with Supervisor(broker=broker, executor=Nowhere(), lease=0.05) as supervisor:
            event = anyio.Event()
            goes_on.append(event)
            result = await supervisor.start_flow(Flow.from_tasks(processor).resolve())
            channel = broker.flow(result.id)
            epoch = await channel.claim("late", 0.01)
            await channel.append("y", [1], 0, "late", epoch)
            await anyio.sleep(0.02)
            assert await channel.claim("late", 60) == epoch + 1
            with pytest.raises(LeaseLostError):
                await channel.append("y", [5], 1, "late", epoch)
            with pytest.raises(LeaseLostError):
                await channel.end("y", {"status": "done"}, "late", epoch)
            await channel.append("y", [2], 1, "late", epoch + 1)
            await result.cancel()
            return list((await channel.read("y", 0, 10, 0))[0])

    assert anyio.run(main, backend=backend) == [1, 2]
