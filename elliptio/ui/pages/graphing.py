"""Pictures of graphs that are no lineage: steps and what they take and make, drawn by the same rooms as a lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elliptio.lineage.drawing.nodes import Node, cut
from elliptio.lineage.drawing.overview import MOST_BOXES, Fold, Overview, overview
from elliptio.ui import wording
from elliptio.ui.asked import Asked
from elliptio.ui.pages import drawing


@dataclass(frozen=True)
class Box:
    """A box of a graph.

    Attributes
    ----------
    key
        By which edges name it.
    look
        Class of its colours: ``run``, ``lost``, ``gone``, ``fold``, ``unknown``, or nothing.
    first, second, caption
        Lines of text in it, and above it.
    step
        Whether it does something: it has round ends.
    link
        Where it leads to.
    says
        What who cannot see it reads.

    """

    key: str
    first: str
    second: str = ""
    look: str = ""
    caption: str = ""
    step: bool = False
    link: str = ""
    says: str = ""


def graph_of(asked: Asked, boxes: Sequence[Box], edges: Sequence[tuple[str, str]]) -> dict[str, Any] | None:
    """Draw boxes and edges (from, to), folded to what a screen holds; None where there are none."""
    if not boxes:
        return None
    opened = asked.all("open")[: drawing.MOST_OPENED]
    known = {box.key: box for box in boxes}
    shown = _shown(boxes, edges, opened)

    def say(box: str, letters: int) -> dict[str, Any]:
        fold = shown.folds.get(box)
        return _box(known[box], letters) if fold is None else _fold(asked, known, fold, opened, letters)

    return drawing.placed(shown, say)


def _shown(boxes: Sequence[Box], edges: Sequence[tuple[str, str]], opened: Sequence[str]) -> Overview:
    """Show all where there is room for it: who wrote the steps knows each by its name."""
    if len(boxes) <= MOST_BOXES:
        return Overview([box.key for box in boxes], list(dict.fromkeys(edges)), [], {})
    # What is alike looks alike: kind and state stand where a lineage has the ending of a file.
    nodes = [
        Node(box.key, 0, "here", {"file_relpaths": [f"x.{'step' if box.step else 'thing'} {box.look}"]})
        for box in boxes
    ]
    return overview(nodes, [(other, one) for one, other in edges], boxes[-1].key, most=MOST_BOXES, opened=opened)


def _box(box: Box, letters: int) -> dict[str, Any]:
    more = round(letters * 1.2)
    cap = {"lost": "lost", "gone": "lost"}.get(box.look, "")
    return {
        "id": "", "kind": box.look, "round": drawing.HEIGHT / 2 if box.step else 7, "first": cut(box.first, letters),
        "second": cut(box.second, more), "caption": cut(box.caption, more), "cap": cap, "link": box.link,
        "full": wording.plain(box.says or box.first, 500),
    }  # fmt: skip


def _fold(asked: Asked, known: Mapping[str, Box], fold: Fold, opened: Sequence[str], letters: int) -> dict[str, Any]:
    count = f"{len(fold):,} more" if fold.kind == "rest" else f"{len(fold):,} more like it"
    name = known[fold.members[0]].first
    return {
        "id": "", "kind": "fold", "round": drawing.HEIGHT / 2, "first": count, "caption": "", "cap": "",
        "second": cut(f"{name}, …", round(letters * 1.2)), "link": asked.link(open=",".join([*opened, fold.key])),
        "full": wording.plain(f"{count}, such as {name}: open"),
    }  # fmt: skip
