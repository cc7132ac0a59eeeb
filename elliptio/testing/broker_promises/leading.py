"""Check how streams end, who holds a step, and what is known of a flow."""

from __future__ import annotations

import anyio
import pytest

from elliptio.flows.brokers.defining import CONTROL, Broker, Channel
from elliptio.flows.errors import FlowNotFoundError, LeaseLostError, StreamEndedError
from elliptio.testing.broker_promises.running import DONE, LONG, drain, on_both, waiting_reader


class EndSuite:
    """The first end counts, and each step that waits is started once."""

    @on_both
    async def test_the_first_end_counts(self, broker: Broker) -> None:
        channel = broker.flow("a")
        await channel.plan({"wait": {"w": ["x"]}})
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [1, 2], 0, "p", epoch)
        assert await channel.end("x", DONE, "p", epoch) == ["w"]
        assert await channel.end("x", {"status": "cancelled"}) == []
        assert await channel.end("x", DONE, "p", epoch) == []
        values, end = await drain(channel, "x")
        assert (values, end["status"], end["count"]) == ([1, 2], "done", 2)

    @on_both
    async def test_a_flow_is_ended_by_authority(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [1], 0, "p", epoch)
        await channel.append("y", [1], 0, "p", epoch)
        await channel.end("x", {"status": "cancelled"})
        assert await drain(channel, "x") == ([1], (await channel.read("x", 1, 1, 0))[1])
        with pytest.raises(StreamEndedError):
            await channel.append("x", [2], 1, "p", epoch)
        assert await channel.append("y", [2], 1, "p", epoch) == 2

    @on_both
    async def test_a_step_starts_when_all_that_it_waits_for_has_ended(self, broker: Broker) -> None:
        channel = broker.flow("a")
        await channel.plan({"wait": {"w": ["x", "y"], "v": ["y"], "u": ["z", "x"]}})
        epoch = await channel.claim("p", LONG)
        assert await channel.end("x", DONE, "p", epoch) == []
        assert sorted(await channel.end("y", DONE, "p", epoch)) == ["v", "w"]
        assert await channel.end("other", DONE, "p", epoch) == []
        assert await channel.end("z", DONE) == ["u"]

    @on_both
    async def test_exactly_one_is_told_to_start_a_step(self, broker: Broker) -> None:
        for number in range(10):
            channel = broker.flow(f"flow {number}")
            streams = [f"s{number}" for number in range(8)]
            await channel.plan({"wait": {"w": streams}})
            told: list[str] = []

            async def end(stream: str, channel: Channel = channel, told: list[str] = told) -> None:
                told += await channel.end(stream, DONE)

            async with anyio.create_task_group() as tasks:
                for stream in streams * 2:
                    tasks.start_soon(end, stream)
            assert told == ["w"]


