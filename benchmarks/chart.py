"""One picture: how long each takes for each job, as a multiple of what elliptio takes, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

LEFT, WIDTH, ROW, TOP, BOTTOM = 320, 540, 26, 74, 34
COLORS = {
    "floor": "#9aa5b1",
    "MLflow": "#0e7c9c",
    "DVC": "#8a4fbf",
    "LaminDB": "#c2571a",
    "W&B offline": "#b8860b",
}
OURS, INK, FAINT, PAPER = "#12833d", "#1f2933", "#e4e7eb", "#ffffff"


def chart(jobs: Iterable[dict[str, Any]]) -> str:
    """Draw the jobs that a peer or a floor does as well, as SVG."""
    rows = [(job["title"], points) for job in jobs if len(points := multiples(job)) > 0]
    values = [value for _, points in rows for _, value in points]
    low, high = math.floor(math.log10(min([0.5, *values]))), math.ceil(math.log10(max([10, *values])))
    height = TOP + ROW * len(rows) + BOTTOM

    def x(value: float) -> float:
        return LEFT + WIDTH * (math.log10(value) - low) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 30} {height}" font-size="13" '
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif">',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        *legend(),
    ]
    bottom = TOP + ROW * len(rows)
    for power in range(low, high + 1):
        parts.append(line(x(10**power), TOP - 6, bottom, FAINT, 1))
        parts.append(text(x(10**power), bottom + 20, times(10**power), "middle", INK))
    parts.append(f'<rect x="{x(1):.1f}" y="{TOP - 6}" width="{LEFT + WIDTH - x(1):.1f}" height="{bottom - TOP + 6}" '
                 f'fill="{OURS}" opacity="0.06"/>')  # fmt: skip
    for number, (title, points) in enumerate(rows):
        parts += row(title, points, TOP + ROW * number + ROW / 2, x)
    parts.append(line(x(1), TOP - 6, bottom, OURS, 3))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def multiples(job: dict[str, Any]) -> list[tuple[str, float]]:
    """(who, times what elliptio takes); of the floors only the one that elliptio's aim is about."""
    seconds = {side["name"]: side["seconds"] for side in job["sides"] if "seconds" in side}
    mine = seconds.get("elliptio")
    if not mine:
        return []
    floors = {side["name"] for side in job["sides"] if side["kind"] == "floor"}
    ratios = [bar["ratio"] for bar in job["bars"] if floors.issuperset(bar.get("against", [""]))]
    found = [("floor", 1 / ratios[0])] if ratios else []
    return found + [(name, value / mine) for name, value in seconds.items() if name in COLORS]


def row(title: str, points: list[tuple[str, float]], y: float, x) -> list[str]:
    ends = [x(value) for _, value in points] + [x(1)]
    parts = [text(LEFT - 14, y + 4.5, title, "end", INK), line_across(min(ends), max(ends), y)]
    for name, value in points:
        tip = f"<title>{escape(name)}: {times(value)} what elliptio takes</title>"
        if name == "floor":
            parts.append(
                f'<rect x="{x(value) - 2:.1f}" y="{y - 7:.1f}" width="4" height="14" fill="{COLORS[name]}">{tip}</rect>'
            )
        else:
            parts.append(f'<circle cx="{x(value):.1f}" cy="{y:.1f}" r="5.5" fill="{COLORS[name]}">{tip}</circle>')
    return parts


def legend() -> list[str]:
    parts = [
        text(
            14,
            22,
            "Time for the same job, as a multiple of elliptio's (green line). Right of it: slower.",
            "start",
            INK,
            15,
        )
    ]
    at = LEFT
    for name, color in [("elliptio", OURS), *COLORS.items()]:
        mark = (
            f'<circle cx="{at}" cy="44" r="5.5" fill="{color}"/>'
            if name not in ("floor", "elliptio")
            else f'<rect x="{at - 2}" y="37" width="4" height="14" fill="{color}"/>'
        )
        parts += [mark, text(at + 11, 48.5, name, "start", INK)]
        at += 34 + 7.2 * len(name)
    return parts


def times(value: float) -> str:
    return f"{value:,.0f}×" if value >= 10 else f"{value:.2g}×"


def text(x: float, y: float, words: str, anchor: str, color: str, size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" font-size="{size}">{escape(words)}</text>'
    )


def line(x: float, top: float, bottom: float, color: str, width: float) -> str:
    return f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{color}" stroke-width="{width}"/>'


def line_across(left: float, right: float, y: float) -> str:
    return f'<line x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}" stroke="#cbd2d9" stroke-width="2"/>'
