"""A value goes out as soon as it was yielded, and little is asked on the way to the first one."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio
import pytest

from elliptio.flows import IO, Flow, Processor, RedisBroker, Supervisor, writing
from elliptio.flows.brokers.memory import MemoryBroker
from elliptio.flows.brokers.redis import scripts
from elliptio.flows.brokers.redis.client import Client, Script

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

LONG = 60.0

count = Processor(name="first-count", inputs=["upto"], outputs=["number"])
square = Processor(name="first-square", inputs=["number"], outputs=["squared"])
flow = Flow.from_tasks(count, square).resolve()


@count
async def _count(upto: IO[int]) -> AsyncIterator[int]:
    for number in range(await upto.first()):
        yield number


@square
async def _square(number: IO[int]) -> AsyncIterator[int]:
    async for value in number.stream():
        yield value**2


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_what_is_yielded_while_values_are_handed_on_goes_too(loop: str) -> None:
    slow = Processor(name="first-slow", inputs=["x"], outputs=["y"])
    handing, handed, seen = anyio.Event(), anyio.Event(), anyio.Event()

    @slow
    async def _slow(x: IO[int]) -> AsyncIterator[int]:
        yield 1  # goes at once
        yield 2  # goes while the step waits
        await handing.wait()
        yield 3
        await seen.wait()

    class Slow(MemoryBroker):
        def flow(self, flow_id: str) -> Any:
            channel = super().flow(flow_id)
            append = type(channel).append

            async def appending(stream: str, values: Sequence[Any], *args: Any, **more: Any) -> int:
                if 2 in values:
                    handing.set()
                    await handed.wait()
                return await append(channel, stream, values, *args, **more)

            channel.append = appending
            return channel

    async def main() -> None:
        async with Supervisor(broker=Slow()) as supervisor:
            execution = await supervisor.start_flow(Flow.from_tasks(slow).resolve(), {"x": 0})
            with anyio.fail_after(LONG):
                await handing.wait()
                await anyio.sleep(0.01)  # the step yields once more
                handed.set()
                got = [value async for value in _until(3, execution["y"], seen)]
            assert got == [1, 2, 3]

    anyio.run(main, backend=loop)


async def _until(last: int, io: IO[int], seen: anyio.Event) -> AsyncIterator[int]:
    async for value in io.stream():
        yield value
        if value == last:
            seen.set()


def test_redis_is_asked_little_before_the_first_value(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {name: one for name, one in vars(scripts).items() if isinstance(one, Script)}
    names = {key: name for name, one in made.items() for key in (one.name, one.source)}
    asked: list[Counter[str]] = []
    ask_all = Client.ask_all

    async def counted(self: Client, commands: Sequence[Sequence[Any]], wait: float = 0) -> list[Any]:
        # What waits for a value is asked again and again, as long as the machine is busy.
        asked[-1].update({names.get(command[1], command[0]) for command in commands} - {"XREAD"})
        asked[-1]["trips"] += any(command[0] != "XREAD" for command in commands)
        return await ask_all(self, commands, wait)

    monkeypatch.setattr(Client, "ask_all", counted)

    async def main() -> None:
        async with Supervisor(broker=RedisBroker(redis_url, secret="of tests")) as supervisor:
            for _ in range(2):
                asked.append(Counter())
                execution = await supervisor.start_flow(flow, {"upto": 1})
                started = asked[-1]
                asked.append(Counter())
                assert await execution["squared"].first() == 0
                asked.append(Counter())
                await execution.wait()
        assert started == {"PLAN": 1, "REGISTER": 1, "trips": 1}
        # of the first step; the second may have come to its end already
        at_most = {"CLAIM": 2, "PROGRESS": 3, "APPEND": 2, "END": 4, "HMGET": 2, "trips": 12}
        found = asked[-2]
        assert {name: number for name, number in found.items() if number > at_most.get(name, 0)} == {}

    anyio.run(main)


def test_redis_is_asked_once_for_many_values(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    appended: list[int] = []
    run_all = Client.run_all

    async def counted(self: Client, calls: Sequence[Any]) -> list[Any]:
        appended.extend(len(more) for script, keys, more in calls if script is scripts.APPEND and "number" in keys[1])
        return await run_all(self, calls)

    monkeypatch.setattr(Client, "run_all", counted)
    monkeypatch.setattr(writing, "PAUSE", LONG)  # so long values are gathered, if there are not enough before

    async def main() -> None:
        async with Supervisor(broker=RedisBroker(redis_url, secret="of tests")) as supervisor:
            execution = await supervisor.start_flow(flow, {"upto": 5_000})
            assert await execution["squared"].collect() == [number**2 for number in range(5_000)]

    anyio.run(main)
    assert len(appended) < 5_000 / 100


def test_a_server_that_lost_the_scripts_gets_them_again(redis_url: str, keys: Any) -> None:
    async def main() -> None:
        async with Supervisor(broker=RedisBroker(redis_url, secret="of tests")) as supervisor:
            for _ in range(2):
                execution = await supervisor.start_flow(flow, {"upto": 3})
                keys.script_flush()
                assert await execution["squared"].collect() == [0, 1, 4]

    anyio.run(main)


def test_a_flow_that_has_ended_is_forgotten_by_few_questions(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    ask_all = Client.ask_all

    async def counted(self: Client, commands: Sequence[Sequence[Any]], wait: float = 0) -> list[Any]:
        asked.append(commands)
        return await ask_all(self, commands, wait)

    async def main() -> None:
        async with Supervisor(broker=RedisBroker(redis_url, secret="of tests")) as supervisor:
            execution = await supervisor.start_flow(flow, {"upto": 3})
            await execution.wait()
            await supervisor.background.wait()
            monkeypatch.setattr(Client, "ask_all", counted)
            await execution.forget()

    anyio.run(main)
    assert len(asked) <= 5
