"""Values through subscribers of FastStream, on streams of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

from benchmarks.place import Action, Place


def through_redis(place: Place) -> Iterator[Action]:
    while True:
        yield lambda: asyncio.run(_run(place.redis, place.count))


async def _run(url: str, count: int) -> None:
    from faststream.redis import RedisBroker, StreamSub

    broker, name, found, done = RedisBroker(url, logger=None), uuid4().hex, [], asyncio.Event()

    @broker.subscriber(stream=StreamSub(f"{name}-number", last_id="0"))
    async def square(value: int) -> None:
        await broker.publish(value * value, stream=f"{name}-squared")

    @broker.subscriber(stream=StreamSub(f"{name}-squared", last_id="0"))
    async def total(value: int) -> None:
        found.append(value)
        if len(found) == count:
            done.set()

    async with broker:
        await broker.start()
        for number in range(count):
            await broker.publish(number, stream=f"{name}-number")
        await done.wait()
    assert sum(found) == sum(number * number for number in range(count))
