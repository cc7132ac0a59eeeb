"""The picture of a lineage: boxes and lines as plain numbers, which a template draws in SVG."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from elliptio.lineage.drawing.layout import layout
from elliptio.lineage.drawing.nodes import DeadEnd, Link, Node, cut, details, title
from elliptio.lineage.drawing.overview import MOST_BOXES, Fold, Overview, looks, overview
from elliptio.ui import wording
from elliptio.ui.asked import Asked, segment
from elliptio.ui.pages.run_rows import took
from elliptio.ui.view import View

WIDTHS = (122, 168)
"""Limits of the width of a box: letters stay as large as they are, and what does not fit is scrolled."""

HEIGHT, ROW, MARGIN = 40, 70, 20
WINDOW = 1230
"""Width that a picture should keep to."""


class _Grid:
    """Places of columns: boxes are as wide as a window has room for."""

    def __init__(self, columns: int) -> None:
        step = max(min((WINDOW - MARGIN) // max(columns, 1), WIDTHS[1] + 44), WIDTHS[0] + 26)
        self.width = min(WIDTHS[1], max(WIDTHS[0], step - 36))
        self.gap = step - self.width
        self.letters = int((self.width - 20) / 7.6)

    def left(self, column: int) -> int:
        """Tell where the boxes of a column begin."""
        return MARGIN + column * (self.width + self.gap)


MOST_OPENED = 12
"""Folds that are open at once: each key takes room in the URL."""

MOST_FOLDED = 50
"""Ways in which folds of a lineage were opened that are remembered."""


def picture_of(view: View, asked: Asked, nodes: Sequence[Node], links: Sequence[Link], here: str) -> dict[str, Any]:
    """Draw a lineage, folded to what a screen holds."""
    to = asked.get("to")
    opened = asked.all("open")[:MOST_OPENED]
    folded = _folded(view, nodes, links, here, to)
    shown = overview(nodes, links, here, most=MOST_BOXES, opened=opened, to=to or None, known=folded)
    known = {node.artifact_id: node for node in nodes}

    def say(box: str, letters: int) -> dict[str, Any]:
        fold = shown.folds.get(box)
        return (
            _box(view, asked, known[box], here, letters) if fold is None else _fold(asked, known, fold, opened, letters)
        )

    return placed(shown, say) | {"to": _title(known.get(to)) if to else "", "forget": asked.link(to=None)}


def _folded(
    view: View, nodes: Sequence[Node], links: Sequence[Link], here: str, to: str
) -> dict[tuple[str, ...], Overview]:
    """Recall what this very lineage was folded to lately, by what was opened in it."""
    seen = [here, to, *(f"{one.artifact_id} {looks(one)} {(one.run or {}).get('_id')}" for one in nodes)]
    name = hashlib.blake2s("\n".join([*seen, *map(" ".join, links)]).encode(errors="replace")).hexdigest()
    found = view.folded.get(name)
    if found is None or len(found) > MOST_FOLDED:
        view.keep(view.folded, name, found := {})
    return cast("dict[tuple[str, ...], Overview]", found)


def placed(shown: Overview, say: Callable[[str, int], dict[str, Any]]) -> dict[str, Any]:
    """Place boxes and lines; `say` tells what stands in a box, of so many letters a line."""
    # A way may lead along an edge that a longer way implies: that one is drawn.
    drawn = [*shown.edges, *sorted(shown.way_edges.difference(shown.edges))]
    found = layout(shown.boxes, drawn)
    grid = _Grid(1 + max(column for column, _ in found.places.values()))
    keys = {box: f"b{number}" for number, box in enumerate(shown.boxes)}
    boxes = [
        say(box, grid.letters)
        | {"x": grid.left(column), "y": round(_middle(row) - HEIGHT / 2, 1), **_around(shown, box, keys)}
        for box, (column, row) in found.places.items()
    ]
    paths = [
        {"d": _path(route, grid), "kind": ("way" if edge in shown.way_edges else "off") if shown.way else ""}
        for edge, route in found.routes.items()
    ]
    points = [point for route in found.routes.values() for point in route] + list(found.places.values())
    return {
        "boxes": sorted(boxes, key=lambda box: (box["x"], box["y"])),
        "paths": sorted(paths, key=lambda path: path["kind"] == "way"),
        "width": grid.left(max(column for column, _ in points)) + grid.width + MARGIN,
        "height": round(_middle(max(row for _, row in points)) + HEIGHT / 2 + MARGIN),
        "box_width": grid.width,
        "box_height": HEIGHT,
        "left_out": shown.left_out,
        "hidden": len(set(shown.hidden).difference(shown.way_edges)),
        "way": len(shown.way),
    }


def _around(shown: Overview, box: str, keys: Mapping[str, str]) -> dict[str, str]:
    """Name a box and those beside it, for who walks by keys, and tell whether it is on the way."""
    return {
        "way": ("way" if box in shown.way else "off") if shown.way else "",
        "key": keys[box],
        "before": " ".join(keys[one] for one, other in shown.edges if other == box),
        "after": " ".join(keys[other] for one, other in shown.edges if one == box),
    }


def _title(node: Node | None) -> str:
    return wording.plain(title(node, 60)) if node is not None else "an artifact that is not in this lineage"


def _box(view: View, asked: Asked, node: Node, here: str, letters: int) -> dict[str, Any]:
    run = node.run or {}
    now = view.clock()
    if isinstance(node, DeadEnd):
        error = run.get("error")
        why = str(error.get("type") or "") if isinstance(error, Mapping) else ""
        says = " · ".join(filter(None, [str(run.get("status") or ""), why]))
        return {
            "id": node.artifact_id, "kind": "lost", "round": HEIGHT / 2, "first": cut(str(run.get("name")), letters),
            "second": cut(says, round(letters * 1.2)), "caption": "", "cap": "", "to": None,
            "link": f"{asked.up}runs/{segment(node.artifact_id)}",
            "centre": None, "full": wording.plain(f"run {run.get('name')}, {says}"),
        }  # fmt: skip
    document = node.document
    tags = document.get("tags") or ()
    facts = [str(document.get("username") or ""), wording.when(document.get("creation_time"), now), *map(str, tags[:1])]
    facts += ["linked"] if document.get("link") else []
    facts = [node.state] if node.state != "here" else facts
    return {
        "id": node.artifact_id,
        "kind": " ".join(
            filter(None, ["asked" if node.artifact_id == here else "", node.state if node.state != "here" else ""])
        ),
        "round": 7,
        "first": cut(title(node, letters), letters),
        "second": cut(" · ".join(filter(None, facts)), round(letters * 1.2)),
        "caption": cut(" · ".join(filter(None, [str(run.get("name") or ""), _how(run)])), round(letters * 1.2))
        if run
        else "",
        "cap": {"running": "live", "failed": "lost", "killed": "lost"}.get(str(run.get("status")), ""),
        "link": f"{asked.up}artifacts/{segment(node.artifact_id)}",
        "to": None if node.artifact_id == here else asked.link(to=node.artifact_id),
        "centre": None if node.artifact_id == here else f"{asked.up}lineage/{segment(node.artifact_id)}",
        "full": wording.plain(", ".join(details(node))),
    }


def _how(run: Mapping[str, Any]) -> str:
    status = str(run.get("status") or "")
    return took(run) if status == "finished" else status


def _fold(asked: Asked, known: Mapping[str, Node], fold: Fold, opened: Sequence[str], letters: int) -> dict[str, Any]:
    """Say what a fold stands for; it opens in place by a link."""
    count = f"{len(fold):,} more" if fold.kind == "rest" else f"{len(fold):,} more like it"
    first = known.get(fold.members[0])
    names = wording.plain(title(first, round(letters * 1.2))) if first is not None else ""
    return {
        "id": "", "kind": "fold", "round": HEIGHT / 2, "first": count, "cap": "",
        "second": cut(f"{names}, …", round(letters * 1.2)),
        "caption": f"{fold.runs:,} runs" if fold.runs > 1 else "",
        "link": asked.link(open=",".join([*opened, fold.key])), "to": None, "centre": None,
        "full": wording.plain(f"{count}, such as {names}: open"),
    }  # fmt: skip


def _path(route: Sequence[tuple[int, float]], grid: _Grid) -> str:
    (column, row), *rest = route
    x, y = grid.left(column) + grid.width, _middle(row)
    path = [f"M{x} {y:.1f}"]
    for number, (column, row) in enumerate(rest, 1):
        left, middle = grid.left(column), _middle(row)
        path.append(f"C{x + grid.gap / 2:.0f} {y:.1f} {left - grid.gap / 2:.0f} {middle:.1f} {left} {middle:.1f}")
        x, y = left + grid.width, middle
        if number < len(rest):
            path.append(f"H{x}")
    return f"{''.join(path)}m-5 -3l5 3l-5 3"


def _middle(row: float) -> float:
    return MARGIN + 8 + row * ROW - (ROW - HEIGHT) / 2
