"""``/lineage/{id}``: where it came from, where it went, and what breaks if it is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, cast

from elliptio.lineage.consequences import consequences
from elliptio.lineage.drawing.nodes import DeadEnd, Link, Node
from elliptio.lineage.lineage import Lineage
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, WrongError, segment
from elliptio.ui.pages import drawing
from elliptio.ui.view import View

DIRECTIONS = ("up", "both", "down")
FORMS = ("picture", "tree", "table")
DEPTHS = ("1", "2", "4")
MOST_NODES = 1000
"""Artifacts of each direction that are read: the nearest."""

MOST_GENERATIONS = 500
"""So many are followed where all are asked for: each takes a question to the index."""

MOST_ROWS = 200
MOST_NAMED = 5
MOST_RUNS = 200
"""Runs that go on and are looked at."""


def show(view: View, asked: Asked) -> Answer:
    """Show the lineage of an artifact."""
    direction, form = _chosen(asked, "dir", DIRECTIONS, "both"), _chosen(asked, "as", FORMS, "picture")
    depth = asked.get("depth")
    if depth and not (depth.isascii() and depth.isdigit() and 0 < int(depth) < 1000):
        raise WrongError(f"depth is a number of generations, from 1, not {depth[:20]!r}.")
    lineage = view.h.lineage(
        asked.parts["id"],
        direction=cast("Literal['both', 'up', 'down']", direction),
        depth=int(depth) if depth else MOST_GENERATIONS,
    )
    near, far = nearest(lineage)
    nodes, links = near.drawn()
    here = next(node for node in nodes if node.artifact_id == lineage.artifact_id)
    picture, listed = None, nodes
    if form == "picture":
        picture = drawing.picture_of(view, asked, nodes, links, lineage.artifact_id)
        picture["left_out"] += far
        drawn = {box["id"] for box in picture["boxes"]}
        listed = [node for node in nodes if node.artifact_id in drawn]
    rows = _rows(view, asked, listed, lineage.artifact_id) if form != "tree" else []
    return view.page(
        "lineage.html",
        asked,
        id=lineage.artifact_id,
        title=_title(here),
        project=str((here.document.get("labels") or {}).get("project") or ""),
        count=len(lineage),
        deepest=MOST_GENERATIONS if not depth and _is_deep(nodes) else 0,
        direction=direction,
        **_choices(asked, direction, depth, form),
        table=asked.link(**{"as": "table"}),
        form=form,
        picture=picture,
        tree=str(near) if form == "tree" else "",
        rows=rows,
        left_out=len(nodes) - len(rows) + far,
        to=asked.get("to"),
        wrong=if_wrong(view, lineage, nodes, links) if direction != "up" else None,
    )


def _choices(asked: Asked, direction: str, depth: str, form: str) -> dict[str, Any]:
    """Link the same lineage in other directions, to other depths and in other forms."""
    return {
        "directions": [
            (name, asked.link(dir=None if name == "both" else name, open=None), name == direction)
            for name in DIRECTIONS
        ],
        "depths": [(name or "all", asked.link(depth=name or None, open=None), name == depth) for name in (*DEPTHS, "")],
        "forms": [(name, asked.link(**{"as": None if name == "picture" else name}), name == form) for name in FORMS],
    }


def nearest(lineage: Lineage) -> tuple[Lineage, int]:
    """Keep what is nearest of a lineage that is too large to be read in a moment, and tell how many are left out."""
    above, below = lineage.ancestors[:MOST_NODES], lineage.descendants[:MOST_NODES]
    far = len(lineage.ancestors) + len(lineage.descendants) - len(above) - len(below)
    if not far:
        return lineage, 0
    kept = {lineage.artifact_id, *above, *below}
    links = [link for link in lineage.links if link[0] in kept and link[1] in kept]
    return dataclasses.replace(lineage, ancestors=above, descendants=below, links=links), far


def _is_deep(nodes: Sequence[Node]) -> bool:
    return max(abs(node.generation) for node in nodes) >= MOST_GENERATIONS


def _chosen(asked: Asked, name: str, known: Sequence[str], otherwise: str) -> str:
    value = asked.get(name, otherwise)
    if value not in known:
        raise WrongError(f"{name} is one of {', '.join(known)}, not {value[:40]!r}.")
    return value


def _title(node: Node) -> str:
    return wording.files_of(node.document) if node.document else node.artifact_id


def _rows(view: View, asked: Asked, nodes: Sequence[Node], here: str) -> list[dict[str, Any]]:
    """List the same as a table: the nearest first."""
    near = sorted(nodes, key=lambda node: (abs(node.generation), node.generation))[:MOST_ROWS]
    now = view.clock()
    shown = []
    for node in near:
        is_run = isinstance(node, DeadEnd)
        short, colour = wording.badge(wording.suffix_of_artifact(node.document))
        run = node.run or {}
        shown.append(
            {
                "id": node.artifact_id,
                "generation": node.generation,
                "is_run": is_run,
                "name": f"run {wording.plain(run.get('name'), 60)}" if is_run else _title(node),
                "badge": "RUN" if is_run else short,
                "colour": "" if is_run else colour,
                "who": wording.person(run.get("username") if is_run else node.document.get("username")),
                "when": wording.when(run.get("creation_time") if is_run else node.document.get("creation_time"), now),
                "run": wording.plain(run.get("name") or "", 60),
                "run_id": str(run.get("_id") or ""),
                "tags": [wording.plain(tag, 80) for tag in node.document.get("tags") or ()],
                "state": wording.plain(run.get("status") or "")
                if is_run
                else ""
                if node.state == "here"
                else node.state,
                "here": node.artifact_id == here,
                "to": None if is_run or node.artifact_id == here else asked.link(to=node.artifact_id),
                "centre": f"{asked.up}lineage/{segment(node.artifact_id)}",
            }
        )
    return shown


def if_wrong(view: View, lineage: Lineage, nodes: Sequence[Node], links: Sequence[Link]) -> dict[str, Any]:
    """Say what hangs on an artifact: how many artifacts, which tags, whose, and which runs read it now."""
    going = list(view.h.lake.find_runs({"status": "running"}, limit=MOST_RUNS))
    found = consequences(nodes, links, lineage.artifact_id, runs=going)
    names = {str(run["_id"]): wording.plain(run.get("name"), 40) for run in going}
    return {
        "artifacts": len(lineage.descendants),
        "tags": [wording.plain(tag, 40) for tag in found.tags[:MOST_NAMED]],
        "more_tags": len(found.tags),
        "people": [wording.plain(who, 40) for who in found.people[:MOST_NAMED]],
        "more_people": len(found.people),
        "runs": [(one, names.get(one, one)) for one in found.running[:MOST_NAMED]],
        "more_runs": len(found.running),
    }
