"""A flow that is recorded: runs below each other, artifacts of its streams, and nothing that is half."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pandas as pd
import pytest

import elliptio as eio
from elliptio.flows.brokers.defining import CONTROL, Channel
from elliptio.flows.brokers.memory import MemoryBroker
from elliptio.flows.brokers.redis import RedisBroker
from elliptio.flows.errors import FlowCancelledError, FlowNotFoundError, StepFailedError, UnserializableValueError
from elliptio.flows.sealing.recording import FlowRecorder, Plan, find_sealed
from elliptio.flows.sealing.values import stream_of, values_of
from elliptio.flows.sealing.writing import StreamWriter

pytestmark = pytest.mark.anyio

DONE = {"status": "done", "count": 0, "digest": None}
FAILED = {
    "status": "failed", "count": 0, "digest": None,
    "cause": {"step": "total", "kind": "ValueError", "text": "no", "worker": "here", "traceback": "at line 7"},
}  # fmt: skip
STEPS: dict[str, Any] = {"double": (["foo"], ["bar"]), "total": (["bar", "rate"], ["sum"])}
PLAN = Plan("flow_1", "shop", STEPS, params={"a": 1})


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def h(tmp_path: Path) -> eio.Handler:
    return eio.Handler(tmp_path / "lake")


class Tape:
    """Writes streams as steps do."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._at: dict[str, int] = {}
        self._epochs: dict[str, int] = {}

    async def put(self, stream: str, *values: Any, step: str = "outside") -> None:
        if step not in self._epochs:
            self._epochs[step] = await self.channel.claim(step, 60)
        at = self._at.get(stream, 0)
        self._at[stream] = await self.channel.append(stream, values, at, step, self._epochs[step])

    async def end(self, stream: str, outcome: dict[str, Any] = DONE) -> None:
        await self.channel.end(stream, {**outcome, "count": self._at.get(stream, 0)})

    async def play(self) -> None:
        """All of a flow that goes well."""
        await self.put("foo", 1, 2)
        await self.put("rate", 0.5)
        await self.end("foo")
        await self.end("rate")
        await self.put("bar", 2, 4, step="double")
        await self.end("bar")
        await self.end(f"{CONTROL}double")
        await self.put("sum", 3.0, step="total")
        await self.end("sum")
        await self.end(f"{CONTROL}total")


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.server)])
async def tape(request: pytest.FixtureRequest) -> AsyncIterator[Tape]:
    broker: Any
    if request.param == "memory":
        broker = MemoryBroker()
    else:
        broker = RedisBroker(request.getfixturevalue("redis_url"), secret="known to all workers")
    yield Tape(broker.flow("flow_1"))
    await broker.aclose()


@contextlib.asynccontextmanager
async def recorded(h: eio.Handler, tape: Tape, plan: Plan = PLAN) -> AsyncIterator[FlowRecorder]:
    """A recorder that follows in the background, to its end."""
    recorder = FlowRecorder(h, tape.channel, plan, wait=0.05)
    await recorder.begin()
    async with anyio.create_task_group() as group:
        group.start_soon(recorder.follow)
        yield recorder


def runs(h: eio.Handler) -> dict[str, dict[str, Any]]:
    found = h.runs()
    return {row["name"]: {**row, "run_id": run_id} for run_id, row in found.iterrows()}


def test_the_plan_of_a_flow_says_what_is_recorded() -> None:
    processors = [
        {"name": "double", "inputs": ["foo"], "outputs": ["bar"]},
        {"name": "total", "inputs": ["bar", "rate"], "outputs": ["sum"]},
    ]
    plan = Plan.of("flow_1", {"processors": processors}, failed=True)
    assert plan == Plan("flow_1", "double-total", STEPS, failed=True)
    assert plan.writers == {"foo": "", "rate": "", "bar": "double", "sum": "total"}
    assert Plan.of("flow_1", {"processors": processors}, "shop").name == "shop"


