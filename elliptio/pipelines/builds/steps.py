"""The steps of a plan or a build: a craft, for one combination of keys, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from elliptio.pipelines.catalog.keys import NONE, Keys

if TYPE_CHECKING:
    import pandas as pd

MAKE, SKIP = "make", "skip"
"""Status of a step in a plan."""

MADE, SKIPPED, FAILED, NOT_RUN = "made", "skipped", "failed", "not run"
"""Status of a step in a build."""

WIDTH = 80
"""Columns of a line, where nobody says how many there are."""

LEAST = 28
"""Columns that reasons need to stand beside the rest."""

MOST_NOTES = 5


class Step(NamedTuple):
    """A step, and what becomes of it.

    Attributes
    ----------
    craft, keys
        Which craft, for which partition.
    status, why
        What becomes of it, and the reason.
    seconds
        How long it took.
    artifact_ids
        What it made, or what is taken instead, by the name of the entry.

    """

    craft: str
    keys: Keys = NONE
    status: str = MAKE
    why: str = ""
    seconds: float | None = None
    artifact_ids: Mapping[str, str] = MappingProxyType({})


class Steps(Sequence[Step]):
    """Steps that show themselves as a DataFrame."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = list(steps)

    def __getitem__(self, index: Any) -> Any:
        return self._steps[index]

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    def count(self, status: Any) -> int:
        """Count the steps with a status."""
        return sum(step.status == status for step in self._steps)

    def frame(self, *, built: bool) -> pd.DataFrame:
        """Show them as a DataFrame: a row each; those of a build with what they took and made."""
        import pandas as pd

        columns: dict[str, list[Any]] = {
            "craft": [step.craft for step in self._steps],
            "keys": [dict(step.keys) for step in self._steps],
            "status": [step.status for step in self._steps],
            "why": [step.why for step in self._steps],
        }
        if built:
            columns["seconds"] = [step.seconds for step in self._steps]
            columns["artifact_ids"] = [dict(step.artifact_ids) for step in self._steps]
        return pd.DataFrame(columns)

    def rows(self) -> list[dict[str, Any]]:
        """Return them as plain values, for JSON."""
        return [
            {
                "craft": step.craft,
                "keys": dict(step.keys),
                "status": step.status,
                "why": step.why,
                "seconds": step.seconds,
                "artifact_ids": dict(step.artifact_ids),
            }
            for step in self._steps
        ]

    def text(self, width: int = WIDTH) -> str:
        """Write them as lines of at most so many columns, those of one craft with the same fate together."""
        groups: dict[tuple[str, str, str], list[Step]] = {}
        for step in self._steps:
            groups.setdefault((step.status, step.craft, step.why), []).append(step)
        if not groups:
            return "nothing to do"
        rows = [(status, craft, _which(steps), _seconds(steps), why) for (status, craft, why), steps in groups.items()]
        return "\n".join(table(rows, width))


def table(rows: Sequence[Sequence[str]], width: int = WIDTH) -> list[str]:
    """Lay out rows; the last cell of each is wrapped into what the others leave of the width, or stands below them."""
    sizes = [max(len(row[place]) for row in rows) for place in range(len(rows[0]) - 1)] if rows else []
    left = sum(size + 2 for size in sizes if size)
    below = width - left < LEAST
    lines = []
    for *cells, text in rows:
        head = "".join(f"{cell:<{size}}  " for cell, size in zip(cells, sizes, strict=True) if size)
        if below:
            lines.append(head.rstrip())
        indent = " " * (6 if below else left)
        wrapped = wrap(text, max(width - len(indent), 1), break_long_words=False, break_on_hyphens=False) or [""]
        lines += [f"{indent if below or number else head}{line}".rstrip() for number, line in enumerate(wrapped)]
    return lines


def notes(kind: str, texts: Sequence[str], width: int = WIDTH) -> list[str]:
    """Write remarks below a table, each wrapped, and only so many."""
    rows = [(f"{kind}:", text) for text in texts[:MOST_NOTES]]
    more = len(texts) - MOST_NOTES
    return [*table(rows, width), *([f"{kind}: … and {more:,} more"] if more > 0 else [])]


def _which(steps: Sequence[Step]) -> str:
    if steps[0].keys == NONE:
        return ""
    first, last = str(steps[0].keys), str(steps[-1].keys)
    return first if len(steps) == 1 else f"{first} … {last} ({len(steps):,})"


def _seconds(steps: Sequence[Step]) -> str:
    seconds = sum(step.seconds or 0.0 for step in steps)
    return f"{seconds:,.1f} s" if any(step.seconds is not None and step.status == MADE for step in steps) else ""
