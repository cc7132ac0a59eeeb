"""Make a step from its data, in a process that was given nothing else."""

from __future__ import annotations

import functools
import os
import pickle
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.runners.tasks import Task
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.versions import version_of
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.execution import Call
from elliptio.pipelines.crafts.recipes import Recipe, Taken
from elliptio.pipelines.errors import CraftError, UnknownNameError

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession


def run_step(data: Mapping[str, Any], run: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Make a step from its data; return the identifiers of what it made, by the names of the entries.

    Parameters
    ----------
    data
        That of `Task.data`.
    run
        Variables that make it part of the run that it belongs to.

    Raises
    ------
    CraftError
        If it fails.

    """
    os.environ.update(run or {})
    session = _session(data["root"], data["lake"]["root"], data["lake"]["index"], os.environ.get("ELLIPTIO_RUN_ID", ""))
    craft = _craft(data["craft"])
    call = Call(
        craft,
        Keys(data["keys"]),
        data["parameters"],
        {name: _taken(session, one) for name, one in data["inputs"].items()},
        {},
        data["context"],
        Recipe(data["key"], data["recipe"]),
    )
    outcome = Task(call, session, data["again"]).run()
    return {
        "artifacts": {name: version.artifact_id for name, version in outcome.versions.items()},
        "loaded": outcome.loaded,
        "seconds": outcome.seconds,
        "shared": outcome.shared,
    }


@functools.lru_cache(maxsize=4)
def _session(root: str, lake: str, index: str | None, run_id: str) -> BaseSession:
    from elliptio.handler import Handler

    # By name: a session knows its pipelines, and those hand steps to sessions of other processes.
    sessions = import_module("elliptio.pipelines.session")
    found: BaseSession = sessions.Session(Path(root), handler=Handler(lake, index))
    return found


def _craft(name: str) -> CraftFunction:
    module, _, qualname = name.partition(":")
    found: Any = import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, CraftFunction):
        raise UnknownNameError(f"There is no craft {qualname!r} in {module}: steps are made elsewhere from a module.")
    return found


def _taken(session: BaseSession, data: Mapping[str, Any]) -> Taken:
    ids = [identifier for _, identifier in data["versions"]]
    found = {one["_id"]: version_of(one) for one in session.handler.lake.find({"_id": {"$in": ids}}, sort=(), limit=0)}
    return Taken(data["name"], {Keys(keys): found[identifier] for keys, identifier in data["versions"]})


def outcome_of(answer: Mapping[str, Any], session: BaseSession) -> Outcome:
    """Read what `run_step` answered."""
    ids = list(answer["artifacts"].values())
    documents = session.handler.lake.find({"_id": {"$in": ids}}, sort=(), limit=0)
    found = {one["_id"]: version_of(one) for one in documents}
    versions = {name: found[identifier] for name, identifier in answer["artifacts"].items()}
    return Outcome(versions, {}, answer["loaded"], answer["seconds"], answer["shared"])


def _run_safely(data: Mapping[str, Any], run: Mapping[str, str]) -> Any:
    """Make a step; an error that cannot be sent as it is is told by its text."""
    try:
        return run_step(data, run)
    except CraftError as error:
        cause: BaseException | None = error.__cause__
        try:
            pickle.loads(pickle.dumps(cause))
        except Exception:
            cause = RuntimeError(f"{type(cause).__name__}: {cause}")
        return error.args[0], cause


class Processes:
    """Makes steps in processes of this machine; those with values that are not saved, here.

    Parameters
    ----------
    session
        Where.
    workers
        How many processes; None: as many as there are cores.

    """

    one_by_one = False

    def __init__(self, session: BaseSession, workers: int | None) -> None:
        import multiprocessing

        self._session = session
        self._pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))

    def submit(self, step: Task) -> Future[Outcome]:
        """Make a step in a process, if it can be sent there."""
        from elliptio.pipelines.builds.runners.here import Inline

        data = step.data()
        if data is None:
            return Inline().submit(step)
        return adapted(self._pool.submit(_run_safely, data, variables(self._session)), self._session)

    def close(self) -> None:
        """Leave out what has not begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def variables(session: BaseSession) -> dict[str, str]:
    """Variables that make another process part of the run that the code at hand is in."""
    run = session.handler.current_run
    return {} if run is None else run.environment()


def adapted(future: Any, session: BaseSession) -> Future[Outcome]:
    """Turn the future of an answer of `_run_safely` into that of what came of the step."""
    found: Future[Outcome] = Future()

    def done(one: Any) -> None:
        try:
            answer = one.result()
            if isinstance(answer, tuple):
                error = CraftError(answer[0])
                error.__cause__ = answer[1]
                raise error
            found.set_result(outcome_of(answer, session))
        except CraftError as error:
            found.set_exception(error)
        except BaseException as error:
            failure = CraftError(f"A process that made a step is gone: {type(error).__name__}: {error}")
            failure.__cause__ = error
            found.set_exception(failure)

    future.add_done_callback(done)
    return found
