"""The steps of a plan or a build: a craft, for one combination of keys, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.catalog.keys import NONE, Keys

if TYPE_CHECKING:
    import pandas as pd

MAKE, SKIP = "make", "skip"
"""Status of a step in a plan."""

MADE, SKIPPED, FAILED, NOT_RUN = "made", "skipped", "failed", "not run"
"""Status of a step in a build."""


@dataclass(frozen=True, slots=True)
class Step:
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
    artifact_ids: Mapping[str, str] = field(default_factory=dict)


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

    def text(self) -> str:
        """Write them as lines, those of one craft with the same fate together."""
        groups: dict[tuple[str, str, str], list[Step]] = {}
        for step in self._steps:
            groups.setdefault((step.status, step.craft, step.why), []).append(step)
        if not groups:
            return "nothing to do"
        widths = [max(len(group[place]) for group in groups) for place in (0, 1)]
        return "\n".join(
            f"{status:<{widths[0]}}  {craft:<{widths[1]}}  {_which(steps)}{why}".rstrip()
            for (status, craft, why), steps in groups.items()
        )


def _which(steps: Sequence[Step]) -> str:
    if steps[0].keys == NONE:
        return ""
    shown = "; ".join(str(step.keys) for step in steps[:2])
    more = f" … {len(steps)} in all" if len(steps) > 2 else ""
    return f"({shown}{more})  "
