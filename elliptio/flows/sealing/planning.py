"""Keep the plan of a recorded flow as a record of the lake: what each step reads and writes, also what never ends."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping

from elliptio.errors import ElliptioError
from elliptio.lake import records
from elliptio.lake.lake import Lake

log = logging.getLogger(__name__)

FLOW = "flow"
"""Kind of the records."""

Steps = Mapping[str, tuple[Collection[str], Collection[str]]]
"""By the name of each step: the streams that it reads, and those that it writes."""


def keep(lake: Lake, about: Mapping[str, str], steps: Steps, *, username: str) -> None:
    """Record a plan; that it cannot be recorded is no reason to stop the flow."""
    plan = {name: [sorted(reads), sorted(writes)] for name, (reads, writes) in steps.items()}
    try:
        records.add(lake, FLOW, about, {"steps": json.dumps(plan)}, username=username)
    except ElliptioError as error:
        log.warning("What the steps of %s read and write is not recorded: %s", about.get("flow_id"), error)


def steps_of(lake: Lake, flow_id: str) -> dict[str, tuple[list[str], list[str]]]:
    """Read the plan of a flow; empty where none was recorded."""
    for record in records.find(lake, FLOW, {"about.flow_id": flow_id}, limit=1):
        return {name: (reads, writes) for name, (reads, writes) in json.loads(record["content"]["steps"]).items()}
    return {}
