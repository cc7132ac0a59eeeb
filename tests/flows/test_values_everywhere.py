"""A value is the same for a reader, whether it lay in memory or in Redis, or the step that made it says why not."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elliptio.flows import IO, Flow, MemoryBroker, Processor, RedisBroker, StepFailedError, Supervisor
from tests.flows.serializing.test_exact import same, values

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

SECRET = "a secret of the tests"

given_on = Processor(name="given-on", inputs=["x"], outputs=["y"])
flow = Flow.from_tasks(given_on).resolve()


@given_on
async def _given_on(x: IO[Any]) -> AsyncIterator[Any]:
    async for value in x.stream():
        yield value


class Colour(enum.Enum):
    RED = 1


@dataclass
class Point:
    x: int


scalars = st.sampled_from(["i1", "u8", "f2", "f4", "f8", "c8", "?", "M8[D]", "M8[ns]", "m8[s]"]).flatmap(
    lambda text: st.binary(min_size=8, max_size=8).map(lambda content: np.frombuffer(content, text)[0])
).filter(lambda value: value.dtype != bool or int(value.view("u1")) < 2)  # fmt: skip
moments = st.builds(
    lambda moment, zone: pd.Timestamp(moment, tz="UTC").tz_convert(zone),
    st.datetimes(pd.Timestamp(1700, 1, 1).to_pydatetime(), pd.Timestamp(2200, 1, 1).to_pydatetime()),
    st.sampled_from([None, "UTC", ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")]),
)
spans = st.integers(-(2**60), 2**60).map(pd.Timedelta)


async def passed_on(broker: Any, given: list[Any]) -> list[Any]:
    async with Supervisor(broker=broker) as supervisor:
        execution = await supervisor.start_flow(flow, {"x": iter(given)})
        found = await execution["y"].collect()
        await execution.wait()
        await execution.forget()
        return found


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.generic):
        return type(one) is type(other) and (one.dtype, one.tobytes()) == (other.dtype, other.tobytes())
    return same(one, other)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(values, scalars, moments, spans), max_size=20))
def test_a_value_is_the_same_in_memory_and_in_redis(redis_url: str, given: list[Any]) -> None:
    here = anyio.run(passed_on, MemoryBroker(), given)
    there = anyio.run(passed_on, RedisBroker(redis_url, secret=SECRET), given)
    assert all(one is other for one, other in zip(given, here, strict=True))
    assert len(there) == len(given)
    for one, other in zip(given, there, strict=True):
        assert equal(one, other), (one, other)


@pytest.mark.parametrize("value", [Colour.RED, Point(1), object()], ids=lambda value: type(value).__name__)
def test_what_redis_cannot_keep_names_the_step_and_the_class(redis_url: str, value: Any) -> None:
    odd = Processor(name="makes-odd", inputs=["x"], outputs=["y"])

    @odd
    async def _odd(x: IO[Any]) -> AsyncIterator[Any]:
        yield {"rows": [1, value]}

    async def main() -> None:
        async with Supervisor(broker=RedisBroker(redis_url, secret=SECRET)) as supervisor:
            execution = await supervisor.start_flow(Flow.from_tasks(odd).resolve(), {"x": 1})
            with pytest.raises(StepFailedError, match=rf"'makes-odd' failed.*\['rows'\]\[1\].*{type(value).__name__}"):
                await execution["y"].first()

    anyio.run(main)
