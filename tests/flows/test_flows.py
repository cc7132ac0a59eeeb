"""What seed 003 describes: processors, streams and flows, on asyncio and on trio, in memory and on Redis."""

from __future__ import annotations

import contextlib
import functools
import pickle
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

import anyio
import pandas as pd
import pytest

from elliptio.flows import (
    FROM_LATEST,
    IO,
    ONLY_NEW,
    CyclicFlowError,
    Depends,
    DuplicateIOError,
    EmptyStreamError,
    Executor,
    FloatingIOError,
    Flow,
    FlowCancelledError,
    FlowExecutionAdvancementTimeout,
    FlowNotFoundError,
    IOVal,
    IOVals,
    LocalExecutor,
    MismatchedIOError,
    Processor,
    ProcessorError,
    ReadOnlyIOError,
    StepFailedError,
    Supervisor,
    SupervisorError,
    UnregisteredProcessorError,
    UnresolvedFlowError,
)

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

foo = Processor(name="foo", inputs=["a"], outputs=["b", "c"])
bar = Processor(name="bar", inputs=["b", "c"], outputs=["d"])
foobar = Processor(name="foobar", inputs=["d"], outputs=["e"])


@foo
async def _foo(a: IO[int]) -> AsyncIterator[IOVal[int]]:
    count = await a.first()
    yield IOVal(name="b", value=sum(range(count)))
    for number in range(count):
        yield IOVal(name="c", value=number)


@bar
async def _bar(b: IO[int], c: IO[int]) -> AsyncIterator[IOVal[int]]:
    total = await b.first()
    async for number in c.stream():
        yield IOVal(name="d", value=total + number)


def fifteen() -> int:
    return 15


@foobar
async def _foobar(d: IO[int], more: Annotated[int, Depends(fifteen)]) -> AsyncIterator[IOVal[int]]:
    async for number in d.stream():
        yield IOVal(name="e", value=number + more)


