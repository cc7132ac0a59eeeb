"""``/pipelines``: what was built, what each step did, and why; by what builds recorded, never by a project's code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from elliptio.lake import records
from elliptio.pipelines.builds.recorded import BUILD, graph, steps
from elliptio.pipelines.graphs.graph import Graph, GraphCraft
from elliptio.protocols import Document
from elliptio.provenance.redaction import redact_values
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, NotThereError
from elliptio.ui.pages.beginnings import not_yet
from elliptio.ui.pages.belonging import entry_link
from elliptio.ui.pages.graphing import Box, graph_of
from elliptio.ui.pages.run_rows import lasting, took
from elliptio.ui.systems import SOME
from elliptio.ui.view import View

MOST_BUILDS, MOST_LISTED = 100, 1000
"""Builds on a page of a pipeline, and runs that are looked at to list the pipelines."""

MOST_STEPS, MOST_PARAMETERS, MOST_INPUTS = 200, 100, 20
STATUSES = ("made", "skipped", "failed", "not run")
SAYS = {"skipped": "kept", "not run": "not run"}
"""Words for states of which a build has others: what was skipped is kept as it is."""

LOOKS = {"made": "run", "skipped": "", "failed": "lost", "killed": "lost", "running": "asked", "not run": "gone"}
COLOURS = {"made": "ok", "skipped": "mid", "failed": "err", "killed": "err", "running": "warn", "not run": "dim"}
_RUN = ["name", "status", "username", "creation_time", "end_time", "params", "error"]


def show(view: View, asked: Asked) -> Answer:
    """List the pipelines of which the lake has builds, the one that was built last first."""
    found = view.h.runs.search({"labels.pipeline": SOME}, max_docs=MOST_LISTED, columns=[*_RUN, "labels"])
    if not found.ids:
        return not_yet(view, asked, "pipelines")
    counts: dict[str, int] = {}
    newest: dict[str, dict[str, Any]] = {}
    for row in found.rows():
        name = str(row["labels"].get("pipeline"))
        counts[name] = counts.get(name, 0) + 1
        newest.setdefault(name, row)
    kept = _records(view, {"about.run_id": {"$in": [row["run_id"] for row in newest.values()]}}, len(newest))
    return view.page(
        "pipelines.html",
        asked,
        rows=[
            {"name": name, "builds": counts[name], "project": _project(kept.get(row["run_id"])),
             **_build(view, row, kept.get(row["run_id"]))}
            for name, row in islice(newest.items(), MOST_BUILDS)
        ],
        left_out=max(len(newest) - MOST_BUILDS, 0),
        more=found.truncated,
    )  # fmt: skip


def pipeline(view: View, asked: Asked) -> Answer:
    """Show a pipeline: a build of it, its parameters, and its builds over time.

    Raises
    ------
    NotThereError
        If there is no build of it.

    """
    name, wanted = asked.parts["name"], asked.get("build")
    query = {"labels.pipeline": name}
    found = view.h.runs.search(query, max_docs=MOST_BUILDS, columns=_RUN)
    rows = [] if view.exported else found.rows()
    if wanted and wanted not in [row["run_id"] for row in rows]:
        rows += view.h.runs.search({**query, "run_id": wanted}, max_docs=1, columns=_RUN).rows()
    chosen = next((row for row in rows if row["run_id"] == wanted), None) if wanted else next(iter(rows), None)
    if chosen is None:
        what = f"build {wanted[:60]!r} of the pipeline" if wanted else "build of a pipeline"
        raise NotThereError(f"There is no {what} {name[:80]!r} in this lake.")
    kept = _records(view, {"about.run_id": {"$in": [row["run_id"] for row in rows]}}, len(rows))
    record = kept.get(chosen["run_id"])
    drawn = None if record is None else graph(view.h.lake, record)
    lines = _steps(view, chosen, record)
    links = _links(view, lines)
    return view.page(
        "pipeline.html",
        asked,
        name=wording.plain(name, 200),
        project=_project(record),
        build=_build(view, chosen, record),
        is_newest=chosen is rows[0] and not view.exported,
        snapshot=None if record is None else record["content"]["snapshot"],
        picture=None if drawn is None else graph_of(asked, *boxes_of(asked, drawn, lines, record)),
        steps=[_step(number, line, links) for number, line in enumerate(lines[:MOST_STEPS])],
        steps_left_out=max(len(lines) - MOST_STEPS, 0) + (0 if record is None else record["content"]["left_out"]),
        recorded=record is not None,
        news=[] if record is None else [wording.plain(one) for one in record["content"]["news"]],
        parameters=_parameters(view, chosen, record),
        builds=[
            {**_build(view, row, kept.get(row["run_id"])), "on": row is chosen, "link": asked.link(build=row["run_id"])}
            for row in rows[:MOST_BUILDS]
        ],
        total="" if view.exported else f"{found.total:,}" if found.exact else f"more than {found.total:,}",
        left_out=found.truncated and not view.exported,
    )


# --- builds ---


def _records(view: View, query: Mapping[str, Any], most: int) -> dict[str, Document]:
    return {one["about"]["run_id"]: one for one in records.find(view.h.lake, BUILD, query, limit=max(most, 1))}


def _project(record: Document | None) -> str:
    return "" if record is None else wording.plain(record["about"]["project"], 80)


def _build(view: View, run: Mapping[str, Any], record: Document | None) -> dict[str, Any]:
    counts = {} if record is None else record["content"]["counts"]
    status = str(run.get("status"))
    if counts.get("failed"):
        status = "failed"
    return {
        "id": run["run_id"],
        "who": wording.person(run.get("username")),
        "when": wording.when(run.get("creation_time"), view.clock()),
        "exact": wording.exact(run.get("creation_time")),
        "took": took(run),
        "status": status,
        "colour": {"failed": "err", "killed": "err", "running": "warn"}.get(status, "ok"),
        "counts": [(SAYS.get(one, one), counts.get(one), COLOURS[one]) for one in STATUSES] if counts else [],
        "bar": _bar(counts),
    }


def _bar(counts: Mapping[str, int], width: int = 120) -> list[dict[str, Any]]:
    """Draw counts side by side, none of them too narrow to be seen."""
    every = sum(counts.values())
    wide = {status: max(counts[status] / every * width, 3) for status in STATUSES if counts.get(status)}
    scale = width / sum(wide.values()) if wide else 1.0
    found, x = [], 0.0
    for status, one in wide.items():
        found.append({"x": round(x, 1), "width": round(one * scale, 1), "class": COLOURS[status]})
        x += one * scale
    return found


# --- steps ---


def _steps(view: View, run: Mapping[str, Any], record: Document | None) -> list[dict[str, Any]]:
    """List what became of the steps; of a build that recorded nothing of them, those that have a run of their own."""
    if record is not None:
        return steps(record)
    query = {"parent": run["run_id"]}
    found = view.h.runs.search(query, max_docs=MOST_STEPS, columns=_RUN, sort="creation_time").rows()
    return [
        {"craft": str(row["name"]), "status": {"finished": "made"}.get(str(row["status"]), str(row["status"])),
         "why": str((row.get("error") or {}).get("message") or ""), "count": 1, "took": took(row)}
        for row in found
    ]  # fmt: skip


def _step(number: int, line: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    keys, count = line.get("keys") or [], line["count"]
    made = [(wording.plain(name, 80), identifier) for name, identifier in (line.get("artifact_ids") or {}).items()]
    seconds = line.get("seconds")
    return {
        "id": f"s{number}",
        "craft": wording.plain(line["craft"], 120),
        "which": "" if not keys else wording.plain(keys[0] if count == 1 else f"{keys[0]} … {keys[-1]}", 120),
        "count": count,
        "status": SAYS.get(line["status"], line["status"]),
        "colour": COLOURS.get(line["status"], "mid"),
        "why": wording.plain(line["why"], 500),
        "took": line.get("took") or ("" if seconds is None else lasting(seconds)),
        "made": [(name, identifier, links.get(identifier)) for name, identifier in made[:5]],
        "more": max(len(made) - 5, 0),
    }


def _links(view: View, lines: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Name the files of what the steps made, as far as it is there."""
    ids = [one for line in lines[:MOST_STEPS] for one in (line.get("artifact_ids") or {}).values()][: 5 * MOST_STEPS]
    if not ids:
        return {}
    query = {"_id": {"$in": ids}}
    found = view.h.search(query, max_docs=0, columns=["file_relpaths", "file_count"], counted=False)
    return {row["artifact_id"]: wording.files_of(row, 1) for row in found.rows()}