class ClaimSuite:
    """One at a time holds a step."""

    @on_both
    async def test_a_lease_is_held_by_one(self, broker: Broker) -> None:
        channel = broker.flow("a")
        first = await channel.claim("p", LONG)
        assert first >= 1
        assert await channel.claim("p", LONG) == 0
        assert await channel.claim("q", LONG) >= 1

    @on_both
    async def test_of_many_one_gets_it(self, broker: Broker) -> None:
        got: list[int] = []

        async def claim() -> None:
            got.append(await broker.flow("a").claim("p", LONG))

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(claim)
        assert sum(epoch > 0 for epoch in got) == 1

    @on_both
    async def test_an_expired_lease_is_taken_over_with_a_higher_epoch(self, broker: Broker) -> None:
        channel, epochs = broker.flow("a"), list[int]()
        while len(epochs) < 3:
            if epoch := await channel.claim("p", 0.01):
                epochs.append(epoch)
            await anyio.sleep(0.005)
        assert epochs == sorted(set(epochs))

    @on_both
    async def test_a_lease_that_was_given_back_is_claimed_at_once(self, broker: Broker) -> None:
        channel = broker.flow("a")
        first = await channel.claim("p", LONG)
        assert await channel.append("x", [1], 0, "p", first, state={"row": 1}, release=True) == 1
        state = await broker.state("a")
        assert state is not None
        assert (state["leases"]["p"]["until"], state["leases"]["p"]["worker"]) == (0, "")
        with pytest.raises(LeaseLostError):
            await channel.append("x", [2], 1, "p", first)
        with pytest.raises(LeaseLostError):
            await channel.end("x", DONE, "p", first)
        second = await channel.claim("p", LONG)
        assert (second > first, second.state) == (True, {"row": 1})
        assert (first.lost, second.lost) == (False, False)

    @on_both
    async def test_a_lease_that_was_not_given_back_was_lost(self, broker: Broker) -> None:
        channel = broker.flow("a")
        assert not (await channel.claim("p", 0.01)).lost
        await anyio.sleep(0.03)
        assert (await channel.claim("p", LONG)).lost

    @on_both
    async def test_who_comes_too_early_is_told_when_to_come(self, broker: Broker) -> None:
        channel = broker.flow("a")
        assert await channel.claim("p", LONG)
        early = await channel.claim("p", LONG)
        assert (early, LONG / 2 < early.left <= LONG) == (0, True)

    @on_both
    async def test_a_step_that_has_ended_is_not_claimed(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", 0.01)
        await channel.end(CONTROL + "p", DONE, "p", epoch)
        await anyio.sleep(0.03)
        assert await channel.claim("p", LONG) == 0


class FlowSuite:
    """A flow is planned, looked at, and forgotten."""

    @on_both
    async def test_it_is_a_broker(self, broker: Broker) -> None:
        assert isinstance(broker, Broker)
        assert isinstance(broker.flow("a"), Channel)
        assert broker.steps is not None or not broker.shared

    @on_both
    async def test_a_plan_is_kept(self, broker: Broker) -> None:
        channel = broker.flow("a")
        assert await channel.plan() is None
        document = {"wait": {"w": ["x"]}, "steps": [{"name": "ü", "number": 1.5}], "none": None}
        await channel.plan(document)
        assert await channel.plan() == document
        assert await broker.flow("a").plan() == document
        assert await broker.flow("b").plan() is None

    @on_both
    async def test_streams_come_whole_with_a_plan(self, broker: Broker) -> None:
        channel = broker.flow("a")
        document = {"wait": {"w": ["x"], "v": ["x", "y"]}, "unbounded": ["y"]}
        for given in ({"x": [1, None, "two"], "empty": []}, {"x": ["another"]}):
            await channel.plan(document, given=given)
            assert await channel.plan() == document
            values, end = await drain(broker.flow("a"), "x")
            assert (values, end["status"], end["count"]) == ([1, None, "two"], "done", 3)
        assert (await drain(channel, "empty"))[0] == []
        epoch = await channel.claim("p", LONG)
        with pytest.raises(StreamEndedError):
            await channel.append("x", [4], 3, "p", epoch)
        assert await channel.end("x", DONE, "p", epoch) == []
        assert await channel.end("y", DONE, "p", epoch) == ["v"]
        state = await broker.state("a")
        assert state is not None
        assert state["streams"]["x"]["count"] == 3

    @on_both
    async def test_state_tells_what_is_known(self, broker: Broker) -> None:
        assert await broker.state("a") is None
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.append("x", ["a", "b"], 0, "p", epoch)
        await channel.progress("x", "reader", 1)
        await channel.end("x", DONE, "p", epoch)
        state = await broker.state("a")
        assert state is not None
        stream, lease = state["streams"]["x"], state["leases"]["p"]
        assert (stream["count"], stream["readers"], stream["end"]["status"]) == (2, {"reader": 1}, "done")
        assert stream["first"] <= stream["last"] < lease["until"]
        assert lease["epoch"] == epoch

    @on_both
    async def test_state_tells_of_streams_without_values(self, broker: Broker) -> None:
        channel = broker.flow("a")
        await channel.claim("p", LONG)
        await channel.progress("x", "r", 0)
        await channel.end("y", DONE)
        state = await broker.state("a")
        assert state is not None
        read, ended = state["streams"]["x"], state["streams"]["y"]
        assert (read["readers"], read["end"], ended["readers"], ended["end"]["count"]) == ({"r": 0}, None, {}, 0)
        assert {one[name] for one in (read, ended) for name in ("count", "bytes", "first", "last")} == {0}

    @on_both
    async def test_flows_are_listed_the_newest_first(self, broker: Broker) -> None:
        assert await broker.flows() == []
        for flow in ("a", "b", "c"):
            await broker.flow(flow).plan({})
            await anyio.sleep(0.002)
        await broker.flow("a").plan({})
        assert await broker.flows() == ["c", "b", "a"]
        await broker.flow("b").forget()
        assert await broker.flows() == ["c", "a"]

    @on_both
    async def test_a_forgotten_flow_is_gone(self, broker: Broker) -> None:
        channel = broker.flow("a")
        await channel.plan({"a": 1})
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [1], 0, "p", epoch)
        await channel.progress("x", "reader", 0)
        await channel.end("x", DONE, "p", epoch)
        await channel.forget()
        assert await broker.state("a") is None
        assert await broker.flow("a").plan() is None
        with pytest.raises(LeaseLostError):
            await channel.append("y", [1], 0, "p", epoch)
        await channel.progress("x", "reader", None)
        assert await broker.state("a") is None
        assert await broker.flows() == []
        await channel.forget()

    @on_both
    async def test_who_waits_is_told_that_the_flow_is_gone(self, broker: Broker) -> None:
        channel = broker.flow("a")
        epoch = await channel.claim("p", LONG)
        await channel.append("x", [1], 0, "p", epoch)
        async with waiting_reader(channel, "x", 1) as one, waiting_reader(channel, "y") as other:
            await channel.forget()
        assert isinstance(one[0], FlowNotFoundError)
        assert isinstance(other[0], FlowNotFoundError)
