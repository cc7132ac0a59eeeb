"""After each question of a flow, every key of Redis has an expiry: whoever is killed then leaves nothing for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio
import pytest

from elliptio.flows import IO, Checkpoint, Flow, Processor, RedisBroker, Supervisor, WorkerExecutor
from elliptio.flows.brokers.redis.client import Client
from elliptio.flows.executors.workers import Worker

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

FOR_EVER = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  if redis.call('PTTL', key) == -1 then found[#found + 1] = key end
end
return found
"""

counted = Processor(name="expiry-count", inputs=["upto"], outputs=["number"])
summed = Processor(name="expiry-sum", inputs=["number"], outputs=["sum"], wait=True)


@counted
async def _counted(upto: IO[int], c: Checkpoint) -> AsyncIterator[int]:
    for number in range(await c.load(0), await upto.first()):
        c.save(number + 1)
        yield number


@summed
async def _summed(number: IO[int]) -> int:
    return sum(await number.collect())


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_every_key_has_an_expiry_after_each_question(
    loop: str, redis_url: str, keys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    ask_all = Client.ask_all

    async def checked(self: Client, commands: Sequence[Sequence[Any]], wait: float = 0) -> list[Any]:
        answers = await ask_all(self, commands, wait)
        assert keys.eval(FOR_EVER, 0) == []
        asked.append(len(commands))
        return answers

    monkeypatch.setattr(Client, "ask_all", checked)

    async def main() -> None:
        broker = RedisBroker(redis_url, secret="of tests")
        async with Supervisor(executor=WorkerExecutor(), broker=broker) as boss, anyio.create_task_group() as tasks:
            tasks.start_soon(Worker(boss, 10).run)
            execution = await boss.start_flow(Flow.from_tasks(counted, summed).resolve(), {"upto": 500})
            assert await execution["sum"].first() == sum(range(500))
            await execution.wait()
            await execution.forget()
            tasks.cancel_scope.cancel()

    anyio.run(main, backend=loop)
    assert len(asked) > 20