async def test_streams_become_artifacts_based_on_what_their_step_read(h: eio.Handler, tape: Tape) -> None:
    async with recorded(h, tape) as recorder:
        await tape.play()
    sealed = await recorder.sealed()
    assert {name: list(values_of(one)) for name, one in sealed.items()} == {
        "foo": [1, 2], "rate": [0.5], "bar": [2, 4], "sum": [3.0],
    }  # fmt: skip
    ids = {name: one.artifact_id for name, one in sealed.items()}
    assert {name: one.metadata.based_on for name, one in sealed.items()} == {
        "foo": [], "rate": [], "bar": [ids["foo"]], "sum": [ids["bar"], ids["rate"]],
    }  # fmt: skip
    assert sealed["bar"].labels == {"flow": "shop", "stream": "bar", "flow_id": "flow_1"}
    assert {name: one.artifact_id for name, one in find_sealed(h, "flow_1").items()} == ids


async def test_the_flow_is_a_run_and_each_step_one_below(h: eio.Handler, tape: Tape) -> None:
    with h.run("day") as day:
        async with recorded(h, tape) as recorder:
            await tape.play()
    sealed, found = await recorder.sealed(), runs(h)
    assert {name: run["status"] for name, run in found.items()} == dict.fromkeys(
        ("day", "shop", "double", "total"), "finished"
    )
    assert found["shop"]["parent"] == day.run_id
    assert found["shop"]["params"] == {"a": 1}
    assert found["double"]["parent"] == found["total"]["parent"] == recorder.run_id == found["shop"]["run_id"]
    assert {name: one.metadata.run_id for name, one in sealed.items()} == {
        "foo": recorder.run_id, "rate": recorder.run_id,
        "bar": found["double"]["run_id"], "sum": found["total"]["run_id"],
    }  # fmt: skip


async def test_what_a_step_saves_is_of_its_run_and_what_it_loads_counts(h: eio.Handler, tape: Tape) -> None:
    weights, other = h.save([1], "weights.json"), h.save([2], "other.json")
    async with recorded(h, tape) as recorder:
        async with recorder.step("double"):
            h.get(weights.artifact_id).load()
            note = h.save("x", "note.txt")
        async with recorder.step("total"):
            h.get(other.artifact_id).load()
        await tape.play()
    sealed = await recorder.sealed()
    assert sealed["bar"].metadata.based_on == [sealed["foo"].artifact_id, weights.artifact_id]
    assert sealed["sum"].metadata.based_on[2:] == [other.artifact_id]
    assert note.metadata.run_id == sealed["bar"].metadata.run_id
    assert h.save("y", "y.txt").metadata.based_on == [], "what steps loaded counts for nobody else"


async def test_what_was_loaded_before_counts_for_inputs_alone(h: eio.Handler, tape: Tape) -> None:
    rows = h.save([1, 2], "rows.json")
    h.get(rows.artifact_id).load()
    async with recorded(h, tape) as recorder:
        await tape.play()
    sealed = await recorder.sealed()
    assert sealed["foo"].metadata.based_on == [rows.artifact_id]
    assert sealed["bar"].metadata.based_on == [sealed["foo"].artifact_id]


async def test_an_artifact_that_is_an_input_is_not_sealed_again(h: eio.Handler, tape: Tape) -> None:
    given = h.save([1, 2], "foo.json")
    async with recorded(h, tape, Plan("flow_1", "shop", STEPS, given={"foo": given})) as recorder:
        await tape.play()
    sealed = await recorder.sealed()
    assert sealed["foo"] is given
    assert sealed["bar"].metadata.based_on == [given.artifact_id]
    assert len(h.find()) == 4


async def test_a_stream_that_failed_is_sealed_only_on_request(h: eio.Handler, tape: Tape) -> None:
    async def play() -> None:
        await tape.put("foo", 1)
        await tape.put("rate", 1)
        await tape.put("bar", 2, step="double")
        for stream in ("foo", "rate", "bar", f"{CONTROL}double"):
            await tape.end(stream)
        await tape.put("sum", 1.5, step="total")
        await tape.end("sum", FAILED)
        await tape.end(f"{CONTROL}total", FAILED)

    async with recorded(h, tape) as recorder:
        await play()
    assert set(await recorder.sealed()) == {"foo", "rate", "bar"}
    found = runs(h)
    assert {name: run["status"] for name, run in found.items()} == {
        "double": "finished", "total": "failed", "shop": "failed",
    }  # fmt: skip
    assert found["total"]["error"]["message"] == "The step 'total' failed: ValueError: no"
    assert "at line 7" in found["total"]["error"]["traceback"]

    async with recorded(h, tape, Plan("flow_1", "again", STEPS, failed=True)) as recorder:
        pass  # all has ended long ago, and can be sealed still
    values = values_of((await recorder.sealed())["sum"])
    assert next(values) == 1.5
    with pytest.raises(StepFailedError, match="not whole: the step 'total' failed with ValueError: no"):
        next(values)


