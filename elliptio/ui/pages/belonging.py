"""Say of what artifacts and runs are a part: the entry of a catalog, the build of a pipeline, the flow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from elliptio.ui import wording
from elliptio.ui.asked import as_dict, segment
from elliptio.ui.systems import SOME
from elliptio.ui.view import View


def entry_link(name: object, project: object) -> str:
    """Write where an entry is shown, below the view's own place: two projects may have one of the same name."""
    return f"catalog/{segment(str(name))}?project={quote(str(project), safe='')}"


def build_link(pipeline: object, run_id: object) -> str:
    """Write where a build is shown, below the view's own place."""
    return f"pipelines/{segment(str(pipeline))}?build={segment(str(run_id))}"


def of_artifact(
    view: View, up: str, metadata: Any, labels: Mapping[str, Any], run: Mapping[str, Any] | None
) -> list[Any]:
    """List what an artifact is a part of: what that is, its name, and where it is shown."""
    entry, found = as_dict(metadata.entry), list[tuple[str, str, str]]()
    if entry.get("name"):
        which = [f"{name}={value}" for name, value in as_dict(entry.get("keys")).items()]
        link = f"{up}{entry_link(entry['name'], entry.get('project') or '')}"
        found.append(("Entry", wording.plain(" ".join([str(entry["name"]), *which]), 120), link))
    around = of_run(view, up, run) if run is not None else []
    if labels.get("flow_id") and labels.get("stream"):
        stream = wording.plain(f"stream {labels['stream']}", 120)
        around = [("Flow", stream, f"{up}flows/{segment(str(labels['flow_id']))}")]
    return [*found, *around]


def of_run(view: View, up: str, run: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """List what a run is a part of, or is itself."""
    labels = as_dict(run.get("labels"))
    if labels.get("flow_id"):
        name = wording.plain(labels.get("flow") or labels["flow_id"], 80)
        return [("Flow", name, f"{up}flows/{segment(str(labels['flow_id']))}")]
    return [
        ("Pipeline", wording.plain(pipeline, 80), f"{up}{build_link(pipeline, build)}")
        for build, pipeline in builds_of(view, [run]).items()
    ]


def builds_of(view: View, runs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Find the builds that runs are, or are steps of: the name of the pipeline of each."""
    found: dict[str, str] = {}
    parents: list[str] = []
    for run in runs:
        pipeline = as_dict(run.get("labels")).get("pipeline")
        if pipeline:
            found[str(run["_id"])] = str(pipeline)
        elif isinstance(run.get("parent"), str):
            parents.append(run["parent"])
    if parents:
        query = {"_id": {"$in": list(dict.fromkeys(parents))}, "labels.pipeline": SOME}
        found |= {str(one["_id"]): str(one["labels"]["pipeline"]) for one in view.h.lake.find_runs(query)}
    return found
