"""Steps run in worker processes: nothing is lost, doubled or out of order, whatever happens to the workers."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from elliptio.errors import ConfigError
from elliptio.flows import (
    Flow,
    FlowNotFoundError,
    IOVal,
    MemoryBroker,
    StepFailedError,
    Supervisor,
    UnregisteredProcessorError,
    WorkerExecutor,
)
from elliptio.flows.brokers.redis.channel import RedisChannel
from elliptio.flows.brokers.redis.queue import RedisSteps
from elliptio.flows.executors.workers import Worker, work
from tests.flows.executors.processes import LEASE, MODULE, SECRET, expected, logs, started, variables

SETTINGS = {"lease": LEASE, "io_read_pending_timeout": 20.0}
COUNT = 400

_ENTRY = """
import logging, sys
import anyio, importlib
from elliptio.flows import Supervisor, WorkerExecutor
from elliptio.flows.executors.workers import work
logging.basicConfig(level="INFO")
importlib.import_module(sys.argv[1])
async def main():
    async with Supervisor(executor=WorkerExecutor(), redis_config={}) as supervisor:
        await work(supervisor, int(sys.argv[2]))
anyio.run(main, backend=sys.argv[3])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "crafts_of_test.py").write_text(MODULE)
    (tmp_path / "entry.py").write_text(_ENTRY)
    return tmp_path


