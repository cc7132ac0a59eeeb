"""Images stream through two workers while somebody watches; one worker is killed; all of it becomes artifacts."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pandas as pd
import pytest

import elliptio as eio
from elliptio.flows import Supervisor, WorkerExecutor
from elliptio.flows.sealing.values import values_of
from elliptio.flows.testing import redis_program, redis_server
from tests.flows.executors.processes import SECRET, logs, started, variables
from tests.reliability.flow_images import flow

LONG = "ELLIPTIO_TORTURE" in os.environ
COUNT = 3_000 if LONG else 150
ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(1800)]


def supervisor(url: str) -> Supervisor:
    return Supervisor(
        executor=WorkerExecutor(), redis_config={"url": url, "secret": SECRET}, lease=1.0, io_read_pending_timeout=60
    )


async def watched(url: str, flow_id: str, seen: list[Any]) -> None:
    """Read the thumbnails as a notebook elsewhere would."""
    async with supervisor(url) as elsewhere:
        async for one in (await elsewhere.flow(flow_id))["thumbnail"].stream():
            seen.append(one.size)


async def made(url: str, h: eio.Handler, workers: dict[str, subprocess.Popen[bytes]]) -> dict[str, eio.Artifact]:
    """Run the flow; kill the worker that makes thumbnails when half of them are there."""
    seen: list[Any] = []
    async with supervisor(url) as boss:
        execution = await boss.start_flow(flow, {"count": COUNT}, all_outputs=True, record=h)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watched, url, execution.id, seen)
            async for _ in execution["thumbnail"].stream(cursor=COUNT // 2):
                break
            if workers:
                holder = (await execution.status()).steps["shrink"].worker.rpartition(":")[2]
                workers[holder].kill()
            await execution.wait()
        if workers:
            assert (await execution.status()).steps["shrink"].epoch == 2
        sealed: dict[str, eio.Artifact] = await execution.sealed()
        await execution.forget()
    assert seen == [(8, 8)] * COUNT
    return sealed


def test_images_become_one_table(tmp_path: Path) -> None:
    if redis_program() is None:
        pytest.skip("there is no Redis server here")
    h = eio.Handler(tmp_path / "lake")
    folder = tmp_path / "workers"
    folder.mkdir()
    with redis_server() as server, contextlib.ExitStack() as stack:
        environ = variables(server.url, PYTHONPATH=str(ROOT))
        command = ("elliptio", "flows", "worker", "tests.reliability.flow_images")
        many = [stack.enter_context(started(*command, folder=folder, environ=environ)) for _ in range(2)]
        workers = {str(one.pid): one for one in many}
        first = anyio.run(made, server.url, h, workers)
        again = anyio.run(made, server.url, h, {})
        assert sum(one.poll() is None for one in many) == 1, logs(folder)
    (table,) = values_of(first["table"])
    assert isinstance(table, pd.DataFrame)
    assert table["number"].tolist() == list(range(COUNT))
    assert len(list(values_of(first["image"]))) == COUNT
    names = ["count", "image", "thumbnail", "feature", "table"]
    for before, name in itertools.pairwise(names):
        assert first[name].metadata.based_on == [first[before].artifact_id]
    assert {name: one.metadata.fingerprint for name, one in first.items()} == {
        name: one.metadata.fingerprint for name, one in again.items()
    }
