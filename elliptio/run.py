"""A run that goes on: what ``with h.run(…)`` gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elliptio.runs.facts import check_metrics, check_step
from elliptio.runs.scopes import Scope
from elliptio.work import Work


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
        assert self._scope.run is not None  # no other scope becomes a Run
        self._scope.run.log(check_metrics(metrics, more), check_step(step))
