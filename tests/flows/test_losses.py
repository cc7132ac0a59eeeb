"""A step that ends each worker which runs it fails at last, and no other does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest

from elliptio.errors import ConfigError
from elliptio.flows import IO, Checkpoint, Flow, Processor, StepFailedError, Supervisor
from elliptio.flows.running import _Step
from tests.flows.nowhere import Nowhere

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

ATTEMPTS, LEASE = 3, 0.05


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that is stopped gives nothing back, as if its process had ended."""

    async def gone(self: _Step) -> None:
        return

    monkeypatch.setattr(_Step, "_leave", gone)


class Lives:
    """Runs a step again and again, each time until it has come far enough, and stops it there."""

    def __init__(self, broker: Callable[[], Any], processor: Processor, **inputs: Any) -> None:
        self.supervisor = Supervisor(broker=broker(), executor=Nowhere(), lease=LEASE, attempts=ATTEMPTS)
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


@pytest.mark.usefixtures("killed")
def test_a_step_that_waits_for_values_does_not(broker: Any, backend: str) -> None:
    processor = Processor(name="patient", inputs=["x"], outputs=["y"])
    begun: list[int] = []

    @processor
    async def _patient(x: IO[int]) -> AsyncIterator[int]:
        begun.append(len(begun))
        async for number in x.stream():
            yield number

    async def main() -> list[int]:
        come = anyio.Event()

        async def late() -> AsyncIterator[int]:
            yield 1
            await come.wait()
            yield 2

        lives = Lives(broker, processor, x=late())
        async with lives.supervisor as supervisor:
            execution = await lives.begin()

            async def waits() -> None:
                await _turn(begun)()
                while "?patient" not in (await supervisor.broker.state(execution.id))["streams"]["x"]["readers"]:
                    await anyio.sleep(0.01)

            for _ in range(ATTEMPTS + 2):
                assert not await lives.live(waits)
            come.set()
            with anyio.fail_after(10):
                assert await lives.live(_ever)
            return list(await execution["y"].collect())

    assert anyio.run(main, backend=backend) == [1, 2]


@pytest.mark.parametrize("wrong", [0, 2.5, "many"])
def test_attempts_are_a_number(wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="'attempts' must be a whole number above 0"):
        Supervisor(attempts=wrong)
    monkeypatch.setenv("ELLIPTIO_FLOWS_ATTEMPTS", "2")
    assert Supervisor().settings.attempts == 2
