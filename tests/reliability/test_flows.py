"""Flows go on whatever happens to workers and to Redis: nothing is lost, doubled, out of order, or left over."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import resource
import signal
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import redis

from elliptio.flows import IO, Checkpoint, Flow, IOVal, LocalExecutor, MemoryBroker, Processor, RedisBroker, Supervisor
from elliptio.flows.executors.workers import WorkerExecutor
from elliptio.flows.testing import RedisServer, redis_program, redis_server
from tests.flows.executors.processes import LEASE, SECRET, logs, started, until, variables

LONG = "ELLIPTIO_TORTURE" in os.environ
KILLS, OUTAGES, FINISHES, FLOWS = (100, 50, 1_000, 5_000) if LONG else (2, 3, 20, 100)
ROOT = Path(__file__).parents[2]
COUNT = 300

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore:The processor .* is implemented once more"),
]

count_up = Processor(name="torture-count", inputs=["upto"], outputs=["number"])
square = Processor(name="torture-square", inputs=["number"], outputs=["squared"])


@count_up
async def _count_up(upto: IO[int], c: Checkpoint) -> AsyncIterator[int]:
    for number in range(await c.load(0), await upto.first()):
        await anyio.sleep(0.005)
        c.save(number + 1)
        yield number


@square
async def _square(number: IO[int]) -> AsyncIterator[int]:
    async for value in number.stream():
        yield value**2


flow = Flow.from_tasks(count_up, square).resolve()


@pytest.fixture(params=[False])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    if redis_program() is None:
        pytest.skip("there is no Redis server here")
    with redis_server(append_only=request.param) as one:
        yield one


def supervisor(url: str, executor: Any) -> Supervisor:
    config = {"url": url, "secret": SECRET}
    return Supervisor(executor=executor, redis_config=config, lease=LEASE, io_read_pending_timeout=60)


class Workers:
    """Two of them, at all times."""

    def __init__(self, url: str, folder: Path, stack: contextlib.ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._environ = variables(url, PYTHONPATH=str(ROOT))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.add()
        self.add()

    def add(self) -> None:
        command = ("elliptio", "flows", "worker", "tests.reliability.test_flows")
        log = self._folder / f"{len(list(self._folder.glob('*.log')))}.log"
        one = self._stack.enter_context(started(*command, folder=self._folder, environ=self._environ))
        until(lambda: "Takes steps" in log.read_text())
        self.processes[str(one.pid)] = one


async def interrupted(url: str, workers: Workers, way: str, seconds: list[float]) -> None:
    """Run a flow, hurt the worker that has its first step, and note how long its stream stood still."""
    async with supervisor(url, WorkerExecutor()) as boss:
        execution = await boss.start_flow(flow, {"upto": COUNT}, all_outputs=True)
        at = random.randrange(1, COUNT // 2)
        async for _ in execution["number"].stream(cursor=at):
            break
        holder = (await execution.status()).steps["torture-count"].worker.rpartition(":")[2]
        hurt = workers.processes[holder]
        hurt.send_signal(signal.SIGKILL if way == "kill" else signal.SIGSTOP)
        since, there = time.monotonic(), await execution["number"].count()
        async for _ in execution["number"].stream(cursor=there):
            break
        seconds.append(time.monotonic() - since)
        if way == "kill":
            del workers.processes[holder]
            workers.add()
        else:
            hurt.send_signal(signal.SIGCONT)
        await execution.wait()
        assert await execution["number"].collect() == list(range(COUNT))
        assert await execution["squared"].collect() == [number**2 for number in range(COUNT)]
        assert (await execution.status()).steps["torture-count"].epoch == 2
        await execution.forget()


@pytest.mark.parametrize("way", ["kill", "stop"])
def test_workers_are_killed_or_stand_still(server: RedisServer, tmp_path: Path, way: str) -> None:
    seconds: list[float] = []
    with contextlib.ExitStack() as stack:
        workers = Workers(server.url, tmp_path, stack)
        for _ in range(KILLS):
            try:
                anyio.run(interrupted, server.url, workers, way, seconds)
            except BaseException:
                print(logs(tmp_path)[-20_000:])
                raise
    leases = [one / LEASE for one in seconds]
    print(f"\n{way}: {KILLS} times, 0 lost; went on after {_spread(leases)} leases of {LEASE:g} s")


def _spread(found: list[float]) -> str:
    return f"{statistics.median(found):.2f} (median), {max(found):.2f} (longest)"


@pytest.mark.parametrize("server", [True], indirect=True)
@pytest.mark.parametrize("way", ["restart", "cut"])
def test_redis_goes_away(server: RedisServer, way: str) -> None:
    seconds: list[float] = []

    def hurt() -> None:
        if way == "restart":
            server.kill()
            server.start()
        else:
            with redis.Redis.from_url(server.url) as client:
                client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    async def main() -> None:
        async with supervisor(server.url, LocalExecutor()) as boss:
            execution = await boss.start_flow(flow, {"upto": 10**9}, all_outputs=True)
            for _ in range(OUTAGES):
                await anyio.sleep(random.uniform(0.05, 0.3))
                await anyio.to_thread.run_sync(hurt)
                since, there = time.monotonic(), await execution["squared"].count()
                async for value in execution["squared"].stream(cursor=there):
                    assert value == there**2
                    break
                seconds.append(time.monotonic() - since)
            await execution.cancel()
            found: list[int] = []
            with contextlib.suppress(Exception):
                async for value in execution["squared"].stream():
                    found.append(value)
            assert found == [number**2 for number in range(len(found))]
            await execution.forget()

    anyio.run(main)
    print(f"\n{way}: {OUTAGES} times, 0 lost; went on after {_spread(seconds)} s")


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_a_step_that_waits_starts_once(server: RedisServer, kind: str) -> None:
    ran: list[int] = []
    finishers = [Processor(name=f"torture-end-{n}", inputs=["go"], outputs=[f"part-{n}"]) for n in range(8)]
    joined = Processor(name="torture-join", inputs=[f"part-{n}" for n in range(8)], outputs=["whole"], wait=True)
    for one in finishers:

        @one
        async def _end(go: IO[int], processor: str = one.name) -> int:
            return await go.first()

    @joined
    async def _join(**_: Any) -> AsyncIterator[int]:
        ran.append(1)
        yield len(ran)

    whole = Flow.from_tasks(joined, *finishers).resolve()

    async def main() -> None:
        broker: Any = MemoryBroker() if kind == "memory" else RedisBroker(server.url, secret=SECRET)
        async with Supervisor(broker=broker) as boss:
            for number in range(FINISHES):
                execution = await boss.start_flow(whole, inputs=[IOVal(name="go", value=number)])
                assert await execution["whole"].collect() == [number + 1]
                await execution.wait()
                await execution.forget()

    anyio.run(main)
    assert len(ran) == FINISHES
    print(f"\n{kind}: {FINISHES} of {FINISHES} started once by 8 that ended together")


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_flows_in_a_row_leave_nothing(server: RedisServer, kind: str) -> None:
    quick = Processor(name="torture-quick", inputs=["x"], outputs=["y"])

    @quick
    async def _quick(x: IO[int]) -> AsyncIterator[int]:
        async for value in x.stream():
            yield value + 1

    one = Flow.from_tasks(quick).resolve()
    counts: list[tuple[int, int, int]] = []

    async def main() -> None:
        broker: Any = MemoryBroker() if kind == "memory" else RedisBroker(server.url, secret=SECRET)
        async with Supervisor(broker=broker) as boss:
            for number in range(FLOWS + 1):
                execution = await boss.start_flow(one, {"x": number})
                assert await execution["y"].collect() == [number + 1]
                await execution.wait()
                if kind == "redis":
                    await execution.forget()
                if number in (FLOWS // 2, FLOWS):
                    await boss.background.wait()
                    del execution
                    gc.collect()
                    files = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
                    counts.append((len(asyncio.all_tasks()), files, len(gc.get_objects())))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    anyio.run(main)
    (tasks, files, objects), (tasks_after, files_after, objects_after) = counts
    assert (tasks_after, files_after) == (tasks, files)
    assert objects_after - objects < 2_000, "of the second half, at most the flows that are kept anyway"
    if kind == "redis":
        with redis.Redis.from_url(server.url) as client:
            assert list(client.scan_iter()) == []
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"\n{kind}: {FLOWS} flows; {objects_after - objects} more objects after the second half, {grown:.1f} MB in all"
    )
