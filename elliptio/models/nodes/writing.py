"""Write nodes by hand, change them, and move them elsewhere in the tree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from elliptio.errors import IndexUnavailableError, MetadataError
from elliptio.handler import Handler
from elliptio.labels import MAX_LABELS_BYTES
from elliptio.lake import run_nodes, run_records, spool
from elliptio.models.errors import UnfitValueError
from elliptio.models.nodes.current import NodeId, id_of
from elliptio.models.nodes.engine import current_engine
from elliptio.models.nodes.node import Node, check, is_stored, kind_of, mark, stored, written
from elliptio.models.nodes.reading import above, document_of, documents_of, not_found
from elliptio.models.nodes.values import Written
from elliptio.protocols import Document
from elliptio.provenance import collecting
from elliptio.runs import recording
from elliptio.runs.facts import describe
from elliptio.system.parallel import each

_LATER = "The node is recorded, but h.runs does not show it yet"
_CHANGED_LATER = "The change is recorded, but h.runs does not show it yet"
N = TypeVar("N", bound=Node)

_AT_ONCE = 500
"""Nodes that are told to the index at once."""


def said_of(node: Node, found: Written) -> dict[str, Any]:
    """Say of a run what makes it a node."""
    record = {**kind_of(node, found.schema), "values": json.dumps(found.plain)}
    _check_size(node, record["values"])
    return {"run_id": node.node_id, run_nodes.NODE: found.asked, run_nodes.RECORD: record}


def write_node(node: N, refresh_attributes: Sequence[str] = ()) -> N:
    """Write a node, and return it: of one that is there, what changed.

    It is a run without a process, of status ``recorded``.

    Parameters
    ----------
    node
        The node.
    refresh_attributes
        Makes no difference: they all are what is stored.

    Raises
    ------
    NodeNotFoundError
        If there is no node of its ``node_parent_id``.
    UnfitValueError
        If values of its fields cannot be stored.

    """
    return write_nodes([node])[0]


def write_nodes(nodes: Iterable[N], refresh_attributes: Sequence[str] = ()) -> list[N]:
    """Write several nodes, and return them, as `write_node` does; some may be around others."""
    handler, given = current_engine(), list(nodes)
    for node in given:
        check(node)
        node.node_parent_id = None if node.node_parent_id is None else id_of(node.node_parent_id)
    forms = {node.node_id: written(node) for node in given}
    new = {node.node_id: node for node in given if not is_stored(node)}
    if new:
        _write_new(handler, new, forms)
    for node in given:
        if node.node_id not in new:
            _write_changed(handler, node, forms[node.node_id])
    return given


def _check_size(node: Node, values: str) -> None:
    if len(values) > MAX_LABELS_BYTES:
        raise UnfitValueError(
            f"The fields of {type(node).__name__} take {len(values):,} bytes; at most {MAX_LABELS_BYTES:,} fit. Attach "
            "what is large as a model."
        )


def place_below(handler: Handler, parent: NodeId | None, node_id: str) -> dict[str, Any]:
    """Say of a run that it lies in another.

    Raises
    ------
    NodeNotFoundError
        If there is none of this identifier.

    """
    if parent is None:
        return {"parent": None, "root": node_id}
    around = document_of(handler, parent)
    return {"parent": around["_id"], "root": around.get("root", around["_id"])}


def _write_new(handler: Handler, new: Mapping[str, Node], forms: Mapping[str, Written]) -> None:
    around = {node.node_parent_id for node in new.values() if node.node_parent_id is not None} - new.keys()
    known = documents_of(handler, around)
    missing = sorted(around - known.keys())
    if missing:
        raise not_found(handler, missing)
    roots = {node_id: str(document.get("root")) for node_id, document in known.items()}
    seen = collecting.collect(git_diff="none")
    documents: dict[str, Document] = {}
    for level in _levels(new, roots):
        for node in level:
            begin = describe(
                type(node).__name__, None, None, run_id=node.node_id, moment=run_records.now(),
                outer=handler._scope, inherited=[], seen=seen,
            )  # fmt: skip
            parent = node.node_parent_id
            roots[node.node_id] = node.node_id if parent is None else roots[parent]
            place = {"parent": parent, "root": roots[node.node_id]}
            begin |= {"process": {}, "environment_id": None, "status": run_nodes.RECORDED, **place}
            documents[node.node_id] = {**begin, **said_of(node, forms[node.node_id])}
        _write_begins(handler, [documents[node.node_id] for node in level])
    _tell(handler, list(documents.values()))
    for node_id, node in new.items():
        mark(node, forms[node_id], node.node_parent_id, documents[node_id]["creation_time"])


def _levels(new: Mapping[str, Node], roots: Mapping[str, str]) -> list[list[Node]]:
    """Order nodes so that each comes after the one around it."""
    inside: dict[str | None, list[Node]] = {}
    for node in new.values():
        inside.setdefault(node.node_parent_id, []).append(node)
    level = [node for parent in (None, *roots) for node in inside.get(parent, ())]
    levels: list[list[Node]] = []
    while level:
        levels.append(level)
        level = [node for around in level for node in inside.get(around.node_id, ())]
    if sum(map(len, levels)) < len(new):
        raise MetadataError("Some of the nodes lie in themselves, in a circle: nothing was written.")
    return levels


def _write_begins(handler: Handler, documents: Sequence[Document]) -> None:
    def write(begin: Document) -> None:
        if not run_records.write(handler.lake, begin["run_id"], run_records.BEGIN, begin):
            raise MetadataError(f"There is a node {begin['run_id']} already.")

    workers = min(handler.store.concurrency, len(documents))
    each(write, documents, workers=workers, name="elliptio-nodes")


def _tell(handler: Handler, begins: Sequence[Document]) -> None:
    lake = handler.lake
    documents = [run_records.begun(lake, begin) for begin in begins]
    try:
        with lake.pausing():
            for start in range(0, len(documents), _AT_ONCE):
                lake.index.insert(run_records.COLLECTION, *documents[start : start + _AT_ONCE])
    except IndexUnavailableError as error:
        for document in documents:
            with spool.telling(lake, note=document["_id"], says=_LATER):
                raise error


def _write_changed(handler: Handler, node: Node, found: Written) -> None:
    before = stored(node)
    values = {name: plain for name, plain in found.plain.items() if before.plain.get(name, node) != plain}
    parent = node.node_parent_id
    if parent != before.parent:
        move(handler, parent, node.node_id)
    if values and before.beyond is None and before.schema != json.dumps(found.schema):
        values = found.plain  # each can only be read by the schema that it was written with
    if values:
        _check_size(node, json.dumps(values))
        asked = {name: found.asked[name] for name in values if name in found.asked}
        kind = kind_of(node, found.schema) if before.beyond is None else None
        line = run_nodes.change_line(run_records.now(), values=values, asked=asked, kind=kind)
        _add_line(handler, document_of(handler, node)["_id"], line)
        node.node_updated_at = line["time"]
    mark(node, found, parent)


def _add_line(handler: Handler, node_id: str, line: Mapping[str, Any]) -> None:
    """Add a line to the history of a node, and tell the index."""
    run_records.add_log(handler.lake, node_id, line)
    tell_lines(handler, node_id)


def tell_lines(handler: Handler, node_id: str) -> None:
    """Tell the index what the files of a node say."""
    lake = handler.lake
    with (
        spool.telling(lake, note=node_id, says=_CHANGED_LATER),
        lake.pausing(),
    ):
        before: object = None
        # Once more, if somebody changed it meanwhile: the last to tell the index has seen all lines.
        while before != (before := run_records.files(lake, node_id)):
            run_records.record(lake, node_id)


def write_parent_child_relationships(relationships: Iterable[tuple[NodeId | None, NodeId]]) -> None:
    """Move nodes, with all in them, below others; below None they are roots.

    Parameters
    ----------
    relationships
        Pairs of a node and of what is to be in it.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.
    MetadataError
        If a node would be in itself.

    """
    handler = current_engine()
    for outer, inner in relationships:
        move(handler, None if outer is None else id_of(outer), id_of(inner))


def move(handler: Handler, parent: str | None, child: str) -> None:
    """Move a node, with all in it, below another one; errors as of `write_parent_child_relationships`."""
    lake = handler.lake
    moved = document_of(handler, child)
    place = place_below(handler, parent, child)
    if parent is not None:
        around = document_of(handler, parent)
        if child in (parent, *(one["_id"] for one in above(handler, around))):
            raise MetadataError(f"{child} was not moved: {parent} lies in it.")
    if moved.get("parent") == parent:
        return
    _add_line(handler, child, run_nodes.change_line(run_records.now(), place=(place["parent"], place["root"])))
    with spool.telling(lake, note=child, says="The node is moved, but not all in it shows that"), lake.pausing():
        inside = run_nodes.reroot(lake, child, place["root"])
    recording.moved(lake, {child, *inside}, place["root"])
