"""The functions of nodes and models as they are awaited; each has its twin in `elliptio.models.sync`."""

from __future__ import annotations

from elliptio.models.nodes import deleting, models, reading, writing
from elliptio.models.nodes.threads import front

write_model = create_model = front(models.write_model)
write_models = front(models.write_models)
write_node_models = write_child_models = write_span_models = front(models.write_node_models)
read_model = front(models.read_model)
read_node_models = read_child_models = read_span_models = front(models.read_node_models)
read_child_artifacts = front(models.read_child_artifacts)
read_descendant_artifacts = front(models.read_descendant_artifacts)

read_node = read_span = front(reading.read_node)
read_nodes = read_spans = front(reading.read_nodes)
read_node_exists = read_span_exists = front(reading.read_node_exists)
read_nodes_exist = read_spans_exist = front(reading.read_nodes_exist)
read_child_nodes = read_child_spans = front(reading.read_child_nodes)
read_descendant_nodes = read_descendant_spans = front(reading.read_descendant_nodes)
read_parent_node = read_parent_span = front(reading.read_parent_node)
read_ancestor_nodes = read_ancestor_spans = front(reading.read_ancestor_nodes)

write_node = write_span = front(writing.write_node)
write_nodes = write_spans = front(writing.write_nodes)
write_parent_child_relationships = front(writing.write_parent_child_relationships)
delete_node = delete_span = front(deleting.delete_node)
delete_artifact = delete_model = front(deleting.delete_artifact)
