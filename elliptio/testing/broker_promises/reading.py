"""Check what readers get, and when."""

from __future__ import annotations

import anyio

from elliptio.flows.brokers.defining import CONTROL, Broker
from elliptio.testing.broker_promises.running import DONE, LONG, drain, on_both, waiting_reader


class ReadSuite:
    """Readers get values, and the end, as soon as they are there, and as often as they like."""

    @on_both
    async def test_any_number_read_from_anywhere_also_after_the_end(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        for at in range(0, 70, 7):
            await channel.append("x", list(range(at, at + 7)), at, "p", epoch)
        await channel.end("x", DONE, "p", epoch)
        for limit in (1, 5, 7, 100):
            values, end = await drain(channel, "x", limit)
            assert values == list(range(70))
            assert (end["status"], end["count"]) == ("done", 70)
        for after in (0, 3, 7, 69):
            one, last = await channel.read("x", after, 1, 0)
            assert list(one) == [after]
            assert last is None or after == 69
        for after in (70, 71, 1000):
            assert await channel.read("x", after, 10, LONG) == ([], end)

    @on_both
    async def test_where_nothing_is_a_read_waits_and_gives_nothing(self, broker: Broker) -> None:
        channel = broker.flow("a")
        for wait in (0, 0.01):
            assert await channel.read("x", 0, 10, wait) == ([], None)
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [1], 0, "p", epoch)
        for after in (1, 5):
            assert await channel.read("x", after, 10, 0.01) == ([], None)

    @on_both
    async def test_who_waits_gets_the_first_value(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        async with waiting_reader(channel, "x") as found:
            await channel.append("x", [1], 0, "p", epoch)
        values, end = found[0]
        assert (list(values), end) == ([1], None)

    @on_both
    async def test_who_waits_learns_of_the_end(self, broker: Broker) -> None:
        channel = broker.flow("a")
        cause = {"step": "p", "kind": "ValueError", "text": "no", "worker": "w", "traceback": "…"}
        async with waiting_reader(channel, "x") as found:
            epoch = await channel.claim("p", LONG)
            await channel.end("x", {"status": "failed", "cause": cause}, "p", epoch)
        values, end = found[0]
        assert list(values) == []
        assert (end["status"], end["count"], end["cause"]) == ("failed", 0, cause)

    @on_both
    async def test_a_reader_that_is_cancelled_leaves_the_others_alone(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        async with waiting_reader(channel, "x") as found:
            for _ in range(5):
                with anyio.move_on_after(0.01):
                    await channel.read("x", 0, 10, LONG)
            await channel.append("x", [1], 0, "p", epoch)
        assert list(found[0][0]) == [1]
        assert list((await channel.read("x", 0, 10, 0))[0]) == [1]

    @on_both
    async def test_streams_and_flows_do_not_mix(self, broker: Broker) -> None:
        names = ["x", "y", "x y:{z}*\n", "ü/\\'\"", CONTROL + "x"]
        for flow in ("a", "b"):
            channel = broker.flow(flow)
            epoch = await channel.claim("p", LONG)
            for name in names:
                await channel.append(name, [flow, name], 0, "p", epoch)
        for flow in ("a", "b"):
            for name in names:
                assert list((await broker.flow(flow).read(name, 0, 10, 0))[0]) == [flow, name]
