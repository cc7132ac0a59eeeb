"""Delete nodes with their models, for good."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from elliptio.artifacts.artifact import Artifact
from elliptio.errors import ElliptioError, InUseError
from elliptio.handler import Handler
from elliptio.indexes.links import portions
from elliptio.lake import run_nodes, run_records
from elliptio.models.loading import Loading
from elliptio.models.nodes import models
from elliptio.models.nodes.current import NodeId
from elliptio.models.nodes.engine import current_engine
from elliptio.models.nodes.reading import descendant_ids, document_of
from elliptio.models.storage import values as storages
from elliptio.protocols import Document
from elliptio.provenance.collecting import username

log = logging.getLogger(__name__)


def delete_node(node_id: NodeId, *, descendants: bool = True, force: bool = False) -> None:
    """Delete a node with its models, as `Handler.delete` does, and with all nodes in it and theirs.

    What else was saved in it stays. A node that goes on may be deleted too: nothing is recorded of its end.

    Parameters
    ----------
    node_id
        The node.
    descendants
        False: nodes in it stay, and are roots.
    force
        Delete models also where others are based on them or tags name them.

    Raises
    ------
    NodeNotFoundError
        If there is no such node.
    InUseError
        If others are based on its models or tags name them, unless `force`, or if it is a step that is recorded with
        the run around it. Nothing is deleted then.

    """
    handler = current_engine()
    document = document_of(handler, node_id)
    node_ids = [document["_id"], *(descendant_ids(handler, document["_id"]) if descendants else ())]
    _check_steps(handler, node_ids)
    found = models.documents_of(handler, node_ids)
    if not force:
        _check_unused(handler, found)
    for model in reversed(found):
        _delete_model(handler, model["_id"], force=force)
    # The innermost first: of what is interrupted the rest hangs together, and can be deleted again.
    for one in reversed(node_ids):
        _delete(handler, one)


def delete_artifact(artifact_id: str | Artifact, *, force: bool = False) -> None:
    """Delete the artifact of a model, as `Handler.delete` does, and what it alone had in storages.

    Raises
    ------
    DocumentNotFoundError
        If there is no such artifact.
    InUseError
        If others are based on it or tags name it, unless `force`.

    """
    _delete_model(current_engine(), artifact_id, force=force)


def _delete_model(handler: Handler, artifact_id: str | Artifact, *, force: bool) -> None:
    """Delete a model, then what it alone had in storages."""
    artifact = handler.show(artifact_id) if isinstance(artifact_id, str) else artifact_id
    stored = Loading(artifact).stored() if (artifact.metadata.model or {}).get("stored") else []
    handler.delete(artifact, force=force)
    for record in stored:
        if not handler.lake.count({"model.stored": storages.place_of(record)}, limit=1):
            try:
                storages.delete(record)
            except (ElliptioError, OSError) as error:
                log.warning(
                    "%s is deleted, and what it had in a storage is still there: %s", artifact.artifact_id, error
                )


def _check_steps(handler: Handler, node_ids: Sequence[str]) -> None:
    for part in portions(node_ids):
        for document in handler.lake.find_runs({"_id": {"$in": part}, "recorded_in": {"$exists": True}}):
            around = str(document["recorded_in"]).partition("/")[0]
            if around not in node_ids:
                raise InUseError(f"{document['_id']} was not deleted: it is recorded with {around}; delete that.")


def _check_unused(handler: Handler, found: Sequence[Document]) -> None:
    going = {document["_id"] for document in found}
    reasons: list[str] = [
        f"the tags {', '.join(map(repr, document['tags']))} name {document['_id']}"
        for document in found
        if document.get("tags")
    ]
    for part in portions(going):
        query: dict[str, Any] = {"based_on": {"$in": part}}
        for child in handler.lake.find(query, sort=(), limit=0):
            if child["_id"] not in going:
                parents = sorted(going.intersection(child["based_on"]))
                reasons.append(f"{child['_id']} is based on {', '.join(parents[:3])}")
    if reasons:
        raise InUseError(f"The node was not deleted: {'; '.join(reasons[:10])}. force=True deletes it all the same.")


def _delete(handler: Handler, node_id: str) -> None:
    lake = handler.lake
    run_records.write(lake, node_id, run_nodes.DELETED, {"time": run_records.now(), "username": username()})
    lake.index.delete(run_records.COLLECTION, [node_id])
    for name in run_records.files(lake, node_id).get(node_id, set()) - {run_nodes.DELETED}:
        lake.store.remove(run_records.key(node_id, name))
