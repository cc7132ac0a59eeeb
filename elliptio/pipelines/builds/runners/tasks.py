"""A step that can be made now, in this process or as data for another one; and what runs it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from elliptio.indexes.opening import open_index
from elliptio.pipelines.builds.making import Outcome, make
from elliptio.pipelines.builds.runners.addresses import NotFoundElsewhereError, address_of
from elliptio.pipelines.crafts.execution import Call
from elliptio.pipelines.errors import CraftError

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A step that can be made now.

    Attributes
    ----------
    call, session, again
        The call, where, and whether it is made whatever is there.

    """

    call: Call
    session: BaseSession
    again: bool = False

    @property
    def key(self) -> str:
        """Key of the step, or what else tells it from others of this build."""
        return self.call.recipe.step or f"{self.call.craft.name}({self.call.keys})"

    @property
    def stays(self) -> bool:
        """True where it takes or gives values that are not saved: those do not leave this process."""
        return bool(self.call.values) or any(one.volatile for one in self.call.craft.outputs)

    def run(self) -> Outcome:
        """Make it here.

        Raises
        ------
        CraftError
            If that fails.

        """
        from elliptio.pipelines import active

        with active.inside(self.session):
            try:
                return make(self.call, self.session.catalog, again=self.again, seen=self.session.seen)
            except CraftError:
                raise
            except Exception as error:
                raise CraftError(f"The craft {self.call.craft.name} could not be run: {error}") from error

    def data(self) -> dict[str, Any] | None:
        """Shape it as plain data, for any machine that reaches the lake; None if that is no use: the log says why."""
        try:
            data = self._data()
        except NotFoundElsewhereError as why:
            log.info("The step %s of %s is made in this process: %s.", self.key[:12], self.call.craft.name, why)
            return None
        return data

    def _data(self) -> dict[str, Any]:
        if self.stays:
            raise NotFoundElsewhereError("it takes or gives values that are not saved")
        lake = self.session.handler.lake
        index = self.session.handler._settings["index"].value
        if lake.shared and (not index or open_index(index).address != lake.index.address):
            raise NotFoundElsewhereError("the index of its lake was given as an object, so no other process has it")
        data = {
            "root": str(self.session.root),
            "lake": {"root": lake.store.root, "index": index},
            "project": self.session.catalog.project,
            "craft": address_of(self.call.craft),
            "parameters": dict(self.call.parameters),
            "context": dict(self.call.context),
            "keys": dict(self.call.keys),
            "inputs": {
                parameter: {
                    "name": taken.name,
                    "versions": [[dict(keys), one.artifact_id] for keys, one in taken.versions.items()],
                }
                for parameter, taken in self.call.inputs.items()
            },
            "key": self.call.recipe.step,
            "recipe": dict(self.call.recipe.parts),
            "again": self.again,
        }
        if not _is_json(data):
            raise NotFoundElsewhereError("a value that it is given is none of JSON")
        return data


def _is_json(data: Mapping[str, Any]) -> bool:
    try:
        return bool(json.loads(json.dumps(data)) == data)
    except (TypeError, ValueError):
        return False


class Runner(Protocol):
    """Make steps, somewhere.

    A step is data, `Task.data`: any machine that reaches the lake and the project can make it, with
    `elliptio.pipelines.builds.runners.elsewhere.run_step`. What it makes travels through the lake; the future gives
    identifiers. A runner promises:

    - ``submit`` gives a future at once, unless it says `one_by_one`: then the future it gives is done.
    - The future gives an `Outcome`, or the answer of `run_step` and of ``elliptio step run``, or raises `CraftError`,
      whose cause is of the type, and has the message, of what the craft raised. Whatever else happens to a step, a
      worker that dies too, is a `CraftError` that says so.
    - A step that fails, or whose worker dies, does nothing to the others.
    - A step whose ``data()`` is None is made in this process, by ``step.run()``.
    - The runs of crafts are below the run that ``submit`` was called in.
    - ``close`` ends what it began and nobody waits for, and waits for what is being made. Idempotent.

    `elliptio.testing.RunnerConformance` holds a runner to that.

    Attributes
    ----------
    one_by_one
        True where `submit` makes the step before it returns: the steps come in the order of the pipeline then.

    Examples
    --------
    ::

        class Here(Runner):
            one_by_one = True

            def submit(self, step):
                future = Future()
                try:
                    future.set_result(step.run())
                except CraftError as error:
                    future.set_exception(error)
                return future

            def close(self):
                pass
    """

    one_by_one: bool = False

    def submit(self, step: Task) -> Future[Outcome]:
        """Begin to make a step; the future gives what came of it, or raises `CraftError`."""

    def close(self) -> None:
        """Wait for what is being made, leave out what has not begun, and release what it holds. Idempotent."""
