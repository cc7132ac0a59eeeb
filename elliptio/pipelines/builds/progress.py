"""Count how far a build has come, and wait for the steps that are being made."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING

from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.steps import Step
from elliptio.pipelines.errors import CraftError
from elliptio.system.collector import collected
from elliptio.system.progress import NamedProgress

if TYPE_CHECKING:
    from elliptio.pipelines.builds.turn import Decided


@dataclass
class Progress:
    """Counter of how far a build has come.

    Attributes
    ----------
    shown
        Shows it to who watches.
    steps
        What became of the steps so far.
    waiting
        How many steps are being made.
    error
        The first error.

    """

    shown: NamedProgress
    steps: list[Step] = field(default_factory=list)
    waiting: int = 0
    error: CraftError | None = None
    _over: SimpleQueue[tuple[Decided, Future[Outcome]]] = field(default_factory=SimpleQueue)

    def wait_for(self, decided: Decided, future: Future[Outcome]) -> None:
        """Count a step as one that is being made."""
        self.waiting += 1
        # Each future says itself that it is over: to ask thousands of them each time takes longer than small steps.
        future.add_done_callback(lambda one: self._over.put((decided, one)))

    def over(self) -> list[tuple[Decided, Future[Outcome]]]:
        """Wait until a step is over, and return it, with those that are over meanwhile."""
        with collected():
            found = [self._over.get()]
        found += [self._over.get() for _ in range(self._over.qsize())]
        self.waiting -= len(found)
        return found
