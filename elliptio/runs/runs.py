"""Find the runs of a lake and show them: what ``h.runs`` is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Unpack

from elliptio.artifacts.display import printable
from elliptio.artifacts.showing import ShownAsText
from elliptio.errors import ElliptioError
from elliptio.finding.frame import metrics_frame, to_frame
from elliptio.finding.options import MOST_SHOWN, Options, RunOptions
from elliptio.finding.search import Found
from elliptio.lake import run_output, run_records, spool
from elliptio.lake.lake import Lake
from elliptio.runs.search import search_runs
from elliptio.runs.tree import RunTree, run_tree

if TYPE_CHECKING:
    import pandas as pd


MOST_NAMED = 20
SHOWN = ("creation_time", "name", "status")


@dataclass(frozen=True)
class Runs(ShownAsText):
    """The runs of a lake that were made with ``h.run(…)``.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.run("train", {"rate": 0.1}) as run:
    ...     run.log(loss=0.3)
    >>> h.runs({"metrics.loss": {"$lt": 0.5}}).params.iloc[0]
    {'rate': 0.1}
    >>> h.runs.metrics(run.run_id).loss.iloc[0]
    np.float64(0.3)

    """

    lake: Lake = field(repr=False)

    def __str__(self) -> str:
        try:
            found = self.search(max_docs=MOST_NAMED, columns=SHOWN)
        except ElliptioError as error:  # showing must never fail
            return f"Runs: {error}"
        lines = [
            f"{row['run_id']}  {row['creation_time']:%Y-%m-%d %H:%M}  {row['name']}  {row['status']}"
            for row in found.rows()
        ]
        lines += [f"… {found.truncated}"] if found.truncated else []
        return "\n".join(map(printable, lines)) or "There are no runs."

    def __call__(self, query: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]) -> pd.DataFrame:
        """Find runs, as `find` does."""
        return self._frame(Options(query, **options))

    def find(
        self,
        query: Mapping[str, Any] | None = None,
        *,
        max_docs: int | None = MOST_SHOWN,
        sort: Any = None,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Find runs with a MongoDB query.

        Parameters
        ----------
        query
            Such as ``{"name": "train", "metrics.loss": {"$lt": 0.1}}``, on the last value of each metric; everything
            without it.
        max_docs
            At most so many rows; 0 and None mean all. Where none is given, a warning says if there are more.
        sort
            ``"path"``, ``"-path"`` or a list of ``(path, 1 or -1)``; newest first without it.
        columns
            Only these, dotted paths such as ``"params.rate"`` included, ``"params.*"`` for all of them, and
            ``duration``; ``"all"``: plumbing such as ``lake_id`` too.

        Returns
        -------
        pandas.DataFrame
            One row a run, indexed by ``run_id``; columns ``creation_time`` (UTC), ``name``, ``status`` (running,
            finished, failed, killed, or recorded by hand), ``username``, ``params``, ``metrics``, then the others
            sorted. An empty result has the same columns.

        Raises
        ------
        QueryError
            If the query, the sort or a column is malformed or not supported.
        IndexUnavailableError
            If the index cannot be reached.

        """
        return self._frame(Options(query, max_docs, sort, columns))

    def search(self, query: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]) -> Found:
        """Find runs without pandas: ``.rows()`` of the result are plain dicts; options and errors as of `find`."""
        return search_runs(self.lake, Options(query, **options))

    def tree(self, run_id: str, *, artifacts: bool = True) -> RunTree:
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
        """List all that was measured in a run with ``run.log(…)``.

        Returns
        -------
        pandas.DataFrame
            One row a call, in their order: ``time`` (UTC), ``step``, and a column for each metric. What several
            processes measured is in the order in which it was written.

        Raises
        ------
        DocumentNotFoundError
            If there is no such run.
        StoreError, IndexUnavailableError
            If the store or the index cannot be read.

        """
        spool.flush_if_any(self.lake)
        return metrics_frame(run_records.history(self.lake, run_records.get(self.lake, run_id)["_id"]))

    def logs(self, run_id: str) -> dict[str, str]:
        """Read the logs of a run by name, secrets masked.

        Parameters
        ----------
        run_id
            Identifier of a run, or a beginning of it that fits only one.

        Returns
        -------
        dict
            ``"git.diff"``: what of the code was not committed when it began, if anything. ``"output.log"``: what it
            printed and logged, if it was begun with ``log_output=True``. On a local lake that is there while it goes
            on, and after it was killed, to who could read its files; on S3 only once its block has ended.

        Raises
        ------
        DocumentNotFoundError
            If there is no such run.
        FormatError
            If one is damaged.
        StoreError, IndexUnavailableError
            If the store or the index cannot be read.

        """
        return run_output.read_logs(self.lake, run_records.get(self.lake, run_id)["_id"])

    def _frame(self, options: Options) -> pd.DataFrame:
        found = search_runs(self.lake, options)
        found.warn_if_truncated("runs")
        return to_frame(found)