class TestTheDocument:
    def test_e1_values_of_a_flow_that_was_started(self, runs: Runs) -> None:
        def get_multiplier() -> int:
            return 2

        example = Processor(name="example", inputs=["foo"], outputs=["bar"])

        @example
        async def _example(
            foo: IO[int], multiplier: Annotated[int, Depends(get_multiplier)]
        ) -> AsyncIterator[IOVal[int]]:
            foo_val = await foo.first()
            for i in range(foo_val):
                yield IOVal(name="bar", value=i * multiplier)

        async def main(supervisor: Supervisor) -> list[int]:
            result = await supervisor.start_flow(
                Flow.from_tasks(example).resolve(), inputs=[IOVal(name="foo", value=5)]
            )
            return [value async for value in result["bar"].stream()]

        assert runs(main) == [0, 2, 4, 6, 8]

    def test_e2_two_outputs_read_as_often_as_one_likes(self, runs: Runs) -> None:
        async def main(supervisor: Supervisor) -> Any:
            result = await supervisor.start_flow(Flow.from_tasks(foo).resolve(), inputs=[IOVal(name="a", value=5)])
            assert set(result) == {"b", "c"}
            twice = [await result["c"].collect(), await result["c"].collect()]
            return await result["b"].collect(), twice, await result["b"].first(), await result["c"].latest()

        assert runs(main) == ([10], [[0, 1, 2, 3, 4]] * 2, 10, 4)

    def test_e3_e4_streams_side_by_side(self, runs: Runs) -> None:
        async def main(supervisor: Supervisor) -> Any:
            flow = Flow.from_processors(foobar, bar, foo).resolve()
            result = await supervisor.start_flow(flow, inputs={"a": 5}, all_outputs=True)
            assert set(result) == {"a", "b", "c", "d", "e"}
            pairs = [pair async for pair in result["c"].stream_with(result["d"])]
            return pairs, await result["e"].collect()

        assert runs(main) == ([(0, 10), (1, 11), (2, 12), (3, 13), (4, 14)], [25, 26, 27, 28, 29])

    def test_e5_values_are_read_while_they_are_made(self, runs: Runs) -> None:
        made = Processor(name="made", inputs=["n"], outputs=["times"])
        seen = Processor(name="seen", inputs=["times"], outputs=["seen_times"])

        @made
        async def _made(n: IO[int]) -> AsyncIterator[IOVal[int]]:
            for _ in range(await n.first()):
                yield IOVal(name="times", value=time.monotonic_ns())
                await anyio.sleep(0.01)

        @seen
        async def _seen(times: IO[int]) -> AsyncIterator[IOVal[int]]:
            async for _ in times.stream():
                yield IOVal(name="seen_times", value=time.monotonic_ns())

        async def main(supervisor: Supervisor) -> Any:
            result = await supervisor.start_flow(Flow.from_tasks(made, seen).resolve(), {"n": 5}, all_outputs=True)
            return [pair async for pair in result["times"].stream_with(result["seen_times"])]

        moments = [moment for pair in runs(main) for moment in pair]
        assert moments == sorted(moments)
        assert len(moments) == 10

    def test_e6_a_step_that_waits(self, runs: Runs) -> None:
        first = Processor(name="first", inputs=["n"], outputs=["numbers"])
        second = Processor(name="second", inputs=["numbers"], outputs=["total"], wait=True)
        ended = []

        @first
        async def _first(n: IO[int]) -> AsyncIterator[IOVal[int]]:
            for number in range(await n.first()):
                await anyio.lowlevel.checkpoint()
                yield IOVal(name="numbers", value=number)
            ended.append(True)

        @second
        async def _second(numbers: IO[int]) -> IOVal[int]:
            assert ended
            return IOVal(name="total", value=sum(await numbers.collect()))

        async def main(supervisor: Supervisor) -> Any:
            result = await supervisor.start_flow(Flow.from_tasks(first, second).resolve(), {"n": 10})
            assert set(result) == {"total"}
            return await result["total"].first()

        assert runs(main) == 45

    def test_e7_stages(self) -> None:
        a = Processor(name="A", outputs=["a", "b"])
        b = Processor(name="B", inputs=["a"], outputs=["c"])
        c = Processor(name="C", inputs=["b"], outputs=["d"])
        d = Processor(name="D", inputs=["d"], wait=True)
        assert Flow.from_tasks(a, b, c, d).resolve().execution_plan == [{a, b, c}, {d}]

    def test_e9_values_arrive_before_the_end(self, runs: Runs) -> None:
        slow = Processor(name="slow", inputs=["n"], outputs=["late"])
        goes_on = anyio.Event

        @slow
        async def _slow(n: IO[int]) -> AsyncIterator[int]:
            yield await n.first()
            await events[0].wait()
            yield 2

        events: list[anyio.Event] = []

        async def main(supervisor: Supervisor) -> Any:
            events[:] = [goes_on()]
            result = await supervisor.start_flow(Flow.from_tasks(slow).resolve(), {"n": 1})
            first = await result["late"].first()
            assert (await result.status()).streams["late"].state == "open"
            events[0].set()
            return first, await result["late"].collect()

        assert runs(main) == (1, [1, 2])

    def test_e10_a_step_that_waits_runs_once(self, runs: Runs) -> None:
        ran = []
        arms = [Processor(name=f"arm{i}", inputs=["x"], outputs=[f"x{i}"]) for i in range(8)]
        last = Processor(name="last", inputs=[f"x{i}" for i in range(8)], outputs=["all"], wait=True)
        for arm in arms:

            async def run(x: IO[int], name: str = next(iter(arm.outputs))) -> IOVal[int]:
                return IOVal(name=name, value=await x.first())

            arm(run)

        @last
        async def _last() -> IOVal[int]:
            ran.append(1)
            return IOVal(name="all", value=1)

        async def main(supervisor: Supervisor) -> Any:
            flow = Flow.from_tasks(*arms, last).resolve()
            for _ in range(10):
                await (await supervisor.start_flow(flow, {"x": 1})).wait()

        runs(main)
        assert len(ran) == 10

    def test_e11_a_failure_is_known_to_all_readers(self, runs: Runs) -> None:
        good = Processor(name="good", inputs=["x"], outputs=["y"])
        bad = Processor(name="bad", inputs=["y"], outputs=["z"])
        after = Processor(name="after", inputs=["z"], outputs=["w"])

        @good
        async def _good(x: IO[int]) -> AsyncIterator[int]:
            async for value in x.stream():
                yield value

        @bad
        async def _bad(y: IO[int]) -> AsyncIterator[int]:
            async for value in y.stream():
                if value == 2:
                    raise ValueError("two, password=hunter2hunter2")
                yield value

        @after
        async def _after(z: IO[int]) -> AsyncIterator[int]:
            async for value in z.stream():
                yield -value

        async def main(supervisor: Supervisor) -> Any:
            flow = Flow.from_tasks(good, bad, after).resolve()
            result = await supervisor.start_flow(flow, {"x": iter([1, 2, 3])}, all_outputs=True)
            for name, values in (("y", [1, 2, 3]), ("z", [1]), ("w", [-1])):
                got = []
                how = None
                try:
                    async for value in result[name].stream():
                        got.append(value)
                except StepFailedError as error:
                    how = error
                assert (how is None) == (name == "y")
                if how is not None:
                    assert (how.step, how.kind) == ("bad", "ValueError")
                    assert "two" in str(how)
                    assert "hunter2hunter2" not in str(how) + how.traceback
                    assert "_bad" in how.traceback
                assert got == values
            with pytest.raises(StepFailedError, match="bad"):
                await result.wait()
            return (await result.status()).state

        assert runs(main) == "failed"

    def test_e12_an_input_of_several_values(self, runs: Runs) -> None:
        double = Processor(name="double", inputs=["x"], outputs=["y"])

        @double
        async def _double(x: IO[int]) -> AsyncIterator[int]:
            async for value in x.stream():
                yield value * 2

        async def main(supervisor: Supervisor) -> Any:
            flow = Flow.from_tasks(double).resolve()
            result = await supervisor.start_flow(flow, [IOVal(name="x", value=1), IOVal(name="x", value=2)])
            return await result["y"].collect()

        assert runs(main) == [2, 4]


