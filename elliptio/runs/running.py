"""Begin a run, and end it with the block that it stands for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from elliptio import naming
from elliptio.labels import LabelsLike
from elliptio.lake import growing, run_output
from elliptio.lake.lake import Lake
from elliptio.protocols import Document
from elliptio.provenance import collecting
from elliptio.provenance.collecting import Provenance
from elliptio.runs import scopes
from elliptio.runs.facts import describe
from elliptio.runs.recording import Recording
from elliptio.runs.scopes import HandlerScope, Scope
from elliptio.saving import output


def joined(lake: Lake) -> HandlerScope:
    """Make the scope of a handler: a unit of work of its own, or a part of the run that this process was started in.

    From now on what is read of this lake's files counts.
    """
    root = lake.store.root
    lake.downloads = lake.downloads._replace(read=partial(scopes.read, root))
    scope = scopes.inherited(root)
    if scope is None:
        return HandlerScope(root, naming.new_id("run")[0])
    Recording(lake, scope)
    return scope


@contextlib.contextmanager
def running(
    lake: Lake,
    within: Scope,
    name: str,
    params: Mapping[str, Any] | None,
    labels: LabelsLike,
    *,
    log_output: bool,
    git_diff: str,
    inherits: bool = True,
    seen: Provenance | None = None,
    step: Mapping[str, Any] | None = None,
) -> Iterator[Scope]:
    """Record a run inside a scope, from here to the end of the block, and yield its own; see `Work.run`.

    Unless it `inherits`, what was loaded around it does not count inside it. Where a run around it has `seen` code and
    environment a moment ago, they are not looked at again, nor is what is not committed kept once more. A `step` of a
    pipeline has a record of what it is.
    """
    scope, recording = begin(
        lake, within, name, params, labels, git_diff=git_diff, inherits=inherits, seen=seen, step=step
    )
    try:
        with scopes.entered(scope), _kept_output(lake, scope.run_id) if log_output else contextlib.nullcontext():
            yield scope
    except BaseException as error:
        try:
            recording.finish(error)
        except Exception as failure:
            error.add_note(f"That the run {scope.run_id} failed could not be recorded: {failure}")
        raise
    recording.finish(None)


@contextlib.contextmanager
def _kept_output(lake: Lake, run_id: str) -> Iterator[None]:
    """Keep what is printed and logged in the block, also of one that fails, or is killed."""
    kept, process = run_output.Growing(growing.path_of(lake, run_id, run_output.PART)), os.getpid()
    with output.captured(kept.add) as printed:
        try:
            yield
        finally:
            if os.getpid() == process:  # else a child of a fork leaves the block: the run goes on
                run_output.write_output(lake, run_id, printed.text())
                kept.remove()


def begin(
    lake: Lake,
    within: Scope,
    name: str,
    params: Mapping[str, Any] | None,
    labels: LabelsLike,
    *,
    git_diff: str,
    inherits: bool = True,
    seen: Provenance | None = None,
    step: Mapping[str, Any] | None = None,
    node: Mapping[str, Any] | None = None,
) -> tuple[Scope, Recording]:
    """Record that a run begins inside a scope; return its own, and what records it. Nobody is in it yet.

    Of a `node`, what is given takes the place of what a run says of itself: ``run_id``, ``parent``, ``root``, and more.
    """
    outer = within.here()
    run_id, moment = naming.new_id("run")
    if node is not None:
        run_id = node["run_id"]
    facts = collecting.collect(git_diff=git_diff) if seen is None else seen
    # What was loaded around it counts: data is mostly loaded once and then used by the runs of a loop.
    loaded = outer.loaded() if inherits else []
    document = describe(name, params, labels, run_id=run_id, moment=moment, outer=outer, inherited=loaded, seen=facts)
    if node is not None:
        document |= node
    scope = Scope(lake.store.root, run_id, loaded, scopes.around(within), within.home or within)
    around = outer.run if step is not None and isinstance(outer.run, Recording) else None
    if step is not None:
        document["step"] = dict(step)
    if around is not None and seen is not None and around.describes(document["environment_id"]):
        brief = _brief(lake, scope, document, around)
        if brief is not None:
            return scope, brief
    began = {**document, "environment": facts.environment}
    recording = Recording.began(lake, scope, began, diff=facts.diff if seen is None else None)
    if around is not None:
        around.described.add(document["environment_id"])
    return scope, recording


def _brief(lake: Lake, scope: Scope, begin: Document, around: Recording) -> Recording | None:
    """Record a step of a build that goes on in this process, or that is told of it; None where neither is so."""
    from elliptio.runs.brief import Brief, steps_of

    among = around.steps if around.begin is None else steps_of(lake, around)
    return None if among is None else Brief(lake, scope, begin, among)
