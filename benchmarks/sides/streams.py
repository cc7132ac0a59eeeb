"""Streams as their readers see them: flows of elliptio through a broker, and the commands of Redis themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from benchmarks.place import Action, Place
from benchmarks.sides.flows import checked, flow_of, flow_of_many
from elliptio.flows import IO, Flow, MemoryBroker, Processor, RedisBroker, StepFailedError, Supervisor
from elliptio.flows.brokers.defining import Broker

TOGETHER = 10
"""Large values that are sent at once, where nobody gathers them."""

LOOKED = 50_000
"""Values between two looks at the memory of this process."""


def _broker(place: Place) -> Broker:
    return RedisBroker(place.redis, secret="a secret of benchmarks") if place.redis else MemoryBroker()


def _sums(place: Place, flow: Flow) -> Iterator[Action]:
    async def run() -> None:
        async with Supervisor(broker=_broker(place)) as supervisor:
            execution = await supervisor.start_flow(flow, {"upto": place.count})
            checked(place.count, await execution["sum"].first())
            await execution.wait()
            await execution.forget()

    while True:
        yield lambda: asyncio.run(run())


def through_redis(place: Place) -> Iterator[Action]:
    return _sums(place, flow_of())


def many_through_redis(place: Place) -> Iterator[Action]:
    return _sums(place, flow_of_many())


def _numbers() -> Flow:
    """Make a flow of one step."""
    processor = Processor(name="bench-numbers", inputs=["upto"], outputs=["number"])

    @processor
    async def _count(upto: IO[int]) -> AsyncIterator[int]:
        for number in range(await upto.first()):
            yield number

    return Flow.from_tasks(processor).resolve()


def values_through_redis(place: Place) -> Iterator[Action]:
    """Values of one step to who reads them."""
    flow = _numbers()

    async def run() -> None:
        async with Supervisor(broker=_broker(place)) as supervisor:
            execution = await supervisor.start_flow(flow, {"upto": place.count})
            found = [value async for value in execution["number"].stream()]
            assert found == list(range(place.count))
            await execution.forget()

    while True:
        yield lambda: asyncio.run(run())


def first_value(place: Place) -> Iterator[Action]:
    """From the start of a flow of a step to its first value, in a supervisor that is there."""
    return _first(place, _numbers(), "number")


def first_value_of_second(place: Place) -> Iterator[Action]:
    """From the start of a flow to the first value that came through two of its three steps."""
    return _first(place, flow_of(), "squared")


def _first(place: Place, flow: Flow, stream: str) -> Iterator[Action]:
    with asyncio.Runner() as runner:
        supervisor, begun = Supervisor(broker=_broker(place)), []

        async def run() -> None:
            execution = await supervisor.start_flow(flow, {"upto": 1}, all_outputs=True)
            checked(1, await execution[stream].first())
            begun.append(execution)

        async def forget() -> None:
            execution = begun.pop()
            await execution.wait()
            await execution.forget()

        while True:
            yield lambda: runner.run(run())
            runner.run(forget())


def failure(place: Place) -> Iterator[Action]:
    """From the moment in which a step fails to that in which who reads what it makes knows why."""
    processor = Processor(name="bench-fails", outputs=["number"])
    with asyncio.Runner() as runner:
        supervisor, fails, told = Supervisor(broker=_broker(place)), asyncio.Event(), list[str]()

        @processor
        async def _fails() -> AsyncIterator[int]:
            yield 1
            await fails.wait()
            raise RuntimeError("it fails as it is to")

        flow = Flow.from_tasks(processor).resolve()

        async def begin() -> tuple[Any, AsyncIterator[Any]]:
            fails.clear()
            execution = await supervisor.start_flow(flow)
            values = aiter(execution["number"].stream())
            assert await anext(values) == 1
            return execution, values

        async def learn(values: AsyncIterator[Any]) -> None:
            fails.set()
            try:
                await anext(values)
            except StepFailedError as error:
                told.append(error.text)

        async def forget(execution: Any) -> None:
            await asyncio.gather(execution.wait(), return_exceptions=True)
            await execution.forget()

        while True:
            execution, values = runner.run(begin())
            yield lambda: runner.run(learn(values))
            runner.run(forget(execution))
            assert told.pop() == "it fails as it is to"


def _large(size: int) -> Iterator[bytes]:
    return iter(lambda: b"x" * size, None)


def large_values(place: Place) -> Iterator[Action]:
    """Large values from a step to who reads them at the same time."""
    processor = Processor(name="bench-large", outputs=["value"])

    @processor
    async def _values() -> AsyncIterator[bytes]:
        for _, value in zip(range(place.count), _large(place.size), strict=False):
            yield value

    flow = Flow.from_tasks(processor).resolve()

    async def run() -> None:
        async with Supervisor(broker=_broker(place)) as supervisor:
            execution = await supervisor.start_flow(flow)
            found = [len(value) async for value in execution["value"].stream()]
            assert found == [place.size] * place.count
            await execution.forget()

    while True:
        yield lambda: asyncio.run(run())


def large_entries(place: Place) -> Iterator[Action]:
    """Entries of a stream of Redis from who adds them to who reads them at the same time."""
    from redis.asyncio import Redis

    async def add(client: Redis) -> None:
        values = _large(place.size)
        for start in range(0, place.count, TOGETHER):
            pipeline = client.pipeline(transaction=False)
            for _, value in zip(range(min(TOGETHER, place.count - start)), values, strict=False):
                pipeline.xadd("bench-entries", {"value": value})
            await pipeline.execute()

    async def read(client: Redis) -> list[int]:
        last, found = b"0", list[int]()
        while len(found) < place.count:
            for _, entries in await client.xread({"bench-entries": last}, count=100, block=10_000):
                last = entries[-1][0]
                found += [len(values[b"value"]) for _, values in entries]
        return found

    async def run() -> None:
        async with Redis.from_url(place.redis) as one, Redis.from_url(place.redis) as other:
            found, _ = await asyncio.gather(read(one), add(other))
            assert found == [place.size] * place.count
            await one.delete("bench-entries")

    while True:
        yield lambda: asyncio.run(run())


def slow_reader(place: Place) -> Iterator[Action]:
    """Values to a step that is slower than who makes them; notes how much more memory this process needed meanwhile."""
    from benchmarks.worker import memory

    processor = Processor(name="bench-slow", inputs=["number"], outputs=["last"])
    seen: list[float] = []

    @processor
    async def _slow(number: IO[int]) -> Any:
        last = 0
        async for last in number.stream():
            if last % 1000 == 0:
                await asyncio.sleep(0.001)
            if last % LOOKED == 0:
                seen.append(memory())
        return last

    flow = Flow.from_tasks(*_numbers().processors, processor).resolve()

    async def run(count: int) -> None:
        async with Supervisor(broker=_broker(place)) as supervisor:
            execution = await supervisor.start_flow(flow, {"upto": count})
            assert await execution["last"].first() == count - 1
            await execution.forget()

    asyncio.run(run(LOOKED + 1))  # imports, buffers
    before = memory()
    while True:
        yield lambda: asyncio.run(run(place.count))
        place.notes["added_mb"] = round(max(seen) - before, 1)