class TestFunctions:
    def test_methods_partials_and_objects_implement_processors(self, runs: Runs) -> None:
        processor = Processor(name="times", inputs=["x"], outputs=["y"])

        class Times:
            async def run(self, x: IO[int]) -> AsyncIterator[int]:
                async for value in x.stream():
                    yield 2 * value

            async def __call__(self, x: IO[int]) -> AsyncIterator[int]:
                async for value in x.stream():
                    yield 3 * value

        async def times(factor: int, x: IO[int]) -> AsyncIterator[int]:
            async for value in x.stream():
                yield factor * value

        for function, result in ((Times().run, 2), (Times(), 3), (functools.partial(times, 4), 4)):
            assert processor(function)(x=1) == {"y": [result]}

    def test_dependencies_are_made_once_and_closed(self, runs: Runs) -> None:
        said: list[str] = []
        processor = Processor(name="depends", outputs=["y"])

        @processor
        async def _depends(
            one: Annotated[int, Depends(functools.partial(_one, said))],
            two: int = Depends(functools.partial(_two, said)),
        ) -> AsyncIterator[int]:
            yield one + two
            if failing[0]:
                raise ValueError("in the middle")

        async def main(supervisor: Supervisor) -> None:
            result = await supervisor.start_flow(Flow.from_tasks(processor).resolve())
            assert await result["y"].first() == 3
            with pytest.raises(StepFailedError, match="in the middle") if failing[0] else contextlib.nullcontext():
                await result.wait()

        failing = [False]
        for failing[0] in (False, True):
            said.clear()
            runs(main)
            assert said == ["one", "two", "two closed"]

    def test_an_input_that_failed_merely_ends_for_who_says_so(self, runs: Runs) -> None:
        fails = Processor(name="fails", outputs=["u"])
        skips = Processor(name="skips", inputs=["u"], outputs=["v"], on_failure="skip")
        waits = Processor(name="waits", inputs=["u"], outputs=["w"], wait=True)

        @fails
        async def _fails() -> AsyncIterator[int]:
            yield 1
            raise ValueError("boom")

        @skips
        async def _skips(u: IO[int]) -> AsyncIterator[Any]:
            async for value in u.stream():
                yield value
            yield "end"

        @waits
        async def _waits(u: IO[int]) -> AsyncIterator[str]:
            yield "never"

        async def main(supervisor: Supervisor) -> None:
            result = await supervisor.start_flow(Flow.from_tasks(fails, skips, waits).resolve())
            assert await result["v"].collect() == [1, "end"]
            with pytest.raises(StepFailedError, match="'fails'"):
                await result["w"].collect()
            with pytest.raises(StepFailedError, match="'fails'"):
                await result.wait()

        runs(main)

    def test_a_step_may_write_by_parameters(self, runs: Runs) -> None:
        writes = Processor(name="writes", inputs=["x"], outputs=["y", "z"])

        @writes
        async def _writes(x: IO[int], y: IO[int], z: IO[int]) -> None:
            async for value in x.stream():
                await y.write(IOVal(name="y", value=value))
                await z.write(IOVals(name="z", values=[value, value]))
                with pytest.raises(MismatchedIOError):
                    await y.write(IOVal(name="z", value=value))

        async def main(supervisor: Supervisor) -> Any:
            result = await supervisor.start_flow(Flow.from_tasks(writes).resolve(), {"x": iter([1, 2])})
            return await result["y"].collect(), await result["z"].collect()

        assert runs(main) == ([1, 2], [1, 1, 2, 2])


