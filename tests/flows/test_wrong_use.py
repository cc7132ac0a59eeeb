"""What is given in the place of something else is named at once."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import anyio
import pytest

from elliptio.errors import ConfigError
from elliptio.flows import (
    IO,
    CeleryExecutor,
    FloatingIOError,
    Flow,
    IOVals,
    LocalExecutor,
    MemoryBroker,
    MismatchedIOError,
    Processor,
    ProcessorError,
    RedisBroker,
    StepFailedError,
    Supervisor,
)

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("executor", LocalExecutor), ("executor", 5), ("broker", MemoryBroker), ("broker", 5),
        ("redis_config", "redis://localhost"), ("redis_config", 5),
    ],
)  # fmt: skip
def test_parts_of_a_supervisor_that_are_none_are_named(name, given):
    with pytest.raises(ConfigError, match=name):
        Supervisor(**{name: given})


def test_a_processor_is_no_list_of_processors():
    with pytest.raises(ProcessorError, match=r"Flow\.from_tasks"):
        Flow(Processor(name="alone", outputs=["y"]))


def test_a_flow_of_nothing_is_refused_at_once():
    with pytest.raises(ProcessorError, match="at least one processor"):
        Flow.from_tasks()


def test_a_list_of_processors_is_told_how_to_be_given():
    with pytest.raises(ProcessorError, match=r"Flow\.from_tasks\(\*processors\)"):
        Flow.from_tasks([Processor(name="alone", outputs=["y"])])


@pytest.mark.parametrize("field", ["inputs", "outputs", "wait"])
def test_a_stream_is_named_once(field):
    with pytest.raises(ProcessorError, match=f"{field} of the processor 'a' name a stream twice: b"):
        Processor(name="a", **{"inputs": ["b"], field: ["b", "b"]})


def test_an_unknown_field_is_one_of_a_processor():
    with pytest.raises(TypeError, match=r"Processor\.__init__\(\) got an unexpected keyword argument 'output'"):
        Processor(name="a", output=["b"])


def test_what_was_given_to_nobody_is_named_beside_what_is_missing():
    flow = Flow.from_tasks(Processor(name="alone", inputs=["foo"], outputs=["y"])).resolve()
    with pytest.raises(FloatingIOError, match=r"for inputs: foo\. Nobody in it reads what was given: fo\."):
        flow.run({"fo": 1})
    with pytest.raises(MismatchedIOError, match=r"flow\.run\({'foo': …}\)"):
        flow.run(foo=1)


def test_a_processor_is_no_flow():
    async def main():
        async with Supervisor() as supervisor:
            await supervisor.start_flow(Processor(name="alone", outputs=["y"]))

    with pytest.raises(TypeError, match="takes a flow"):
        anyio.run(main)


def test_values_may_come_from_any_iterable():
    @Processor(name="many", outputs=["y", "z"])
    async def many(z: IO[int]):
        yield IOVals(name="y", values=(number for number in range(3)))
        await z.write(IOVals(name="z", values=range(2)))

    assert many() == {"y": [0, 1, 2], "z": [0, 1]}


@pytest.mark.parametrize("values", [5, None, "abc", b"abc"])
def test_values_that_are_none_are_named(values):
    @Processor(name="none", outputs=["y"])
    async def none():
        yield IOVals(name="y", values=values)

    with pytest.raises(StepFailedError, match=r"IOVals\(name='y', …\) must be a list"):
        none()


def test_inputs_that_are_no_values_are_named():
    @Processor(name="copy-none", inputs=["x"], outputs=["y"])
    async def copy(x):
        async for value in x.stream():
            yield value

    flow = Flow.from_tasks(copy.processor).resolve()
    with pytest.raises(MismatchedIOError, match="IOVals"):
        flow.run([IOVals(name="x", values=5)])


READS = {
    "async for": lambda x: aiter(x),
    "stream_with": lambda x: x.stream_with(5),
    "as_available": lambda x: x.as_available([x]),
}


@pytest.mark.parametrize("what", READS)
def test_streams_that_are_read_in_another_way_are_told_how(what):
    @Processor(name="reads-wrong", inputs=["x"], outputs=["y"])
    async def reads(x):
        yield READS[what](x)

    clue = {"async for": r"io\.stream\(\)"}.get(what, f"{what} takes streams")
    with pytest.raises(StepFailedError, match=rf"TypeError: .*{clue}"):
        reads(x=[1])


def test_a_processor_may_be_named_without_its_keyword():
    assert Processor("plain", inputs=["a"]) == Processor(name="plain", inputs=["a"])


@pytest.mark.parametrize(
    "url",
    [
        5, "localhost:6379", "http://:secret@localhost", "redis://:secret@localhost:six", "redis://localhost/shop",
        "redis://:sec/secret@localhost", "rediss://localhost?ssl_ca_certs=/not/there.pem",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_named(url):
    with pytest.raises(ConfigError, match=r"rediss?://") as caught:
        RedisBroker(url, secret="a secret of tests")
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize("setting", ["limit", "limit_bytes", "lease", "ttl"])
@pytest.mark.parametrize("value", [0, -1, "many"])
def test_settings_of_memory_are_above_0(setting, value):
    with pytest.raises(ConfigError, match=setting):
        MemoryBroker(**{setting: value})


def test_what_is_no_app_of_celery_is_named():
    with pytest.raises(ConfigError, match="an app of Celery"):
        CeleryExecutor(5)


WITHOUT = {
    "redis": ("from elliptio.flows import RedisBroker", r"elliptio[flows]"),
    "redis.connection": (
        "from elliptio.flows import Supervisor; Supervisor(redis_config={'url': 'redis://localhost'})",
        "redis",
    ),
    "celery": ("from elliptio.flows import CeleryExecutor; CeleryExecutor(None)", "elliptio[celery]"),
}


@pytest.mark.parametrize("library", WITHOUT)
def test_a_library_that_is_not_there_is_named_with_its_extra(library):
    code, said = WITHOUT[library]
    command = [sys.executable, "-c", f"import sys; sys.modules[{library!r}] = None; {code}"]
    error = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert "MissingExtraError" in error
    assert said in error.splitlines()[-1]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_of_a_flow_that_cannot_be_started_nothing_is_left(backend):
    class Refusing(LocalExecutor):
        async def start(self, flow_id, step):
            raise OSError("no room")

    processor = Processor(name="one", inputs=["x"], outputs=["y"])

    @processor
    async def _one(x):
        yield 1

    async def main():
        broker = MemoryBroker()
        async with Supervisor(executor=Refusing(), broker=broker) as supervisor:
            with pytest.raises(OSError, match="no room"):
                await supervisor.start_flow(Flow.from_tasks(processor).resolve(), {"x": iter([1])})
            assert await broker.flows() == []
            # and the end of the block waits for nothing

    anyio.run(main, backend=backend)


def test_what_a_flow_cannot_be_recorded_in_is_named():
    async def main():
        async with Supervisor() as supervisor:
            await supervisor.start_flow(Flow.from_tasks(processor).resolve(), {"x": 1}, record="lake")

    processor = Processor(name="one", inputs=["x"], outputs=["y"])

    @processor
    async def _one(x):
        yield 1

    with pytest.raises(TypeError, match="record takes a Handler"):
        anyio.run(main)


def test_a_processor_stays_as_it_is() -> None:
    processor = Processor(name="still", inputs=["x"], outputs=["y"])
    for name in ("name", "wait", "another"):
        with pytest.raises(FrozenInstanceError):
            setattr(processor, name, 1)
    assert processor == Processor(name="still", inputs=["x"], outputs=["y"])
    assert len({processor, Processor(name="still", inputs=["x"], outputs=["y"])}) == 1
