"""A step that holds up its event loop keeps its lease, by a thread that is gone with it."""

from __future__ import annotations

import threading
import time
from typing import Any

import anyio
import pytest

from elliptio.flows import Flow, Processor, RedisBroker, Supervisor
from elliptio.flows.keeping import Keeper
from tests.flows.executors.processes import until

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")]

SECRET = "a secret of tests"
LEASE = 0.3


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "elliptio-leases"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_step_that_blocks_is_renewed(redis_url: str, keys: Any, backend: str) -> None:
    processor = Processor(name="blocks", outputs=["y"])

    def clients() -> int:
        return int(keys.info("clients")["connected_clients"])

    before = clients()

    def ends() -> int:
        (key,) = keys.keys("elliptio:{flow*}:h")
        return int(keys.hget(key, "l:blocks").split(b":")[1])

    @processor
    async def _blocks() -> Any:
        taken = ends()
        until(lambda: ends() > taken)
        renewed = ends()
        until(lambda: ends() > renewed)
        yield 1

    async def main() -> None:
        async with Supervisor(broker=RedisBroker(redis_url, secret=SECRET, lease=LEASE)) as supervisor:
            execution = await supervisor.start_flow(Flow.from_tasks(processor).resolve())
            assert await execution["y"].collect() == [1]
            await execution.wait()
            assert (await execution.status()).steps["blocks"].epoch == 1

    anyio.run(main, backend=backend)
    until(lambda: not threads())
    until(lambda: clients() <= before)


def test_who_was_taken_over_is_not_renewed(redis_url: str) -> None:
    async def main() -> None:
        broker = RedisBroker(redis_url, secret=SECRET, lease=LEASE)
        channel, keeper = broker.flow("a"), Keeper(broker, LEASE)
        first = await channel.claim("p", 0.05)
        await anyio.sleep(0.1)
        assert await channel.claim("p", 0.05) == first + 1
        with keeper.keeping("a", "p", first):
            asked = threading.Event()
            renew = keeper._renew

            async def noted(late: Any) -> None:
                await renew(late)
                asked.set()

            keeper._renew = noted  # type: ignore[method-assign]
            await anyio.to_thread.run_sync(asked.wait, 30)
        time.sleep(0.1)
        assert await channel.claim("p", 60) == first + 2
        keeper.stop()
        await broker.aclose()

    anyio.run(main)


def test_in_memory_there_is_no_thread() -> None:
    processor = Processor(name="plain", outputs=["y"])

    @processor
    async def _plain() -> Any:
        assert not threads()
        yield 1

    assert Flow.from_tasks(processor).resolve().run() == {"y": [1]}
