"""Every key has an expiry at all times, nothing is left of a flow, and what runs together lies together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from elliptio.errors import ConfigError
from elliptio.flows.brokers.defining import HEARD
from elliptio.flows.brokers.redis import RedisBroker
from elliptio.flows.brokers.redis.channel import Keys
from elliptio.flows.brokers.redis.client import Client
from elliptio.flows.errors import BrokerUnavailableError, FlowNotFoundError, LeaseLostError, StreamFullError

SECRET = "a secret of the tests"
LONG = 60.0

pytestmark = pytest.mark.parametrize("loop", ["asyncio", "trio"])


def run(loop: str, broker: RedisBroker, test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        try:
            with anyio.fail_after(LONG):
                await test()
        finally:
            await broker.aclose()

    anyio.run(main, backend=loop)


def without_expiry(keys: Any) -> list[bytes]:
    return [key for key in keys.scan_iter(count=1000) if keys.pttl(key) == -1]


def slot(key: str) -> int:
    """The slot of a key in a cluster, as its specification says."""
    content = key.encode()
    start = content.find(b"{")
    end = content.find(b"}", start + 1) if start >= 0 else -1
    if end > start + 1:
        content = content[start + 1 : end]
    crc = 0
    for byte in content:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc % 16384


async def live(broker: RedisBroker, check: Callable[[], None], flow: str = "a", hidden: float = LONG) -> None:
    """All that can be done with a flow, with a look after each step."""
    channel = broker.flow(flow)
    steps: list[Callable[[], Awaitable[Any]]] = [
        lambda: channel.plan({"wait": {"w": ["x", "y"]}, "unbounded": ["z"]}),
        lambda: channel.progress("x", "reader", 0),
        lambda: channel.claim("p", LONG),
        lambda: channel.append("x", [1, 2], 0, "p", 1),
        lambda: channel.append("z", [1] * 1200, 0, "p", 1, state={"a": 1}),
        lambda: channel.progress("x", "reader", 1),
        lambda: channel.progress("x", "other", 0),
        lambda: channel.progress("x", "other", None),
        lambda: channel.read("x", 0, 10, 0),
        lambda: channel.end("x", {"status": "done"}, "p", 1),
        lambda: channel.end("y", {"status": "failed"}),
        lambda: broker.steps.put(flow, "w"),
        lambda: broker.steps.put(flow, "v"),
        lambda: broker.steps.take(["w", "v"], hidden, 0),
        lambda: broker.steps.keep(flow, "v", hidden),
        lambda: broker.steps.offer(["v"], 0.05),
        lambda: channel.claim("w", LONG),
        lambda: channel.end("@p", {"status": "done"}, "p", 1),
        lambda: broker.flows(),
        lambda: broker.state(flow),
    ]
    for step in steps:
        await step()
        check()


def test_every_key_has_an_expiry_at_all_times(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker(redis_url, secret=SECRET)

    def check() -> None:
        assert without_expiry(keys) == []

    run(loop, broker, lambda: live(broker, check))
    assert keys.dbsize() > 5


def test_nothing_is_left_of_a_forgotten_flow(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker(redis_url, secret=SECRET)

    async def test() -> None:
        for number in range(3):
            await live(broker, lambda: None, f"flow {number}")
        for number in range(3):
            await broker.flow(f"flow {number}").forget()
        while await broker.steps.offered():
            await anyio.sleep(0.01)

    run(loop, broker, test)
    assert keys.keys() == []


def test_nothing_is_left_of_a_flow_that_has_expired(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker(redis_url, secret=SECRET, ttl=1)

    async def test() -> None:
        channel = broker.flow("a")
        await live(broker, lambda: None, hidden=0.05)
        while keys.keys():
            await anyio.sleep(0.05)
        assert await broker.flows() == []
        with pytest.raises(FlowNotFoundError):
            await channel.read("x", 2, 10, 0)

    run(loop, broker, test)


def test_who_writes_keeps_all_of_a_flow(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker(redis_url, secret=SECRET, ttl=LONG)

    async def test() -> None:
        channel = broker.flow("a")
        await live(broker, lambda: None)
        for key in keys.scan_iter():
            keys.pexpire(key, 5_000)
        keys.hdel(Keys("a").all, "renewed")
        await channel.append("z", [1], 1200, "p", 1)
        for key in (Keys("a").all, Keys("a").stream("x"), Keys("a").stream("y"), Keys("a").readers("x")):
            assert keys.pttl(key) > 50_000, key
        assert await broker.flows() == ["a"]

    run(loop, broker, test)


def test_all_keys_of_a_command_are_in_one_slot(
    redis_url: str, keys: Any, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = RedisBroker(redis_url, secret=SECRET)
    seen: list[list[str]] = []
    run_all, ask = Client.run_all, Client.ask

    async def watched(self: Client, calls: Any) -> Any:
        seen.extend(list(names) for _, names, _ in calls)
        return await run_all(self, calls)

    async def asked(self: Client, *command: Any, **options: Any) -> Any:
        if command[0] == "XREAD":
            seen.append(list(command[command.index("STREAMS") + 1 :][:2]))
        return await ask(self, *command, **options)

    monkeypatch.setattr(Client, "run_all", watched)
    monkeypatch.setattr(Client, "ask", asked)

    async def test() -> None:
        for flow in ("a", "b{c}d", "ü} {"):
            await live(broker, lambda: None, flow)
            await broker.flow(flow).forget()

    run(loop, broker, test)
    assert len(seen) > 60
    assert all(len({slot(key) for key in names}) == 1 for names in seen)
    assert len({slot(Keys(str(number)).all) for number in range(100)}) > 90


def test_a_slot_is_that_of_redis(redis_url: str, keys: Any, loop: str) -> None:
    assert slot("123456789") == 12739  # from the specification of clusters
    assert slot("a{b}c") == slot("b")


def test_no_connection_is_left(redis_url: str, keys: Any, loop: str) -> None:
    def others() -> int:
        return len(keys.client_list()) - 1

    broker = RedisBroker(redis_url, secret=SECRET)
    before = others()

    async def test() -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.progress("x", "slow", 0)
        await channel.append("x", [0] * 1000, 0, "p", epoch)
        assert others() > before
        for seconds in (0.0, 0.001, 0.003, 0.01, 0.03):
            async with anyio.create_task_group() as tasks:
                for _ in range(10):
                    tasks.start_soon(channel.read, "y", 0, 10, LONG)
                    tasks.start_soon(channel.append, "x", [1], 1000, "p", epoch)
                    tasks.start_soon(broker.steps.take, ["s"], LONG, LONG)
                await anyio.sleep(seconds)
                tasks.cancel_scope.cancel()
        with pytest.raises(StreamFullError):
            await channel.append("x", [1], 1000, "p", epoch)
        await channel.progress("x", "slow", None)
        top = await channel.append("x", [1], 1000, "p", epoch)
        assert top == 1001

    run(loop, broker, test)
    for _ in range(500):
        if others() <= before:
            break
        __import__("time").sleep(0.01)
    assert others() <= before


def test_a_broker_goes_on_in_another_loop(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker(redis_url, secret=SECRET)
    for number in range(3):

        async def test(number: int = number) -> None:
            await broker.flow("a").plan({"number": number})
            assert await broker.flow("a").plan() == {"number": number}

        run("trio" if number % 2 else loop, broker, test)


def test_an_append_whose_answer_was_lost_is_asked_again(redis_url: str, keys: Any, loop: str) -> None:
    """What happens to each call of the seam when it is done, and its connection is cut before the answer."""
    broker = RedisBroker(redis_url, secret=SECRET)
    once = broker._client._once
    lose = False

    async def losing(content: bytes, count: int, wait: float) -> list[Any]:
        nonlocal lose
        answers = await once(content, count, wait)
        if lose:
            lose = False
            raise ConnectionResetError("cut")
        return answers

    broker._client._once = losing  # type: ignore[method-assign]

    async def test() -> None:
        nonlocal lose
        channel = broker.flow("a")
        await channel.plan({"wait": {"w": ["x"]}})
        lose = True
        epoch = await channel.claim("p", LONG)
        assert epoch == 1
        for at in range(3):
            lose = True
            assert await channel.append("x", [at], at, "p", epoch, state=at) == at + 1
        lose = True
        assert await channel.end("x", {"status": "done"}, "p", epoch) == ["w"]
        assert await channel.end("x", {"status": "done"}, "p", epoch) == []
        values, end = await channel.read("x", 0, 10, 0)
        assert (values, end["count"]) == ([0, 1, 2], 3)
        lose = True
        await channel.forget()
        with pytest.raises(LeaseLostError):
            await channel.append("x", [1], 0, "p", epoch)

    run(loop, broker, test)
    assert keys.keys() == []


def test_there_is_no_default_secret_or_address(
    redis_url: str, keys: Any, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ELLIPTIO_FLOWS_SECRET", "ELLIPTIO_FLOWS_REDIS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"secret=.*ELLIPTIO_FLOWS_SECRET"):
        RedisBroker(redis_url)
    with pytest.raises(ConfigError, match=r"url.*ELLIPTIO_FLOWS_REDIS"):
        RedisBroker(secret=SECRET)
    monkeypatch.setenv("ELLIPTIO_FLOWS_SECRET", SECRET)
    monkeypatch.setenv("ELLIPTIO_FLOWS_REDIS", redis_url)
    broker = RedisBroker()

    async def test() -> None:
        assert await broker.flow("a").plan() is None

    run(loop, broker, test)
    assert SECRET not in repr(vars(broker)) + repr(broker)


def test_a_server_that_is_not_there_is_said(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker("redis://user:hidden@127.0.0.1:1/0", secret=SECRET)
    broker._client._patience = 0.05

    async def test() -> None:
        with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:1/0 cannot be reached") as caught:
            await broker.flow("a").plan()
        assert "hidden" not in str(caught.value)

    run(loop, broker, test)
    denied = RedisBroker(redis_url.replace("redis://", "redis://:wrong@"), secret=SECRET)

    async def ask() -> None:
        with pytest.raises(BrokerUnavailableError, match="does not let this in"):
            await denied.flow("a").plan()

    run(loop, denied, ask)


def test_a_reader_in_bytes_behind_holds_the_stream(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker(redis_url, secret=SECRET, limit_bytes=10_000)

    async def test() -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.progress("x", "slow", 0)
        for at in range(10):
            await channel.append("x", [bytes(1000)], at, "p", epoch)
        with pytest.raises(StreamFullError):
            await channel.append("x", [b""], 10, "p", epoch)
        await channel.progress("x", "slow", 1)
        assert await channel.append("x", [bytes(1000)], 10, "p", epoch) == 11
        with pytest.raises(StreamFullError):
            await channel.append("x", [b""], 11, "p", epoch)
        await channel.progress("x", "slow", 11)
        assert await channel.append("x", [bytes(30_000)], 11, "p", epoch) == 12

    run(loop, broker, test)


def test_a_reader_that_is_no_step_holds_while_it_is_heard(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker(redis_url, secret=SECRET, limit=10, lease=2.5)

    async def test() -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [0] * 10, 0, "p", epoch)
        await channel.progress("x", HEARD + "notebook", 0)
        with pytest.raises(StreamFullError, match="notebook"):
            await channel.append("x", [1], 10, "p", epoch)
        while True:
            try:
                await channel.append("x", [1], 10, "p", epoch)
                break
            except StreamFullError:
                continue
        assert keys.keys("*:r:x") == []
        state = await broker.state("a")
        assert state is not None
        assert state["streams"]["x"]["readers"] == {}

    run(loop, broker, test)
