"""Values through three steps in one process: flows of elliptio, and queues of asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from benchmarks.place import Action, Place
from elliptio.flows import Flow, IOVals, Processor

_MANY = 1_000
"""Values that are yielded at once, where they are."""


def flow_of() -> Flow:
    count = Processor(name="bench-count", inputs=["upto"], outputs=["number"])
    square = Processor(name="bench-square", inputs=["number"], outputs=["squared"])
    total = Processor(name="bench-total", inputs=["squared"], outputs=["sum"])

    @count
    async def _count(upto: Any) -> Any:
        for number in range(await upto.first()):
            yield number

    @square
    async def _square(number: Any) -> Any:
        async for value in number.stream():
            yield value * value

    @total
    async def _total(squared: Any) -> Any:
        found = 0
        async for value in squared.stream():
            found += value
        return found

    return Flow.from_tasks(count, square, total).resolve()


def flow_of_many() -> Flow:
    count = Processor(name="bench-count-many", inputs=["upto"], outputs=["number"])
    square = Processor(name="bench-square-many", inputs=["number"], outputs=["squared"])
    total = Processor(name="bench-total-many", inputs=["squared"], outputs=["sum"])

    @count
    async def _count(upto: Any) -> Any:
        last = await upto.first()
        for start in range(0, last, _MANY):
            yield IOVals(name="number", values=range(start, min(start + _MANY, last)))

    @square
    async def _square(number: Any) -> Any:
        async for values in number.batches(_MANY):
            yield IOVals(name="squared", values=[value * value for value in values])

    @total
    async def _total(squared: Any) -> Any:
        found = 0
        async for values in squared.batches(_MANY):
            found += sum(values)
        return found

    return Flow.from_tasks(count, square, total).resolve()


def checked(count: int, found: int) -> None:
    assert found == sum(number * number for number in range(count)), found


def pass_on(place: Place) -> Iterator[Action]:
    flow = flow_of()
    while True:
        yield lambda: checked(place.count, flow.run({"upto": place.count})["sum"][0])


def pass_many_on(place: Place) -> Iterator[Action]:
    flow = flow_of_many()
    while True:
        yield lambda: checked(place.count, flow.run({"upto": place.count})["sum"][0])


def queues(place: Place) -> Iterator[Action]:
    while True:
        yield lambda: checked(place.count, asyncio.run(_through_queues(place.count)))


async def _through_queues(count: int) -> int:
    first, second, end = asyncio.Queue[Any](1000), asyncio.Queue[Any](1000), object()

    async def counts() -> None:
        for number in range(count):
            await first.put(number)
        await first.put(end)

    async def squares() -> None:
        while (value := await first.get()) is not end:
            await second.put(value * value)
        await second.put(end)

    async def total() -> int:
        found = 0
        while (value := await second.get()) is not end:
            found += value
        return found

    _, _, found = await asyncio.gather(counts(), squares(), total())
    return found
