"""An executor that runs nothing."""

from __future__ import annotations

from elliptio.flows.executors.defining import Executor


class Nowhere(Executor):
    """Lets nobody run a step, so that a test does."""

    local = True

    async def start(self, flow_id: str, step: str) -> None:
        """Do nothing."""
