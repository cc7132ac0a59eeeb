"""What is given in the place of something else is named at once."""

import anyio
import pytest

from elliptio.errors import ConfigError
from elliptio.flows import (
    IO,
    Flow,
    IOVals,
    LocalExecutor,
    MemoryBroker,
    MismatchedIOError,
    Processor,
    ProcessorError,
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
