"""What somebody without the secret writes, moves or removes in Redis is refused by whoever reads it."""

from __future__ import annotations

import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import msgspec
import pytest

from elliptio.flows.brokers.redis import RedisBroker
from elliptio.flows.brokers.redis.channel import Keys, RedisChannel
from elliptio.flows.brokers.redis.entries import Records, Tail
from elliptio.flows.errors import (
    LeaseLostError,
    StreamEndedError,
    StreamFullError,
    TamperedDataError,
    UnserializableValueError,
)
from elliptio.flows.serializing import Serializer
from elliptio.flows.serializing.batches import Batches
from elliptio.flows.serializing.signing import Signer

SECRET = "a secret of the tests"
LONG = 60.0
END = "18446744073709551615-0"

pytestmark = pytest.mark.parametrize("loop", ["asyncio", "trio"])


def run(loop: str, broker: RedisBroker, test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        try:
            with anyio.fail_after(LONG):
                await test()
        finally:
            await broker.aclose()

    anyio.run(main, backend=loop)


async def written(broker: RedisBroker, flow: str = "a", end: bool = True) -> RedisChannel:
    """Two streams of three entries, each of two values."""
    channel = broker.flow(flow)
    await channel.plan({"wait": {"w": ["x"]}})
    epoch = await channel.claim("p", LONG)
    for stream in ("x", "y"):
        for at in (0, 2, 4):
            await channel.append(stream, [at, stream], at, "p", epoch, state={"at": at})
        if end:
            await channel.end(stream, {"status": "done"}, "p", epoch)
    return channel


async def drained(channel: RedisChannel, stream: str = "x") -> list[Any]:
    found: list[Any] = []
    end = None
    while end is None:
        values, end = await channel.read(stream, len(found), 3, 0.05)
        if not values and end is None:
            raise AssertionError(f"read {found}, and then nothing")
        found += values
    return found


KEY, OTHER = Keys("a").stream("x"), Keys("a").stream("y")


def replace(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    """Write a stream anew."""
    keys.delete(KEY)
    for id, fields in entries:
        keys.xadd(KEY, fields, id=id)


def altered(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    id, fields = entries[1]
    content = bytearray(fields[b"v"])
    content[-1] ^= 1
    replace(keys, [entries[0], (id, {**fields, b"v": bytes(content)}), *entries[2:]])


def altered_head(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    id, fields = entries[1]
    head = bytearray(fields[b"h"])
    head[20] ^= 1
    replace(keys, [entries[0], (id, {**fields, b"h": bytes(head)}), *entries[2:]])


def swapped(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    (one, first), (two, second), *rest = entries
    replace(keys, [(one, second), (two, first), *rest])


def removed(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    replace(keys, [entries[0], *entries[2:]])


def removed_first(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    replace(keys, entries[1:])


def removed_last(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    replace(keys, [*entries[:2], entries[-1]])


def removed_all(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    replace(keys, entries[-1:])


def repeated(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    replace(keys, [entries[0], entries[1], ("5-0", entries[1][1]), *entries[2:]])


def cut_end(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    replace(keys, entries[:-1])


def cut_to_nothing(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    keys.delete(KEY)


def of_another_stream(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    replace(keys, keys.xrange(OTHER))


def end_of_another_stream(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    replace(keys, [*entries[:-1], keys.xrange(OTHER)[-1]])


def an_early_end(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    replace(keys, [entries[0], entries[-1]])


def pickled(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    content = pickle.dumps(pytest.fail)
    replace(keys, [(entries[0][0], {b"h": entries[0][1][b"h"], b"v": content})])


def other_fields(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    replace(keys, [("1-0", {b"a": b"b"})])


def no_stream(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    keys.delete(KEY)
    keys.set(KEY, b"text")


def forged(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    records = Records(Signer("a secret of somebody else"), Batches(), "a")
    (id, head, content), _ = records.entries("x", Batches().write([1, 2]), Tail())
    replace(keys, [(id, {b"h": head, b"v": content}), *entries[1:]])


def forged_end(keys: Any, entries: list[tuple[Any, Any]]) -> None:
    records = Records(Signer("a secret of somebody else"), Batches(), "a")
    replace(keys, [(END, {b"e": records.outcome("x", {"status": "done"}, Tail())})])


ATTACKS = (
    altered, altered_head, swapped, removed, removed_first, removed_last, removed_all, repeated, cut_end,
    cut_to_nothing, of_another_stream, end_of_another_stream, an_early_end, pickled, other_fields, no_stream, forged,
    forged_end,
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_stream_that_was_changed_is_refused(
    redis_url: str, keys: Any, loop: str, attack: Callable[[Any, Any], None]
) -> None:
    broker = RedisBroker(redis_url, secret=SECRET)

    async def test() -> None:
        channel = await written(broker)
        assert await drained(channel) == [0, "x", 2, "x", 4, "x"]
        attack(keys, keys.xrange(KEY))
        with pytest.raises(TamperedDataError):
            await drained(channel)
        assert await drained(channel, "y") == [0, "y", 2, "y", 4, "y"]

    run(loop, broker, test)


def test_entries_of_another_flow_are_refused(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker(redis_url, secret=SECRET)

    async def test() -> None:
        await written(broker, "b")
        channel = await written(broker)
        replace(keys, keys.xrange(Keys("b").stream("x")))
        with pytest.raises(TamperedDataError):
            await drained(channel)

    run(loop, broker, test)


CONTENTS = (b"\x00" * 40, b"1:2:3:4:5", pickle.dumps(pytest.fail))


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("field", ["plan", "c:p", "e:x", "t:x"])
def test_what_lies_beside_the_streams_is_refused_too(
    redis_url: str, keys: Any, loop: str, field: str, content: bytes
) -> None:
    broker, other = RedisBroker(redis_url, secret=SECRET), RedisBroker(redis_url, secret=SECRET)

    async def test() -> None:
        channel, fresh = await written(broker, end=False), other.flow("a")
        await channel.end("y", {"status": "done"})
        keys.hset(Keys("a").all, field, content)
        keys.hset(Keys("a").all, "l:p", "1:0:1:token:worker")
        asks: dict[str, Callable[[], Awaitable[Any]]] = {
            "plan": fresh.plan,
            "c:p": lambda: fresh.claim("p", LONG),
            "e:x": lambda: other.state("a"),
            "t:x": lambda: fresh.append("x", [6, "x", 8], 6, "p", 1),
        }
        with pytest.raises(TamperedDataError):
            await asks[field]()
        if field == "plan":
            with pytest.raises(TamperedDataError):
                await fresh.end("x", {"status": "done"})
        assert await drained(channel, "y") == [0, "y", 2, "y", 4, "y"]
        await other.aclose()

    run(loop, broker, test)


@pytest.mark.parametrize("content", CONTENTS)
def test_a_lease_that_was_changed_only_stops_the_step(redis_url: str, keys: Any, loop: str, content: bytes) -> None:
    broker = RedisBroker(redis_url, secret=SECRET)

    async def test() -> None:
        channel = await written(broker, end=False)
        keys.hset(Keys("a").all, "l:p", b"9" + content)
        with pytest.raises(LeaseLostError):
            await channel.append("x", [6], 6, "p", 1)
        assert (await channel.read("x", 0, 10, 0))[0] == [0, "x", 2, "x", 4, "x"]

    run(loop, broker, test)


def test_another_secret_reads_nothing(redis_url: str, keys: Any, loop: str) -> None:
    broker, other = RedisBroker(redis_url, secret=SECRET), RedisBroker(redis_url, secret=b"another secret")

    async def test() -> None:
        await written(broker)
        channel = other.flow("a")
        for ask in (channel.plan, lambda: drained(channel), lambda: other.state("a")):
            with pytest.raises(TamperedDataError):
                await ask()
        await other.aclose()

    run(loop, broker, test)


def test_what_cannot_be_written_leaves_nothing(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker(redis_url, secret=SECRET)

    async def test() -> None:
        channel = await written(broker, end=False)
        with pytest.raises(UnserializableValueError, match=r"stream 'x', value\['a'\]\[1\] is of type object"):
            await channel.append("x", [1, {"a": [0, object()]}], 6, "p", 1, state=1)
        with pytest.raises(UnserializableValueError):
            await channel.append("x", [1], 6, "p", 1, state=object())
        assert await channel.append("x", [], 0, "p", 1) == 6

    run(loop, broker, test)


class Pickles(Serializer):
    def serialize(self, value: Any) -> bytes:
        return pickle.dumps(value)

    def deserialize(self, content: bytes) -> Any:
        return pickle.loads(content)

    def compress(self, content: bytes) -> bytes:
        return b"small" + content

    def decompress(self, content: bytes) -> bytes:
        assert content.startswith(b"small")
        return content[5:]


def test_a_serializer_of_ones_own(redis_url: str, keys: Any, loop: str) -> None:
    broker = RedisBroker(redis_url, secret=SECRET, serializer=Pickles())

    async def test() -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", 0.001)
        await channel.append("x", [Pickles, 1j], 0, "p", epoch, state={Pickles})
        assert (await channel.read("x", 0, 10, 0))[0] == [Pickles, 1j]
        await anyio.sleep(0.05)
        assert (await channel.claim("p", LONG)).state == {Pickles}
        # Not even that is unpickled which was not signed.
        keys.delete(KEY)
        keys.xadd(KEY, {b"h": bytes(52), b"v": msgspec.msgpack.encode([pickle.dumps(pytest.fail)])}, id="1-0")
        with pytest.raises(TamperedDataError):
            await channel.read("x", 0, 10, 0)

    run(loop, broker, test)


def test_the_digest_of_a_stream_does_not_depend_on_batches_or_who_ends_it(redis_url: str, keys: Any, loop: str) -> None:
    broker, other = RedisBroker(redis_url, secret=SECRET), RedisBroker(redis_url, secret=b"another secret")
    values = [{"number": number, "some": ("text", 1.5)} for number in range(700)]

    async def test() -> None:
        digests = set()
        for by, batch in ((broker, 1), (broker, 7), (broker, 700), (other, 100)):
            channel = by.flow(f"{batch}")
            epoch = await channel.claim("p", LONG)
            for at in range(0, 700, batch):
                await channel.append("x", values[at : at + batch], at, "p", epoch)
            again = RedisBroker(redis_url, secret=SECRET if by is broker else b"another secret")
            await again.flow(f"{batch}").end("x", {"status": "cancelled"})
            await again.aclose()
            _, end = await channel.read("x", 700, 1, 0)
            assert end is not None
            assert end["count"] == 700
            digests.add(end["digest"])
        await other.aclose()
        assert len(digests) == 1

    run(loop, broker, test)


def test_an_end_by_authority_comes_through_a_writer_that_goes_on(redis_url: str, keys: Any, loop: str) -> None:
    broker, other = RedisBroker(redis_url, secret=SECRET), RedisBroker(redis_url, secret=SECRET)

    async def test() -> None:
        channel, count = broker.flow("a"), 0
        epoch = await channel.claim("p", LONG)
        refused, told = anyio.Event(), list[int]()

        async def write() -> None:
            nonlocal count
            while True:
                try:
                    count = await channel.append("x", [count], count, "p", epoch)
                except StreamFullError:
                    continue
                except StreamEndedError as error:
                    told.append(error.outcome["count"])
                    refused.set()
                    return

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            while count < 50:
                await anyio.sleep(0.001)
            await other.flow("a").end("x", {"status": "cancelled"})
            await refused.wait()
        assert told == [count]
        assert await drained(channel) == list(range(count))
        await other.aclose()

    run(loop, broker, test)
