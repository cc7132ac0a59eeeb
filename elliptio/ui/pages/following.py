"""Parts of pages of runs that change while one looks: what was told last, and what is new."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from elliptio.errors import ElliptioError
from elliptio.lake import growing, run_output, run_points, run_records
from elliptio.protocols import Document
from elliptio.ui import wording
from elliptio.ui.pages import run, run_context, run_rows
from elliptio.ui.pages.artifact import short_row
from elliptio.ui.pages.run_context import Context
from elliptio.ui.view import View

UP = "../"
"""Way from the page of a run to the view's own place."""

EVERY_STATE = 5
"""So many times nothing is new before at least the time is told."""


@dataclass
class Followed:
    """A page as it was told last.

    Attributes
    ----------
    number
        Of the last event.
    context
        The run and those it is compared with.
    parts
        What each part of the page shows.
    mark
        Changes when there may be something new.

    """

    number: int = 0
    context: Context | None = None
    around: dict[str, Document] = field(default_factory=dict)
    made: list[Document] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    mark: Any = None
    quiet: int = 0


def update(followed: Followed, run_id: str, runs: Sequence[Document] | None, made: Sequence[Document]) -> None:
    """Take note of what the index says now."""
    for one in runs or ():
        if one["_id"] == run_id:
            known = followed.context or Context(one, [], False, "", None)
            followed.context = run_context.renewed(known, one)
    if followed.context is not None:
        root = followed.context.run.get("root")
        followed.around |= {one["_id"]: one for one in runs or () if one.get("root") == root}
    followed.made = [one for one in made if one.get("run_id") == run_id] or followed.made


def told_of_run(view: View, followed: Followed, run_id: str, x: str, y: str, *, fresh: bool) -> dict[str, Any]:
    """Tell what is new of a run; all that may change where a page is `fresh`."""
    kept = view.contexts.get(run_id)
    if followed.context is not None and kept is not None and not followed.context.siblings:
        followed.context = run_context.renewed(kept, followed.context.run)
    context = followed.context
    if context is None:
        return {}
    if context.run.get("status") != run_records.RUNNING and not view.curves.is_reading:
        return {"ended": True}
    mark = (_mark(view, context.run), [one["_id"] for one in followed.made], len(followed.around))
    followed.quiet += 1
    if mark == followed.mark and not fresh and followed.quiet < EVERY_STATE and not view.curves.is_reading:
        return {}
    followed.quiet, followed.mark = 0, mark
    parts = _parts(view, followed, context, x, y, fresh=fresh)
    told = parts if fresh else {name: text for name, text in parts.items() if followed.parts.get(name) != text}
    if "live-charts" in told:
        told = {name: text for name, text in told.items() if not name.startswith("live-mine-")}
    followed.parts = parts
    return {"parts": told} if told else {}


def _mark(view: View, document: Document) -> Any:
    """Look what changes when there is something new, without reading it."""
    lake, run_id = view.h.lake, document["_id"]
    printed = growing.path_of(lake, run_id, run_output.PART)
    try:
        size = os.stat(printed).st_size if printed is not None else 0
    except OSError:
        size = 0
    try:
        names = len(run_records.files(lake, run_id).get(run_id, ()))
    except ElliptioError:
        names = 0
    return run_points.state(lake, run_id), size, names, document.get("status")


def _parts(view: View, followed: Followed, context: Context, x: str, y: str, *, fresh: bool) -> dict[str, str]:
    """Write the parts of the page of a run, as its template does."""
    now, document = view.clock(), context.run
    macros: Any = view.templates.get_template("run_parts.html").module
    row = run_rows.row(document, run_rows.window([document], now), {}, now)
    drawn, read = run.drawn_of(view, context, x, y)
    waits = len(context.siblings) - read
    output = run.output_of(view, document)
    keys = tuple(f"{one['name']} {one['key']} {read}" for one in drawn)
    parts = {
        "live-state": str(macros.pill(row)),
        "live-read": f"; {waits} are still being read" if waits else "",
        "live-lines": str(macros.output(output)) if output else "",
        "live-tree": _tree(view, followed, context),
    }
    if fresh or keys != followed.keys or "live-charts" not in followed.parts:
        parts["live-charts"] = str(macros.charts(drawn))
    else:
        parts["live-charts"] = followed.parts["live-charts"]
    for number, one in enumerate(drawn, 1):
        parts[f"live-mine-{number}"] = str(macros.mine(one))
        parts[f"live-head-{number}"] = str(macros.chart_head(one))
    if followed.made:
        rows = [{**short_row({**one, "artifact_id": one["_id"]}, now), "size": wording.size(one.get("total_size"))}
                for one in followed.made[: run.NEAR]]  # fmt: skip
        parts["live-made"] = str(macros.made({"rows": rows}, UP))
    followed.keys = keys
    return parts


def _tree(view: View, followed: Followed, context: Context) -> str:
    known = {**view.trees.get(context.run["_id"], {}), **followed.around, context.run["_id"]: context.run}
    macros: Any = view.templates.get_template("run_parts.html").module
    return str(macros.tree(run.tree_among(list(known.values()), context.run, view.clock()), UP))


def told_of_all(view: View, followed: Followed, runs: Sequence[Document] | None, *, fresh: bool) -> dict[str, Any]:
    """Tell how the runs of a list go: their state, how long they took, and what they measured last."""
    if runs is None:
        return {}
    now = view.clock()
    macros: Any = view.templates.get_template("run_parts.html").module
    found: dict[str, str] = {}
    told: dict[str, dict[str, str]] = {}
    for one in runs:
        row = run_rows.row(one, run_rows.window([one], now), {}, now)
        cells = {
            "state": str(macros.state(row)),
            "metrics": str(macros.values(row["metrics"], row["more_metrics"])),
        }
        found[one["_id"]] = repr(cells)
        if fresh or followed.parts.get(one["_id"]) != found[one["_id"]]:
            told[one["_id"]] = {**cells, "lasting": row["lasting"]}
    followed.parts = found
    return {"runs": told} if told or fresh else {}
