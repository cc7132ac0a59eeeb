"""``/snapshots``: definitions with their parameters and exact artifacts, and what differs between two of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from elliptio.lake import records
from elliptio.pipelines.snapshots.lake import SNAPSHOT, TAG, LakeBackend, LakeConnection
from elliptio.pipelines.snapshots.snapshot import Snapshot
from elliptio.protocols import Document
from elliptio.provenance.redaction import redact_values
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, NotThereError, WrongError, segment
from elliptio.ui.pages import paging
from elliptio.ui.pages.beginnings import not_yet
from elliptio.ui.pages.belonging import entry_link
from elliptio.ui.pages.graphing import graph_of
from elliptio.ui.pages.pipelines import boxes_of
from elliptio.ui.view import View

PAGE, MOST_MOVES = 100, 5000
MOST_OTHERS, MOST_ROWS = 20, 300
_FINGERPRINT = re.compile("[0-9a-f]{4,64}")


def show(view: View, asked: Asked) -> Answer:
    """List the snapshots, the newest first, some at a time."""
    query = paging.after({}, asked.get("after"), "creation_time", -1)
    order = [("creation_time", -1), ("_id", -1)]
    found = list(records.find(view.h.lake, SNAPSHOT, query, sort=order, limit=PAGE + 1))
    if not found and not asked.get("after"):
        return not_yet(view, asked, "snapshots")
    tags, shown = _tags(view), found[:PAGE]
    return view.page(
        "snapshots.html",
        asked,
        total=f"{records.count(view.h.lake, SNAPSHOT):,}",
        rows=[_row(view, asked, document, tags) for document in shown],
        older=asked.link(after=paging.key(shown[-1]["creation_time"], shown[-1]["_id"])) if len(found) > PAGE else None,
        newest=asked.link(after=None) if asked.get("after") else None,
    )


def snapshot(view: View, asked: Asked) -> Answer:
    """Show a snapshot, and what differs from another one.

    Raises
    ------
    NotThereError
        If there is none.

    """
    document = _document(view, asked.parts["id"])
    here = _snapshot(view, document)
    other = _document(view, asked.get("with")) if asked.get("with") else None
    tags = _tags(view)
    about = document["about"]
    query = {"about.project": about["project"], "about.graph": about["graph"]}
    others = records.find(view.h.lake, SNAPSHOT, query, limit=MOST_OTHERS + 1)
    every = here.rows() if other is None else []
    rows = every[:MOST_ROWS]
    files = _files(view, [row["artifact_id"] for row in rows])
    differences = here.differences(_snapshot(view, other)) if other is not None else []
    return view.page(
        "snapshot.html",
        asked,
        one=_row(view, asked, document, tags),
        other=None if other is None else _row(view, asked, other, tags),
        differences=[_difference(*one) for one in differences[:MOST_ROWS]],
        more_differences=max(len(differences) - MOST_ROWS, 0),
        others=[
            {**_row(view, asked, one, tags), "link": asked.link(**{"with": one["about"]["fingerprint"]})}
            for one in others
            if one["about"]["fingerprint"] != about["fingerprint"]
        ][:MOST_OTHERS],
        forget=asked.link(**{"with": None}),
        picture=graph_of(asked, *boxes_of(asked, here.graph, [], document, built=False)) if other is None else None,
        parameters=[
            (wording.plain(craft, 120), wording.plain(name, 120), wording.plain(value, 200))
            for craft, values in here.parameters.items()
            for name, value in redact_values(values).items()
        ][:MOST_ROWS],
        rows=[_artifact(row, files, about["project"]) for row in rows],
        more=max(len(every) - MOST_ROWS, 0),
    )


def _document(view: View, given: str) -> Document:
    """Find a snapshot by its fingerprint, or by a beginning of it that fits only one.

    Raises
    ------
    NotThereError
        If none fits.
    WrongError
        If several do.

    """
    if not _FINGERPRINT.fullmatch(given):
        raise NotThereError(f"There is no snapshot {given[:80]!r}: it is named by its fingerprint, 4 to 64 letters.")
    query = {"about.fingerprint": {"$gte": given, "$lt": f"{given}g"}}
    found = {one["about"]["fingerprint"]: one for one in records.find(view.h.lake, SNAPSHOT, query, limit=3)}
    if not found:
        raise NotThereError(f"There is no snapshot {given!r} in this lake.")
    if len(found) > 1:
        raise WrongError(f"Several snapshots begin with {given!r}: {', '.join(one[:16] for one in found)}. Say more.")
    return next(iter(found.values()))


def _snapshot(view: View, document: Document) -> Snapshot:
    return LakeConnection(LakeBackend(view.h, document["about"]["project"])).snapshot_of(document)


def _tags(view: View) -> dict[str, list[str]]:
    """List the tags that name each snapshot now."""
    newest: dict[tuple[str, str, str], Document] = {}
    for one in records.find(view.h.lake, TAG, {}, limit=MOST_MOVES):
        about = one["about"]
        key = about["project"], about["graph"], about["tag"]
        if key not in newest or newest[key]["about"]["number"] < about["number"]:
            newest[key] = one
    found: dict[str, list[str]] = {}
    for (_, _, tag), one in sorted(newest.items()):
        found.setdefault(str(one["content"]["fingerprint"]), []).append(wording.plain(tag, 80))
    return found


def _row(view: View, asked: Asked, document: Document, tags: Mapping[str, list[str]]) -> dict[str, Any]:
    about, content = document["about"], document["content"]
    inputs = sum(len(some) for some in content["inputs"].values())
    return {
        "id": about["fingerprint"],
        "short": about["fingerprint"][:12],
        "pipeline": wording.plain(about["graph"], 120),
        "built": f"{asked.up}pipelines/{segment(str(about['graph']))}",
        "project": wording.plain(about["project"], 80),
        "tags": tags.get(about["fingerprint"], []),
        "inputs": f"{inputs:,}",
        "who": wording.person(document["username"]),
        "when": wording.when(document["creation_time"], view.clock()),
        "exact": wording.exact(document["creation_time"]),
    }


def _files(view: View, identifiers: list[Any]) -> dict[str, str]:
    query = {"_id": {"$in": [one for one in identifiers if one]}}
    found = view.h.search(query, max_docs=0, columns=["file_relpaths", "file_count"], counted=False)
    return {row["artifact_id"]: wording.files_of(row, 1) for row in found.rows()}


def _artifact(row: Mapping[str, Any], files: Mapping[str, str], project: str) -> dict[str, Any]:
    which = ", ".join(f"{name}={value}" for name, value in row["keys"].items())
    return {
        "entry": wording.plain(row["entry"], 120),
        "link": entry_link(row["entry"], project),
        "which": wording.plain(which, 120),
        "role": row["role"],
        "id": row["artifact_id"],
        "files": files.get(row["artifact_id"]),
        "content": row["fingerprint"][:12],
    }


def _difference(what: str, name: str, here: Any, there: Any) -> dict[str, str]:
    if what == "parameter":
        last = name.rpartition(".")[2]
        here, there = (redact_values({last: one})[last] for one in (here, there))
    said = ["" if one is None else wording.plain(one, 200) for one in (here, there)]
    state = "new" if not said[0] else "gone" if not said[1] else "changed"
    return {"what": what, "name": wording.plain(name, 120), "here": said[0], "there": said[1], "state": state}