async def test_a_stream_that_cannot_be_sealed_is_named_and_nothing_is_left_of_it(
    h: eio.Handler, tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = OSError(28, "No space left on device")

    def publish(self: StreamWriter, based_on: list[str], outcome: Any) -> eio.Artifact:
        if self.stream == "bar":
            raise refused
        return published(self, based_on, outcome)

    published = StreamWriter.publish
    monkeypatch.setattr(StreamWriter, "publish", publish)
    async with recorded(h, tape) as recorder:
        await tape.play()
    with pytest.raises(OSError, match="No space left") as caught:
        await recorder.sealed()
    assert "'bar' was not sealed" in caught.value.__notes__[0]
    assert set(find_sealed(h, "flow_1")) == {"foo", "rate", "sum"}
    assert "bar" in runs(h)["shop"]["notes"][0]["text"]
    assert not list((tmp_path / "lake").rglob("bar.*"))


async def test_a_value_that_would_not_come_back_is_named(h: eio.Handler) -> None:
    broker = MemoryBroker()
    tape = Tape(broker.flow("flow_1"))
    async with recorded(h, tape) as recorder:
        await tape.put("bar", *range(10), object(), step="double")
        await tape.play()
    with pytest.raises(UnserializableValueError, match=r"bar\[10\] is of type object"):
        await recorder.sealed()
    await broker.aclose()


async def test_who_is_cancelled_leaves_nothing_half(h: eio.Handler, tape: Tape, tmp_path: Path) -> None:
    async with anyio.create_task_group() as group:
        recorder = FlowRecorder(h, tape.channel, PLAN, wait=0.05)
        await recorder.begin()
        group.start_soon(recorder.follow)
        await tape.put("foo", 1, 2)
        await tape.put("bar", b"x" * 10_000_000, step="double")
        while not list((tmp_path / "lake").rglob("bar.*")):  # its first segment is written
            await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    assert h.find().empty
    assert not list((tmp_path / "lake").rglob("bar.*"))
    found = runs(h)
    assert {run["status"] for run in found.values()} == {"failed"}
    assert "FlowCancelledError" in found["shop"]["error"]["type"]
    assert await recorder.sealed() == {}


async def test_a_flow_that_is_cancelled_is_a_run_that_failed(h: eio.Handler, tape: Tape) -> None:
    cancelled = {"status": "cancelled", "count": 0, "digest": None}
    async with recorded(h, tape) as recorder:
        await tape.put("foo", 1)
        for stream in ("foo", "rate", "bar", "sum", f"{CONTROL}double", f"{CONTROL}total"):
            await tape.end(stream, cancelled)
    assert await recorder.sealed() == {}
    assert FlowCancelledError.__name__ in runs(h)["shop"]["error"]["type"]


async def test_a_flow_that_is_forgotten_meanwhile_is_not_sealed(h: eio.Handler, tape: Tape) -> None:
    async with recorded(h, tape) as recorder:
        await tape.put("foo", 1)
        await tape.channel.forget()
    with pytest.raises(FlowNotFoundError):
        await recorder.sealed()
    assert h.find().empty


async def test_an_artifact_is_streamed_and_counts_as_read(h: eio.Handler) -> None:
    table = h.save(pd.DataFrame({"a": range(2500)}), "rows.parquet")
    with h.run("reads") as run:
        batches = [batch async for batch in stream_of(h.show(table.artifact_id))]
        assert run.save(1, "one.json").metadata.based_on == []
        batches = [batch async for batch in stream_of(table)]
        assert run.save(1, "one.json").metadata.based_on == [table.artifact_id]
    assert [len(batch) for batch in batches] == [1000, 1000, 500]
    assert batches[2][-1] == {"a": 2499}
