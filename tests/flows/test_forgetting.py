"""A flow can be removed whatever somebody did to what lies in Redis."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from elliptio.flows import IO, Flow, Processor, RedisBroker, Supervisor, TamperedDataError

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")

forgets = Processor(name="forgets", inputs=["x"], outputs=["y"])
flow = Flow.from_tasks(forgets).resolve()


@forgets
async def _forgets(x: IO[int]) -> int:
    return await x.first()


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize("field", ["plan", "e:y", "t:x", "l:forgets"])
@pytest.mark.parametrize("who", ["execution", "supervisor"])
def test_a_flow_that_was_altered_is_forgotten(redis_url: str, keys: Any, who: str, field: str, loop: str) -> None:
    async def main() -> None:
        def supervisor() -> Supervisor:
            return Supervisor(broker=RedisBroker(redis_url, secret="of tests"))

        async with supervisor() as boss:
            execution = await boss.start_flow(flow, {"x": 1})
            await execution.wait()
            keys.hset(f"elliptio:{{{execution.id}}}:h", field, b"altered")
            if field == "e:y":
                with pytest.raises(TamperedDataError):
                    await execution.status()
            if who == "execution":
                await execution.forget()
            else:
                async with supervisor() as other:
                    await other.forget(execution.id)

    anyio.run(main, backend=loop)
    assert keys.keys() == []
