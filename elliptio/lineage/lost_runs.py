"""Find the runs that stand in a lineage though they made nothing of it: they failed, or were killed."""

from __future__ import annotations

from collections.abc import Sequence

from elliptio.lake import run_records
from elliptio.lake.lake import Lake
from elliptio.lineage.drawing.nodes import DeadEnd, Link, Node
from elliptio.protocols import Document, Query


def lost_runs(lake: Lake, nodes: Sequence[Node], depth: int | None) -> list[tuple[DeadEnd, list[Link]]]:
    """Find those that loaded the artifact that was asked about, or what was made of it, each with its links.

    Of runs in each other the innermost stands for those around it.

    Parameters
    ----------
    lake
        Where they are recorded.
    nodes
        The artifacts of the lineage.
    depth
        So many generations below the artifact that was asked about are shown; None: all.

    """
    below = {node.artifact_id: node.generation for node in nodes if node.generation >= 0}
    loaded = [identifier for identifier, generation in below.items() if depth is None or generation < depth]
    standing = {node.document.get("run_id") for node in nodes}
    found = [run for run in _lost(lake, loaded) if run["_id"] not in standing]
    around = {run.get("parent") for run in found}
    ends = []
    for run in found:
        parents = [identifier for identifier in _inputs(run) if identifier in below]
        if run["_id"] not in around:
            generation = 1 + max(below[identifier] for identifier in parents)
            end = DeadEnd(run["_id"], generation, "here", run=run)
            ends.append((end, [(run["_id"], identifier) for identifier in parents]))
    return ends


def _lost(lake: Lake, loaded: Sequence[str]) -> list[Document]:
    wanted: Query = {"status": {"$in": [run_records.FAILED, run_records.DEAD]}}
    asked = set(loaded)
    runs = lake.find_runs(wanted, sort=[("creation_time", 1)])
    return [run for run in runs if not asked.isdisjoint(_inputs(run))]


def _inputs(run: Document) -> list[str]:
    """Identifiers of what a run loaded, or was loaded around it before it began."""
    listed = [run[field] for field in ("inherited", "used") if isinstance(run.get(field), list)]
    return list(dict.fromkeys(str(identifier) for one in listed for identifier in one))
