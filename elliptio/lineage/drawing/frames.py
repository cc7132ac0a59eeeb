"""Draw boxes that stand in columns, with lines between them: what pictures of pipelines and of flows share."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from elliptio.lineage.drawing.layout import Layout
from elliptio.lineage.drawing.nodes import cut
from elliptio.lineage.drawing.svg import HEIGHT, MARGIN, ROW, WIDTH, edge, left_of, middle_of

# Attributes, not styles: those are taken away where a picture is not trusted.
_NAME = 'font-family="ui-monospace,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" font-size="11" fill="#1f2933"'
_REMARK = 'font-family="system-ui,sans-serif" font-size="10.5" fill="#52606d"'
_NOTE = 'font-family="system-ui,sans-serif" font-size="10.5" fill="#718096"'


def framed(css: str, text: str, placed: Layout[Any], drawn: Callable[[Any], tuple[str, str]], note: str = "") -> str:
    """Draw a picture: lines, then boxes at their places, then a note below.

    Parameters
    ----------
    css, text
        Class of the picture, and what it says to those who do not see it.
    placed
        Where boxes stand, and how lines go.
    drawn
        Gives the kind of a box, and its parts.
    note
        What is left out, if anything is.

    """
    points = [point for route in placed.routes.values() for point in route] + list(placed.places.values())
    width = left_of(max((column for column, _ in points), default=0)) + WIDTH + MARGIN
    height = round(middle_of(max((row for _, row in points), default=0.5)) + HEIGHT / 2 + MARGIN)
    height += (ROW // 2) if note else 0
    parts = [
        f'<svg class="{css}" xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(text)}</title>",
        '<g fill="none" stroke="#718096" stroke-width="1.4">',
        *[edge(route) for route in placed.routes.values()],
        "</g>",
    ]
    for box, (column, row) in placed.places.items():
        kind, inside = drawn(box)
        where = f"translate({left_of(column)} {middle_of(row) - HEIGHT / 2:.1f})"
        parts.append(f'<g class="{kind}" transform="{where}">{inside}</g>')
    if note:
        parts.append(f'<text {_NOTE} x="{MARGIN}" y="{height - MARGIN}">{note}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def captioned(title: str, look: str, name: str, remark: str, letters: tuple[int, int], extra: str = "") -> str:
    """Draw the parts of a box: its shape, its name, and a remark below that; each cut to so many letters."""
    rect = f'<rect width="{WIDTH}" height="{HEIGHT}" {look}/>'
    middle = f'x="{WIDTH // 2}" text-anchor="middle"'
    first = f'<text {_NAME} {middle} y="{16 if remark else HEIGHT // 2 + 4}">{escape(cut(name, letters[0]))}</text>'
    second = f'<text {_REMARK} {middle} y="30">{escape(cut(remark, letters[1]))}</text>' if remark else ""
    return f"<title>{escape(title)}</title>{rect}{extra}{first}{second}"
