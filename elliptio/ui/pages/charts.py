"""Draw what was measured: axes, lines and values that are pointed at. Values in, values out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elliptio.ui import wording
from elliptio.ui.curves import Curve, Curves, reduced
from elliptio.ui.pages.run_rows import lasting, number

LEFT, RIGHT, TOP, BOTTOM = 46, 396, 8, 148
"""Edges of the lines, in a picture of 400 by 170 dots."""

MOST = 12
"""Metrics that are drawn."""

BOLD_COLUMNS = 250
"""Columns of the line of the run itself."""

MOST_BEHIND = 14_000
"""Points of all lines of other runs on a page: more would be heavier than a page may be."""

POINTED = 60
"""Places of a chart that say their value when they are pointed at."""

STEP, TIME = "step", "time"
LINEAR, LOG = "linear", "log"


@dataclass(frozen=True)
class Axis:
    """Scale of an axis: from values to places of a picture.

    Attributes
    ----------
    low, high
        The least and the greatest value.
    begin, end
        Their places.
    is_log
        Whether equal factors are equally far apart.

    """

    low: float
    high: float
    begin: float
    end: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Return the place of a value."""
        low, high = self.low, self.high
        if self.is_log:
            if value <= 0:
                return self.begin
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        part = (value - low) / (high - low) if high > low else 0.5
        return self.begin + min(max(part, -0.05), 1.05) * (self.end - self.begin)

    @property
    def key(self) -> str:
        """Text that is another where the scale is another."""
        return f"{self.low:.6g}~{self.high:.6g}~{self.is_log:d}"


def ticks(low: float, high: float, most: int = 5, *, is_log: bool = False) -> list[float]:
    """Choose round values between two."""
    if is_log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        every = max(1, math.ceil((last - first) / most))
        factors = (1, 2, 5) if last - first <= 2 else (1,)
        found = [10.0**power * factor for power in range(first, last + 1, every) for factor in factors]
        found = [one for one in found if low * 0.999 <= one <= high * 1.001]
        return found if len(found) > 1 else [one for one in ticks(low, high, most) if one > 0]
    if not high > low:
        return [low]
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 0.0
    if not size or not math.isfinite(size):
        return [low, high]
    step = next((size * factor for factor in (1, 2, 2.5, 5) if size * factor >= rough), size * 10)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [place * step for place in range(int(first), int(last) + 1)][: most + 2]


def scale(values: Sequence[float], begin: float, end: float, *, is_log: bool = False) -> Axis:
    """Make the axis of values, with round ends where there is little to lose."""
    low, high = min(values), max(values)
    if is_log:
        return Axis(low, high if high > low else low * 10, begin, end, is_log=True)
    if high <= low:
        pad = abs(low) * 0.1 or 1.0
        return Axis(low - pad, high + pad, begin, end)
    marks = ticks(low, high)
    step = marks[1] - marks[0] if len(marks) > 1 else (high - low) / 4
    return Axis(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, begin, end)


def xs_of(curve: Curve, x: str) -> Sequence[float]:
    """Return where the points of a curve are."""
    return curve.seconds if x == TIME else curve.steps


