"""Say what an executor promises: to let a step be run somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elliptio.flows.errors import SupervisorError

if TYPE_CHECKING:
    from elliptio.flows.supervisor import Supervisor


class Executor:
    """Let steps be run: a subclass has one method, `start`.

    What it asks elsewhere by name ends in ``await supervisor.run_step(flow_id, step)`` of a process that implements the
    step. It may ask more than once, and what it asks may be lost: a step runs once, and `start` is called again for one
    that nobody works at where that can be known.

    Attributes
    ----------
    supervisor
        Who it belongs to; set when a `Supervisor` gets it.
    local
        Whether steps run in this process, so that it must implement them all.

    Examples
    --------
    ::

        class ByPost(Executor):
            async def start(self, flow_id, step):
                await post(to=step, letter=flow_id)

    """

    local = False
    _supervisor: Supervisor | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor that it belongs to."""
        if self._supervisor is None:
            raise SupervisorError(f"{self!r} belongs to no supervisor yet: Supervisor.attach(executor=…).")
        return self._supervisor

    async def start(self, flow_id: str, step: str) -> None:
        """Let a step be run, and return without waiting for it."""
        raise NotImplementedError
