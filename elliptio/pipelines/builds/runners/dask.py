"""Make steps on a cluster of Dask."""

from __future__ import annotations

import logging
import pickle
import uuid
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from elliptio.errors import MissingExtraError
from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.runners.answers import Answer, adapted
from elliptio.pipelines.builds.runners.elsewhere import answered, variables
from elliptio.pipelines.builds.runners.here import Inline
from elliptio.pipelines.builds.runners.tasks import Task
from elliptio.pipelines.errors import PipelineDefinitionError

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession

log = logging.getLogger(__name__)

PREFIX = "dask://"

CONNECT_SECONDS = 10
"""Time that the scheduler may take to answer."""


class Dask:
    """Makes steps as tasks of Dask, whose keys are those of the steps; those that no other process can make, here.

    Parameters
    ----------
    session
        Where.
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
        self._waiting: set[Any] = set()

    def submit(self, step: Task) -> Future[Outcome]:
        """Make a step on the cluster, if another process can make it."""
        data = step.data()
        if data is None:
            return Inline().submit(step)
        key = step.key
        if step.again or step.call.recipe.step is None:
            # Not what somebody else is waiting for.
            key = f"{key}-{uuid.uuid4().hex}"
        # Dask looks into dicts and lists for what other tasks give, here and where the step is made.
        sent = pickle.dumps((data, variables(self._session)))
        future = self._client.submit(_made, sent, key=key, pure=False)
        self._waiting.add(future)
        found = adapted(future, self._session)
        found.add_done_callback(lambda _: self._waiting.discard(future))
        return found

    def close(self) -> None:
        """Leave out what has not begun, and go away from the cluster."""
        for future in list(self._waiting):
            future.cancel()
        self._waiting.clear()
        if self._is_own:
            self._client.close()


def _made(sent: bytes) -> Answer:
    """Make a step, in a worker."""
    return answered(*pickle.loads(sent))


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