def _one(said: list[str]) -> int:
    said.append("one")
    return 1


async def _two(said: list[str]) -> AsyncIterator[int]:
    said.append("two")
    try:
        yield 2
    finally:
        said.append("two closed")


class TestErrors:
    def test_two_writers(self) -> None:
        with pytest.raises(DuplicateIOError, match="'b'"):
            Flow.from_tasks(foo, Processor(name="other", outputs=["b"])).resolve()

    def test_circles_are_drawn_shortest_first(self) -> None:
        a = Processor(name="a", inputs=["z"], outputs=["x"])
        b = Processor(name="b", inputs=["x"], outputs=["y"])
        c = Processor(name="c", inputs=["y", "w"], outputs=["z"])
        own = Processor(name="own", inputs=["w2"], outputs=["w2"])
        with pytest.raises(CyclicFlowError, match=r"own → own\n.*a → b → c → a"):
            Flow.from_tasks(a, b, c, own).resolve()

    def test_missing_inputs(self, runs: Runs) -> None:
        async def main(supervisor: Supervisor) -> None:
            await supervisor.start_flow(Flow.from_tasks(foo, bar).resolve(), {})

        with pytest.raises(FloatingIOError, match=r"supplied values for inputs: a\.$"):
            runs(main)

    def test_a_flow_before_resolve(self) -> None:
        for use in ("topology", "execution_plan", "inputs", "outputs"):
            with pytest.raises(UnresolvedFlowError, match="must be resolved before"):
                getattr(Flow.from_tasks(foo), use)

    def test_nobody_implements_it(self, runs: Runs) -> None:
        async def main(supervisor: Supervisor) -> None:
            await supervisor.start_flow(Flow.from_tasks(Processor(name="unknown", outputs=["u"])).resolve())

        with pytest.raises(UnregisteredProcessorError, match="'unknown'"):
            runs(main)

    def test_an_undeclared_output(self, runs: Runs) -> None:
        wrong = Processor(name="wrong", outputs=["x"])

        @wrong
        async def _wrong() -> AsyncIterator[IOVal[int]]:
            yield IOVal(name="y", value=1)

        async def main(supervisor: Supervisor) -> None:
            result = await supervisor.start_flow(Flow.from_tasks(wrong).resolve())
            with pytest.raises(StepFailedError, match=r"MismatchedIOError.*'y'"):
                await result["x"].first()

        runs(main)

    def test_writing_to_a_stream_that_is_read(self, runs: Runs) -> None:
        async def main(supervisor: Supervisor) -> None:
            result = await supervisor.start_flow(Flow.from_tasks(foo).resolve(), {"a": 1})
            with pytest.raises(ReadOnlyIOError):
                await result["b"].write(IOVal(name="b", value=1))

        runs(main)

    def test_a_parameter_that_nothing_is_known_for(self) -> None:
        with pytest.raises(ProcessorError, match=r"unresolvable parameters: \{'b'\}"):

            @Processor(name="p", inputs=["a"])
            async def _p(a: IO[int], b: int) -> None: ...

    @pytest.mark.parametrize("more", [{"other": 1}, {"input": ["a"]}])
    def test_an_unknown_field(self, more: dict[str, Any]) -> None:
        with pytest.raises(TypeError):
            Processor(name="p", **more)

    def test_processors_are_frozen_and_hashable(self) -> None:
        one = Processor(name="p", inputs=["a", "b"], outputs=["c"])
        assert {one, Processor(name="p", inputs=["b", "a"], outputs=["c"])} == {one}
        assert one.inputs == frozenset({"a", "b"})
        with pytest.raises(AttributeError):
            one.name = "q"  # type: ignore[misc]

    def test_registered_twice(self) -> None:
        again = Processor(name="again", outputs=["x"])

        async def one() -> int:
            return 1

        async def two() -> int:
            return 2

        again(one)
        with pytest.warns(UserWarning, match="'again'"):
            runner = again(two)
        assert runner() == {"x": [2]}
        assert Flow.from_tasks(again).resolve().run() == {"x": [2]}

    def test_an_empty_stream(self, runs: Runs) -> None:
        nothing = Processor(name="nothing", outputs=["none"])
        reads = Processor(name="reads", inputs=["none"], outputs=["read"])

        @nothing
        async def _nothing() -> None: ...

        @reads
        async def _reads(none: IO[int]) -> Any:
            with pytest.raises(LookupError):
                await none.first()
            return "read"

        async def main(supervisor: Supervisor) -> None:
            result = await supervisor.start_flow(Flow.from_tasks(nothing, reads).resolve(), all_outputs=True)
            with pytest.raises(EmptyStreamError, match="'none'"):
                await result["none"].first()
            with pytest.raises(EmptyStreamError):
                await result["none"].latest()
            assert await result["none"].collect() == []
            assert await result["read"].first() == "read"

        runs(main)

    def test_an_unknown_flow(self, runs: Runs) -> None:
        async def main(supervisor: Supervisor) -> None:
            for call in (supervisor.flow, supervisor.cancel, supervisor.forget, supervisor.status):
                with pytest.raises(FlowNotFoundError, match="flow_nobody"):
                    await call("flow_nobody")

        runs(main)

    def test_something_else_as_input(self, runs: Runs) -> None:
        async def main(supervisor: Supervisor) -> None:
            flow = Flow.from_tasks(foo, bar).resolve()
            with pytest.raises(MismatchedIOError):
                await supervisor.start_flow(flow, [5])
            with pytest.raises(MismatchedIOError, match="'foo' writes it"):
                await supervisor.start_flow(flow, {"a": 1, "b": 2})

        runs(main)


