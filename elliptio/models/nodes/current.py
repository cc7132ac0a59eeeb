"""Tell which node the code is in, and which one somebody means."""

from __future__ import annotations

from typing import Any

from elliptio.handler import Handler
from elliptio.models.errors import NoCurrentNodeError, NodeNotFoundError
from elliptio.models.nodes.engine import current_engine
from elliptio.models.nodes.node import Node
from elliptio.run import Run

CURRENT = "current"

NodeId = str | Node | Run
"""Name of a node: its identifier, ``"current"``, or the node itself."""


def current_node_id(allow_none: bool = False) -> str | None:
    """Return the identifier of the innermost node that the code is in, at the lake that counts here.

    Raises
    ------
    NoCurrentNodeError
        If it is in none, unless `allow_none`.

    """
    found = _of_scope(current_engine())
    if found is None and not allow_none:
        raise NoCurrentNodeError(
            'No node is current: call this inside `async with create_current(Node):`, or name a node, not "current".'
        )
    return found


def _of_scope(handler: Handler) -> str | None:
    scope = handler._scope.here()
    return None if scope.run is None else scope.run_id


def id_of(node: NodeId) -> str:
    """Return the identifier of the node that somebody means.

    Raises
    ------
    NoCurrentNodeError
        If it is ``"current"``, and there is none.
    NodeNotFoundError
        If it is none.

    """
    if isinstance(node, Node):
        return node.node_id
    if isinstance(node, Run):
        return node.run_id
    if node == CURRENT:
        return str(current_node_id())
    if not isinstance(node, str):
        raise _no_id(node)
    return node


def _no_id(given: Any) -> NodeNotFoundError:
    return NodeNotFoundError(f'A node_id is a text such as "run_0195…", "current", or a Node, not {given!r:.100}.')
