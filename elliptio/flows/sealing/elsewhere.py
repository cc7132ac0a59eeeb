"""Find the artifacts of a flow that another process records, or this one did: by the lake that its plan names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import anyio.to_thread

from elliptio.artifacts.artifact import Artifact
from elliptio.flows.errors import FlowNotFoundError
from elliptio.flows.serializing.references import name_in_lake
from elliptio.work import Work

PAUSE = 0.1
"""Seconds between two questions whether the run of a flow has ended."""


def recorded(work: Work, given: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Say in the plan of a flow where it is recorded, and which inputs are artifacts already."""
    names = {name: name_in_lake(artifact) for name, artifact in artifacts_among(given).items()}
    return {"root": work.lake.store.root, "given": names}


def artifacts_among(given: Mapping[str, list[Any]]) -> dict[str, Artifact]:
    """Take the inputs that are artifacts already out of all inputs of a flow."""
    return {name: values[0] for name, values in given.items() if len(values) == 1 and isinstance(values[0], Artifact)}


async def sealed(recorded: Mapping[str, Any], flow_id: str) -> dict[str, Artifact]:
    """Wait until the run of a flow has ended, and give the artifact that each stream became.

    Parameters
    ----------
    recorded
        What its plan says.
    flow_id
        Its identifier.

    Raises
    ------
    FlowNotFoundError
        If that lake knows no such run.

    """
    while await anyio.to_thread.run_sync(_goes_on, recorded["root"], flow_id):
        await anyio.sleep(PAUSE)
    return await anyio.to_thread.run_sync(_found, recorded, flow_id)


def _goes_on(root: str, flow_id: str) -> bool:
    from elliptio.handler import Handler

    states = set(Handler(root).runs({"labels.flow_id": flow_id})["status"])
    if not states:
        raise FlowNotFoundError(
            f"The lake at {root} knows no run of {flow_id}: its index, as it is configured here, is another one than "
            "where it was started."
        )
    return "running" in states


def _found(recorded: Mapping[str, Any], flow_id: str) -> dict[str, Artifact]:
    from elliptio.handler import Handler

    handler = Handler(recorded["root"])
    rows = handler.find({"labels.flow_id": flow_id, "labels.stream": {"$exists": True}}, max_docs=0)
    found = {artifact.metadata.labels["stream"]: artifact for artifact in map(handler.show, rows.index)}
    given = {name: Handler(root).show(artifact_id) for name, (root, artifact_id) in recorded["given"].items()}
    return {**given, **found}