class TestSupervisors:
    def test_one_for_each_process(self) -> None:
        with pytest.raises(SupervisorError, match="attach"):
            _ = Supervisor.instance
        attached = Supervisor.attach(executor=LocalExecutor())
        try:
            assert Supervisor.instance is attached
            assert Supervisor.instance() is attached
            with pytest.raises(RuntimeError, match="shut"):
                Supervisor.attach(executor=LocalExecutor())
        finally:
            attached.shutdown()
        second = Supervisor.attach()
        Supervisor.shutdown()
        Supervisor.shutdown()
        assert Supervisor.attach() is not second
        Supervisor.shutdown()

    def test_its_settings_are_those_of_its_memory(self) -> None:
        memory: Any = Supervisor(limit=5, limit_bytes=6, lease=7, ttl=8).broker
        assert (memory.limit, memory.limit_bytes, memory.lease, memory.ttl) == (5, 6, 7, 8)

    def test_a_flow_is_waited_for_as_long_as_its_steps_run(self, runs: Runs) -> None:
        @(long := Processor(name="long", outputs=["x"]))
        async def _long() -> int:
            await anyio.sleep(0.3)
            return 1

        async def main(boss: Supervisor) -> None:
            settings = {"io_read_pending_timeout": 0.05, "io_read_timeout": 0.02}
            async with Supervisor(broker=boss.broker, **settings) as supervisor:
                await (await supervisor.start_flow(Flow.from_tasks(long).resolve())).wait()

        runs(main)

    @pytest.mark.server
    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    @pytest.mark.parametrize("waits", [True, False])
    def test_no_connection_is_left_over_by_one_that_was_attached(
        self, redis_url: str, keys: Any, backend: str, waits: bool
    ) -> None:
        @(once := Processor(name="once", outputs=["x"]))
        async def _once() -> int:
            return 1

        def clients() -> int:
            return int(keys.info("clients")["connected_clients"])

        before = clients()

        async def main() -> None:
            attached = Supervisor.attach(redis_config={"url": redis_url, "secret": "a secret of tests"})
            result = await attached.start_flow(Flow.from_tasks(once).resolve())
            assert await result["x"].collect() == [1]
            if waits:
                await attached.aclose()
            else:
                attached.shutdown()
            assert Supervisor._instance is None
            with anyio.fail_after(60):  # until the server has seen it too
                while await anyio.to_thread.run_sync(clients) > before:
                    await anyio.sleep(0.01)

        anyio.run(main, backend=backend)

    def test_a_block_ends_after_what_was_started_in_it(self, runs: Runs) -> None:
        ended = []

        @(slowly := Processor(name="slowly", outputs=["x"]))
        async def _slowly() -> AsyncIterator[int]:
            await anyio.sleep(0.05)
            ended.append(1)
            yield 1

        async def main(supervisor: Supervisor) -> None:
            await supervisor.start_flow(Flow.from_tasks(slowly).resolve())

        runs(main)
        assert ended == [1]

    def test_a_block_that_raises_cancels(self, runs: Runs) -> None:
        how = []

        @(forever := Processor(name="forever", outputs=["x"]))
        async def _forever() -> AsyncIterator[int]:
            try:
                yield 1
                await anyio.sleep_forever()
            finally:
                how.append("stopped")

        async def main(supervisor: Supervisor) -> None:
            result = await supervisor.start_flow(Flow.from_tasks(forever).resolve())
            await result["x"].first()
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            runs(main)
        assert how == ["stopped"]

    def test_cancelling_a_flow(self, runs: Runs) -> None:
        @(ticks := Processor(name="ticks", outputs=["t"]))
        async def _ticks() -> AsyncIterator[int]:
            for i in range(10**9):
                yield i
                await anyio.sleep(0.001)

        async def main(supervisor: Supervisor) -> None:
            result = await supervisor.start_flow(Flow.from_tasks(ticks).resolve())
            await result["t"].first()
            again = await supervisor.flow(result.id)
            await again.cancel()
            with pytest.raises(FlowCancelledError):
                await result["t"].collect()
            with pytest.raises(FlowCancelledError):
                await result.wait()
            assert (await result.status()).state == "cancelled"
            await supervisor.forget(result.id)
            with pytest.raises(LookupError):
                await supervisor.flow(result.id)
            assert len(supervisor.background) == 0

        runs(main)

    def test_a_step_that_is_not_dispatched_in_time(self, backend: str) -> None:
        class Slow(Executor):
            local = True

            async def start(self, flow_id: str, step: str) -> None:
                await anyio.sleep_forever()

        async def main() -> None:
            async with Supervisor(executor=Slow(), flow_execution_advancement_timeout=0.05) as supervisor:
                await supervisor.start_flow(Flow.from_tasks(foo).resolve(), {"a": 1})

        with pytest.raises(FlowExecutionAdvancementTimeout, match="'foo'"):
            anyio.run(main, backend=backend)

    def test_an_output_without_a_value_is_noted(self, runs: Runs, caplog: pytest.LogCaptureFixture) -> None:
        @(quiet := Processor(name="quiet", outputs=["q"]))
        async def _quiet() -> None: ...

        async def main(supervisor: Supervisor) -> None:
            await (await supervisor.start_flow(Flow.from_tasks(quiet).resolve())).wait()

        runs(main)
        assert "Output IO 'q' is empty." in caplog.text

    def test_a_failure_that_nobody_saw(self, runs: Runs) -> None:
        @(fails := Processor(name="fails", outputs=["x"]))
        async def _fails() -> int:
            raise OSError("unseen")

        async def main(supervisor: Supervisor) -> None:
            await supervisor.start_flow(Flow.from_tasks(fails).resolve())

        with pytest.raises(StepFailedError, match=r"'fails'.*OSError: unseen"):
            runs(main)

    def test_run_inside_a_loop(self, backend: str) -> None:
        flow = Flow.from_tasks(foo, bar, foobar).resolve()

        async def main() -> Any:
            with pytest.raises(RuntimeError, match=r"Use `\.run`"):
                _foo(a=2)
            assert await _foo.run(a=2) == {"b": [1], "c": [0, 1]}
            return flow.run([IOVal(name="a", value=2)])

        assert anyio.run(main, backend=backend) == {"e": [16, 17]}


