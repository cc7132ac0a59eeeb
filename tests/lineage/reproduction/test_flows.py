"""What a flow made is made again by the command that started it: the streams are the same byte for byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.flows.sealing.values import values_of
from tests.lineage.reproduction.conftest import Clone, Desk, git
from tests.lineage.reproduction.test_pipelines import Run, reproduce

__all__ = ["reproduce"]

PROGRAM = """\
import pathlib

import anyio
import numpy as np

import elliptio as eio
from elliptio.flows import IO, Flow, IOVal, LocalExecutor, Processor, Supervisor

draw = Processor(name="draw", inputs=["seed"], outputs=["drawn", "kinds"])
total = Processor(name="total", inputs=["drawn"], outputs=["sum"], wait=True)


@draw
async def _draw(seed: IO[int]):
    random = np.random.default_rng(await seed.first())
    for number in range(2000):
        yield IOVal(name="drawn", value=random.normal(size=3))
        if number % 500 == 0:
            yield IOVal(name="kinds", value={"number": number, "of": "normal"})


@total
async def _total(drawn: IO[np.ndarray]):
    return IOVal(name="sum", value=sum(await drawn.collect()))


async def main():
    seed = int(pathlib.Path("seed.txt").read_text())
    async with Supervisor(executor=LocalExecutor()) as supervisor:
        flow = Flow.from_tasks(draw, total).resolve()
        execution = await supervisor.start_flow(flow, inputs=[IOVal(name="seed", value=seed)], record=eio.Handler())
        sealed = await execution.sealed()
    print("sum is", sealed["sum"].artifact_id)


anyio.run(main)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("shared")
def test_a_flow_is_run_again(desk: Desk, clone: Clone, reproduce: Run, tmp_path: Path) -> None:
    folder = clone("andy")
    (folder / "shop.py").write_text(PROGRAM)
    (folder / "seed.txt").write_text("7\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "a flow")
    git(folder, "push", "-q", "origin", "HEAD")
    found = re.search(r"sum is (\S+)", desk.run("python", "shop.py", cwd=folder).stdout)
    assert found is not None
    folder.rename(tmp_path / "andy is gone")

    h = eio.Handler(desk.lake)
    original = h.show(found[1])
    (drawn,) = [h.show(one) for one in original.metadata.based_on]
    for number, one in enumerate((original, drawn)):
        done = reproduce(one.artifact_id, f"again {number}")
        assert done.json["same"] is True, (done.out, done.err)
        (result,) = done.json["results"]
        new = h.show(result["made"])
        assert new.metadata.reproduces == one.artifact_id
        assert new.metadata.fingerprint == one.metadata.fingerprint
    assert len(list(values_of(drawn))) == 2000
