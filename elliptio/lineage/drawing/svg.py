"""A lineage as a picture: drawn left to right, in SVG, without any program to draw it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from elliptio.artifacts.display import text_html
from elliptio.lineage.drawing import runs
from elliptio.lineage.drawing.folding import Box, fold
from elliptio.lineage.drawing.layout import Layout, layout
from elliptio.lineage.drawing.nodes import Link, Node, details, subtitle, title
from elliptio.lineage.drawing.runs import Shown, Step, runs_of, with_steps

WIDTH, HEIGHT = 196, 38
"""Size of a box."""

GAP, ROW = 56, 50
MARGIN = 12
LETTERS, BELOW = 27, 32
"""Letters of the first line and of the second that fit into a box."""

LEAST_SHARE = 0.8
"""Of its size, to which it may be made smaller."""

_SHOWN = "elliptio-picture"
"""Class of what is seen only with the style that says so."""

# Boxes bring their own background. Their borders, the lines and notes differ from white and from almost black by 3 to 1
# at least, so that it can be read on light and dark pages alike.
_STYLE = (
    ".elliptio-lineage text{font:11px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2933}"
    ".elliptio-lineage text+text{font:10.5px system-ui,sans-serif;fill:#52606d}"
    ".elliptio-lineage rect{fill:#eef2f7;stroke:#718096}"
    ".elliptio-lineage path{fill:none;stroke:#718096;stroke-width:1.4}"
    ".elliptio-lineage .asked rect{fill:#ffe08a;stroke:#d97706;stroke-width:2.5}"
    ".elliptio-lineage .deleted rect{fill:#f7f8fa;stroke-dasharray:5 4}"
    ".elliptio-lineage .deleted text,.elliptio-lineage .deleted text+text{fill:#616e7c}"
    ".elliptio-lineage .unknown rect{fill:#dbe1e7;stroke:#718096}"
    ".elliptio-lineage .run rect{fill:#dcefe6;stroke:#4a9472}"
    ".elliptio-lineage .lost rect{fill:#f8dfdc;stroke:#c0564a}"
    ".elliptio-lineage .fold rect{fill:#dfe5ec;stroke:#718096}"
    ".elliptio-lineage .note{fill:#718096}"
)


def svg(nodes: Sequence[Node], links: Sequence[Link], asked: str, most: int) -> str:
    """Draw it, with at most so many boxes."""
    folded = fold(nodes, links, asked, most)
    known: dict[Box, Node] = {node.artifact_id: node for node in nodes}
    placed = layout(*with_steps(folded.boxes, folded.edges, known))
    made_by = runs_of(nodes)
    note = f"{folded.left_out:,} more farther away are not drawn" if folded.left_out else ""
    width, height = _size(placed, note)
    parts = [
        f'<svg class="elliptio-lineage" xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        # A notebook makes pictures as narrow as itself; letters stay large enough to be read, and the rest is scrolled.
        f'viewBox="0 0 {width} {height}" role="img" style="min-width:{round(width * LEAST_SHARE)}px">',
        f"<style>{_STYLE}</style>",
    ]
    parts += [edge(route) for route in placed.routes.values()]
    for box, (column, row) in placed.places.items():
        x, y = left_of(column), middle_of(row) - HEIGHT / 2
        if isinstance(box, Step):
            drawn = _run(made_by[box.run_id])
        else:
            drawn = _node(known[box], asked) if isinstance(box, str) else _fold(folded.folds[box])
        parts.append(f'<g transform="translate({x} {y:.1f})" {drawn}</g>')
    if note:
        parts.append(f'<text class="note" x="{MARGIN}" y="{height - MARGIN}">{escape(note)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def picture_html(picture: str, tree: str) -> str:
    """Show a picture in a notebook; where that takes styles away, as from what it does not trust, a tree."""
    style = f".{_SHOWN}{{display:block!important}}.{_SHOWN}+pre{{display:none}}"
    return (
        f'<div><style>{style}</style><div class="{_SHOWN}" style="display:none;overflow:auto;max-height:1200px">'
        f"{picture}</div>{text_html(tree)}</div>"
    )


def _size(placed: Layout[Box | Step], note: str) -> tuple[int, int]:
    points = [point for route in placed.routes.values() for point in route] + list(placed.places.values())
    width = left_of(max(column for column, _ in points)) + WIDTH + MARGIN
    height = middle_of(max(row for _, row in points)) + HEIGHT / 2 + MARGIN
    return max(width, 300 if note else 0), round(height) + (24 if note else 0)


def _node(node: Node, asked: str) -> str:
    """Draw a box; what does not fit into it is said when the mouse is on it."""
    kinds = f"{node.state}{' asked' if node.artifact_id == asked else ''}"
    hint = escape("\n".join(details(node)))
    return (
        f'class="{kinds}"><title>{hint}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text x="9" y="16">{escape(title(node, LETTERS))}</text>'
        f'<text x="9" y="30">{escape(subtitle(node, BELOW))}</text>'
    )


def _run(shown: Shown) -> str:
    """Draw a run, with round ends."""
    hint = escape("\n".join(runs.details(shown.run)))
    first, second = shown.lines(LETTERS - 3, BELOW - 3)
    kind = "lost" if shown.lost else "well"
    return (
        f'class="run {kind}"><title>{hint}</title><rect width="{WIDTH}" height="{HEIGHT}" rx="{HEIGHT // 2}"/>'
        f'<text x="{WIDTH // 2}" y="16" text-anchor="middle">{escape(first)}</text>'
        f'<text x="{WIDTH // 2}" y="30" text-anchor="middle">{escape(second)}</text>'
    )


def _fold(count: int) -> str:
    text = f'<text x="{WIDTH // 2}" y="{HEIGHT // 2 + 4}" text-anchor="middle">… {count:,} more …</text>'
    return f'class="fold"><rect width="{WIDTH}" height="{HEIGHT}" rx="{HEIGHT // 2}"/>{text}'


def edge(route: Sequence[tuple[int, float]]) -> str:
    """Draw a line from box to box, straight through the columns that it passes, with a tip."""
    (column, row), *rest = route
    x, y = left_of(column) + WIDTH, middle_of(row)
    path = [f"M{x} {y:.1f}"]
    for number, (column, row) in enumerate(rest, 1):
        left, middle = left_of(column), middle_of(row)
        path.append(f"C{x + GAP / 2:.0f} {y:.1f} {left - GAP / 2:.0f} {middle:.1f} {left} {middle:.1f}")
        x, y = left + WIDTH, middle
        if number < len(rest):
            path.append(f"H{x}")
    return f'<path d="{"".join(path)}m-6 -3.5l6 3.5l-6 3.5"/>'


def left_of(column: int) -> int:
    """Tell where the boxes of a column begin."""
    return MARGIN + column * (WIDTH + GAP)


def middle_of(row: float) -> float:
    """Tell where the middle of a row is."""
    return MARGIN + row * ROW - (ROW - HEIGHT) / 2