# --- the picture ---


def boxes_of(
    asked: Asked, drawn: Graph, lines: Sequence[Mapping[str, Any]], record: Document | None, *, built: bool = True
) -> tuple[list[Box], list[tuple[str, str]]]:
    """Make boxes and edges of a graph: steps, with what became of them where it was `built`, and entries."""
    boxes: dict[str, Box] = {}
    edges: dict[tuple[str, str], None] = {}
    fates: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for number, line in enumerate(lines):
        fates.setdefault(line["craft"], []).append((number, line))
    made = set(drawn.outputs)
    project = "" if record is None else record["about"]["project"]

    def link(name: str) -> str:
        return asked.up + entry_link(name, project)

    for craft in drawn.crafts:
        own = {name for name, _ in craft.outputs}
        for _, name, volatile in craft.inputs:
            before = name in own
            key = f"{'before' if before else 'volatile' if volatile else 'entry'} {name}"
            remark = "the version before" if before else "passed on" if volatile else "" if name in made else "input"
            boxes.setdefault(key, _thing(key, name, remark, link="" if volatile else link(name)))
            edges[key, f"craft {craft.name}"] = None
        key = f"craft {craft.name}"
        boxes[key] = _craft(craft.name, craft.per, fates.get(craft.name, [])) if built else _plain(craft)
        for name, volatile in craft.outputs:
            key = f"{'volatile' if volatile else 'entry'} {name}"
            boxes.setdefault(
                key, _thing(key, name, "passed on" if volatile else "", link="" if volatile else link(name))
            )
            edges[f"craft {craft.name}", key] = None
    return list(boxes.values()), list(edges)


