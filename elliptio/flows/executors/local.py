"""Run steps as tasks of this process, on asyncio or trio."""

from __future__ import annotations

from elliptio.flows.executors.defining import Executor


class LocalExecutor(Executor):
    """Run each step as a task of the event loop that starts the flow.

    Examples
    --------
    >>> from elliptio.flows import LocalExecutor
    >>> LocalExecutor()
    LocalExecutor()

    """

    local = True

    async def start(self, flow_id: str, step: str) -> None:
        """Start a step, and return at once."""
        supervisor = self.supervisor
        supervisor.background.start(flow_id, supervisor.run_step, flow_id, step)
