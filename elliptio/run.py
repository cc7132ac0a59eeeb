"""A run that goes on: what ``with h.run(…) as run:`` gives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

from elliptio import naming
from elliptio.artifacts.artifact import Artifact, NewArtifact
from elliptio.runs import scopes
from elliptio.runs.facts import check_metrics, check_step, describe
from elliptio.runs.recording import Recording
from elliptio.runs.scopes import Scope
from elliptio.saving.sources import PathLike
from elliptio.session import BasedOn, LabelsLike
from elliptio.system.background import Pending

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.handler import Handler


class Run:
    """A piece of work that goes on; its verbs are those of the handler, and count for this run in whatever thread.

    Attributes
    ----------
    run_id
        Its identifier, which every artifact that it makes carries.

    """

    def __init__(self, handler: Handler, scope: Scope) -> None:
        self._handler = handler
        self._scope = scope
        self.run_id = scope.run_id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.run_id!r})"

    @property
    def based_on(self) -> list[str]:
        """Identifiers of what was loaded in it, and around it before it began: what its next artifact is based on."""
        return self._scope.loaded()

    def environment(self) -> dict[str, str]:
        """Variables that make a child process part of this run.

        Child processes that the main thread starts inside its ``with`` block have them already.
        """
        return {name: str(value) for name, value in self._scope.environment().items()}

    def log(self, metrics: Mapping[str, Any] | None = None, /, *, step: int | None = None, **more: Any) -> None:
        """Record what was measured: ``run.log(loss=0.3, step=2)``.

        It is written to the lake some seconds later, and when the run ends; the last value of each can be queried.

        Parameters
        ----------
        metrics
            Numbers by name, where names are no Python names.
        step
            What it was measured after, such as the number of the epoch.
        more
            Numbers by name.

        Raises
        ------
        MetadataError
            If there is something that is no number, or has a name that no query could reach.

        """
        self._scope.run.log(check_metrics(metrics, more), check_step(step))

    @overload
    def upload(
        self,
        local_paths: PathLike | Iterable[PathLike],
        labels: LabelsLike = None,
        *,
        based_on: BasedOn | None = None,
        wait: Literal[True] = True,
    ) -> Artifact: ...

    @overload
    def upload(
        self,
        local_paths: PathLike | Iterable[PathLike],
        labels: LabelsLike = None,
        *,
        based_on: BasedOn | None = None,
        wait: Literal[False],
    ) -> Pending[Artifact]: ...

    def upload(
        self,
        local_paths: PathLike | Iterable[PathLike],
        labels: LabelsLike = None,
        *,
        based_on: BasedOn | None = None,
        wait: bool = True,
    ) -> Artifact | Pending[Artifact]:
        """Save files as an artifact of this run; see `Handler.upload`."""
        with scopes.bound(self._scope):
            if wait:
                return self._handler.upload(local_paths, labels, based_on=based_on)
            return self._handler.upload(local_paths, labels, based_on=based_on, wait=False)

    def link(
        self,
        place: PathLike | Iterable[PathLike],
        labels: LabelsLike = None,
        *,
        hash: bool = True,
        based_on: BasedOn | None = None,
    ) -> Artifact:
        """Record files that stay where they are as an artifact of this run; see `Handler.link`."""
        with scopes.bound(self._scope):
            return self._handler.link(place, labels, hash=hash, based_on=based_on)

    @contextlib.contextmanager
    def new(
        self,
        relpaths: PathLike | Iterable[PathLike] | None = None,
        labels: LabelsLike = None,
        *,
        based_on: BasedOn | None = None,
        log_output: bool = False,
    ) -> Iterator[NewArtifact]:
        """Make an artifact of this run by writing its files; see `Handler.new`."""
        with contextlib.ExitStack() as block:
            with scopes.bound(self._scope):
                made = self._handler.new(relpaths, labels, based_on=based_on, log_output=log_output)
                artifact = block.enter_context(made)
            yield artifact

    def get(self, artifact_id: str | Artifact, *, track: bool = True) -> Artifact:
        """Load an artifact, and remember it as what the next one of this run is based on; see `Handler.get`."""
        with scopes.bound(self._scope):
            return self._handler.get(artifact_id, track=track)

    def latest(self, query: Mapping[str, Any] | None = None, *, track: bool = True) -> Artifact:
        """Load the newest artifact that matches a query, as `get` does; see `Handler.latest`."""
        with scopes.bound(self._scope):
            return self._handler.latest(query, track=track)

    def find(self, query: Mapping[str, Any] | None = None, **options: Any) -> pd.DataFrame:
        """Find artifacts, of whatever run; see `Handler.find`."""
        return self._handler.find(query, **options)

    @contextlib.contextmanager
    def run(self, name: str, params: Mapping[str, Any] | None = None, *, labels: LabelsLike = None) -> Iterator[Run]:
        """Record a piece of work inside this one; see `Handler.run`."""
        with contextlib.ExitStack() as block:
            with scopes.bound(self._scope):
                scope = _begin(self._handler, name, params, labels)
            yield block.enter_context(_going_on(self._handler, scope))


@contextlib.contextmanager
def running(handler: Handler, name: str, params: Mapping[str, Any] | None, labels: LabelsLike) -> Iterator[Run]:
    """Record a run from here to the end of the block; see `Handler.run`."""
    with _going_on(handler, _begin(handler, name, params, labels)) as run:
        yield run


def _begin(handler: Handler, name: str, params: Mapping[str, Any] | None, labels: LabelsLike) -> Scope:
    outer = handler._scope()
    run_id, moment = naming.new_id("run")
    document = describe(name, params, labels, run_id=run_id, moment=moment, outer=outer)
    # What was loaded around it counts: data is mostly loaded once and then used by the runs of a loop.
    around = scopes.innermost() or (outer if outer in scopes.active() else None)
    scope = Scope(handler.store.root, run_id, outer.loaded(), around)
    Recording.began(handler.lake, scope, document)
    return scope


@contextlib.contextmanager
def _going_on(handler: Handler, scope: Scope) -> Iterator[Run]:
    try:
        with scopes.entered(scope):
            yield Run(handler, scope)
    except BaseException as error:
        try:
            scope.run.finish(error)
        except Exception as failure:
            error.add_note(f"That the run {scope.run_id} failed could not be recorded: {failure}")
        raise
    scope.run.finish(None)
