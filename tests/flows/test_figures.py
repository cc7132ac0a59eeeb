"""What flows are held to: a failure is known without a wait, and what waits in Redis takes no memory here.

How many milliseconds it takes, `make bench` says: here is room for a machine that does much else.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from elliptio.flows import IO, Flow, MemoryBroker, Processor, RedisBroker, StepFailedError, Supervisor
from elliptio.flows.brokers.defining import Broker
from elliptio.flows.brokers.redis.channel import RedisChannel

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

FAILURES = 100
MB = 1 << 20


def _broker(kind: str, request: pytest.FixtureRequest) -> Broker:
    return MemoryBroker() if kind == "memory" else RedisBroker(request.getfixturevalue("redis_url"), secret="of tests")


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize(("kind", "most"), [("memory", 0.05), pytest.param("redis", 0.5, marks=pytest.mark.server)])
def test_every_reader_knows_soon_why_a_step_failed(
    kind: str, most: float, loop: str, request: pytest.FixtureRequest
) -> None:
    fails, passes = Processor(name="fails", outputs=["x"]), Processor(name="passes", inputs=["x"], outputs=["y"])
    now: anyio.Event
    failed = 0.0
    waited: list[float] = []

    @fails
    async def _fails() -> AsyncIterator[int]:
        nonlocal failed
        yield 1
        await now.wait()
        failed = time.perf_counter()
        raise OSError("the tape is torn")

    @passes
    async def _passes(x: IO[int]) -> AsyncIterator[int]:
        async for value in x.stream():
            yield value

    async def read(values: AsyncIterator[int]) -> None:
        with pytest.raises(StepFailedError, match=r"'fails' failed.*OSError: the tape is torn"):
            await anext(values)
        waited.append(time.perf_counter() - failed)

    async def main() -> None:
        nonlocal now
        flow = Flow.from_tasks(fails, passes).resolve()
        async with Supervisor(broker=_broker(kind, request)) as supervisor:
            for _ in range(FAILURES):
                now = anyio.Event()
                execution = await supervisor.start_flow(flow, all_outputs=True)
                streams = [aiter(execution[name].stream()) for name in ("x", "x", "y")]
                assert [await anext(values) for values in streams] == [1, 1, 1]
                with anyio.fail_after(30):
                    async with anyio.create_task_group() as tasks:
                        for values in streams:
                            tasks.start_soon(read, values)
                        now.set()
                await execution.forget()

    anyio.run(main, backend=loop)
    assert len(waited) == 3 * FAILURES
    assert sorted(waited)[len(waited) // 10] <= most, "seconds, of the step itself and of the one after it"


@pytest.mark.server
def test_what_waits_in_redis_takes_no_memory_here(redis_url: str) -> None:
    makes = Processor(name="makes", inputs=["number"], outputs=["x"])
    slow = Processor(name="slow", inputs=["x"], outputs=["y"])
    count, size = 40_000, 1_000
    peaks: list[int] = []

    @makes
    async def _makes(number: IO[int]) -> AsyncIterator[bytes]:
        for index in range(await number.first()):
            yield index.to_bytes(4, "big") * (size // 4)

    @slow
    async def _slow(x: IO[bytes]) -> Any:
        found = 0
        async for _ in x.stream():
            found += 1
            if found % 1000 == 0:
                await anyio.sleep(0.001)
        return found

    flow = Flow.from_tasks(makes, slow).resolve()

    async def main() -> None:
        async with Supervisor(broker=RedisBroker(redis_url, secret="of tests")) as supervisor:
            for many in (2_000, count):
                gc.collect()
                tracemalloc.start()
                execution = await supervisor.start_flow(flow, {"number": many})
                assert await execution["y"].collect() == [many]
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()

    anyio.run(main)
    assert peaks[1] - peaks[0] <= 4 * MB, f"{count * size / MB:.0f} MB went through"


@pytest.mark.server
def test_what_a_server_takes_makes_no_smaller_batches(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    processor = Processor(name="numbers", outputs=["x"])
    sizes: list[int] = []
    append = RedisChannel.append

    async def slow(self: RedisChannel, stream: str, values: Any, *arguments: Any, **options: Any) -> int:
        if values:
            sizes.append(len(values))
            await anyio.sleep(0.005)
        return await append(self, stream, values, *arguments, **options)

    monkeypatch.setattr(RedisChannel, "append", slow)

    @processor
    async def _numbers() -> AsyncIterator[int]:
        for number in range(10_000):
            yield number

    async def main() -> None:
        async with Supervisor(broker=RedisBroker(redis_url, secret="of tests")) as supervisor:
            await (await supervisor.start_flow(Flow.from_tasks(processor).resolve())).wait()

    anyio.run(main)
    assert sum(sizes) == 10_000
    assert len(sizes) <= 60, "40 of 250 values each; a smaller one only where this process was kept waiting"
