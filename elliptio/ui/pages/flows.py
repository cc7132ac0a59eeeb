"""``/flows``: flows that were recorded, their steps, and their streams with counts, rates and bytes.

A flow is a run, each step a run below it, each stream that ended an artifact: so a picture is made of what these say of
each other. What goes on in Redis and is not recorded is not seen here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from elliptio.artifacts.artifact import Artifact
from elliptio.errors import ElliptioError
from elliptio.flows.sealing.planning import steps_of
from elliptio.naming import STREAM
from elliptio.protocols import Document
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, NotThereError, as_dict, segment
from elliptio.ui.pages.beginnings import not_yet
from elliptio.ui.pages.graphing import Box, graph_of
from elliptio.ui.pages.run_rows import took
from elliptio.ui.systems import SOME
from elliptio.ui.view import View

MOST_RUNS, MOST_FLOWS, MOST_COUNTED = 2000, 100, 1000
MOST_STREAMS, MOST_STEPS = 200, 200
MOST_MANIFESTS, LONGEST_MANIFEST = 60, 1 << 20
"""Streams of which the file that counts their values is read, and bytes of one."""

Plan: TypeAlias = Mapping[str, tuple[Sequence[str], Sequence[str]]]
"""Streams that each step reads and writes, by its name."""

COLOURS = {"finished": "ok", "failed": "err", "killed": "err", "running": "warn"}
LOOKS = {"finished": "run", "failed": "lost", "killed": "lost", "running": "asked"}


def show(view: View, asked: Asked) -> Answer:
    """List the flows that were recorded, the newest first."""
    runs = list(view.h.lake.find_runs({"labels.flow_id": SOME}, sort=[("creation_time", -1)], limit=MOST_RUNS))
    if not runs:
        return not_yet(view, asked, "flows")
    flows: dict[str, list[Document]] = {}
    for run in runs:
        flows.setdefault(str(run["labels"]["flow_id"]), []).append(run)
    return view.page(
        "flows.html",
        asked,
        rows=[_flow(view, asked, identifier, some) for identifier, some in list(flows.items())[:MOST_FLOWS]],
        left_out=max(len(flows) - MOST_FLOWS, 0),
        is_cut=len(runs) == MOST_RUNS,
    )


def flow(view: View, asked: Asked) -> Answer:
    """Show a flow: its steps and its streams.

    Raises
    ------
    NotThereError
        If none of this identifier was recorded.

    """
    identifier = asked.parts["id"]
    runs = list(
        view.h.lake.find_runs({"labels.flow_id": identifier}, sort=[("creation_time", 1)], limit=MOST_STEPS + 1)
    )
    if not runs:
        raise NotThereError(f"No flow {identifier[:80]!r} was recorded in this lake.")
    query = {"labels.flow_id": identifier, "labels.stream": SOME}
    sealed = list(view.h.lake.find(query, sort=[("creation_time", 1)], limit=MOST_STREAMS + 1))
    steps = [run for run in runs if run is not _whole(runs)]
    streams = [_stream(view, document, runs, number < MOST_MANIFESTS) for number, document in enumerate(sealed)]
    given = _given(view, sealed)
    plan = steps_of(view.h.lake, identifier)
    return view.page(
        "flow.html",
        asked,
        id=wording.plain(identifier, 80),
        flow=_flow(view, asked, identifier, runs[::-1]),
        params=[(wording.plain(name, 80), wording.plain(value, 160))
                for name, value in as_dict(_whole(runs).get("params")).items()][:50],
        picture=graph_of(asked, *_boxes(asked, steps, sealed, streams, given, plan)),
        steps=[_step(run, sealed, given, plan) for run in steps[:MOST_STEPS]],
        streams=streams[:MOST_STREAMS],
        left_out=max(len(steps) - MOST_STEPS, 0) + max(len(streams) - MOST_STREAMS, 0),
        missing=any(run.get("status") != "finished" for run in runs),
        planned=bool(plan),
        notes=[wording.plain(note.get("text"), 300) for note in _whole(runs).get("notes") or ()][:10],
    )  # fmt: skip


def _whole(runs: Sequence[Document]) -> Document:
    """Tell which run is that of the flow: the others are below it."""
    ids = {run["_id"] for run in runs}
    return next((run for run in runs if run.get("parent") not in ids), runs[0])


def _flow(view: View, asked: Asked, identifier: str, runs: Sequence[Document]) -> dict[str, Any]:
    whole = _whole(runs)
    count = view.h.lake.count({"labels.flow_id": identifier, "labels.stream": SOME}, limit=MOST_COUNTED)
    return {
        "id": wording.plain(identifier, 80),
        "link": f"{asked.up}flows/{segment(identifier)}",
        "name": wording.plain(as_dict(whole.get("labels")).get("flow") or whole.get("name"), 120),
        "run": whole["_id"],
        "status": str(whole.get("status")),
        "colour": COLOURS.get(str(whole.get("status")), "mid"),
        "steps": len(runs) - 1,
        "streams": f"{count:,}{'+' if count == MOST_COUNTED else ''}",
        "who": wording.person(whole.get("username")),
        "when": wording.when(whole.get("creation_time"), view.clock()),
        "exact": wording.exact(whole.get("creation_time")),
        "took": took(whole),
    }


# --- streams ---


def _stream(view: View, document: Document, runs: Sequence[Document], reads: bool) -> dict[str, Any]:
    """Say of a stream what its artifact says, and how many values it had at what rate."""
    run = next((run for run in runs if run["_id"] == document.get("run_id")), None)
    manifest = _manifest(view, document) if reads else {}
    count = manifest.get("count")
    seconds = _seconds(run)
    is_input = run is None or run is _whole(runs)
    return {
        "id": document["_id"],
        "name": wording.plain(as_dict(document.get("labels")).get("stream"), 120),
        "step": "" if is_input else wording.plain((run or {}).get("name"), 120),
        "status": wording.plain(manifest.get("status") or "", 20),
        "colour": {"done": "ok", "failed": "err", "cancelled": "err"}.get(str(manifest.get("status")), "mid"),
        "count": f"{count:,}" if isinstance(count, int) else "",
        "rate": f"{count / seconds:,.0f} a second" if isinstance(count, int) and seconds and not is_input else "",
        "size": wording.size(document.get("total_size")),
        "files": f"{max(int(document.get('file_count') or 1) - 1, 0):,}",
        "when": wording.when(document.get("creation_time"), view.clock()),
        "exact": wording.exact(document.get("creation_time")),
    }


def _seconds(run: Document | None) -> float:
    """Tell how long a step took, which is as long as it wrote; an artifact has the time at which its stream began."""
    begin, end = ((run or {}).get(name) for name in ("creation_time", "end_time"))
    return (end - begin).total_seconds() if isinstance(begin, datetime) and isinstance(end, datetime) else 0.0


def _manifest(view: View, document: Document) -> dict[str, Any]:
    """Read what counts the values of a stream, verified; nothing where it cannot be read."""
    name = next((str(one) for one in document.get("file_relpaths") or () if str(one).endswith(STREAM)), None)
    if name is None:
        return {}
    try:
        artifact: Artifact = view.h.show(document["_id"])
        file = artifact.files[name]
        if (file.size or 0) > LONGEST_MANIFEST or not view.checks.look(artifact.artifact_id, file).ok:
            return {}
        with file.open("rb") as source:
            return as_dict(json.loads(source.read()))
    except (ElliptioError, ValueError, KeyError):
        return {}


# --- the picture ---


def _given(view: View, sealed: Sequence[Document]) -> dict[str, str]:
    """Name the artifacts from elsewhere that streams were made from."""
    own = {document["_id"] for document in sealed}
    wanted = list(dict.fromkeys(one for document in sealed for one in document.get("based_on") or () if one not in own))
    query = {"_id": {"$in": wanted[:MOST_STREAMS]}}
    found = view.h.search(query, max_docs=0, columns=["file_relpaths", "file_count"], counted=False).rows()
    return {row["artifact_id"]: wording.files_of(row, 1) for row in found}


def _reads(run: Document, sealed: Sequence[Document]) -> list[str]:
    """List what a step read, as far as it is known: what its streams are based on."""
    own = [document for document in sealed if document.get("run_id") == run["_id"]]
    return list(dict.fromkeys(one for document in own for one in document.get("based_on") or ()))


def _boxes(
    asked: Asked,
    steps: Sequence[Document],
    sealed: Sequence[Document],
    streams: Sequence[Mapping[str, Any]],
    given: Mapping[str, str],
    plan: Plan,
) -> tuple[list[Box], list[tuple[str, str]]]:
    """Make boxes of streams and steps; without a plan it is known only what sealed streams were made from."""
    boxes = {one["id"]: _stream_box(asked, one) for one in streams}
    boxes |= {
        identifier: Box(identifier, files, "from elsewhere", "data", link=f"{asked.up}artifacts/{segment(identifier)}",
                        says=f"{files}, from elsewhere")
        for identifier, files in given.items()
    }  # fmt: skip
    edges: list[tuple[str, str]] = []
    known = {str(as_dict(document.get("labels")).get("stream")): document["_id"] for document in sealed}
    for number, run in enumerate(steps):
        name, status = wording.plain(run.get("name"), 120), str(run.get("status"))
        second = " · ".join(filter(None, [status if status != "finished" else "", took(run)]))
        boxes[run["_id"]] = Box(
            run["_id"], name, second, LOOKS.get(status, "run"), step=True, link=f"#s{min(number, MOST_STEPS - 1)}",
            says=f"step {name}, {status} {took(run)}",
        )  # fmt: skip
        edges += [(one, run["_id"]) for one in _reads(run, sealed) if one in boxes]
        edges += [(run["_id"], document["_id"]) for document in sealed if document.get("run_id") == run["_id"]]
        reads, writes = plan.get(str(run.get("name")), ((), ()))
        for stream in (*reads, *writes):
            if stream not in known:
                known[stream] = f"stream {stream}"
                boxes[known[stream]] = _unsealed(stream)
        edges += [(known[one], run["_id"]) for one in reads] + [(run["_id"], known[one]) for one in writes]
    return list(boxes.values()), edges


def _unsealed(stream: str) -> Box:
    name = wording.plain(stream, 120)
    return Box(f"stream {stream}", name, "not sealed", "unknown", says=f"stream {name}, not sealed")


def _stream_box(asked: Asked, one: Mapping[str, Any]) -> Box:
    values = f"{one['count']} {'value' if one['count'] == '1' else 'values'}" if one["count"] else ""
    second = " · ".join(filter(None, [values, one["size"]]))
    look = "lost" if one["colour"] == "err" else "data"
    link = f"{asked.up}artifacts/{segment(one['id'])}"
    return Box(one["id"], one["name"], second, look, link=link, says=f"stream {one['name']}, {second}")


def _step(run: Document, sealed: Sequence[Document], given: Mapping[str, str], plan: Plan) -> dict[str, Any]:
    names = {one["_id"]: wording.plain(as_dict(one.get("labels")).get("stream"), 80) for one in sealed}
    reads = [names.get(one) or given.get(one) or "…" for one in _reads(run, sealed)]
    writes = [names[one["_id"]] for one in sealed if one.get("run_id") == run["_id"]]
    if str(run.get("name")) in plan:
        reads, writes = ([wording.plain(one, 80) for one in some] for some in plan[str(run["name"])])
    error = as_dict(run.get("error"))
    return {
        "name": wording.plain(run.get("name"), 120),
        "run": run["_id"],
        "status": str(run.get("status")),
        "colour": COLOURS.get(str(run.get("status")), "mid"),
        "why": wording.plain(error.get("message") or error.get("type") or "", 300),
        "took": took(run),
        "reads": ", ".join(reads[:10]),
        "writes": ", ".join(writes[:10]),
    }
