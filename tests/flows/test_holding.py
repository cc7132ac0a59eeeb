"""A slow reader holds back who writes; nobody is held for good."""

from __future__ import annotations

import contextlib
import gc
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from elliptio.flows import IO, Flow, IOVal, Processor, StepFailedError, Supervisor

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

LIMIT = 50


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def numbers(count: int, sent: list[int] | None = None) -> Processor:
    processor = Processor(name="numbers", outputs=["x"])

    @processor
    async def _numbers() -> AsyncIterator[int]:
        for number in range(count):
            if sent is not None:
                sent.append(number)
            yield number

    return processor


def test_who_writes_is_never_far_ahead(backend: str) -> None:
    sent: list[int] = []
    ahead = []
    slow = Processor(name="slow", inputs=["x"], outputs=["y"])

    @slow
    async def _slow(x: IO[int]) -> AsyncIterator[int]:
        async for number in x.stream():
            ahead.append(len(sent) - number)
            if number % 10 == 0:
                await anyio.lowlevel.checkpoint()
            yield number

    async def main() -> list[int]:
        async with Supervisor(limit=LIMIT) as supervisor:
            result = await supervisor.start_flow(Flow.from_tasks(numbers(5000, sent), slow).resolve())
            return await result["y"].collect()

    assert anyio.run(main, backend=backend) == list(range(5000))
    # What was read and not told yet, the limit, and what was gathered beyond it: a batch that goes and one that comes.
    assert max(ahead) <= 1000 + LIMIT + 2 * 100


def test_no_more_is_gathered_than_a_reader_may_be_behind(backend: str) -> None:
    sent: list[int] = []
    ahead = []
    slow = Processor(name="slow", inputs=["x"], outputs=["y"])

    @slow
    async def _slow(x: IO[int]) -> AsyncIterator[int]:
        async for number in x.stream():
            ahead.append(len(sent) - number)
            await anyio.sleep(0)
            yield number

    async def main() -> list[int]:
        async with Supervisor(limit=5) as supervisor:
            result = await supervisor.start_flow(Flow.from_tasks(numbers(500, sent), slow).resolve())
            return await result["y"].collect()

    assert anyio.run(main, backend=backend) == list(range(500))
    # Each at most five: read and not told yet, lying there, gathered; before it is attached, a thousandth of a second.
    assert max(ahead[100:]) <= 4 * 5


def test_a_casual_reader_holds_only_if_it_says_so(backend: str) -> None:
    async def main(hold: bool) -> int:
        async with Supervisor(limit=LIMIT) as supervisor:
            result = await supervisor.start_flow(Flow.from_tasks(numbers(5000)).resolve())
            stream = result["x"].stream(hold=hold)
            await anext(stream)
            with anyio.move_on_after(0.2) if hold else contextlib.nullcontext():
                await result.wait()
            count = await result["x"].count()
            await stream.aclose()
            await result.wait()
            return count

    assert anyio.run(main, False, backend=backend) == 5000
    assert anyio.run(main, True, backend=backend) < 2000


def test_a_step_that_stops_reading_holds_nobody(backend: str) -> None:
    few = Processor(name="few", inputs=["x"], outputs=["y"])

    @few
    async def _few(x: IO[int]) -> AsyncIterator[int]:
        async for number in x.stream():
            if number == 5:
                break
        yield await x.first()

    async def main() -> Any:
        async with Supervisor(limit=LIMIT) as supervisor:
            flow = Flow.from_tasks(numbers(5000), few).resolve()
            result = await supervisor.start_flow(flow, all_outputs=True)
            return await result["y"].collect(), len(await result["x"].collect())

    assert anyio.run(main, backend=backend) == ([0], 5000)


def test_a_diamond_with_an_arm_that_waits_goes_through(backend: str) -> None:
    straight = Processor(name="straight", inputs=["x"], outputs=["soon"])
    waits = Processor(name="waits", inputs=["x"], outputs=["late"], wait=True)
    joins = Processor(name="joins", inputs=["soon", "late"], outputs=["both"])

    @straight
    async def _straight(x: IO[int]) -> AsyncIterator[int]:
        async for number in x.stream():
            yield number

    @waits
    async def _waits(x: IO[int]) -> AsyncIterator[int]:
        async for number in x.stream():
            yield number

    @joins
    async def _joins(soon: IO[int], late: IO[int]) -> AsyncIterator[int]:
        async for one, other in soon.stream_with(late):
            yield one + other

    flow = Flow.from_tasks(numbers(5000), straight, waits, joins).resolve()
    assert flow.topology.unbounded == {"soon"}
    assert flow.run(limit=LIMIT)["both"] == [2 * number for number in range(5000)]


def test_a_step_that_waits_for_its_late_input_needs_no_exception() -> None:
    waits = Processor(name="waits", inputs=["x"], outputs=["late"], wait=True)
    joins = Processor(name="joins", inputs=["x", "late"], wait={"late"})
    assert Flow.from_tasks(numbers(1), waits, joins).resolve().topology.unbounded == set()


