"""Check who appends what, and how much of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import anyio
import pytest

from elliptio.flows.brokers.defining import Broker, Channel
from elliptio.flows.errors import LeaseLostError, PositionError, StreamEndedError, StreamFullError
from elliptio.testing.broker_promises.running import DONE, LONG, drain, on_both


class AppendSuite:
    """Values are appended once, by who holds the step."""

    @on_both
    async def test_positions_count_values(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        assert await channel.append("x", [1, "two"], 0, "p", epoch) == 2
        assert await channel.append("x", [None], 2, "p", epoch) == 3
        assert await channel.append("x", [], 3, "p", epoch) == 3
        assert list((await channel.read("x", 0, 10, 0))[0]) == [1, "two", None]

    @on_both
    async def test_what_is_there_already_is_passed_over(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [1, 2, 3], 0, "p", epoch)
        assert await channel.append("x", [2, 3], 1, "p", epoch) == 3
        assert await channel.append("x", [1], 0, "p", epoch) == 3
        assert await channel.append("x", [3, 4, 5], 2, "p", epoch) == 5
        assert await channel.append("x", [], 0, "p", epoch) == 5
        assert list((await channel.read("x", 0, 10, 0))[0]) == [1, 2, 3, 4, 5]

    @on_both
    async def test_who_reads_may_say_where_it_is(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [1, 2, 3], 0, "p", epoch)
        for after in (0, 2):
            values, end = await channel.read("x", after, 10, LONG, reader="r")
            assert (list(values), end) == ([1, 2, 3][after:], None)
            state = await broker.state("a")
            assert state is not None
            assert state["streams"]["x"]["readers"] == {"r": after}

    @on_both
    async def test_a_hole_is_refused(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [1], 0, "p", epoch)
        with pytest.raises(PositionError):
            await channel.append("x", [3], 2, "p", epoch, state="no")
        assert list((await channel.read("x", 0, 10, 0))[0]) == [1]

    @on_both
    async def test_only_the_last_claim_appends(self, broker: Broker) -> None:
        channel = broker.flow("a")
        with pytest.raises(LeaseLostError):
            await channel.append("x", [1], 0, "p", 1)
        old = await self._claimed(channel, 0.01)
        new = await self._claimed(channel, LONG)
        await channel.append("x", [1], 0, "p", new)
        for epoch in (old, new + 1, 0):
            with pytest.raises(LeaseLostError):
                await channel.append("x", [2], 1, "p", epoch)
            with pytest.raises(LeaseLostError):
                await channel.append("x", [], 1, "p", epoch)
            with pytest.raises(LeaseLostError):
                await channel.end("x", DONE, "p", epoch)
        assert list((await channel.read("x", 0, 10, 0))[0]) == [1]

    @staticmethod
    async def _claimed(channel: Channel, ttl: float) -> int:
        while not (epoch := await channel.claim("p", ttl)):
            await anyio.sleep(0.005)
        return epoch

    @on_both
    async def test_nothing_comes_after_the_end_but_what_is_there(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [1, 2], 0, "p", epoch)
        await channel.end("x", {"status": "failed", "cause": {"step": "p"}}, "p", epoch)
        assert await channel.append("x", [1, 2], 0, "p", epoch) == 2
        assert await channel.append("x", [], 2, "p", epoch) == 2
        with pytest.raises(StreamEndedError) as caught:
            await channel.append("x", [2, 3], 1, "p", epoch)
        assert caught.value.outcome["status"] == "failed"
        assert caught.value.outcome["cause"] == {"step": "p"}

    @on_both
    async def test_an_append_renews_the_lease(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        before = await self._until(broker)
        for at, values in enumerate([[1], []]):
            await anyio.sleep(0.02)
            await channel.append("x", values, at, "p", epoch)
            after = await self._until(broker)
            assert after > before
            before = after

    @staticmethod
    async def _until(broker: Broker) -> float:
        state = await broker.state("a")
        assert state is not None
        return float(state["leases"]["p"]["until"])

    @on_both
    async def test_state_is_kept_with_the_values(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", 0.01)
        assert epoch.state is None
        await channel.append("x", [1], 0, "p", epoch, state={"row": 1})
        await channel.append("x", [2], 1, "p", epoch)
        assert await self._state(channel) == {"row": 1}
        epoch = await channel.claim("q", LONG)
        assert epoch.state is None
        epoch = await self._claimed_epoch(channel)
        await channel.append("x", [], 2, "p", epoch, state=[2])
        assert await self._state(channel) == [2]
        epoch = await self._claimed_epoch(channel)
        with pytest.raises(PositionError):
            await channel.append("x", [9], 9, "p", epoch, state=[3])
        assert await self._state(channel) == [2]

    async def _state(self, channel: Channel) -> Any:
        return (await self._claimed_epoch(channel)).state

    @staticmethod
    async def _claimed_epoch(channel: Channel) -> Any:
        while not (epoch := await channel.claim("p", 0.01)):
            await anyio.sleep(0.005)
        return epoch


class LimitSuite:
    """A stream takes no more than its slowest attached reader leaves room for."""

    limit = 100

    @on_both
    async def test_a_stream_is_full_when_an_attached_reader_is_behind(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.progress("x", "slow", 0)
        await channel.progress("x", "fast", 50)
        await channel.append("x", list(range(self.limit)), 0, "p", epoch)
        with pytest.raises(StreamFullError):
            await channel.append("x", [1], self.limit, "p", epoch, state="no")
        await channel.progress("x", "slow", 1)
        assert await channel.append("x", [1], self.limit, "p", epoch) == self.limit + 1
        await channel.progress("x", "slow", None)
        assert await channel.append("x", [1], self.limit + 1, "p", epoch) == self.limit + 2

    @on_both
    async def test_a_limit_below_a_batch_goes_through(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.progress("x", "slow", 0)
        assert await channel.append("x", [0] * 3 * self.limit, 0, "p", epoch) == 3 * self.limit
        await channel.progress("x", "slow", 3 * self.limit)
        assert await channel.append("x", [0] * 2 * self.limit, 3 * self.limit, "p", epoch) == 5 * self.limit

    @on_both
    async def test_nobody_attached_holds_nothing(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [0] * 2 * self.limit, 0, "p", epoch)
        await channel.read("x", 0, 10, 0)
        assert await channel.append("x", [1], 2 * self.limit, "p", epoch) == 2 * self.limit + 1
        await channel.progress("y", "slow", 0)
        assert await channel.append("x", [1], 2 * self.limit + 1, "p", epoch) == 2 * self.limit + 2

    @on_both
    async def test_a_stream_without_a_limit_is_never_full(self, broker: Broker) -> None:
        channel = broker.flow("a")
        await channel.plan({"unbounded": ["x"]})
        epoch = await channel.claim("p", LONG)
        for stream in ("x", "y"):
            await channel.progress(stream, "slow", 0)
            await channel.append(stream, [0] * self.limit, 0, "p", epoch)
        assert await channel.append("x", [0], self.limit, "p", epoch) == self.limit + 1
        with pytest.raises(StreamFullError):
            await channel.append("y", [0], self.limit, "p", epoch)

    @on_both
    async def test_an_append_waits_for_room(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.progress("x", "slow", 0)
        await channel.append("x", [0] * self.limit, 0, "p", epoch)
        done: list[int] = []

        async def append() -> None:
            while not done:
                with suppress(StreamFullError):
                    done.append(await channel.append("x", [1], self.limit, "p", epoch))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(append)
            await anyio.sleep(0.05)
            assert done == []
            await channel.progress("x", "slow", self.limit)
        assert done == [self.limit + 1]

    @on_both
    async def test_the_end_does_not_wait_for_room(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.progress("x", "slow", 0)
        await channel.append("x", [0] * 2 * self.limit, 0, "p", epoch)
        await channel.end("x", DONE, "p", epoch)
        assert (await drain(channel, "x"))[0] == [0] * 2 * self.limit
