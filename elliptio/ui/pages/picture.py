"""Lineages as pictures: places of boxes and lines as plain numbers, which a template draws in SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from elliptio.lineage.drawing.nodes import cut
from elliptio.ui.asked import segment

MOST_NEAR = 3
_ALL, _HEIGHT, _GAP, _ROW = 326, 32, 16, 42


def mini(
    up: str,
    parents: Sequence[Mapping[str, Any]],
    total_parents: int,
    run: list[tuple[str, str, str]],
    used: Mapping[str, Any],
) -> dict[str, Any]:
    """Draw what an artifact was made from, the run that made it, and what was made of it: the nearest of each."""
    left = [(one["files"], f"{up}artifacts/{segment(one['id'])}", "") for one in parents[:MOST_NEAR]]
    right = [(one["files"], f"{up}artifacts/{segment(one['id'])}", "") for one in used["rows"][:MOST_NEAR]]
    if total_parents > len(left):
        left[MOST_NEAR - 1 :] = [(f"{total_parents - MOST_NEAR + 1:,} more", "", "fold")]
    if used["more"] or len(used["rows"]) > len(right):
        right[MOST_NEAR - 1 :] = [("more", "", "fold")]
    columns = [column for column in (left, run, [("this", "", "asked")], right) if column]
    rows = max(map(len, columns))
    wide = min((_ALL - 4 + _GAP) / len(columns) - _GAP, 112)
    height = rows * _ROW + 8
    boxes: list[dict[str, Any]] = []
    places: list[list[tuple[float, float]]] = []
    for number, column in enumerate(columns):
        x = 2 + number * (wide + _GAP)
        top = (height - len(column) * _ROW) / 2
        places.append([(x, top + place * _ROW + _ROW / 2) for place in range(len(column))])
        boxes += [
            {"x": round(x, 1), "y": round(y - _HEIGHT / 2, 1), "full": name, "link": link,
             "name": cut(name, int((wide - 14) / 7.4)),
             "kind": kind, "width": round(wide, 1), "height": _HEIGHT, "round": 16 if kind in ("run", "fold") else 6}
            for (name, link, kind), (_, y) in zip(column, places[-1], strict=True)
        ]  # fmt: skip
    half = _GAP / 2
    paths = [
        f"M{x + wide:.1f} {y:.1f}C{x + wide + half:.1f} {y:.1f} {u - half:.1f} {v:.1f} {u:.1f} {v:.1f}"
        for here, there in pairwise(places)
        for x, y in here
        for u, v in there
    ]
    width = round(len(columns) * (wide + _GAP) - _GAP + 4)
    return {"boxes": boxes, "paths": paths, "width": width, "height": round(height)}
