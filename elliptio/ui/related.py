"""Tell which pages of pipelines, the catalog, models and flows are about some artifacts, and name their files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from elliptio.ui.asked import as_dict, text_of
from elliptio.ui.pages.belonging import builds_of
from elliptio.ui.view import View


class Related:
    """Pages of the later layers that are about artifacts, and no others.

    Parameters
    ----------
    view
        The lake.
    artifact_ids
        The artifacts.

    Attributes
    ----------
    runs
        Identifiers of the runs that made them.

    """

    def __init__(self, view: View, artifact_ids: Sequence[str]) -> None:
        lake = view.h.lake
        documents = list(lake.find({"_id": {"$in": list(artifact_ids)}}, sort=(), limit=len(artifact_ids)))
        self._models = {(str(as_dict(one.get("model")).get("name")), str(one["_id"])) for one in documents}
        self._flows = {str(as_dict(one.get("labels")).get("flow_id")) for one in documents}
        entries = [as_dict(one.get("entry")) for one in documents]
        self._entries = {(str(one.get("name")), str(one.get("project"))) for one in entries if one}
        self.runs = {one["run_id"] for one in documents if isinstance(one.get("run_id"), str)}
        made_by = lake.find_runs({"_id": {"$in": [*self.runs]}})
        self._builds = {(name, one) for one, name in builds_of(view, made_by).items()}
        self._named: dict[tuple[str, ...], str] = {}

    def name_of(self, path: str, query: Mapping[str, str]) -> str | None:
        """Name the file of the page at an address; None if it is about something else, or shows more than that."""
        kind, *parts = (text_of(unquote(part)) for part in path[1:].split("/"))
        if kind == "catalog" and set(query) == {"project"} and (*parts, query["project"]) in self._entries:
            return self._plain(kind, *parts, query["project"])
        if kind == "pipelines" and set(query) == {"build"} and (*parts, query["build"]) in self._builds:
            return self._plain(kind, query["build"])
        if query or not parts:
            return None
        if kind == "models" and tuple(parts) in self._models:
            return self._plain(kind, parts[-1])
        # Only the build of an artifact leads to a snapshot.
        if (kind == "flows" and parts[0] in self._flows) or kind == "snapshots":
            return self._plain(kind, *parts)
        return None

    def _plain(self, kind: str, *parts: str) -> str:
        """Write names, of whatever letters, as that of a file; two of them never get the same."""
        if (kind, *parts) not in self._named:
            # An entry is named as people know it, all else by its identifier.
            words = parts[0] if kind == "catalog" else parts[-1]
            name = f"{kind}/{re.sub('[^A-Za-z0-9_-]+', '_', words)[:100] or '_'}"
            taken = {one.lower() for one in self._named.values()}
            tried, number = f"{name}.html", 2
            while tried.lower() in taken:
                tried, number = f"{name}-{number}.html", number + 1
            self._named[kind, *parts] = tried
        return self._named[kind, *parts]
