"""Steps dispatched by Celery for real; lost and doubled messages do no harm."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from elliptio.flows import CeleryExecutor, Supervisor
from elliptio.flows.executors.celery import TASK
from tests.flows.executors.processes import LEASE, MODULE, SECRET, expected, logs, started, until, variables

pytestmark = pytest.mark.slow

COUNT = 200

_APP = """
from celery import Celery
from elliptio.flows import CeleryExecutor
import crafts_of_celery
app = Celery("shop", broker={url!r})
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
CeleryExecutor(app)
"""


@pytest.fixture
def folder(tmp_path: Path, redis_url: str) -> Path:
    (tmp_path / "crafts_of_celery.py").write_text(MODULE)
    (tmp_path / "shop_of_celery.py").write_text(_APP.format(url=redis_url))
    return tmp_path


@pytest.fixture
def shop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr("elliptio.flows.registry._IMPLEMENTED", {})
    monkeypatch.delitem(sys.modules, "crafts_of_celery", raising=False)
    import crafts_of_celery  # type: ignore[import-not-found]

    return crafts_of_celery


@pytest.fixture
def app(redis_url: str) -> Iterator[Any]:
    from celery import Celery

    made = Celery("shop", broker=redis_url)
    yield made
    made.close()


def worker(url: str, folder: Path) -> Any:
    command = ["celery", "-A", "shop_of_celery", "worker", "-P", "threads", "-c", "8", "--without-mingle"]
    return started(*command, "--without-gossip", "-l", "INFO", folder=folder, environ=variables(url))


async def outputs(
    url: str, app: Any, flow: Any, count: int, meanwhile: Callable[[Any, Any], Any] | None = None
) -> dict[str, list[int]]:
    config = {"url": url, "secret": SECRET}
    settings = {"lease": LEASE, "io_read_pending_timeout": 30.0}
    async with Supervisor(executor=CeleryExecutor(app), redis_config=config, **settings) as boss:
        execution = await boss.start_flow(flow, inputs={"count": count}, all_outputs=True)
        if meanwhile is not None:
            await meanwhile(boss, execution)
        found = {name: await execution[name].collect() for name in ("total", "end")}
        await execution.wait()
        await execution.forget()
    return found


def test_celery_runs_a_flow(redis_url: str, folder: Path, shop: Any, app: Any) -> None:
    with worker(redis_url, folder) as process:
        assert anyio.run(outputs, redis_url, app, shop.flow, COUNT) == expected(COUNT), logs(folder)
        process.terminate()
        assert process.wait(60) == 0, logs(folder)
    said = logs(folder)
    assert f"Task {TASK}" in said
    assert "Traceback" not in said


def test_doubled_messages_do_no_harm(redis_url: str, folder: Path, shop: Any, app: Any) -> None:
    async def double(boss: Any, execution: Any) -> None:
        for step in ("numbers", "squares", "sums", "squares"):
            app.send_task(TASK, args=(execution.id, step))

    with worker(redis_url, folder):
        assert anyio.run(outputs, redis_url, app, shop.flow, COUNT, double) == expected(COUNT), logs(folder)
    assert len((folder / "squares.txt").read_text().split()) == 1


def test_lost_messages_do_no_harm(redis_url: str, keys: Any, folder: Path, shop: Any, app: Any) -> None:
    async def lose(boss: Any, execution: Any) -> None:
        assert keys.delete("celery")
        with worker(redis_url, folder):
            await execution.wait()

    assert anyio.run(outputs, redis_url, app, shop.flow, COUNT, lose) == expected(COUNT), logs(folder)


@pytest.mark.parametrize("kill", [True, False])
def test_a_worker_that_ends_in_the_middle(redis_url: str, folder: Path, shop: Any, app: Any, kill: bool) -> None:
    async def end(boss: Any, execution: Any) -> None:
        async for _ in execution["n2"].stream(cursor=30):
            break
        first.kill() if kill else first.terminate()
        await anyio.to_thread.run_sync(first.wait)
        with worker(redis_url, folder):
            await execution.wait()

    with worker(redis_url, folder) as first:
        assert anyio.run(outputs, redis_url, app, shop.flow, COUNT, end) == expected(COUNT), logs(folder)
    until(lambda: first.poll() is not None)
