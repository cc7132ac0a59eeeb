"""A step that ends each worker which runs it fails at last, and no other does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest

from elliptio.errors import ConfigError
from elliptio.flows import IO, Checkpoint, Flow, Processor, StepFailedError, Supervisor
from elliptio.flows.running import _Step
from elliptio.flows.waiting import ASKING
from tests.flows.nowhere import Nowhere

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

ATTEMPTS, LEASE = 3, 0.05

SETTINGS = {"lease": LEASE, "attempts": ATTEMPTS, "io_read_timeout": 0.05}


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that is stopped gives nothing back, as if its process had ended."""

    async def gone(self: _Step) -> None:
        return

    monkeypatch.setattr(_Step, "_leave", gone)


class Lives:
    """Runs a step again and again, each time until it has come far enough, and stops it there."""

    def __init__(self, broker: Callable[[], Any], processor: Processor, **inputs: Any) -> None:
        self.supervisor = Supervisor(broker=broker(), executor=Nowhere(), **SETTINGS)
        self.processor, self.inputs = processor, inputs
        self.begun = 0

    async def begin(self) -> Any:
        flow = Flow.from_tasks(self.processor).resolve()
        self.execution = await self.supervisor.start_flow(flow, self.inputs)
        return self.execution

    async def live(self, until: Callable[[], Awaitable[Any]]) -> bool:
        """Run it once, as soon as the lease of the life before has ended; tell whether it came to its end."""
        run, over = self.supervisor.run_step, False

        async def work() -> None:
            nonlocal over
            while not (over := await run(self.execution.id, self.processor.name, leave=True)):
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work)
            await until()
            tasks.cancel_scope.cancel()
        return over


async def _ever() -> None:
    await anyio.sleep_forever()


def _turn(counted: list[int]) -> Callable[[], Awaitable[None]]:
    """Wait until a step was begun once more."""
    before = len(counted)

    async def wait() -> None:
        while len(counted) == before:
            await anyio.sleep(0.001)

    return wait


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize("resume", ["replay", "per_value", "checkpoint"])
def test_a_step_that_is_lost_each_time_fails(broker: Any, backend: str, resume: str) -> None:
    processor = Processor(
        name="fatal", inputs=["x"], outputs=["y"], resume="replay" if resume != "per_value" else resume
    )
    begun: list[int] = []

    if resume == "checkpoint":

        @processor
        async def _fatal(x: IO[int], c: Checkpoint) -> AsyncIterator[int]:
            c.save({"seen": await c.load()})
            c.save({"seen": 0})
            async for number in x.stream():
                begun.append(number)
                await anyio.sleep_forever()
                yield number
    else:

        @processor
        async def _other(x: IO[int]) -> AsyncIterator[int]:
            async for number in x.stream():
                begun.append(number)
                await anyio.sleep_forever()
                yield number

    async def main() -> None:
        lives = Lives(broker, processor, x=7)
        async with lives.supervisor:
            execution = await lives.begin()
            while len(begun) < ATTEMPTS:
                assert not await lives.live(_turn(begun))
                await anyio.sleep(2 * LEASE)  # what is left of the step keeps its lease no longer
            with anyio.fail_after(10):
                assert await lives.live(_ever)
            with pytest.raises(StepFailedError, match=r"'fatal' failed.*StepLostError: 3 workers in a row.*'attempts'"):
                await execution["y"].first()
            with pytest.raises(StepFailedError):
                await execution.wait()

    anyio.run(main, backend=backend)
    assert begun == [7] * ATTEMPTS


@pytest.mark.usefixtures("killed")
def test_a_step_that_comes_further_each_time_does_not(broker: Any, backend: str) -> None:
    processor = Processor(name="onwards", outputs=["y"])
    made: list[int] = []

    @processor
    async def _onwards() -> AsyncIterator[int]:
        for number in range(ATTEMPTS + 3):
            made.append(number)
            yield number
            await anyio.sleep(0.03)

    async def main() -> list[int]:
        lives = Lives(broker, processor)
        async with lives.supervisor:
            execution = await lives.begin()
            for count in range(1, ATTEMPTS + 3):

                async def further(count: int = count) -> None:
                    async for _ in execution["y"].stream(cursor=count - 1):
                        return

                assert not await lives.live(further)
            with anyio.fail_after(10):
                assert await lives.live(_ever)
            return list(await execution["y"].collect())

    assert anyio.run(main, backend=backend) == list(range(ATTEMPTS + 3))
    assert made.count(0) == ATTEMPTS + 3


def test_a_step_that_is_given_back_does_not(broker: Any, backend: str) -> None:
    processor = Processor(name="moved", outputs=["y"])
    begun: list[int] = []

    @processor
    async def _moved() -> int:
        begun.append(len(begun))
        if len(begun) < ATTEMPTS + 3:
            await anyio.sleep_forever()
        return 1

    async def main() -> list[int]:
        lives = Lives(broker, processor)
        async with lives.supervisor:
            execution = await lives.begin()
            for _ in range(ATTEMPTS + 2):
                assert not await lives.live(_turn(begun))
            assert await lives.live(_ever)
            return list(await execution["y"].collect())

    assert anyio.run(main, backend=backend) == [1]


