"""Values through tasks of taskiq, whose queue is a list of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

from benchmarks.place import Action, Place


def through_redis(place: Place) -> Iterator[Action]:
    while True:
        yield lambda: asyncio.run(_run(place.redis, place.count))


async def _run(url: str, count: int) -> None:
    from taskiq.api import run_receiver_task
    from taskiq_redis import ListQueueBroker

    broker, found, done = ListQueueBroker(url, queue_name=uuid4().hex), [], asyncio.Event()

    @broker.task
    async def total(value: int) -> None:
        found.append(value)
        if len(found) == count:
            done.set()

    @broker.task
    async def square(value: int) -> None:
        await total.kiq(value * value)

    await broker.startup()
    receiver = asyncio.create_task(run_receiver_task(broker))
    for number in range(count):
        await square.kiq(number)
    await done.wait()
    receiver.cancel()
    with suppress(asyncio.CancelledError):
        await receiver
    await broker.shutdown()
    assert sum(found) == sum(number * number for number in range(count))
