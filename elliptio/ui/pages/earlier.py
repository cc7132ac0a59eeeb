"""Find what an artifact is most likely to be compared with: an earlier one of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elliptio.artifacts.artifact import Artifact
from elliptio.ui.view import View

MOST_PARENTS = 100


def earlier(view: View, artifact: Artifact) -> tuple[str, str] | None:
    """Return what to say of it and its identifier: what it is based on of the same name, else the last one before."""
    metadata = artifact.metadata
    if not metadata.file_relpaths:
        return None
    # By itself a name with a star would be taken for a pattern.
    same: dict[str, Any] = {"file_relpaths": {"$eq": metadata.file_relpaths[0]}, "file_count": metadata.file_count}
    parents = list(metadata.based_on[:MOST_PARENTS])
    if parents and (found := _newest(view, {"_id": {"$in": parents}, **same})):
        return "what it is based on", found
    before = {**same, "creation_time": {"$lt": metadata.creation_time}}
    project = artifact.labels.get("project")
    if isinstance(project, str) and project:
        before["labels.project"] = project
    found = _newest(view, before)
    return ("the one before", found) if found else None


def _newest(view: View, query: Mapping[str, Any]) -> str | None:
    ids = view.h.search(query, max_docs=1, sort="-creation_time", columns=[], counted=False).ids
    return ids[0] if ids else None
