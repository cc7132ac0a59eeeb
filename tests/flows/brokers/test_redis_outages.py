"""Connections are cut and the server is restarted, and flows go on where they were."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from elliptio.flows.brokers.redis import RedisBroker
from elliptio.flows.errors import BrokerUnavailableError, StreamFullError
from elliptio.flows.testing import RedisServer, redis_program, redis_server

SECRET = "a secret of the tests"
LONG = 60.0

pytestmark = [
    pytest.mark.server,
    pytest.mark.parametrize("loop", ["asyncio", "trio"]),
    pytest.mark.skipif(redis_program() is None, reason="there is no Redis server here"),
]


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server(append_only=True) as server:
        yield server


class Proxy:
    """Passes bytes on, until it cuts all connections."""

    def __init__(self, port: int) -> None:
        self._to, self._live = port, set[anyio.CancelScope]()
        self.port, self.count = 0, 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        self.port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, self._pass)
            yield
            tasks.cancel_scope.cancel()

    async def _pass(self, client: Any) -> None:
        self.count += 1
        with anyio.CancelScope() as scope:
            self._live.add(scope)
            try:
                server = await anyio.connect_tcp("127.0.0.1", self._to)
                async with client, server, anyio.create_task_group() as tasks:
                    tasks.start_soon(self._copy, client, server, tasks.cancel_scope)
                    tasks.start_soon(self._copy, server, client, tasks.cancel_scope)
            except* (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass
            finally:
                self._live.discard(scope)

    async def _copy(self, source: Any, target: Any, scope: anyio.CancelScope) -> None:
        try:
            async for chunk in source:
                await target.send(chunk)
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        scope.cancel()

    def cut(self) -> None:
        for scope in list(self._live):
            scope.cancel()


async def flowing(broker: RedisBroker, count: int, disturb: Any) -> list[Any]:
    """A writer, a reader that holds it, and what disturbs them."""
    channel, got = broker.flow("a"), list[Any]()
    epoch = await channel.claim("p", LONG)

    async def write() -> None:
        at = 0
        while at < count:
            try:
                at = await channel.append("x", list(range(at, min(at + 3, count))), at, "p", epoch, state=at)
            except StreamFullError:
                continue
        await channel.end("x", {"status": "done"}, "p", epoch)

    async def read() -> None:
        end = None
        while end is None:
            values, end = await channel.read("x", len(got), 20, 1.0)
            got.extend(values)
            await channel.progress("x", "reader", len(got))
        assert end["count"] == count

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        tasks.start_soon(read)
        await disturb(got)
    return got


def test_connections_that_are_cut_are_made_again(server: RedisServer, loop: str) -> None:
    async def main() -> None:
        proxy, chance = Proxy(server.port), random.Random(1)
        with anyio.fail_after(LONG):
            async with proxy.running():
                broker = RedisBroker(f"redis://127.0.0.1:{proxy.port}", secret=SECRET, limit=50)

                async def disturb(got: list[Any]) -> None:
                    for number in range(50):
                        while len(got) < number * 10:
                            await anyio.sleep(0.001)
                        await anyio.sleep(chance.random() / 500)
                        proxy.cut()

                assert await flowing(broker, 600, disturb) == list(range(600))
                assert proxy.count > 20
                await broker.aclose()

    anyio.run(main, backend=loop)


@pytest.mark.slow
def test_a_server_that_is_restarted_is_asked_again(server: RedisServer, loop: str) -> None:
    async def main() -> None:
        broker = RedisBroker(server.url, secret=SECRET, limit=50)
        with anyio.fail_after(LONG):

            async def disturb(got: list[Any]) -> None:
                for number in range(3):
                    while len(got) < 30 + number * 90:
                        await anyio.sleep(0.001)
                    await anyio.to_thread.run_sync(server.kill if number == 1 else server.stop)
                    await anyio.sleep(0.1)
                    await anyio.to_thread.run_sync(server.start)

            assert await flowing(broker, 300, disturb) == list(range(300))
        await broker.aclose()

    anyio.run(main, backend=loop)


def test_a_server_that_stays_away_is_given_up(server: RedisServer, loop: str) -> None:
    async def main() -> None:
        broker = RedisBroker(server.url, secret=SECRET)
        broker._client._patience = 0.2
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [1], 0, "p", epoch)
        server.stop()
        with anyio.fail_after(LONG):
            with pytest.raises(BrokerUnavailableError):
                await channel.append("x", [2], 1, "p", epoch)
            with pytest.raises(BrokerUnavailableError):
                await channel.read("x", 1, 10, LONG)
            with pytest.raises(BrokerUnavailableError):
                await broker.steps.take(["s"], LONG, LONG)
            server.start()
            assert await channel.append("x", [2], 1, "p", epoch) == 2
            assert (await channel.read("x", 0, 10, 0))[0] == [1, 2]
        await broker.aclose()

    anyio.run(main, backend=loop)


def test_who_waits_is_not_given_up_while_others_are_answered(server: RedisServer, loop: str) -> None:
    async def main() -> None:
        proxy = Proxy(server.port)
        with anyio.fail_after(LONG):
            async with proxy.running():
                broker = RedisBroker(f"redis://127.0.0.1:{proxy.port}", secret=SECRET)
                broker._client._patience = 1.0
                channel, found = broker.flow("a"), list[Any]()
                epoch = await channel.claim("p", LONG)

                async def wait() -> None:
                    found.extend((await channel.read("late", 0, 1, LONG))[0])

                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(wait)
                    for number in range(45):
                        await channel.append("soon", [number], number, "p", epoch)
                        await anyio.sleep(0.05)
                        proxy.cut()
                    await channel.append("late", [1], 0, "p", epoch)
                assert found == [1]
                await broker.aclose()

    anyio.run(main, backend=loop)
