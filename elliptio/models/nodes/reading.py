"""Find nodes, and those around and in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from elliptio.handler import Handler
from elliptio.indexes.links import portions
from elliptio.lake import run_nodes, spool
from elliptio.models.errors import NodeNotFoundError
from elliptio.models.nodes.current import NodeId, id_of
from elliptio.models.nodes.engine import current_engine
from elliptio.models.nodes.node import Node, from_document
from elliptio.protocols import Document

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    N = TypeVar("N", bound=Node, default=Node)


def documents_of(handler: Handler, node_ids: Iterable[str]) -> dict[str, Document]:
    """Find the documents of nodes by identifier; in a query for each 500."""
    spool.flush_if_any(handler.lake)
    return {
        document["_id"]: document
        for part in portions(dict.fromkeys(node_ids))
        for document in handler.lake.find_runs({"_id": {"$in": part}})
    }


def document_of(handler: Handler, node: NodeId) -> Document:
    """Find the document of a node.

    Raises
    ------
    NodeNotFoundError
        If there is none.

    """
    node_id = id_of(node)
    found = documents_of(handler, [node_id])
    if node_id not in found:
        raise not_found(handler, [node_id])
    return found[node_id]


def not_found(handler: Handler, missing: Sequence[str]) -> NodeNotFoundError:
    """Make the error that says which nodes there are not."""
    named = ", ".join(map(repr, missing[:5])) + (", …" if len(missing) > 5 else "")
    return NodeNotFoundError(
        f"Could not find the nodes {named} in {handler.index.address}: h.runs() lists those there."
    )


@overload
def read_node(node_id: NodeId, allow_none: Literal[False] = False) -> Node: ...


@overload
def read_node(node_id: NodeId, allow_none: bool) -> Node | None: ...


def read_node(node_id: NodeId, allow_none: bool = False) -> Node | None:
    """Read a node.

    Raises
    ------
    NodeNotFoundError
        If there is no such node, unless `allow_none`.

    """
    return _read([node_id], allow_none)[0]


def read_nodes(node_ids: Iterable[NodeId], allow_none: bool = False) -> list[Any]:
    """Read several nodes, in the order given; with `allow_none`, None for those that there are not.

    Raises
    ------
    NodeNotFoundError
        If there are not all of them, unless `allow_none`.

    """
    return _read(_several(node_ids), allow_none)


def _several(nodes: Iterable[NodeId]) -> list[NodeId]:
    return [nodes] if isinstance(nodes, str | Node) else list(nodes)  # a text is one identifier, not one per letter


def _read(nodes: Sequence[NodeId], allow_none: bool) -> list[Node | None]:
    handler = current_engine()
    wanted = [id_of(node) for node in nodes]
    found = documents_of(handler, wanted)
    missing = [node_id for node_id in wanted if node_id not in found]
    if missing and not allow_none:
        raise not_found(handler, missing)
    return [from_document(found[node_id]) if node_id in found else None for node_id in wanted]


def read_node_exists(node_id: NodeId) -> bool:
    """Tell whether there is a node."""
    return read_nodes_exist([node_id])


def read_nodes_exist(node_ids: Iterable[NodeId]) -> bool:
    """Tell whether there are all of some nodes."""
    wanted = {id_of(node) for node in _several(node_ids)}
    return documents_of(current_engine(), wanted).keys() == wanted


def read_child_nodes(node_id: NodeId, *types: type[N]) -> list[N]:
    """Read the nodes directly in one, the oldest first; only those of some classes, if any are named.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.

    """
    handler = current_engine()
    inside = document_of(handler, node_id)["_id"]
    found = handler.lake.find_runs({"parent": inside}, sort=[("creation_time", 1)])
    return _of_types(found, types)


def read_descendant_nodes(node_id: NodeId, *types: type[N]) -> list[N]:
    """Read all nodes in one, a level after the other, the oldest first.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.

    """
    handler = current_engine()
    inside = document_of(handler, node_id)["_id"]
    return _of_types((one for level in run_nodes.below(handler.lake, [inside]) for one in level), types)


def descendant_ids(handler: Handler, node_id: str) -> list[str]:
    """Return the identifiers of all nodes in one, a level after the other."""
    return [one["_id"] for level in run_nodes.below(handler.lake, [node_id]) for one in level]


def read_parent_node(node_id: NodeId, *types: type[N]) -> N | None:
    """Read the node around one; None for a root, and where it is of none of the classes named.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.

    """
    handler = current_engine()
    parent = document_of(handler, node_id).get("parent")
    found = documents_of(handler, [parent]) if isinstance(parent, str) else {}
    return next(iter(_of_types(found.values(), types)), None)


def read_ancestor_nodes(node_id: NodeId, *types: type[N]) -> list[N]:
    """Read all nodes around one, the nearest first.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.

    """
    handler = current_engine()
    return _of_types(above(handler, document_of(handler, node_id)), types)


def above(handler: Handler, document: Document) -> list[Document]:
    """Find the documents of all runs around one, the nearest first."""
    found: dict[str, Document] = {}
    seen = {document["_id"]}
    parent = document.get("parent")
    while isinstance(parent, str) and parent not in seen:
        seen.add(parent)
        around = next(handler.lake.find_runs({"_id": parent}, limit=1), None)
        if around is None:
            break
        found[parent] = around
        parent = around.get("parent")
    return list(found.values())


def _of_types(documents: Iterable[Document], types: Sequence[type[N]]) -> list[N]:
    nodes = map(from_document, documents)
    return [cast("N", node) for node in nodes if not types or isinstance(node, tuple(types))]
