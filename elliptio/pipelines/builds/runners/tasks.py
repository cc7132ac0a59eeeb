"""A step that can be made now, in this process or as data for another one; and what runs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from elliptio.pipelines.builds.making import Outcome, make
from elliptio.pipelines.crafts.execution import Call
from elliptio.pipelines.errors import CraftError

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession


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
        """Shape it as plain data, for any machine that reaches the lake; None where its values cannot leave here."""
        if self.stays:
            return None
        handler = self.session.handler
        data = {
            "root": str(self.session.root),
            "lake": {"root": handler.store.root, "index": handler._settings["index"].value},
            "project": self.session.catalog.project,
            "craft": f"{self.call.craft.__module__}:{self.call.craft.__wrapped__.__qualname__}",
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
        return data if _is_json(data) else None


def _is_json(data: Mapping[str, Any]) -> bool:
    try:
        return bool(json.loads(json.dumps(data)) == data)
    except (TypeError, ValueError):
        return False


class Runner(Protocol):
    """Make steps, somewhere.

    A step is data: any machine that reaches the lake can make it. What it makes travels through the lake; the future
    gives identifiers.

    Attributes
    ----------
    one_by_one
        True where `submit` makes the step before it returns.

    Examples
    --------
    ::

        class Here(Runner):
            one_by_one = True

            def submit(self, step):
                future = Future()
                future.set_result(step.run())
                return future

            def close(self):
                pass
    """

    one_by_one: bool = False

    def submit(self, step: Task) -> Future[Outcome]:
        """Begin to make a step; the future gives what came of it, or raises `CraftError`."""

    def close(self) -> None:
        """Wait for nothing more, and release what it holds. Idempotent."""
