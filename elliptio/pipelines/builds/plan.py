"""A plan: what a build would do, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from elliptio.pipelines.builds.steps import MAKE, SKIP, WIDTH, Step, Steps, notes

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.pipelines.builds.turn import Decided, Turn
    from elliptio.pipelines.crafts.craft import CraftFunction

NEEDED = "a step that runs needs what it passes on"


class Plan:
    """Tell what a run of a pipeline would do; nothing ran.

    Parameters
    ----------
    name
        Of the pipeline.
    rows
        Its steps.
    unfollowed
        What of the code could not be followed: a change of it would not be noticed.
    news
        What somebody did at the paths of entries.

    Examples
    --------
    >>> from elliptio.pipelines.builds.steps import Step, Steps
    >>> plan = Plan("daily", Steps([Step("clean", why="never made")]))
    >>> print(plan)
    daily: 1 to make, 0 to skip
    make  clean  never made

    """

    def __init__(self, name: str, rows: Steps, unfollowed: Sequence[str] = (), news: Sequence[str] = ()) -> None:
        self.name = name
        self.rows = rows
        self.unfollowed = list(unfollowed)
        self.news = list(news)

    @property
    def steps(self) -> pd.DataFrame:
        """Steps as a DataFrame: ``craft``, ``keys``, ``status`` (make, skip), ``why``."""
        return self.rows.frame(built=False)

    def text(self, width: int) -> str:
        """Write it as lines of at most so many columns."""
        head = f"{self.name}: {self.rows.count(MAKE)} to make, {self.rows.count(SKIP)} to skip"
        remarks = [*notes("not followed", self.unfollowed, width), *notes("note", self.news, width)]
        return "\n".join([head, self.rows.text(width), *remarks])

    def __str__(self) -> str:
        return self.text(WIDTH)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from elliptio.pipelines.builds.showing import page

        return page(str(self).splitlines()[0], self.rows, built=False, notes=[*self.unfollowed, *self.news])


def told(turn: Turn, crafts: Sequence[CraftFunction]) -> list[Step]:
    """Tell what would become of each step of some crafts; nothing runs."""
    steps: list[Step] = []
    for craft in crafts:
        for decided in turn.decide(craft):
            if decided.status == "defer":
                decided.row = len(steps)
                steps.append(turn.deferred(decided))
            elif decided.status == "skip":
                steps.append(turn.skipped(decided))
            else:
                if decided.pending is None:  # else it is not known yet
                    _tell_what_it_needs(decided, steps)
                steps.append(turn.planned(decided))
    return steps


def _tell_what_it_needs(decided: Decided, steps: list[Step]) -> None:
    """Tell of the steps whose values nobody needed before, that they are made as well."""
    stack = [decided]
    while stack:
        for need in stack.pop().needs.values():
            for passed in need.passed.values():
                one = passed.deferred
                if one is not None and steps[one.row].status == SKIP:
                    steps[one.row] = steps[one.row]._replace(status=MAKE, why=NEEDED, artifact_ids={})
                    stack.append(one)
