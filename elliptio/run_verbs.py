"""What a session has of runs: the one that it is itself, and those of its lake."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elliptio import naming
from elliptio.finding.frame import metrics_frame, to_frame
from elliptio.finding.search import TruncatedWarning
from elliptio.lake import run_records, spool
from elliptio.lake.lake import Lake
from elliptio.runs import scopes
from elliptio.runs.recording import Recording
from elliptio.runs.search import search_runs
from elliptio.runs.tree import RunTree, run_tree

if TYPE_CHECKING:
    import pandas as pd


class RunVerbs:
    """A part of `Session`."""

    lake: Lake

    def _join(self) -> None:
        """Begin as a unit of work of its own, or as a part of the run that this process was started in."""
        root = self.lake.store.root
        found = scopes.inherited(root)
        self._root = found or scopes.Scope(root, naming.new_id("run")[0])
        if found is not None:
            Recording(self.lake, found)

    def __getstate__(self) -> dict[str, Any]:
        # In another process a copy goes on in the run that this one is in.
        scope = self._scope()
        return {**self.__dict__, "_root": scope, "_continues": scope.run is not None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        continues = state.pop("_continues")
        self.__dict__.update(state)
        if continues:
            Recording(self.lake, self._root)

    @property
    def run_id(self) -> str:
        """Identifies this handler's unit of work; what is made outside of ``with h.run(…)`` carries it."""
        return self._root.run_id

    @property
    def based_on(self) -> list[str]:
        """Identifiers of what was loaded outside of ``with h.run(…)``, in order, once each."""
        return self._root.based_on

    def _scope(self) -> scopes.Scope:
        """What the next artifact belongs to: the run that goes on here, else this handler."""
        return scopes.current(self.lake.store.root) or self._root

    def runs(
        self,
        query: Mapping[str, Any] | None = None,
        *,
        max_docs: int = 1000,
        sort: Any = None,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Find runs that were made with ``h.run(…)``.

        Parameters
        ----------
        query
            A MongoDB query such as ``{"name": "train", "metrics.loss": {"$lt": 0.1}}``, on the last value of each
            metric; everything without it.
        max_docs
            At most so many rows; 0 means all. A warning says if there are more.
        sort
            ``"path"``, ``"-path"`` or a list of ``(path, 1 or -1)``; newest first without it.
        columns
            Only these, dotted paths such as ``"params.rate"`` included.

        Returns
        -------
        pandas.DataFrame
            One row a run, indexed by ``run_id``; columns ``creation_time`` (UTC), ``name``, ``status`` (running,
            finished, failed or killed), ``username``, ``params``, ``metrics``, then the others sorted. An empty
            result has the same columns.

        Raises
        ------
        QueryError
            If the query, the sort or a column is malformed or not supported.
        IndexUnavailableError
            If the index cannot be reached.

        """
        found = search_runs(self.lake, query, max_docs=max_docs, sort=sort, columns=columns)
        if found.truncated:
            message = f"Showing {found.truncated} runs that match; max_docs=0 shows all."
            warnings.warn(message, TruncatedWarning, stacklevel=2)
        return to_frame(found, "run_id")

    def run_tree(self, run_id: str, *, artifacts: bool = True) -> RunTree:
        """Show a run, those around it and in it, and the artifacts that each made.

        Parameters
        ----------
        run_id
            Identifier of a run, or a beginning of it that fits only one.
        artifacts
            False: only runs.

        Raises
        ------
        DocumentNotFoundError
            If there is no such run.
        IndexUnavailableError
            If the index cannot be reached.

        """
        return run_tree(self.lake, run_id, artifacts=artifacts)

    def metrics(self, run_id: str) -> pd.DataFrame:
        """All that was measured in a run with ``run.log(…)``.

        Returns
        -------
        pandas.DataFrame
            One row a call, in the order of time: ``time`` (UTC), ``step``, and a column for each metric.

        Raises
        ------
        DocumentNotFoundError
            If there is no such run.
        StoreError, IndexUnavailableError
            If the store or the index cannot be read.

        """
        spool.flush_if_any(self.lake)
        return metrics_frame(run_records.history(self.lake, run_records.get(self.lake, run_id)["_id"]))
