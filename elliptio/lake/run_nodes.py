"""Nodes as they lie in a lake: what a run says of itself beside what every run does, and how that changes later.

A run that is a node has ``node`` (its own fields, as queries see them) and ``node_record`` (its kind, its classes, and
the exact values) in its ``begin.json``. What is changed afterwards, and where it is moved to, stands as ``node`` in a
``log-<number>.json`` of it: a new line in its history. ``deleted.json`` says that it was deleted; nothing else of it is
left then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from elliptio.indexes.links import portions
from elliptio.lake.lake import RUNS, Lake
from elliptio.protocols import Document

NODE, RECORD = "node", "node_record"
"""Fields of the document of a run that is a node."""

RECORDED = "recorded"
"""Status of a run without a process: somebody wrote it down."""

DELETED = "deleted.json"


def changed(document: Document, lines: Iterable[Mapping[str, Any]]) -> Document:
    """Return the document of a run with what its later lines say of the node."""
    for line in lines:
        change = line.get(NODE)
        if change is None:
            continue
        record = {"values": "{}", **document.get(RECORD, {}), "updated": line["time"]}
        values = json.loads(change["values"])
        kept = {name: value for name, value in document.get(NODE, {}).items() if name not in values}
        if values:
            record["values"] = json.dumps(json.loads(record["values"]) | values)
            record |= {name: change[name] for name in ("type", "classes", "schema") if name in change}
        document = {**document, NODE: {**kept, **change["asked"]}, RECORD: record}
        if "parent" in change:
            record["moved"] = True
            document |= {"parent": change["parent"], "root": change["root"]}
    return document


def check(found: Mapping[str, Any]) -> None:
    """Raise whatever shows that a beginning of a run does not say of a node what it should."""
    if NODE in found or RECORD in found:
        record = found[RECORD]
        if not isinstance(found[NODE], dict) or not isinstance(record, dict):
            raise TypeError("node and node_record should be objects")
        _check_texts(record["type"], *record["classes"])
        _check_values(record["values"])


def check_change(change: Mapping[str, Any]) -> None:
    """Raise whatever shows that a later line does not say of a node what it should."""
    if not isinstance(change["asked"], dict):
        raise TypeError("asked should be an object")
    _check_values(change["values"])
    if "parent" in change:
        _check_texts(change["root"], change["parent"] or "")


def _check_values(text: Any) -> None:
    if not isinstance(json.loads(text), dict):
        raise TypeError("values should be an object")


def _check_texts(*values: Any) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("type, classes, parent and root should be texts")


# --- the tree ---


def rooted(lake: Lake, document: Document) -> Document:
    """Return the document of a run with the outermost run around it, as the index knows it now.

    What its files say holds no longer where a run around it was moved since.
    """
    parent = document.get("parent")
    if parent is None:
        return {**document, "root": document["_id"]}
    around = next(lake.find_runs({"_id": parent}, limit=1), None)
    return document if around is None else {**document, "root": around.get("root", parent)}


def below(lake: Lake, run_ids: Sequence[str]) -> Iterator[list[Document]]:
    """Yield the documents of the runs in some, a level at a time, the oldest first; in a query for each 500 of one."""
    seen = set(run_ids)
    level = list(run_ids)
    while level:
        found: list[Document] = []
        for part in portions(level):
            found += lake.find_runs({"parent": {"$in": part}}, sort=[("creation_time", 1)])
        found = [document for document in found if document["_id"] not in seen]
        level = [document["_id"] for document in found]
        seen.update(level)
        if found:
            yield found


def reroot(lake: Lake, run_id: str, root: str) -> list[str]:
    """Let the index say of all runs in one that this is the outermost around them; return which they are."""
    found = [document for level in below(lake, [run_id]) for document in level]
    for document in found:
        if document.get("root") != root:
            lake.index.replace(RUNS, {**document, "root": root})
    return [document["_id"] for document in found]


def set_roots(lake: Lake) -> None:
    """Let the index say of each run which is the outermost around it, if there are runs that were moved."""
    if not any(True for _ in lake.find_runs({f"{RECORD}.moved": True}, limit=1)):
        return
    known = {document["_id"]: document for document in lake.find_runs({})}
    roots: dict[str, str] = {}
    for run_id in known:
        way, here = {run_id: None}, run_id
        while here not in roots:
            parent = known[here].get("parent")
            if parent not in known or parent in way:
                roots[here] = here if parent is None else str(known[here].get("root"))
            else:
                here = parent
                way[here] = None
        roots.update(dict.fromkeys(way, roots[here]))
    for run_id, document in known.items():
        if document.get("root") != roots[run_id]:
            lake.index.replace(RUNS, {**document, "root": roots[run_id]})


def change_line(
    time: datetime,
    *,
    values: Mapping[str, Any] | None = None,
    asked: Mapping[str, Any] | None = None,
    kind: Mapping[str, Any] | None = None,
    place: tuple[str | None, str] | None = None,
) -> dict[str, Any]:
    """Shape a line about a change.

    Parameters
    ----------
    time
        When.
    values, asked
        Fields that are other ones now, exactly, and as queries see them.
    kind
        Kind and classes of the node.
    place
        The run around it from now on, and the outermost.

    """
    change = {"values": json.dumps(dict(values or {})), "asked": dict(asked or {}), **(kind or {})}
    if place is not None:
        change |= {"parent": place[0], "root": place[1]}
    return {"time": time, "rows": [], "used": [], NODE: change}
