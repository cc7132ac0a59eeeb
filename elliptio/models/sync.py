"""The functions of nodes and models without a loop, under the names that they have in `elliptio.models`."""

from __future__ import annotations

from elliptio.models.nodes.current import current_node_id
from elliptio.models.nodes.deleting import delete_artifact, delete_node
from elliptio.models.nodes.engine import engine_context, set_engine
from elliptio.models.nodes.entering import create_current
from elliptio.models.nodes.functions import node_function
from elliptio.models.nodes.models import (
    read_child_artifacts,
    read_descendant_artifacts,
    read_model,
    read_node_models,
    write_model,
    write_models,
    write_node_models,
)
from elliptio.models.nodes.node import Node
from elliptio.models.nodes.reading import (
    read_ancestor_nodes,
    read_child_nodes,
    read_descendant_nodes,
    read_node,
    read_node_exists,
    read_nodes,
    read_nodes_exist,
    read_parent_node,
)
from elliptio.models.nodes.sessions import Session
from elliptio.models.nodes.sessions import current_session_block as current_session
from elliptio.models.nodes.sessions import session_block as session_context
from elliptio.models.nodes.writing import write_node, write_nodes, write_parent_child_relationships

current_node = create_current
create_model = write_model
write_child_models = write_span_models = write_node_models
read_child_models = read_span_models = read_node_models
read_span, read_spans = read_node, read_nodes
read_span_exists, read_spans_exist = read_node_exists, read_nodes_exist
read_child_spans, read_descendant_spans = read_child_nodes, read_descendant_nodes
read_parent_span, read_ancestor_spans = read_parent_node, read_ancestor_nodes
write_span, write_spans = write_node, write_nodes
delete_span, delete_model = delete_node, delete_artifact

__all__ = [
    "Node", "Session", "create_current", "create_model", "current_node", "current_node_id", "current_session",
    "delete_artifact", "delete_model", "delete_node", "delete_span", "engine_context", "node_function",
    "read_ancestor_nodes", "read_ancestor_spans", "read_child_artifacts", "read_child_models", "read_child_nodes",
    "read_child_spans", "read_descendant_artifacts", "read_descendant_nodes", "read_descendant_spans", "read_model",
    "read_node", "read_node_exists", "read_node_models", "read_nodes", "read_nodes_exist", "read_parent_node",
    "read_parent_span", "read_span", "read_span_exists", "read_span_models", "read_spans", "read_spans_exist",
    "session_context", "set_engine", "write_child_models", "write_model", "write_models", "write_node",
    "write_node_models", "write_nodes", "write_parent_child_relationships", "write_span", "write_span_models",
    "write_spans",
]  # fmt: skip