async def _marks(lives: Lives) -> set[tuple[str, str]]:
    """Tell for which streams the step says that it can do nothing but wait."""
    state = await lives.supervisor.broker.state(lives.execution.id)
    readers = {(name, reader) for name, one in state["streams"].items() for reader in one["readers"]}
    return {(name, reader) for name, reader in readers if reader.startswith(ASKING)}


async def _waits(lives: Lives) -> None:
    with anyio.move_on_after(2):
        while not await _marks(lives):
            await anyio.sleep(0.01)


async def _alone(a: IO[int], b: IO[int]) -> AsyncIterator[Any]:
    async for number in a.stream():
        yield number


async def _side_by_side(a: IO[int], b: IO[int]) -> AsyncIterator[Any]:
    async for numbers in a.stream_with(b):
        yield numbers


async def _merged(a: IO[int], b: IO[int]) -> AsyncIterator[Any]:
    async for _ in a.as_available(b):
        yield "some"  # which of two comes first is another one each time that the step is begun


async def _in_batches(a: IO[int], b: IO[int]) -> AsyncIterator[Any]:
    async for numbers in a.batches(2):
        yield numbers


async def _first(a: IO[int], b: IO[int]) -> AsyncIterator[Any]:
    yield await b.first()


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize("reads", [_alone, _side_by_side, _merged, _in_batches, _first])
def test_a_step_that_waits_for_values_does_not(broker: Any, backend: str, reads: Any) -> None:
    processor = Processor(name="patient", inputs=["a", "b"], outputs=["y"])
    begun: list[int] = []

    @processor
    async def _patient(a: IO[int], b: IO[int]) -> AsyncIterator[Any]:
        begun.append(len(begun))
        async for value in reads(a, b):
            yield value

    async def main() -> list[Any]:
        come = anyio.Event()

        async def late(*numbers: int) -> AsyncIterator[int]:
            for number in numbers[:-1]:
                yield number
            await come.wait()
            yield numbers[-1]

        lives = Lives(broker, processor, a=late(1, 2), b=late(3))
        async with lives.supervisor:
            execution = await lives.begin()

            async def waits() -> None:
                await _turn(begun)()
                await _waits(lives)

            for _ in range(ATTEMPTS + 2):
                assert not await lives.live(waits)
            come.set()
            with anyio.fail_after(10):
                assert await lives.live(_ever)
            assert not await _marks(lives)
            return list(await execution["y"].collect())

    found = anyio.run(main, backend=backend)
    expected = {_alone: [1, 2], _side_by_side: [(1, 3)], _merged: ["some"] * 3, _in_batches: [[1, 2]], _first: [3]}
    assert found == expected[reads]


@pytest.mark.usefixtures("killed")
def test_a_step_that_waits_for_room_does_not(broker: Any, backend: str) -> None:
    processor = Processor(name="fast", outputs=["y"])
    begun: list[int] = []

    @processor
    async def _fast() -> AsyncIterator[int]:
        begun.append(len(begun))
        for number in range(2500):
            yield number

    async def main() -> list[int]:
        lives = Lives(broker, processor)
        async with lives.supervisor:
            execution = await lives.begin()
            slow = execution["y"].stream(hold=True)

            async def full() -> None:
                await _turn(begun)()
                await anext(slow)
                while await execution["y"].count() < 1000:
                    await anyio.sleep(0.01)

            for _ in range(ATTEMPTS + 2):
                assert not await lives.live(full)
                await anyio.sleep(2 * LEASE)
            await slow.aclose()
            with anyio.fail_after(10):
                assert await lives.live(_ever)
            return list(await execution["y"].collect())

    assert anyio.run(main, backend=backend) == list(range(2500))


@pytest.mark.usefixtures("killed")
def test_a_step_that_waited_once_does_not_seem_to_wait_for_ever(broker: Any, backend: str) -> None:
    processor = Processor(name="fatal-later", inputs=["x"], outputs=["y"])
    begun: list[int] = []

    @processor
    async def _fatal_later(x: IO[int]) -> AsyncIterator[int]:
        begun.append(len(begun))
        if len(begun) > 1:
            await anyio.sleep_forever()
        async for number in x.stream():
            yield number

    async def main() -> None:
        async def late() -> AsyncIterator[int]:
            yield 1
            await anyio.sleep_forever()

        lives = Lives(broker, processor, x=late())
        async with lives.supervisor:
            execution = await lives.begin()
            assert not await lives.live(lambda: _waits(lives))
            assert await _marks(lives)
            while len(begun) <= ATTEMPTS:
                assert not await lives.live(_turn(begun))
                assert not await _marks(lives)
                await anyio.sleep(2 * LEASE)
            with anyio.fail_after(10):
                assert await lives.live(_ever)
            with pytest.raises(StepFailedError, match="StepLostError: 3 workers in a row"):
                await execution.wait()

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("wrong", [0, 2.5, "many", float("inf"), float("nan")])
def test_attempts_are_a_number(wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="'attempts' must be a whole number above 0"):
        Supervisor(attempts=wrong)
    monkeypatch.setenv("ELLIPTIO_FLOWS_ATTEMPTS", "2")
    assert Supervisor().settings.attempts == 2
