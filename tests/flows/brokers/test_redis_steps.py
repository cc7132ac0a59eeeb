"""The queue of steps gives each to one worker, and gives it again if that one is silent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from elliptio.flows.brokers.defining import Steps
from elliptio.flows.brokers.redis import RedisBroker

SECRET = "a secret of the tests"
LONG = 60.0

pytestmark = pytest.mark.parametrize("loop", ["asyncio", "trio"])


def run(loop: str, url: str, test: Callable[[Steps], Awaitable[None]]) -> None:
    async def main() -> None:
        broker = RedisBroker(url, secret=SECRET)
        try:
            with anyio.fail_after(LONG):
                await test(broker.steps)
        finally:
            await broker.aclose()

    anyio.run(main, backend=loop)


def test_a_step_is_taken_once(redis_url: str, keys: Any, loop: str) -> None:
    async def test(steps: Steps) -> None:
        assert await steps.take(["s"], LONG, 0) is None
        await steps.put("a", "s")
        await steps.put("a", "s")
        await steps.put("b", "t")
        assert await steps.take(["other"], LONG, 0) is None
        assert await steps.take([], LONG, 0) is None
        assert await steps.take(iter(["t", "s"]), LONG, 0) == ("a", "s")
        assert await steps.take(["t", "s"], LONG, 0) == ("b", "t")
        await steps.put("a", "s")
        assert await steps.take(["t", "s"], LONG, 0.01) is None
        await steps.finish("a", "s")
        await steps.finish("a", "s")
        await steps.finish("b", "t")
        assert keys.keys() == []
        await steps.put("a", "s")
        assert await steps.take(["s"], LONG, 0) == ("a", "s")

    run(loop, redis_url, test)


def test_who_waits_gets_it(redis_url: str, keys: Any, loop: str) -> None:
    async def test(steps: Steps) -> None:
        got: list[Any] = []

        async def take() -> None:
            got.append(await steps.take(["s"], LONG, LONG))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(take)
            await anyio.sleep(0.05)
            for flow in "abcde":
                await steps.put(flow, "s")
        assert sorted(got) == [(flow, "s") for flow in "abcde"]

    run(loop, redis_url, test)


def test_a_step_of_a_silent_worker_comes_back(redis_url: str, keys: Any, loop: str) -> None:
    async def test(steps: Steps) -> None:
        await steps.put("a", "s")
        assert await steps.take(["s"], 0.05, 0) == ("a", "s")
        assert await steps.take(["s"], LONG, LONG) == ("a", "s")
        assert await steps.take(["s"], LONG, 0) is None
        await steps.keep("a", "s", 0.01)
        assert await steps.take(["s"], 0.01, LONG) == ("a", "s")
        await steps.keep("a", "s", LONG)
        assert await steps.take(["s"], LONG, 0.05) is None
        await steps.finish("a", "s")
        await steps.keep("a", "s", LONG)
        assert keys.keys() == []

    run(loop, redis_url, test)


def test_who_waits_learns_that_a_step_shows_earlier(redis_url: str, loop: str) -> None:
    async def test(steps: Steps) -> None:
        got: list[Any] = []
        await steps.put("a", "s")
        assert await steps.take(["s"], 10 * LONG, 0) == ("a", "s")

        async def take() -> None:
            got.append(await steps.take(["s"], LONG, 9 * LONG))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take)
            await anyio.sleep(0.1)  # it waits for the end of the ten minutes
            await steps.keep("a", "s", 0.01)
        assert got == [("a", "s")]

    run(loop, redis_url, test)


def test_what_is_offered_ends_by_itself(redis_url: str, keys: Any, loop: str) -> None:
    async def test(steps: Steps) -> None:
        assert await steps.offered() == set()
        await steps.offer(["s", "t"], LONG)
        await steps.offer(["t", "ü:{"], 0.01)
        await steps.offer([], LONG)
        while await steps.offered() != {"s", "t"}:
            await anyio.sleep(0.005)
        keys.delete(*keys.keys())
        await steps.offer(["s"], 0.01)
        while keys.keys():
            await anyio.sleep(0.005)
        assert await steps.offered() == set()

    run(loop, redis_url, test)