@pytest.mark.slow
@pytest.mark.parametrize("one", [False, True])
def test_a_step_that_holds_itself_up_is_told_who_holds_whom(backend: str, one: bool) -> None:
    both = Processor(name="both", outputs=["x", "y"])
    attached: list[anyio.Event] = []
    reads = Processor(name="reads", inputs=["x", "y"], outputs=["z"])

    @both
    async def _both() -> AsyncIterator[IOVal[int]]:
        for name in ("x", "y"):
            for number in range(1000):
                yield IOVal(name=name, value=number)
                if number == 0:
                    await attached[0].wait()

    @reads
    async def _reads(x: IO[int], y: IO[int]) -> AsyncIterator[int]:
        stream = x.stream()
        await anext(stream)
        attached[0].set()
        if one:
            yield await y.first()
        async for number in y.stream():
            yield number

    async def main() -> None:
        attached[:] = [anyio.Event()]
        settings = {"limit": 10, "io_read_timeout": 0.05, "io_read_pending_timeout": 0.3}
        async with Supervisor(**settings) as supervisor:
            result = await supervisor.start_flow(Flow.from_tasks(both, reads).resolve())
            with pytest.raises(StepFailedError, match=r"(?s)HeldUpError.*'reads' has read.*next value of 'y'"):
                await result["z"].collect()

    anyio.run(main, backend=backend)


def test_many_flows_leave_nothing(backend: str) -> None:
    flow = Flow.from_tasks(numbers(3)).resolve()

    async def main() -> None:
        async with Supervisor() as supervisor:
            for _ in range(300):
                await (await supervisor.start_flow(flow)).wait()
            await anyio.lowlevel.checkpoint()
            gc.collect()
            assert len(supervisor.background) == 0
            assert len(supervisor._started) <= 1
            assert len(await supervisor.broker.flows()) <= 101

    anyio.run(main, backend=backend)


def test_a_value_that_is_kept_takes_little(backend: str) -> None:
    count, taken = 50_000, []

    async def main() -> None:
        async with Supervisor() as supervisor:
            for many in (10, count):
                gc.collect()
                tracemalloc.start()
                execution = await supervisor.start_flow(Flow.from_tasks(numbers(many)).resolve())
                await execution.wait()
                gc.collect()
                taken.append(tracemalloc.get_traced_memory()[0])
                tracemalloc.stop()

    anyio.run(main, backend=backend)
    assert taken[1] / count <= 60, "bytes, of which the number itself has 28"


def test_the_status_tells_how_far_a_reader_is_that_never_has_to_wait_long(backend: str) -> None:
    lag = []

    async def main() -> None:
        async def coming() -> AsyncIterator[int]:
            for number in range(40):
                await anyio.sleep(0.01)
                yield number

        async with Supervisor() as supervisor:
            reads = Processor(name="reads", inputs=["x"], outputs=["y"])

            @reads
            async def _reads(x: IO[int]) -> AsyncIterator[int]:
                async for number in x.stream():
                    lag.append((await execution.status()).streams["x"].lag)
                    yield number

            execution = await supervisor.start_flow(Flow.from_tasks(reads).resolve(), {"x": coming()})
            await execution.wait()

    anyio.run(main, backend=backend)
    assert len(lag) == 40
    assert max(lag) <= 20, "a twentieth of a second, at a hundred values in one"


def test_the_status_tells_who_holds_whom_back(backend: str) -> None:
    stopped = Processor(name="stopped", inputs=["x"], outputs=["y"])
    go_on = anyio.Event()

    @stopped
    async def _stopped(x: IO[int]) -> AsyncIterator[int]:
        async for number in x.stream():
            await go_on.wait()
            yield number

    async def main() -> None:
        async with Supervisor(limit=LIMIT) as supervisor:
            execution = await supervisor.start_flow(Flow.from_tasks(numbers(500), stopped).resolve())
            while not (status := await execution.status()).streams["x"].held_by:
                await anyio.sleep(0.01)
            assert status.streams["x"].held_by == ("stopped",)
            assert status.streams["x"].lag >= LIMIT
            assert "held by stopped" in str(status)
            assert status.steps["stopped"].state == "running"
            go_on.set()
            await execution.wait()
            assert (await execution.status()).streams["x"].held_by == ()

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("named", [True, False])
def test_large_values_are_handed_on_a_few_at_once(backend: str, named: bool) -> None:
    source, reader = Processor(name="large", outputs=["x"]), Processor(name="reads", inputs=["x"], outputs=["y"])
    made, read, ahead = 0, 0, []

    @source
    async def _large() -> AsyncIterator[Any]:
        nonlocal made
        for _ in range(300):
            made += 1
            ahead.append(made - read)
            yield IOVal(name="x", value=b"x" * 10_000) if named else b"x" * 10_000

    @reader
    async def _reads(x: IO[bytes]) -> AsyncIterator[int]:
        nonlocal read
        async for _ in x.stream():
            read += 1
            await anyio.sleep(0)
        yield read

    async def main() -> list[int]:
        async with Supervisor(limit_bytes=100_000) as supervisor:
            execution = await supervisor.start_flow(Flow.from_tasks(source, reader).resolve())
            return list(await execution["y"].collect())

    assert anyio.run(main, backend=backend) == [300]
    assert max(ahead) <= 20, "ten may be unread, besides those that are gathered"


def test_the_status_counts_one_value_as_one() -> None:
    processor = Processor(name="both", outputs=["one", "two"])

    @processor
    async def _both() -> AsyncIterator[IOVal[int]]:
        yield IOVal(name="one", value=1)
        yield IOVal(name="two", value=1)
        yield IOVal(name="two", value=2)

    async def main() -> str:
        async with Supervisor() as supervisor:
            execution = await supervisor.start_flow(Flow.from_tasks(processor).resolve())
            await execution.wait()
            return str(await execution.status())

    one, two = anyio.run(main).splitlines()[1:3]
    assert (" 1 value  " in one, " 2 values " in two) == (True, True)
    assert one.index("1 value") == two.index("2 values")
