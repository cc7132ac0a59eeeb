"""A build: one execution of a pipeline, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.builds.steps import FAILED, MADE, NOT_RUN, SKIPPED, WIDTH, Steps, notes
from elliptio.pipelines.errors import CraftError

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.pipelines.snapshots.snapshot import Snapshot


class Build:
    """One execution of a pipeline.

    Attributes
    ----------
    run_id
        Identifier of its run; each craft is a run below it.
    volatiles
        Values that were passed on, by name; of several partitions a dict by their keys.
    snapshot
        The graph and the exact artifacts of its inputs and outputs; None where it failed.
    error
        What the first craft that failed raised, if one did.

    """

    def __init__(
        self,
        name: str,
        run_id: str,
        rows: Steps,
        volatiles: Mapping[str, Any],
        snapshot: Snapshot | None,
        error: CraftError | None,
        *,
        unfollowed: Sequence[str] = (),
        news: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.run_id = run_id
        self.rows = rows
        self.volatiles = dict(volatiles)
        self.snapshot = snapshot
        self.error = error
        self.unfollowed = list(unfollowed)
        self.news = list(news)

    @property
    def ok(self) -> bool:
        """True where nothing failed."""
        return self.error is None

    @property
    def steps(self) -> pd.DataFrame:
        """Steps as a DataFrame.

        ``craft``, ``keys``, ``status`` (made, skipped, failed, not run), ``why``, ``seconds``, ``artifact_ids``.
        """
        return self.rows.frame(built=True)

    def text(self, width: int) -> str:
        """Write it as lines of at most so many columns."""
        counts = ", ".join(f"{count} {status}" for status in _STATUSES if (count := self.rows.count(status)))
        head = f"{self.name}: {counts or 'nothing to do'} ({self.run_id})"
        return "\n".join([head, self.rows.text(width), *notes("note", self.news, width)])

    def __str__(self) -> str:
        return self.text(WIDTH)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from elliptio.pipelines.builds.showing import page

        return page(str(self).splitlines()[0], self.rows, built=True, notes=self.news)


_STATUSES = (MADE, SKIPPED, FAILED, NOT_RUN)
