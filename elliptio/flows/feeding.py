"""Write the input streams of a flow, from what was given."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import anyio

from elliptio.flows.brokers.defining import CANCELLED, CONTROL, DONE, Epoch, Outcome
from elliptio.flows.errors import FlowNotFoundError, LeaseLostError, StreamEndedError, StreamFullError
from elliptio.flows.inputs import is_plain, stream_of
from elliptio.flows.outcomes import failed, single
from elliptio.flows.running import Surroundings
from elliptio.flows.waiting import FEEDER


class Feeder:
    """Writes an input stream, as the step that it is to the broker."""

    def __init__(self, around: Surroundings, flow_id: str, stream: str, is_over: Callable[[], Awaitable[bool]]) -> None:
        self._around, self._flow_id, self._stream = around, flow_id, stream
        self._flow_is_over, self._is_over = is_over, False
        self._channel = around.broker.flow(flow_id)
        self._step = FEEDER + stream
        self._at = 0
        self._epoch = Epoch(0)

    async def begin(self) -> None:
        """Take the lease of the step."""
        self._epoch = await self._channel.claim(self._step, self._around.settings.lease)

    async def add(self, values: list[Any]) -> None:
        """Write values; wait while a reader is far behind."""
        while True:
            try:
                self._at = await self._channel.append(self._stream, values, self._at, self._step, self._epoch)
                return
            except StreamFullError:
                continue

    async def end(self, outcome: Outcome) -> None:
        """End the stream, and start what waited for that."""
        for stream in (self._stream, CONTROL + self._step):
            for step in await self._channel.end(stream, outcome, self._step, self._epoch):
                await self._around.start(self._flow_id, step)

    async def feed(self, given: list[Any]) -> None:
        """Write what things stream, to the end."""
        try:
            keeping = self._around.keeper.keeping(self._flow_id, self._step, self._epoch)
            with keeping as renewed:
                await self._feed(given, renewed)
            await self.end(CANCELLED if self._is_over else DONE)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self.end(CANCELLED)
            raise
        except BaseException as error:
            cause = single(error)
            if not isinstance(cause, Exception | SystemExit | KeyboardInterrupt):
                raise
            if isinstance(cause, LeaseLostError | StreamEndedError | FlowNotFoundError):
                return
            await self.end(failed(self._step, cause))

    async def _feed(self, given: list[Any], renewed: Callable[[], None]) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep, tasks.cancel_scope, renewed)
            for one in given:
                if is_plain(one):
                    await self.add([one])
                else:
                    async with aclosing(stream_of(one, _rows_of_artifact)) as rows:
                        async for values in rows:
                            await self.add(values)
            tasks.cancel_scope.cancel()

    async def _keep(self, scope: anyio.CancelScope, renewed: Callable[[], None]) -> None:
        """Renew the lease; stop if the flow was cancelled, or all its steps have ended."""
        while True:
            _, end = await self._channel.read(CONTROL + self._step, 0, 1, self._around.settings.lease / 3)
            self._is_over = end is None and await self._flow_is_over()
            if end is not None or self._is_over:
                scope.cancel()
                return
            await self._channel.append(self._stream, [], 0, self._step, self._epoch)
            renewed()


def _rows_of_artifact(value: Any) -> AsyncGenerator[list[Any], None]:
    from elliptio.flows.sealing.values import stream_of as rows

    return rows(value)
