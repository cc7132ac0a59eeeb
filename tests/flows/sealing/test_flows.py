"""A flow that is started with ``record=``: its streams are artifacts, which are inputs of other flows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import elliptio as eio
from elliptio.flows import IO, Flow, IOVal, MemoryBroker, Processor, RedisBroker, Supervisor
from elliptio.flows.errors import StepFailedError, TamperedDataError, UnrecordedFlowError
from elliptio.flows.sealing import elsewhere
from elliptio.flows.sealing.values import values_of
from elliptio.flows.serializing.batches import Batches
from elliptio.flows.serializing.exact import joined, unpack

pytestmark = pytest.mark.anyio

count = Processor(name="seal-count", inputs=["upto"], outputs=["number"])
square = Processor(name="seal-square", inputs=["number"], outputs=["squared"])
total = Processor(name="seal-total", inputs=["squared"], outputs=["sum"], wait=True)
paint = Processor(name="seal-paint", inputs=["size"], outputs=["image", "pixels", "rows"])
fragile = Processor(name="seal-fragile", inputs=["number"], outputs=["half"])
reads = Processor(name="seal-reads", inputs=["row"], outputs=["n"])
passes = Processor(name="seal-passes", inputs=["given"], outputs=["file"])
says = Processor(name="seal-says", inputs=["file"], outputs=["said"])
scale = Processor(name="seal-scale", inputs=["number"], outputs=["scaled"])

SCALED_BY: list[Any] = []
"""A handler, and the artifact that it loads."""


@count
async def _count(upto: IO[int]) -> AsyncIterator[IOVal[int]]:
    for number in range(await upto.first()):
        yield IOVal(name="number", value=number)


@square
async def _square(number: IO[int]) -> AsyncIterator[int]:
    async for value in number.stream():
        yield value * value


@total
async def _total(squared: IO[int]) -> int:
    return sum(await squared.collect())


@paint
async def _paint(size: IO[int]) -> AsyncIterator[IOVal[Any]]:
    for number in range(await size.first()):
        yield IOVal(name="image", value=Image.new("RGB", (2, 2), (number, 0, 0)))
        yield IOVal(name="pixels", value=np.full(3, number))
        yield IOVal(name="rows", value=pd.DataFrame({"n": [number]}))


@fragile
async def _fragile(number: IO[int]) -> AsyncIterator[int]:
    async for value in number.stream():
        if value == 2:
            raise ValueError("no twos")
        yield value


@reads
async def _reads(row: IO[dict[str, int]]) -> AsyncIterator[int]:
    async for value in row.stream():
        yield value["n"]


@passes
async def _passes(given: IO[Any]) -> AsyncIterator[Any]:
    async for value in given.stream():
        yield value


@says
async def _says(file: IO[Any]) -> AsyncIterator[str]:
    async for one in file.stream():
        yield one.download_string()


@scale
async def _scale(number: IO[int]) -> AsyncIterator[int]:
    h, artifact_id = SCALED_BY
    (factor,) = h.get(artifact_id).load()
    h.save("x", "note.txt")
    async for value in number.stream():
        yield value * factor


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def h(tmp_path: Path) -> eio.Handler:
    return eio.Handler(tmp_path / "lake")


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.server)])
def broker(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryBroker()
    return RedisBroker(request.getfixturevalue("redis_url"), secret="known to all workers")


async def sealed(broker: Any, flow: Flow, inputs: Any, record: Any) -> dict[str, eio.Artifact]:
    async with Supervisor(broker=broker) as supervisor:
        execution = await supervisor.start_flow(flow, inputs, record=record)
        found: dict[str, eio.Artifact] = await execution.sealed()
    return found


async def test_each_stream_is_an_artifact_based_on_the_one_before(h: eio.Handler, broker: Any) -> None:
    found = await sealed(broker, Flow.from_tasks(total, square, count).resolve(), {"upto": 4}, h)
    assert {name: list(values_of(one)) for name, one in found.items()} == {
        "upto": [4], "number": [0, 1, 2, 3], "squared": [0, 1, 4, 9], "sum": [14],
    }  # fmt: skip
    ids = {name: one.artifact_id for name, one in found.items()}
    assert {name: one.metadata.based_on for name, one in found.items()} == {
        "upto": [], "number": [ids["upto"]], "squared": [ids["number"]], "sum": [ids["squared"]],
    }  # fmt: skip
    runs = h.runs()
    assert set(runs["status"]) == {"finished"}
    (flow,) = runs.index[runs["parent"].isna()]
    assert set(runs["name"][runs["parent"] == flow]) == {"seal-count", "seal-square", "seal-total"}


async def test_a_sealed_stream_is_an_input_of_another_flow(h: eio.Handler, broker: Any) -> None:
    first = await sealed(broker, Flow.from_tasks(count, square).resolve(), [IOVal(name="upto", value=5)], h)
    second = await sealed(broker, Flow.from_tasks(total).resolve(), [IOVal(name="squared", value=first["squared"])], h)
    assert list(values_of(second["sum"])) == [30]
    assert second["squared"] == first["squared"], "it is not sealed once more"
    assert second["sum"].metadata.based_on == [first["squared"].artifact_id]


async def test_the_attached_supervisor_records_in_the_default_lake(broker: Any) -> None:
    supervisor = Supervisor.attach(broker=broker)
    try:
        execution = await Flow.from_tasks(count).resolve().start({"upto": 3}, record=True)
        found = await execution.sealed()
        assert eio.Handler().get(found["number"].artifact_id).load() == [0, 1, 2]
    finally:
        await supervisor.aclose()


async def test_images_arrays_and_tables_come_back_equal(h: eio.Handler, broker: Any) -> None:
    found = await sealed(broker, Flow.from_tasks(paint).resolve(), {"size": 3}, h)
    assert [image.getpixel((0, 0)) for image in values_of(found["image"])] == [(0, 0, 0), (1, 0, 0), (2, 0, 0)]
    assert [array.tolist() for array in values_of(found["pixels"])] == [[0] * 3, [1] * 3, [2] * 3]
    assert [frame["n"].tolist() for frame in values_of(found["rows"])] == [[0], [1], [2]]
    assert len(found["rows"].files) == 2
    assert len(found["image"].files) == 4


async def test_rows_of_a_table_are_an_input(h: eio.Handler, broker: Any) -> None:
    table = h.save(pd.DataFrame({"n": range(3)}), "numbers.parquet")
    found = await sealed(broker, Flow.from_tasks(reads).resolve(), {"row": table}, h)
    assert list(values_of(found["n"])) == [0, 1, 2]
    assert found["n"].metadata.based_on == [table.artifact_id]


async def test_files_of_an_artifact_are_an_input_and_go_on_by_name(h: eio.Handler, broker: Any) -> None:
    texts = h.save({"a.txt": "one", "b.txt": "two"})
    found = await sealed(broker, Flow.from_tasks(passes, says).resolve(), {"given": texts}, h)
    assert list(values_of(found["said"])) == ["one", "two"]
    assert [file.download_string() for file in values_of(found["file"])] == ["one", "two"]
    assert found["file"].metadata.based_on == [texts.artifact_id]


async def test_an_artifact_is_a_value_too(h: eio.Handler, broker: Any) -> None:
    note = h.save("x", "note.txt")
    names: list[Any] = [note.file, note, "end"]
    async with Supervisor(broker=broker) as supervisor:
        execution = await supervisor.start_flow(Flow.from_tasks(passes).resolve(), {"given": iter(names)})
        got = await execution["file"].collect()
    assert got == names
    assert (got[0].load(), got[1].load()) == ("x", "x")


async def test_an_input_without_an_end_is_waited_for_no_longer_than_the_steps(h: eio.Handler) -> None:
    async def endless() -> AsyncIterator[int]:
        while True:
            yield 4
            await anyio.sleep(0.001)

    found = await sealed(MemoryBroker(lease=0.2), Flow.from_tasks(count).resolve(), {"upto": endless()}, h)
    assert {name: list(values_of(one)) for name, one in found.items()} == {"number": [0, 1, 2, 3]}


async def test_an_input_that_nobody_reads_to_its_end_is_an_artifact(h: eio.Handler) -> None:
    found = await sealed(MemoryBroker(lease=15.0), Flow.from_tasks(count).resolve(), {"upto": iter(range(3, 5000))}, h)
    assert list(values_of(found["upto"])) == list(range(3, 5000))


async def test_what_failed_is_an_artifact_only_on_request(h: eio.Handler, broker: Any) -> None:
    async with Supervisor(broker=broker) as supervisor:
        execution = await supervisor.start_flow(Flow.from_tasks(count, fragile).resolve(), {"upto": 4}, record=h)
        with pytest.raises(StepFailedError):
            await execution.wait()
        assert set(await execution.sealed()) == {"upto", "number"}
        found = await execution.sealed(failed=True)
        assert await execution.sealed(failed=True) == found
    got: list[int] = []
    with pytest.raises(StepFailedError, match="not whole: the step 'seal-fragile' failed with ValueError: no twos"):
        got.extend(values_of(found["half"]))
    assert got == [0, 1][: len(got)]
    assert found["half"].metadata.based_on == [found["number"].artifact_id]
    runs = h.runs()
    assert {runs["name"][run]: status for run, status in runs["status"].items() if runs["parent"][run]} == {
        "seal-count": "finished", "seal-fragile": "failed",
    }  # fmt: skip


async def test_what_a_step_saves_and_loads_is_recorded(h: eio.Handler) -> None:
    weights = h.save([2], "weights.json")
    SCALED_BY[:] = [h, weights.artifact_id]
    found = await sealed(MemoryBroker(), Flow.from_tasks(scale).resolve(), {"number": 3}, h)
    assert list(values_of(found["scaled"])) == [6]
    assert found["scaled"].metadata.based_on == [found["number"].artifact_id, weights.artifact_id]
    assert h.get("note.txt:latest").metadata.run_id == found["scaled"].metadata.run_id


@pytest.mark.server
async def test_what_another_process_records_is_found_by_identifier(h: eio.Handler, redis_url: str) -> None:
    def one() -> Supervisor:
        return Supervisor(broker=RedisBroker(redis_url, secret="a secret of tests"))

    given = (await sealed(MemoryBroker(), Flow.from_tasks(count).resolve(), {"upto": 3}, h))["number"]
    async with one() as starts, one() as looks:
        execution = await starts.start_flow(Flow.from_tasks(square).resolve(), {"number": given}, record=h)
        other = await looks.flow(execution.id)
        found = await other.sealed()
        assert {name: one.artifact_id for name, one in found.items()} == {
            name: one.artifact_id for name, one in (await execution.sealed()).items()
        }
        assert set(found) == {"number", "squared"}
        with pytest.raises(UnrecordedFlowError, match="only where it was started"):
            await other.sealed(failed=True)


async def test_a_lake_that_knows_no_run_of_a_flow_says_so(h: eio.Handler) -> None:
    h.save(1, "one.json")
    with pytest.raises(LookupError, match=r"knows no run of flow_x: its index"):
        await elsewhere.sealed({"root": h.lake.store.root, "given": {}}, "flow_x")


async def test_what_was_recorded_is_found_when_other_flows_were_started(h: eio.Handler) -> None:
    async with Supervisor() as supervisor:
        flow = Flow.from_tasks(count).resolve()
        first = await supervisor.start_flow(flow, {"upto": 2}, record=h)
        await first.wait()
        await (await supervisor.start_flow(flow, {"upto": 3})).wait()
        found = await (await supervisor.flow(first.id)).sealed()
    assert found["number"].load() == [0, 1]


async def test_a_flow_that_is_not_recorded_has_no_artifacts(broker: Any) -> None:
    async with Supervisor(broker=broker) as supervisor:
        execution = await supervisor.start_flow(Flow.from_tasks(count).resolve(), {"upto": 1})
        with pytest.raises(UnrecordedFlowError, match="record=handler"):
            await execution.sealed()


def test_it_is_recorded_without_a_loop_too(h: eio.Handler) -> None:
    flow = Flow.from_tasks(count, square, total).resolve()
    with h.run("day") as day:
        assert flow.run({"upto": 3}, record=h) == {"sum": [5]}
    runs = h.runs()
    assert list(runs["name"][runs["parent"] == day.run_id]) == ["seal-count → seal-square → seal-total"]


def test_a_flow_that_runs_for_its_values_records_why_it_failed(h: eio.Handler) -> None:
    flow = Flow.from_tasks(count, fragile).resolve()
    with pytest.raises(StepFailedError, match="no twos"):
        flow.run({"upto": 5}, record=h)
    found = {run.name: (run.status, run.error["message"]) for run in h.runs().itertuples() if run.error}
    assert set(found) == {"seal-fragile", "seal-count → seal-fragile"}
    for status, message in found.values():
        assert (status, message) == ("failed", "The step 'seal-fragile' failed: ValueError: no twos")


def test_a_name_in_a_lake_is_read_only_where_it_was_signed(h: eio.Handler) -> None:
    note = h.save("x", "note.txt")
    (written,) = Batches().write([note])
    assert Batches().read(joined([written]), 1) == [note]
    for content in (written, joined([written])):
        with pytest.raises(TamperedDataError, match="no kind 25"):
            unpack(content)
