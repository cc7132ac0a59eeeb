"""Write the input streams of a flow, from what was given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio

from elliptio.flows.brokers.defining import CONTROL, Epoch, Outcome
from elliptio.flows.errors import FlowNotFoundError, LeaseLostError, StreamEndedError, StreamFullError
from elliptio.flows.inputs import is_plain, stream_of
from elliptio.flows.outcomes import CANCELLED, DONE, failed, single
from elliptio.flows.running import Surroundings
from elliptio.flows.waiting import FEEDER


class Feeder:
    """Writes an input stream, as the step that it is to the broker."""

    def __init__(self, around: Surroundings, flow_id: str, stream: str) -> None:
        self._around, self._flow_id, self._stream = around, flow_id, stream
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
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._keep, tasks.cancel_scope)
                for one in given:
                    if is_plain(one):
                        await self.add([one])
                    else:
                        async for values in stream_of(one, _rows_of_artifact):
                            await self.add(values)
                tasks.cancel_scope.cancel()
            await self.end(DONE)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self.end(CANCELLED)
            raise
        except Exception as error:
            cause = single(error)
            if isinstance(cause, LeaseLostError | StreamEndedError | FlowNotFoundError):
                return
            await self.end(failed(self._step, cause))

    async def _keep(self, scope: anyio.CancelScope) -> None:
        """Renew the lease; stop if the flow was cancelled."""
        while True:
            _, end = await self._channel.read(CONTROL + self._step, 0, 1, self._around.settings.lease / 3)
            if end is not None:
                scope.cancel()
                return
            await self._channel.append(self._stream, [], 0, self._step, self._epoch)


def _rows_of_artifact(value: Any) -> AsyncIterator[list[Any]]:
    from elliptio.flows.sealing.values import stream_of as rows

    return rows(value)