@pytest.fixture
def shop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of processors, in this process too."""
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr("elliptio.flows.registry._IMPLEMENTED", {})
    monkeypatch.setitem(sys.modules, "crafts_of_test", None)
    del sys.modules["crafts_of_test"]
    import crafts_of_test  # type: ignore[import-not-found]

    return crafts_of_test


def supervisor(url: str, **more: Any) -> Supervisor:
    config = {"url": url, "secret": SECRET}
    return Supervisor(executor=WorkerExecutor(), redis_config=config, **{**SETTINGS, **more})


def worker(url: str, folder: Path, backend: str = "asyncio", concurrency: int = 100) -> Any:
    command = ("entry", "crafts_of_test", str(concurrency), backend)
    return started(*command, folder=folder, environ=variables(url))


async def outputs(url: str, flow: Any, count: int, meanwhile: Callable[[Any, Any], Any] | None = None) -> Any:
    async with supervisor(url) as boss:
        execution = await boss.start_flow(flow, inputs=[IOVal(name="count", value=count)], all_outputs=True)
        if meanwhile is not None:
            await meanwhile(boss, execution)
        found = {name: await execution[name].collect() for name in ("total", "end")}
        await execution.wait()
        await execution.forget()
    return found


async def _values(execution: Any, name: str, count: int) -> None:
    """Wait until a stream has so many values."""
    async for _ in execution[name].stream(cursor=count - 1):
        return


async def _lease_of(boss: Any, execution: Any, step: str) -> dict[str, Any]:
    state = await boss.broker.state(execution.id)
    found: dict[str, Any] = state["leases"][step]
    return found


def test_the_executor_needs_a_broker_that_others_see() -> None:
    with pytest.raises(ConfigError, match="do not see this one's memory"):
        Supervisor(executor=WorkerExecutor(), broker=MemoryBroker())


def test_a_worker_needs_something_to_do(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.flows.registry._IMPLEMENTED", {})

    async def main() -> None:
        async with supervisor(redis_url) as boss:
            await Worker(boss, 3).run()

    with pytest.raises(ConfigError, match="No processor is implemented here"):
        anyio.run(main)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_steps_run_in_workers(redis_url: str, keys: Any, folder: Path, shop: Any, backend: str) -> None:
    with worker(redis_url, folder, backend) as one, worker(redis_url, folder, backend):
        assert anyio.run(outputs, redis_url, shop.flow, 100, backend=backend) == expected(100), logs(folder)
        one.send_signal(signal.SIGTERM)
        assert one.wait(30) == 0, logs(folder)
    assert "Traceback" not in logs(folder)
    assert {key for key in keys.scan_iter() if b"{steps}:offered" not in key} == set()


@pytest.mark.slow
def test_a_worker_that_runs_one_step_at_once_runs_a_whole_flow(redis_url: str, folder: Path, shop: Any) -> None:
    with worker(redis_url, folder, concurrency=1):
        assert anyio.run(outputs, redis_url, shop.flow, 50) == expected(50), logs(folder)


@pytest.mark.slow
def test_steps_that_wait_for_one_that_nobody_runs_leave_room_for_it(
    redis_url: str, shop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with supervisor(redis_url) as boss, anyio.create_task_group() as tasks:
            execution = await boss.start_flow(shop.flow, inputs={"count": 50}, all_outputs=True)
            queue: Any = boss.broker.steps
            for step in ("numbers", "sums"):
                await queue.finish(execution.id, step)
            tasks.start_soon(Worker(boss, 1).run)
            while (await execution.status()).steps["squares"].state != "running":
                await anyio.sleep(0.01)
            for step in ("sums", "numbers"):
                await queue.put(execution.id, step)
            assert await execution["total"].collect() == expected(50)["total"]
            assert await execution["end"].collect() == expected(50)["end"]
            await execution.wait()
            tasks.cancel_scope.cancel()

    anyio.run(main)
    assert "wait for values, perhaps of a step that nobody runs" in caplog.text


class Forgetful(WorkerExecutor):
    """Is gone before it can start a step."""

    async def start(self, flow_id: str, step: str) -> None:
        """Start others."""
        if step != "last":
            await super().start(flow_id, step)


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["stream", "step"])
def test_a_step_that_nobody_started_is_started_by_who_waits_for_it(redis_url: str, shop: Any, asked: str) -> None:
    config = {"url": redis_url, "secret": SECRET}

    async def main() -> None:
        starter = Supervisor(executor=Forgetful(), redis_config=config, **SETTINGS)
        execution = await starter.start_flow(Flow.from_tasks(shop.last).resolve(), inputs={"n2": iter([1, 2, 3])})
        await starter.aclose()
        async with supervisor(redis_url, flow_execution_advancement_timeout=2.0) as boss:
            found = await boss.flow(execution.id)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(Worker(boss, 1).run)
                if asked == "stream":
                    assert await found["end"].first() == 3
                await found.wait()
                assert await found["end"].first() == 3
                tasks.cancel_scope.cancel()

    anyio.run(main)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle(redis_url: str, folder: Path, shop: Any) -> None:
    with worker(redis_url, folder) as first:

        async def kill(boss: Any, execution: Any) -> None:
            await _values(execution, "n2", 50)
            first.kill()
            await anyio.to_thread.run_sync(first.wait)
            with worker(redis_url, folder):
                await execution.wait()
            assert (await _lease_of(boss, execution, "squares"))["epoch"] == 2

        assert anyio.run(outputs, redis_url, shop.flow, COUNT, kill) == expected(COUNT), logs(folder)
    assert len((folder / "squares.txt").read_text().split()) == 2


@pytest.mark.slow
def test_a_worker_that_stood_still_is_refused(redis_url: str, folder: Path, shop: Any) -> None:
    with worker(redis_url, folder) as first:

        async def stop(boss: Any, execution: Any) -> None:
            await _values(execution, "n2", 50)
            first.send_signal(signal.SIGSTOP)
            with worker(redis_url, folder):
                await _values(execution, "n2", 150)  # by the second, as the first stands
                first.send_signal(signal.SIGCONT)
                await execution.wait()
            assert (await _lease_of(boss, execution, "squares"))["epoch"] >= 2

        assert anyio.run(outputs, redis_url, shop.flow, COUNT, stop) == expected(COUNT), logs(folder)
    assert "was taken over by another worker" in logs(folder)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_stopped_leaves_its_steps(
    redis_url: str, folder: Path, shop: Any, number: signal.Signals
) -> None:
    with worker(redis_url, folder) as first:

        async def stop(boss: Any, execution: Any) -> None:
            await _values(execution, "n2", 50)
            first.send_signal(number)
            assert await anyio.to_thread.run_sync(first.wait) == 0
            status = await execution.status()
            assert status.state == "running"
            assert {status.steps[name].state for name in ("numbers", "squares", "sums")} == {"ready"}
            with worker(redis_url, folder):
                await execution.wait()

        assert anyio.run(outputs, redis_url, shop.flow, COUNT, stop) == expected(COUNT), logs(folder)


@pytest.mark.slow
def test_a_step_that_somebody_has_comes_back_when_that_lease_ends(
    redis_url: str, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    claim = RedisChannel.claim

    async def claiming(channel: RedisChannel, step: str, ttl: float) -> Any:
        epoch = await claim(channel, step, ttl)
        if step == "squares":
            tries.append(int(epoch))
        return epoch

    monkeypatch.setattr(RedisChannel, "claim", claiming)

    async def main() -> None:
        async with supervisor(redis_url) as boss:
            execution = await boss.start_flow(shop.flow, inputs={"count": 3}, all_outputs=True)
            channel = boss.broker.flow(execution.id)
            assert await channel.claim("squares", LEASE)  # and is not heard of again
            with anyio.move_on_after(60):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(Worker(boss, 10).run)
                    await execution.wait()
                    tasks.cancel_scope.cancel()
            assert await execution["n2"].collect() == [0, 1, 4]

    anyio.run(main)
    assert tries == [1, 0, 2], "once before it ends, and once when it has"


@pytest.mark.slow
def test_a_step_that_somebody_has_comes_back_no_later_for_a_slow_worker(
    redis_url: str, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, hidden = LEASE / 5, []
    run_step, keep = Supervisor.run_step, RedisSteps.keep

    async def running(self: Supervisor, flow_id: str, step: str, **more: Any) -> bool:
        found = await run_step(self, flow_id, step, **more)
        await anyio.sleep(slow)
        return found

    async def keeping(self: RedisSteps, flow: str, step: str, ttl: float) -> None:
        hidden.append(ttl)
        await keep(self, flow, step, ttl)

    monkeypatch.setattr(Supervisor, "run_step", running)
    monkeypatch.setattr(RedisSteps, "keep", keeping)

    async def main() -> None:
        async with supervisor(redis_url) as boss:
            execution = await boss.start_flow(shop.flow, inputs={"count": 3})
            assert await boss.broker.flow(execution.id).claim("numbers", LEASE)
            await Worker(boss, 10).carry(execution.id, "numbers")
            await execution.cancel()

    anyio.run(main)
    assert 0 < min(hidden) <= LEASE - slow, "counted from when the lease was looked at"


@pytest.mark.slow
def test_what_somebody_else_has_ended_and_what_was_forgotten_leaves_the_queue(redis_url: str, shop: Any) -> None:
    async def main() -> None:
        async with supervisor(redis_url) as boss:
            gone = await boss.start_flow(shop.flow, inputs={"count": 3})
            ended = await boss.start_flow(shop.flow, inputs={"count": 3})
            await gone.forget()
            await ended.cancel()
            queue: Any = boss.broker.steps
            await queue.put(gone.id, "numbers")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(Worker(boss, 10).run)
                while await queue._client.ask("KEYS", "elliptio:{steps}:q:*"):
                    await anyio.sleep(0.05)
                tasks.cancel_scope.cancel()
            with pytest.raises(FlowNotFoundError):
                await boss.flow(gone.id)

    anyio.run(main)


@pytest.mark.slow
def test_a_step_that_ends_its_workers_fails_at_last(redis_url: str, folder: Path, shop: Any) -> None:
    environ = variables(redis_url, ELLIPTIO_FLOWS_ATTEMPTS="2", ELLIPTIO_FLOWS_LEASE="0.3")

    async def main() -> None:
        async with supervisor(redis_url) as boss:
            execution = await boss.start_flow(shop.deadly, inputs={"count": 3})
            for _ in range(2):
                with started("entry", "crafts_of_test", "1", "asyncio", folder=folder, environ=environ) as one:
                    assert await anyio.to_thread.run_sync(one.wait) == 9, logs(folder)
            said = r"StepLostError: 2 workers in a row were lost with .*'fatal'"
            other = started("entry", "crafts_of_test", "1", "asyncio", folder=folder, environ=environ)
            with other, pytest.raises(StepFailedError, match=said):
                await execution["gone"].first()
            await execution.forget()

    anyio.run(main)


@pytest.mark.slow
def test_a_step_that_fails_in_a_worker_is_said(redis_url: str, folder: Path, shop: Any) -> None:
    async def main() -> None:
        async with supervisor(redis_url) as boss:
            execution = await boss.start_flow(shop.broken, inputs={"count": 3})
            with pytest.raises(StepFailedError, match="KeyError") as caught:
                await execution["never"].first()
            assert str(os.getpid()) not in caught.value.worker

    with worker(redis_url, folder):
        anyio.run(main)


def test_nobody_implements_a_step(redis_url: str, shop: Any) -> None:
    async def main() -> None:
        async with supervisor(redis_url, io_read_pending_timeout=0.2, io_read_timeout=0.1) as boss:
            execution = await boss.start_flow(shop.broken, inputs={"count": 3})
            assert (await execution.status()).missing == {"boom"}
            with pytest.raises(UnregisteredProcessorError, match="'boom'"):
                await execution["never"].first()
            await execution.forget()

    anyio.run(main)


def test_work_ends_when_it_is_cancelled(redis_url: str, shop: Any) -> None:
    async def main() -> None:
        async with supervisor(redis_url) as boss, anyio.create_task_group() as tasks:
            tasks.start_soon(work, boss)
            while not await boss.broker.steps.offered():  # type: ignore[union-attr]
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()

    anyio.run(main)
