"""Inputs that stream: closed when nobody needs them, and waited for by nobody."""

import io
import itertools

import anyio
import pytest

from elliptio.flows import Flow, FlowCancelledError, MismatchedIOError, Processor, StepFailedError, Supervisor

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


class Endless:
    """Numbers without an end, that note when they are closed."""

    closed = False

    def sync(self):
        try:
            yield from itertools.count()
        finally:
            self.closed = True

    async def asynchronous(self):
        try:
            for number in itertools.count():
                yield number
                await anyio.sleep(0)
        finally:
            self.closed = True


def first_of() -> Flow:
    first = Processor(name="first-of", inputs=["x"], outputs=["y"])

    @first
    async def _first(x):
        async for value in x.stream():
            yield value
            if value == 3:
                break

    return Flow.from_tasks(first).resolve()


@pytest.mark.parametrize("kind", ["sync", "asynchronous"])
async def test_a_block_does_not_wait_for_an_input_that_nobody_reads_any_more(kind):
    endless = Endless()
    values = getattr(endless, kind)()
    with anyio.fail_after(20):
        async with Supervisor() as supervisor:
            result = await supervisor.start_flow(first_of(), {"x": values})
            assert await result["y"].collect() == [0, 1, 2, 3]
    assert endless.closed


@pytest.mark.parametrize("kind", ["sync", "asynchronous"])
async def test_what_an_input_streams_is_closed_when_its_flow_is_cancelled(kind):
    endless = Endless()
    values = getattr(endless, kind)()
    endless_copy = Processor(name="endless-copy", inputs=["x"], outputs=["y"])

    @endless_copy
    async def _copy(x):
        async for value in x.stream():
            yield value

    with anyio.fail_after(20):
        async with Supervisor() as supervisor:
            result = await supervisor.start_flow(Flow.from_tasks(endless_copy).resolve(), {"x": values})
            await result["y"].first()
            await result.cancel()
            assert endless.closed
            with pytest.raises(FlowCancelledError):
                await result.wait()


async def test_an_attached_supervisor_stops_feeding_what_has_ended():
    endless = Endless()
    supervisor = Supervisor(lease=0.3)
    result = await supervisor.start_flow(first_of(), {"x": endless.sync()}, all_outputs=True)
    await result.wait()
    with anyio.fail_after(20):
        await supervisor.background.wait()
        assert endless.closed
        with pytest.raises(FlowCancelledError):
            await result["x"].collect()


async def test_an_endless_input_of_a_flow_that_runs_alone():
    assert first_of().run({"x": itertools.count()}) == {"y": [0, 1, 2, 3]}


@pytest.mark.parametrize("given", [5, object(), [5], "x"])
async def test_inputs_that_are_none_are_named(given):
    async with Supervisor() as supervisor:
        with pytest.raises(MismatchedIOError, match="are a list of IOVal"):
            await supervisor.start_flow(first_of(), given)


async def test_a_generator_that_fails_is_named():
    def fails():
        yield 1
        raise ValueError("no more")

    async with Supervisor() as supervisor:
        result = await supervisor.start_flow(first_of(), {"x": fails()})
        with pytest.raises(StepFailedError, match=r"What the input 'x' was given failed.*ValueError: no more"):
            await result["y"].collect()
        with pytest.raises(StepFailedError, match=r"What the input 'x' was given of .* failed"):
            await result.wait()


async def test_a_table_that_is_read_in_pieces_streams_and_a_file_is_one_value():
    pandas = pytest.importorskip("pandas")
    same = Processor(name="same", inputs=["x"], outputs=["y"])

    @same
    async def _same(x):
        async for value in x.stream():
            yield value

    flow, file = Flow.from_tasks(same).resolve(), io.StringIO("n\n1\n2\n3\n")
    pieces = flow.run({"x": pandas.read_csv(io.StringIO(file.getvalue()), chunksize=2)})["y"]
    assert [list(piece["n"]) for piece in pieces] == [[1, 2], [3]]
    assert flow.run({"x": file}) == {"y": [file]}