class TestReading:
    def test_cursors(self, runs: Runs) -> None:
        @(numbers := Processor(name="numbers", inputs=["go"], outputs=["n"]))
        async def _numbers(go: IO[int]) -> AsyncIterator[Any]:
            yield IOVals(name="n", values=[0, 1, 2])
            await go.first()
            yield [IOVal(name="n", value=3), IOVal(name="n", value=4)]

        async def main(supervisor: Supervisor) -> None:
            send, receive = anyio.create_memory_object_stream[int](1)
            result = await supervisor.start_flow(Flow.from_tasks(numbers).resolve(), {"go": receive})
            n = result["n"]
            while await n.count() < 3:
                await anyio.sleep(0.001)
            streams = [n.stream(cursor=cursor) for cursor in (ONLY_NEW, FROM_LATEST, 1)]
            found: list[list[int]] = [[], [], []]

            async def read(index: int) -> None:
                async for value in streams[index]:
                    found[index].append(value)

            async with anyio.create_task_group() as tasks:
                for index in range(3):
                    tasks.start_soon(read, index)
                while not all(stream.position >= at for stream, at in zip(streams, (3, 3, 3), strict=True)):
                    await anyio.sleep(0.001)
                await send.send(1)
                await send.aclose()
            await receive.aclose()
            assert found == [[3, 4], [2, 3, 4], [1, 2, 3, 4]]
            assert [value async for value in n.stream(ONLY_NEW)] == []

        runs(main)

    def test_zip_and_merge(self, runs: Runs) -> None:
        @(two := Processor(name="two", outputs=["s", "l"]))
        async def _two() -> AsyncIterator[Any]:
            yield IOVals(name="s", values=[1, 2])
            yield IOVals(name="l", values=[1, 2, 3])

        async def main(supervisor: Supervisor) -> None:
            result = await supervisor.start_flow(Flow.from_tasks(two).resolve())
            s, long = result["s"], result["l"]
            assert [pair async for pair in s.stream_with(long)] == [(1, 1), (2, 2)]
            assert [pair async for pair in s.stream_with(long, pad=None)] == [(1, 1), (2, 2), (None, 3)]
            with pytest.raises(ValueError, match="do not end together"):
                _ = [pair async for pair in long.stream_with(s, strict_when_no_pad=True)]
            assert sorted([value async for value in s.as_available(long)]) == [1, 1, 2, 2, 3]
            assert [batch async for batch in long.batches(2)] == [[1, 2], [3]]

        runs(main)

    def test_a_stream_of_another_flow_is_an_input(self, runs: Runs) -> None:
        async def main(supervisor: Supervisor) -> Any:
            flow = Flow.from_tasks(foo).resolve()
            one = await supervisor.start_flow(flow, {"a": 4})
            other = await supervisor.start_flow(Flow.from_tasks(foobar).resolve(), {"d": one["c"]})
            return await other["e"].collect()

        assert runs(main) == [15, 16, 17, 18]

    def test_what_streams_and_what_is_one_value(self, runs: Runs) -> None:
        @(same := Processor(name="same", inputs=["x"], outputs=["y"]))
        async def _same(x: IO[Any]) -> AsyncIterator[Any]:
            async for value in x.stream():
                yield IOVal(name="y", value=value)

        async def asynchronous() -> AsyncIterator[int]:
            yield 1
            yield 2

        async def main(supervisor: Supervisor) -> None:
            flow = Flow.from_tasks(same).resolve()
            for given, values in (
                ([1, 2], [[1, 2]]),
                (range(2), [range(2)]) if not supervisor.broker.shared else (0, [0]),
                ("ab", ["ab"]),
                (iter([1, 2]), [1, 2]),
                ((i for i in (1, 2)), [1, 2]),
                (asynchronous(), [1, 2]),
                (None, [None]),
            ):
                assert await (await supervisor.start_flow(flow, {"x": given}))["y"].collect() == values

        runs(main)

    def test_an_entry_of_a_catalog_streams_its_rows(self, runs: Runs, tmp_path: Path) -> None:
        import elliptio as eio
        from elliptio.pipelines import Catalog, Entry

        entry = Entry.read({"name": "tx", "type": "csv", "extra": {"path": "tx.csv"}})
        catalog = Catalog([entry], handler=eio.Handler(tmp_path / "lake"), root=tmp_path)
        catalog.save("tx", pd.DataFrame({"amount": [1, 2, 3]}))
        sums = Processor(name="sums", inputs=["tx"], outputs=["total"], wait=True)

        @sums
        async def _sums(tx: IO[dict[str, int]]) -> int:
            return sum([row["amount"] async for row in tx.stream()])

        async def main(supervisor: Supervisor) -> Any:
            flow = Flow.from_tasks(sums).resolve()
            found = [await (await supervisor.start_flow(flow, {"tx": catalog["tx"]}))["total"].first()]
            given = [IOVal(name="tx", value=catalog.current("tx"))]
            found.append(await (await supervisor.start_flow(flow, given))["total"].first())
            with pytest.raises(MismatchedIOError, match=r"catalog\.current\('tx'\)"):
                await supervisor.start_flow(flow, {"tx": Entry.read({"name": "tx", "type": "csv"})})
            return found

        assert runs(main) == [6, 6]
        assert pickle.loads(pickle.dumps(catalog["tx"])) == entry

    def test_a_generator_that_raises(self, runs: Runs) -> None:
        @(same := Processor(name="same", inputs=["x"], outputs=["y"]))
        async def _same(x: IO[Any]) -> AsyncIterator[Any]:
            async for value in x.stream():
                yield value

        def numbers() -> Any:
            yield 1
            raise ZeroDivisionError("none left")

        async def main(supervisor: Supervisor) -> None:
            result = await supervisor.start_flow(Flow.from_tasks(same).resolve(), {"x": numbers()})
            assert await result["y"].first() == 1
            with pytest.raises(StepFailedError, match=r"input 'x' was given failed.*none left"):
                await result["y"].collect()

        runs(main)


Runs = Callable[[Callable[[Supervisor], Any]], Any]


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.server)])
def runs(request: pytest.FixtureRequest, backend: str) -> Runs:
    settings: dict[str, Any] = {}
    if request.param == "redis":
        settings = {"redis_config": {"url": request.getfixturevalue("redis_url"), "secret": "a secret of tests"}}

    async def run(body: Callable[[Supervisor], Any]) -> Any:
        async with Supervisor(**settings) as supervisor:
            return await body(supervisor)

    return lambda body: anyio.run(functools.partial(run, body), backend=backend)
