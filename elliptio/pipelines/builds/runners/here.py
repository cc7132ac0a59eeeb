"""Make steps in this process: one after the other, or in threads."""

from __future__ import annotations

import contextvars
from concurrent.futures import Future, ThreadPoolExecutor

from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.runners.tasks import Task


class Inline:
    """Makes each step when it is submitted."""

    one_by_one = True

    def submit(self, step: Task) -> Future[Outcome]:
        """Make a step now."""
        future: Future[Outcome] = Future()
        try:
            future.set_result(step.run())
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Do nothing."""


class Threads:
    """Makes steps in threads of this process.

    Parameters
    ----------
    workers
        How many at once; None: as many as Python chooses.

    """

    one_by_one = False

    def __init__(self, workers: int | None) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="elliptio-step")

    def submit(self, step: Task) -> Future[Outcome]:
        """Make a step in a thread, in the run that the code at hand is in."""
        return self._pool.submit(contextvars.copy_context().run, step.run)

    def close(self) -> None:
        """Leave out what has not begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)
