"""Run the tests of brokers on asyncio and on trio, and read beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from elliptio.flows.brokers.defining import Broker, Channel, Outcome
from elliptio.flows.errors import FlowNotFoundError

LONG = 60.0
"""Seconds of a lease, or of a wait, that no test sees the end of."""

Test = Callable[[Any, Broker], Awaitable[None]]


def on_both(test: Test) -> Callable[..., None]:
    """Run a test on asyncio and on trio, and close its broker there."""

    @pytest.mark.parametrize("loop", ["asyncio", "trio"])
    def both(self: Any, broker: Broker, loop: str) -> None:
        async def main() -> None:
            try:
                with anyio.fail_after(LONG):
                    await test(self, broker)
            finally:
                await broker.aclose()

        anyio.run(main, backend=loop)

    both.__name__, both.__doc__ = getattr(test, "__name__", "test"), test.__doc__
    ran: Callable[..., None] = both
    return ran


async def drain(channel: Channel, stream: str, limit: int = 50) -> tuple[list[Any], Outcome]:
    """Read a stream to its end."""
    found: list[Any] = []
    while True:
        values, end = await channel.read(stream, len(found), limit, LONG)
        found += values
        if end is not None:
            return found, end


@asynccontextmanager
async def waiting_reader(channel: Channel, stream: str, after: int = 0) -> AsyncIterator[list[Any]]:
    """Read beside what is done in the block, and hold the answer, or the error, after it."""
    found: list[Any] = []

    async def read() -> None:
        try:
            found.append(await channel.read(stream, after, 10, LONG))
        except FlowNotFoundError as error:
            found.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await anyio.sleep(0.05)  # so that it most probably waits; nothing depends on it
        yield found


DONE: Outcome = {"status": "done"}
