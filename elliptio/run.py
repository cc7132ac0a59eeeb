"""A run that goes on: what ``with h.run(…)`` gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from elliptio.errors import MetadataError
from elliptio.lake import spool
from elliptio.runs.facts import check_metrics, check_params, check_step, note
from elliptio.runs.scopes import Recorder, Scope
from elliptio.work import Work

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact


class Params(MutableMapping[str, Any]):
    """Parameters of a run that goes on: more can be added, and those given before can be set anew, not taken away."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __getitem__(self, name: str) -> Any:
        return self._recorder.params[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._recorder.add_params(check_params({name: value}))

    def __delitem__(self, name: str) -> None:
        raise MetadataError(f"The parameter {name!r} is recorded, and cannot be taken away: set it anew.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._recorder.params)

    def __len__(self) -> int:
        return len(self._recorder.params)

    def __repr__(self) -> str:
        return repr(self._recorder.params)


class Run(Work):
    """A piece of work that goes on; its verbs count for this run in whatever thread.

    Attributes
    ----------
    run_id
        Its identifier, which every artifact that it makes carries.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.run("train", {"rate": 0.1}) as run:
    ...     run.params["layers"] = 3
    ...     run.log(loss=0.3)
    >>> h.runs({"params.rate": 0.1})["metrics"].tolist()
    [{'loss': 0.3}]

    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.run_id!r})"

    def _inside(self, scope: Scope) -> Run:
        return Run(self.lake, scope, self._settings, self._background)

    def environment(self) -> dict[str, str]:
        """Variables that make a child process part of this run.

        Child processes that the main thread starts inside its ``with`` block have them already.
        """
        return {name: str(value) for name, value in self._scope.environment().items()}

    @property
    def params(self) -> Params:
        """Parameters, which can be added to while it runs: ``run.params["layers"] = 3``; secrets are masked.

        In a child process it holds those that this one added.
        """
        return Params(self._recorder)

    @property
    def artifacts(self) -> list[Artifact]:
        """Load the artifacts that were made in it so far, the oldest first; only reading them counts.

        Raises
        ------
        IndexUnavailableError
            If the index cannot be reached.

        """
        from elliptio.finding.loading import artifact_of, metadata_of

        spool.flush_if_any(self.lake)
        found = self.lake.find({"run_id": self.run_id}, sort=[("creation_time", 1)], limit=0)
        return [artifact_of(self.lake, metadata_of(self.lake, document), track=True) for document in found]

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
        self._recorder.log(check_metrics(metrics, more), check_step(step))

    def note(self, text: str) -> None:
        """Add a remark: who made it when is recorded, and `Handler.runs` shows it in the column ``notes``.

        Raises
        ------
        MetadataError
            If it is no text, or too long.

        """
        self._recorder.note(note(text))

    @property
    def _recorder(self) -> Recorder:
        assert self._scope.run is not None  # no other scope becomes a Run
        return self._scope.run
