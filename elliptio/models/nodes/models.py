"""Models in nodes: write them under labels, read them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from elliptio.artifacts.artifact import Artifact
from elliptio.errors import DocumentNotFoundError
from elliptio.handler import Handler
from elliptio.indexes.links import portions
from elliptio.lake import spool
from elliptio.models.errors import NodeNotFoundError, NotAModelError, UnfitValueError
from elliptio.models.nodes.current import NodeId, current_node_id
from elliptio.models.nodes.engine import current_engine
from elliptio.models.nodes.reading import descendant_ids, document_of
from elliptio.protocols import Document

LABEL = "model.label"
"""Path of the label of a model in the document of its artifact."""


def write_model(label: str, model: Any, parent_id: NodeId | None = None) -> str:
    """Write a model under a label, and return the identifier of its artifact.

    Parameters
    ----------
    label
        Its name.
    model
        The model.
    parent_id
        The node it belongs to; without it the current one, if there is one.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.

    """
    handler = current_engine()
    inside = current_node_id(allow_none=True) if parent_id is None else document_of(handler, parent_id)["_id"]
    return _write(handler, {label: model}, inside)[label]


def write_node_models(node_id: NodeId, models: Mapping[str, Any]) -> dict[str, str]:
    """Write models under labels to a node, and return the identifiers of their artifacts by label.

    Each is there whole or not at all. The same label again is no error: both are kept, the newest is read.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.

    """
    handler = current_engine()
    return _write(handler, models, document_of(handler, node_id)["_id"])


def write_models(
    models: Mapping[str, Any] | NodeId, parent_id: NodeId | Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Write models under labels, as `write_model` does each, and return the identifiers of their artifacts by label.

    The node may be named first as well, as `write_node_models` has it.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.

    """
    if isinstance(parent_id, Mapping):
        models, parent_id = parent_id, cast("NodeId", models)
    if not isinstance(models, Mapping):
        raise _no_labels(models)
    if parent_id is not None:
        return write_node_models(parent_id, models)
    return _write(current_engine(), models, current_node_id(allow_none=True))


def _no_labels(given: Any) -> UnfitValueError:
    return UnfitValueError(f"Models are given by label, {{'my-data': model}}, not as a {type(given).__name__}.")


def _write(handler: Handler, models: Mapping[str, Any], run_id: str | None) -> dict[str, str]:
    if not isinstance(models, Mapping):
        raise _no_labels(models)
    if not models:
        return {}
    return {label: artifact.artifact_id for label, artifact in save(handler, models, run_id).items()}


def read_model(artifact_id: str | Artifact, *, strict: bool = False) -> Any:
    """Read a model by the identifier of its artifact; it counts as loaded.

    Parameters
    ----------
    artifact_id
        The identifier.
    strict
        True: its own class or an error, never a `Record`.

    Raises
    ------
    NodeNotFoundError
        If there is no such artifact.
    NotAModelError
        If it is no model.

    """
    handler = current_engine()
    try:
        return load(handler.get(artifact_id), strict=strict)
    except DocumentNotFoundError as error:
        raise ModelNotFoundError(str(error)) from error


class ModelNotFoundError(NodeNotFoundError, DocumentNotFoundError):
    """There is no model of this identifier."""


def read_node_models(node_id: NodeId, labels: Iterable[str] = ()) -> dict[str, Any]:
    """Read the models of a node by label, the newest of each label; only those of some `labels`, if any are given.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.

    """
    handler = current_engine()
    inside = document_of(handler, node_id)["_id"]
    wanted = [labels] if isinstance(labels, str) else list(labels)
    newest = {label_of(document): document for document in documents_of(handler, [inside], wanted)}
    return {label: load(handler._loaded(document, track=True)) for label, document in newest.items()}


def read_child_artifacts(node_id: NodeId) -> list[tuple[Artifact, Any]]:
    """Read the models directly in a node, each with its artifact, the oldest first.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.

    """
    handler = current_engine()
    return _with_artifacts(handler, [document_of(handler, node_id)["_id"]])


def read_descendant_artifacts(node_id: NodeId) -> list[tuple[Artifact, Any]]:
    """Read the models in a node and in all nodes in it, each with its artifact, the oldest first.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.

    """
    handler = current_engine()
    inside = document_of(handler, node_id)["_id"]
    return _with_artifacts(handler, [inside, *descendant_ids(handler, inside)])


def _with_artifacts(handler: Handler, node_ids: list[str]) -> list[tuple[Artifact, Any]]:
    artifacts = [handler._loaded(document, track=True) for document in documents_of(handler, node_ids)]
    return [(artifact, load(artifact)) for artifact in artifacts]


def documents_of(handler: Handler, node_ids: Iterable[str], labels: Iterable[str] = ()) -> list[Document]:
    """Find the documents of the models of nodes, the oldest first; in a query for each 500 nodes."""
    spool.flush_if_any(handler.lake)
    names = list(labels)
    which: dict[str, Any] = {LABEL: {"$in": names} if names else {"$exists": True}}
    order = [("creation_time", 1)]
    found = [
        document
        for part in portions(node_ids)
        for document in handler.lake.find({"run_id": {"$in": part}, **which}, sort=order, limit=0)
    ]
    return sorted(found, key=lambda document: (document["creation_time"], document["_id"]))


# --- what saves and loads a model ---


def label_of(document: Document) -> str:
    """Return the label of a model by the document of its artifact."""
    value: Any = document
    for part in LABEL.split("."):
        value = value[part]
    return str(value)


def save(handler: Handler, models: Mapping[str, Any], run_id: str | None) -> dict[str, Artifact]:
    """Save models by label, each whole or not at all, as made by a run."""
    from elliptio.models.model import DataModel
    from elliptio.models.saving import save_models

    for label, model in models.items():
        if not isinstance(label, str) or not isinstance(model, DataModel):
            raise NotAModelError(f"{label!r} is a {type(model).__name__}: what is written by label are data models.")
    return dict(save_models(handler, models, run_id=run_id))


def load(artifact: Artifact, *, strict: bool = False) -> Any:
    """Load the model of an artifact.

    Raises
    ------
    NotAModelError
        If it is none.

    """
    from elliptio.models.loading import load_model

    return load_model(artifact, strict=strict)
