"""Draw values of runs side by side: a line for each run, through an axis for each name. Values in, values out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from elliptio.ui import wording
from elliptio.ui.pages.charts import Axis, ticks
from elliptio.ui.pages.narrowing import Narrowing, text_of
from elliptio.ui.pages.run_rows import number

AXES = 7
WIDE, HIGH, LOW = 820, 34, 176
LEAST_APART = 12
"""So far apart values at an axis are written, of letters of 11 pixels."""

Ladder: TypeAlias = tuple[Mapping[Any, float] | Axis, list[tuple[float, str]]]
Placed: TypeAlias = Sequence[tuple[float, str, Ladder]]


def parallel(
    runs: Sequence[Mapping[str, Any]],
    mine: Mapping[str, Any],
    best: Mapping[str, Any] | None,
    names: Sequence[str],
    narrowing: Narrowing | None = None,
) -> dict[str, Any] | None:
    """Draw runs as lines.

    Parameters
    ----------
    runs, mine, best
        Values by name, of all runs, of the one that is shown, and of the best one.
    names
        Axes, from left to right; those with one value are left out.
    narrowing
        Which runs are kept; the others are faint.

    """
    axes = []
    for name in names:
        found = [one[name] for one in runs if one.get(name) is not None]
        if len({repr(value) for value in found}) > 1:
            axes.append((name, found))
    axes = axes[: AXES - 1] + axes[-1:] if len(axes) > AXES else axes
    if len(axes) < 2:
        return None
    asked = narrowing or Narrowing()
    gap = (WIDE - 110) / (len(axes) - 1)
    placed = [(55 + gap * place, name, ladder(found)) for place, (name, found) in enumerate(axes)]
    others = [one for one in runs if one is not mine and one is not best]
    return {
        "axes": [_axis(x, name, rungs, asked) for x, name, rungs in placed],
        "others": "".join(_across(one, placed) for one in others if asked.keeps(one)),
        "faint": "".join(_across(one, placed) for one in others if not asked.keeps(one)),
        "best": _across(best, placed) if best is not None and best is not mine else "",
        "mine": _across(mine, placed),
        "count": len(runs),
        "kept": sum(map(asked.keeps, runs)) if asked else None,
        "mine_is_out": not asked.keeps(mine),
        "best_is_out": best is not None and not asked.keeps(best),
        "top": HIGH,
        "height": LOW - HIGH,
    }


def _axis(x: float, name: str, ladder: Ladder, asked: Narrowing) -> dict[str, Any]:
    """Say where an axis is, what stands at it, and which part of it is kept."""
    scale, marks = ladder
    found = {"x": round(x, 1), "key": name, "name": wording.plain(name, 16), "full": wording.plain(name, 60),
             "marks": marks, "low": "", "high": "", "log": False, "least": "", "most": "", "rungs": []}  # fmt: skip
    if not isinstance(scale, Axis):
        kept = asked.texts.get(name, frozenset())
        return found | {
            "rungs": [(str(text), round(place, 1), text in kept) for text, place in scale.items()],
            "bands": [(round(place - 6, 1), 12) for text, place in scale.items() if text in kept],
        }
    least, most = asked.least.get(name), asked.most.get(name)
    top = scale.place(scale.high if most is None else min(most, scale.high))
    bottom = scale.place(scale.low if least is None else max(least, scale.low))
    narrowed = least is not None or most is not None
    return found | {
        "low": f"{scale.low:.6g}", "high": f"{scale.high:.6g}", "log": scale.is_log,
        "least": "" if least is None else f"{least:.6g}", "most": "" if most is None else f"{most:.6g}",
        "bands": [(round(top - 2, 1), round(max(bottom - top, 0) + 4, 1))] if narrowed else [],
    }  # fmt: skip


def ladder(found: Sequence[Any]) -> Ladder:
    """Make an axis of values: of numbers a scale, of others a rung for each."""
    numbers = [float(one) for one in found if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) == len(found) and all(map(math.isfinite, numbers)):
        low, high = min(numbers), max(numbers)
        is_log = low > 0 and high / low >= 50
        axis = Axis(low, high, LOW, HIGH, is_log=is_log)
        each = sorted(set(numbers))
        marks = each if len(each) <= 6 else ticks(low, high, 4, is_log=is_log) or [low, high]
        written = _apart([(round(axis.place(one), 1), one) for one in marks])
        return axis, [(place, number(one if one != round(one) else int(one))) for place, one in written]
    texts = sorted({text_of(one) for one in found})
    places = {text: LOW - (LOW - HIGH) * (place + 0.5) / len(texts) for place, text in enumerate(texts)}
    shown = list(places.items())[:: max(1, len(texts) // 8)]
    return places, [(round(place, 1), wording.plain(text, 14)) for text, place in shown]


def _apart(marks: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Leave out marks that would be written over one another; the least and the greatest value stay."""
    kept = list(marks[:1])
    for mark in marks[1:-1]:
        if min(abs(mark[0] - kept[-1][0]), abs(mark[0] - marks[-1][0])) >= LEAST_APART:
            kept.append(mark)
    return [*kept, *marks[1:][-1:]]


def _across(values: Mapping[str, Any], placed: Placed) -> str:
    """Write the line of a run through all axes on which it has a value."""
    dots = []
    for x, name, (axis, _) in placed:
        value = values.get(name)
        if isinstance(axis, Axis):
            top = axis.place(float(value)) if isinstance(value, int | float) and math.isfinite(value) else None
        else:
            top = axis.get(text_of(value)) if value is not None else None
        if top is not None:
            dots.append((round(x), round(top)))
    if len(dots) < 2:
        return ""
    (x, y), *rest = dots
    text, before, first = f"M{x} {y}", x, True
    for right, top in rest:
        half = (right - before) // 2
        text += (f"C{x + half} {y} " if first else "S") + f"{right - half} {top} {right} {top}"
        before, first = right, False
    return text
