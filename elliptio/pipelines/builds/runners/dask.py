"""Make steps on a cluster of Dask."""

from __future__ import annotations

import logging
import math
import pickle
import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from elliptio.errors import MissingExtraError
from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.runners.answers import Answer, asked_in, lost, outcomes_of
from elliptio.pipelines.builds.runners.elsewhere import answered, variables
from elliptio.pipelines.builds.runners.here import Inline
from elliptio.pipelines.builds.runners.tasks import Task
from elliptio.pipelines.errors import CraftError, PipelineDefinitionError

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession

log = logging.getLogger(__name__)

PREFIX = "dask://"

CONNECT_SECONDS = 10
"""Time that the scheduler may take to answer."""

MOST = 200
"""Steps that Dask has at a time, or twice as many as its workers have threads.

Whenever a task begins or ends, its scheduler adds up what is to be done by the names of tasks: each step has its own.
"""

LOOK_SECONDS = 5
"""Seconds after which the threads of the workers are counted again."""


@dataclass(eq=False)
class _Asked:
    """Hold a step that was asked for: with the key and the data of its task, which is None until there is one.

    It is a suspect where the workers that had it were lost: over it, or over another one that they had too.
    """

    key: str
    data: bytes
    outcome: Future[Outcome] = field(default_factory=Future)
    task: Any = None
    is_suspect: bool = False


class Dask:
    """Makes steps as tasks of Dask, whose keys are those of the steps; those that no other process can make, here.

    A thread hands them over and takes the answers: together what there is at a time, as each message costs the
    scheduler, and each question the index, about as much for one step as for many.

    Parameters
    ----------
    session
        Where; the run at hand is that which asks for the steps.
    cluster
        ``dask://host:port`` of a scheduler, or a client, which stays open.

    Raises
    ------
    PipelineDefinitionError
        If there is no such scheduler.
    MissingExtraError
        If distributed is not installed.

    """

    one_by_one = False

    def __init__(self, session: BaseSession, cluster: Any) -> None:
        self._session = session
        self._is_own = isinstance(cluster, str)
        self._client = _connected(cluster) if isinstance(cluster, str) else cluster
        self._around, self._variables = asked_in(session), variables(session)
        self._waiting: set[_Asked] = set()
        self._ahead: list[_Asked] = []
        self._suspects: list[_Asked] = []
        self._given, self._threads = 0, 0
        self._looked = -math.inf
        # Steps, and whether each is over or is asked for; None when there is nothing more to do.
        self._news: SimpleQueue[tuple[_Asked, bool] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, step: Task) -> Future[Outcome]:
        """Make a step on the cluster, if another process can make it."""
        data = step.data()
        if data is None:
            return Inline().submit(step)
        key = step.key
        if step.again or step.call.recipe.step is None:
            # Not what somebody else is waiting for.
            key = f"{key}-{uuid.uuid4().hex}"
        # In one piece: Dask looks into dicts and lists for what other tasks give, here and where the step is made.
        asked = _Asked(key, pickle.dumps((data, self._variables)))
        self._waiting.add(asked)
        self._news.put((asked, False))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="elliptio-dask", daemon=True)
            self._thread.start()
        return asked.outcome

    def close(self) -> None:
        """Leave out what has not begun, and go away from the cluster."""
        if self._thread is not None:
            self._news.put(None)
            self._thread.join(CONNECT_SECONDS)
        if tasks := [asked.task for asked in self._waiting if asked.task is not None]:
            self._client.cancel(tasks)
        self._waiting.clear()
        if self._is_own:
            self._client.close()

    def _work(self) -> None:
        """Hand over what is asked for, and take the answers of what is over, until nothing more comes."""
        while True:
            news = [self._news.get()]
            news += [self._news.get() for _ in range(self._news.qsize())]
            some = [each for each in news if each is not None]
            if len(some) < len(news):
                return
            self._ahead += [one for one, is_over in some if not is_over]
            self._take([one for one, is_over in some if is_over])
            if not self._ahead and not self._given and self._suspects:
                self._ahead.append(self._suspects.pop(0))
            if self._ahead:
                self._hand_over()

    def _hand_over(self) -> None:
        some: list[_Asked] = []
        try:
            room = max(0, self._most() - self._given)
            some, self._ahead = self._ahead[:room], self._ahead[room:]
            tasks = self._client.map(_made, [one.data for one in some], key=[one.key for one in some]) if some else ()
        except Exception as error:
            for one in [*some, *self._ahead]:
                self._over(one, lost(error))
            self._ahead = []
            return
        self._given += len(some)
        for one, task in zip(some, tasks, strict=True):
            one.task = task
            task.add_done_callback(lambda _, one=one: self._news.put((one, True)))

    def _most(self) -> int:
        """Tell how many steps Dask may have."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked, self._threads = now, sum(self._client.nthreads().values())
        return max(MOST, 2 * self._threads)

    def _take(self, some: list[_Asked]) -> None:
        if not some:
            return
        self._given -= len(some)
        try:
            answers = self._client.gather([one.task for one in some])
            outcomes = outcomes_of(answers, self._session, self._around)
        except Exception:  # of one, most likely: the others are as well as they were
            outcomes = [self._taken(one) for one in some]
        for one, outcome in zip(some, outcomes, strict=True):
            if not one.is_suspect and isinstance(outcome, CraftError) and _is_of_lost_workers(outcome):
                log.warning("Dask lost the workers that had the step %s; it is made once more, alone", one.key[:12])
                one.key, one.is_suspect = f"{one.key}-{uuid.uuid4().hex}", True
                self._suspects.append(one)
            else:
                self._over(one, outcome)

    def _taken(self, asked: _Asked) -> Outcome | CraftError:
        try:
            return outcomes_of([asked.task.result()], self._session, self._around)[0]
        except Exception as error:
            return lost(error)

    def _over(self, asked: _Asked, outcome: Outcome | CraftError) -> None:
        self._waiting.discard(asked)
        if isinstance(outcome, CraftError):
            asked.outcome.set_exception(outcome)
        else:
            asked.outcome.set_result(outcome)


def _made(sent: bytes) -> Answer:
    """Make a step, in a worker."""
    return answered(*pickle.loads(sent))


def _is_of_lost_workers(error: CraftError) -> bool:
    from distributed.scheduler import KilledWorker

    return isinstance(error.__cause__, KilledWorker)


def _connected(address: str) -> Any:
    host = address.removeprefix(PREFIX)
    if not address.startswith(PREFIX) or not host:
        raise PipelineDefinitionError(
            f"There is no runner {address!r}: write dask://host:port, or give a client of Dask."
        )
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError("dask:// needs distributed. Run: pip install 'elliptio[dask]'") from error
    try:
        make: Any = Client
        return make(f"tcp://{host}", timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise PipelineDefinitionError(f"No scheduler of Dask answers at {address}: {error}") from error