def charts(
    mine: Curves, best: Curves | None, others: Sequence[Curves], *, x: str = STEP, y: str = LINEAR
) -> list[dict[str, Any]]:
    """Draw the metrics of a run among those of others.

    Parameters
    ----------
    mine, best, others
        Curves of the run, of the best of its kind, and of the others.
    x, y
        ``"step"`` or ``"time"``; ``"linear"`` or ``"log"``.

    """
    names = list(mine)[:MOST]
    lines = sum(name in one for name in names for one in others)
    columns = min(max(MOST_BEHIND // max(lines, 1) // 2, 6), 60)
    return [
        chart(name, mine[name], (best or {}).get(name), [one[name] for one in others if name in one], columns, x, y)
        for name in names
    ]


def chart(
    name: str, mine: Curve, best: Curve | None, others: Sequence[Curve], columns: int, x: str, y: str
) -> dict[str, Any]:
    """Draw one metric."""
    every = [mine, *([best] if best else []), *others]
    is_log = y == LOG and any(value > 0 for curve in every for value in curve.values)
    values = [value for curve in every for value in curve.values if value > 0 or not is_log]
    across = scale_across([place for curve in every for place in xs_of(curve, x)])
    up = scale(values or [0.0], BOTTOM, TOP, is_log=is_log)
    last = len(mine.values) - 1
    return {
        "name": wording.plain(name, 60),
        "at": says_x(xs_of(mine, x)[last], x) if last >= 0 else "",
        "last": number(mine.values[last]) if last >= 0 else "",
        "count": mine.count,
        "key": f"{across.key} {up.key}",
        "ys": [(round(up.place(one), 1), number(one)) for one in ticks(up.low, up.high, is_log=is_log)],
        "xs": _marks(across, x),
        "others": _together(others, columns, across, up, x),
        "best": path(best, BOLD_COLUMNS, across, up, x) if best else "",
        "mine": path(mine, BOLD_COLUMNS, across, up, x),
        "end": (round(across.place(xs_of(mine, x)[last]), 1), round(up.place(mine.values[last]), 1))
        if last >= 0
        else None,
        "pointed": pointed(mine, across, up, x),
    }


def scale_across(places: Sequence[float]) -> Axis:
    """Make the axis from left to right, which ends where the lines do."""
    low, high = min(places, default=0.0), max(places, default=1.0)
    return Axis(low, high if high > low else low + 1.0, LEFT, RIGHT)


def _marks(across: Axis, x: str) -> list[tuple[float, str]]:
    found = [one for one in ticks(across.low, across.high, 4) if across.low <= one <= across.high]
    if x == STEP:
        found = [one for one in found if one == round(one)]
    return [(round(across.place(one), 1), says_x(one, x, short=True)) for one in found]


def says_x(value: float, x: str, *, short: bool = False) -> str:
    """Say where something was measured."""
    if x == TIME:
        return lasting(value) if value else "0"
    return f"{value:,.0f}" if short else f"step {value:,.0f}"


def path(curve: Curve, columns: int, across: Axis, up: Axis, x: str) -> str:
    """Write a line; a single point is a short one."""
    xs, ys = xs_of(curve, x), curve.values
    dots = [(across.place(xs[place]), up.place(ys[place])) for place in reduced(xs, ys, columns)]
    if not dots:
        return ""
    if len(dots) == 1:
        return f"M{dots[0][0] - 1:.1f} {dots[0][1]:.1f}h2"
    return "M" + "L".join(f"{left:.1f} {top:.1f}" for left, top in dots)


def _together(curves: Sequence[Curve], columns: int, across: Axis, up: Axis, x: str) -> str:
    """Write the lines of many runs as one, in whole halves of a dot, each place told by how far it is from the last."""
    found = []
    for curve in curves:
        xs, ys = xs_of(curve, x), curve.values
        before: tuple[int, int] | None = None
        for place in reduced(xs, ys, columns):
            here = (round(across.place(xs[place]) * 2), round(up.place(ys[place]) * 2))
            if before is None:
                found.append(f"M{here[0]} {here[1]}l")
            else:
                down = here[1] - before[1]
                found.append(f"{here[0] - before[0]}{'' if down < 0 else ' '}{down} ")
            before = here
        if found:
            found[-1] = found[-1].rstrip("l ")
    return "".join(found)


def pointed(curve: Curve, across: Axis, up: Axis, x: str) -> list[dict[str, Any]]:
    """Choose places of a line, each of which says its value when it is pointed at."""
    xs, ys = xs_of(curve, x), curve.values
    every = max(1, math.ceil(len(ys) / POINTED))
    places = [*range(0, len(ys), every)]
    found: list[dict[str, Any]] = []
    middles = [across.place(xs[place]) for place in places]
    for number_, place in enumerate(places):
        left = (middles[number_ - 1] + middles[number_]) / 2 if number_ else middles[number_] - 4
        right = (middles[number_] + middles[number_ + 1]) / 2 if number_ + 1 < len(places) else middles[number_] + 4
        if right > left:
            found.append(
                {"x": round(left, 1), "width": round(right - left, 1), "at": round(middles[number_], 1),
                 "y": round(up.place(ys[place]), 1), "says": f"{says_x(xs[place], x)}: {number(ys[place])}"}
            )  # fmt: skip
    return found