def _thing(key: str, name: str, remark: str, *, link: str) -> Box:
    return Box(key, name, remark, "data" if link else "unknown", link=link, says=f"{name}, {remark or 'entry'}")


def _plain(craft: GraphCraft) -> Box:
    second = f"once per {', '.join(craft.per)}" if craft.per else craft.function.rpartition(".")[0]
    return Box(f"craft {craft.name}", craft.name, second, "run", step=True, says=f"step {craft.name}, {craft.function}")


def _craft(name: str, per: Sequence[str], fates: Sequence[tuple[int, Mapping[str, Any]]]) -> Box:
    """Say of a craft what became of its steps: the worst of it, and how many of each."""
    if not fates:
        return Box(f"craft {name}", name, "not asked for", "gone", step=True, says=f"step {name}, not asked for")
    order = ("failed", "killed", "not run", "running", "made", "skipped")
    number, worst = min(fates, key=lambda one: order.index(one[1]["status"]) if one[1]["status"] in order else 9)
    counts: dict[str, int] = {}
    for _, line in fates:
        counts[line["status"]] = counts.get(line["status"], 0) + line["count"]
    status = SAYS.get(worst["status"], worst["status"])
    said = " · ".join(f"{count:,} {SAYS.get(one, one)}" for one, count in counts.items())
    alone = sum(counts.values()) == 1
    seconds = worst.get("seconds")
    second = " · ".join([status, *([lasting(seconds)] if seconds is not None else [])]) if alone else said
    why = wording.plain(worst["why"], 300)
    says = f"step {name}{f', once per {chr(44).join(per)}' if per else ''}: {second}{f', {why}' if why else ''}"
    caption = why if worst["status"] != "skipped" else ""
    look = LOOKS.get(worst["status"], "")
    return Box(f"craft {name}", name, second, look or "fold", caption, True, f"#s{min(number, MOST_STEPS - 1)}", says)


# --- parameters ---


def _parameters(view: View, run: Mapping[str, Any], record: Document | None) -> list[tuple[str, str, str, bool]]:
    """List the parameters of each step and whether they were given; secrets are masked as those of runs are."""
    given = run.get("params") or {}
    found: dict[str, Mapping[str, Any]] = {}
    if record is not None and record["content"]["snapshot"]:
        query = {"about.fingerprint": record["content"]["snapshot"], "about.project": record["about"]["project"]}
        for one in records.find(view.h.lake, "snapshot", query, limit=1):
            found = one["content"]["parameters"]
    rows = [
        (
            wording.plain(craft, 120),
            wording.plain(name, 120),
            wording.plain(value, 200),
            name in given or craft in given,
        )
        for craft, values in found.items()
        for name, value in redact_values(values).items()
    ]
    rows = rows or [("", wording.plain(name, 120), wording.plain(value, 200), True) for name, value in given.items()]
    return rows[:MOST_PARAMETERS]
