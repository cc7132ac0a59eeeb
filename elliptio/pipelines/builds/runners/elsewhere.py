"""Make a step from its data, in a process that was given nothing else."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio.pipelines import active
from elliptio.pipelines.builds.runners.addresses import craft_at
from elliptio.pipelines.builds.runners.answers import Answer, asked_in, safely, sent
from elliptio.pipelines.builds.runners.tasks import Task
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.versions import version_of
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.execution import Call
from elliptio.pipelines.crafts.recipes import Recipe, Taken, held_codes
from elliptio.pipelines.errors import CraftError
from elliptio.runs import scopes
from elliptio.runs.brief import Told
from elliptio.runs.recording import Recording

if TYPE_CHECKING:
    from elliptio.handler import Handler
    from elliptio.pipelines.session import BaseSession

_importing = threading.RLock()

_looked: weakref.WeakKeyDictionary[BaseSession, str | None] = weakref.WeakKeyDictionary()
"""Builds for which sessions looked at code and environment last."""


def run_step(data: Mapping[str, Any], run: Mapping[str, str | None] | None = None) -> dict[str, Any]:
    """Make a step from its data; return the identifiers of what it made, by the names of the entries.

    Parameters
    ----------
    data
        That of `Task.data`.
    run
        Variables that make it part of the run that it belongs to; those of the environment without it.

    Raises
    ------
    CraftError
        If it fails; its cause is that of the craft.

    """
    return run_in(_session_of(data), data, run)


def run_in(
    session: BaseSession, data: Mapping[str, Any], run: Mapping[str, str | None] | None, *, tells: bool = False
) -> dict[str, Any]:
    """Make a step in a session; see `run_step`. Where it `tells`, who asked for it records the run of a brief one."""
    with active.inside(session), _within(session.handler, run, tells) as steps:
        craft = _craft(session, data, (run or {}).get(scopes.RUN_ID))
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
        session.catalog.windows.memory.write()
    answer = {
        "artifacts": {name: version.artifact_id for name, version in outcome.versions.items()},
        "loaded": list(outcome.loaded),
        "seconds": outcome.seconds,
        "shared": outcome.shared,
    }
    return answer if steps is None else {**answer, "runs": sent(steps.take())}


def _session_of(data: Mapping[str, Any]) -> BaseSession:
    return _session(data["root"], data["lake"]["root"], data["lake"]["index"])


@functools.lru_cache(maxsize=8)
def _session(root: str, lake: str, index: str | None) -> BaseSession:
    from elliptio.handler import Handler

    return open_session(root, Handler(lake, index))


def open_session(root: str, handler: Handler) -> BaseSession:
    """Open the project of a root on a lake."""
    # By name: a session knows its pipelines, and those hand steps to sessions of other processes.
    sessions = import_module("elliptio.pipelines.session")
    found: BaseSession = sessions.Session(Path(root), handler=handler)
    return found


@contextlib.contextmanager
def _within(handler: Handler, run: Mapping[str, str | None] | None, tells: bool) -> Iterator[Told | None]:
    """Be in a run of another process; where that is told of brief steps, give those that are.

    Not by variables: the threads of a worker may be in different runs.
    """
    run_id = (run or {}).get(scopes.RUN_ID)
    if not run or not run_id or run.get(scopes.LAKE) not in (None, "", handler.store.root):
        yield None
        return
    scope, steps = part_of(handler, run_id, tells)
    with scopes.entered(scope, ends=False):
        yield steps


@functools.lru_cache(maxsize=8)
def part_of(handler: Handler, run_id: str, tells: bool) -> tuple[scopes.Scope, Told | None]:
    """Take part in a run of another process, with one scope for all its steps: what is known of it is read once."""
    scope = scopes.Scope(handler.store.root, run_id, home=handler._scope)
    recording = Recording(handler.lake, scope)
    steps = recording.steps = Told(handler.lake, recording) if tells else None
    return scope, steps


def _craft(session: BaseSession, data: Mapping[str, Any], run_id: str | None) -> CraftFunction:
    """Find the craft, with the code that the key of the step is made from; that is looked at once in each build.

    Raises
    ------
    CraftError
        If this process has another code: what it would make does not belong to the key.

    """
    from elliptio.pipelines.project.importing import make_importable

    with _importing:
        make_importable(session.project)
        craft = craft_at(data["craft"])
        if data["craft"].startswith("__main__:"):
            return craft
        if run_id is None or _looked.get(session) != run_id:
            _looked[session] = run_id
            session.begin()
        differs = _differs(session, craft, data)
        if differs:
            # A worker that lives longer than the code that it imported.
            session.begin()
            _forget_modules(session)
            craft = craft_at(data["craft"])
            differs = _differs(session, craft, data)
    if differs:
        raise CraftError(
            f"The craft {craft.name} was not run: {differs} in the process that was to make it (in {session.root} on "
            f"{os.uname().nodename}). Give both the same files and packages."
        )
    return craft


def _differs(session: BaseSession, craft: CraftFunction, data: Mapping[str, Any]) -> str:
    found, wanted = session.whole_code_of(craft), data["recipe"]
    # Changes that were accepted are asked for only where the code is another one as it stands.
    if wanted.get("code") not in (None, found.digest) and wanted["code"] != session.code_of(craft)["digest"]:
        return "its code is another one"
    codes = held_codes(wanted.get("held", ()))
    held = {name: digest for name, digest in codes.items() if not name.startswith("__main__:")}
    known = session.codes.held(craft, held)
    for name, digest in held.items():
        if known.get(name) != digest:
            return f"{name.replace(':', '.')}, which it is given, is another one"
    here, there = dict(found.distributions), wanted.get("packages", {})
    names = [name for name in sorted({*here, *there}) if here.get(name) != there.get(name)]
    return f"{names[0]} is {here.get(names[0])}, not {there.get(names[0])}," if names else ""


def _forget_modules(session: BaseSession) -> None:
    """Have the modules of a project imported anew."""
    folder = str(session.project.sources) + os.sep
    for name, module in list(sys.modules.items()):
        if name != "__main__" and str(getattr(module, "__file__", None) or "").startswith(folder):
            del sys.modules[name]
    importlib.invalidate_caches()


def _taken(session: BaseSession, data: Mapping[str, Any]) -> Taken:
    ids = [identifier for _, identifier in data["versions"]]
    found = {one["_id"]: version_of(one) for one in session.handler.lake.find({"_id": {"$in": ids}}, sort=(), limit=0)}
    return Taken(data["name"], {Keys(keys): found[identifier] for keys, identifier in data["versions"]})


def answered(data: Mapping[str, Any], run: Mapping[str, str | None] | None) -> Answer:
    """Make a step, and answer with what came of it, an error too: what can be sent to any other process."""
    return safely(lambda: run_in(_session_of(data), data, run, tells=True))


def variables(session: BaseSession) -> dict[str, str | None]:
    """Variables that make another process part of the run that the code at hand is in."""
    scope = asked_in(session)
    return {} if scope.run is None else {**scope.environment(), scopes.BASED_ON: ""}
