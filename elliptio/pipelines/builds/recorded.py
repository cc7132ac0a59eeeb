"""Keep what came of a build as a record of the lake, for who looks at it later without the project.

What is alike is one line: steps of a craft with the same fate for the same reason. So a build of 100,000 partitions
takes no more room than one of ten.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from elliptio.errors import ElliptioError
from elliptio.lake import records
from elliptio.lake.view import view_of
from elliptio.naming import shorten
from elliptio.pipelines.builds.steps import FAILED, MADE, NOT_RUN, SKIPPED, Step
from elliptio.pipelines.catalog.keys import NONE
from elliptio.provenance.collecting import username
from elliptio.provenance.redaction import redact

if TYPE_CHECKING:
    from elliptio.lake.lake import Lake
    from elliptio.pipelines.builds.build import Build
    from elliptio.pipelines.builds.engine import Engine
    from elliptio.pipelines.graphs.graph import Graph
    from elliptio.protocols import Document

log = logging.getLogger(__name__)

BUILD = "build"
"""Kind of the records."""

MOST_LINES, MOST_NEWS, MOST_LETTERS = 500, 50, 1000
STATUSES = (MADE, SKIPPED, FAILED, NOT_RUN)


def keep(engine: Engine, build: Build) -> Build:
    """Record what came of a build, and return it; that it cannot be recorded is no reason to lose it."""
    lake, about = engine.session.handler.lake, {"project": engine.session.catalog.project, "pipeline": build.name}
    if view_of(lake).until is None:
        try:
            content = _content(engine, build)
            records.add(lake, BUILD, {**about, "run_id": build.run_id}, content, username=username())
        except ElliptioError as error:
            log.warning("What came of the steps of %s is not recorded: %s", build.run_id, error)
    return build


def _content(engine: Engine, build: Build) -> dict[str, Any]:
    found, left_out = lines(build.rows)
    snapshot = build.snapshot
    statuses = [step.status for step in build.rows]
    return {
        # The graph of a snapshot has a record of its own.
        "graph": json.dumps(engine.graph.as_record()) if snapshot is None else str(snapshot.graph.fingerprint),
        "snapshot": None if snapshot is None else snapshot.id,
        "counts": {status: statuses.count(status) for status in STATUSES},
        "steps": json.dumps(found),
        "left_out": left_out,
        "news": [_said(one) for one in build.news[:MOST_NEWS]],
    }


def graph(lake: Lake, build: Document) -> Graph | None:
    """Read the graph of a build from its record; None where that is not there any more."""
    from elliptio.pipelines.graphs.graph import Graph
    from elliptio.pipelines.snapshots.lake import GRAPH

    given = build["content"]["graph"]
    if given.startswith("{"):
        return Graph.from_record(json.loads(given))
    query = {"about.fingerprint": given, "about.project": build["about"]["project"]}
    return next((Graph.from_record(one["content"]) for one in records.find(lake, GRAPH, query, limit=1)), None)


def steps(build: Document) -> list[dict[str, Any]]:
    """Read what became of the steps of a build from its record, those with the same fate together."""
    found: list[dict[str, Any]] = json.loads(build["content"]["steps"])
    return found


def lines(steps: Iterable[Step]) -> tuple[list[dict[str, Any]], int]:
    """Put steps of one craft with the same fate together, and count those that there is no room for."""
    groups: dict[tuple[str, str, str], list[Step]] = {}
    left_out = 0
    for step in steps:
        fate = step.craft, step.status, step.why
        if fate in groups:
            groups[fate].append(step)
        elif len(groups) < MOST_LINES:
            groups[fate] = [step]
        else:
            left_out += 1
    said = {why: _said(why) for why in {why for _, _, why in groups}}
    return [_line(craft, status, said[why], group) for (craft, status, why), group in groups.items()], left_out


def _line(craft: str, status: str, why: str, steps: list[Step]) -> dict[str, Any]:
    line: dict[str, Any] = {"craft": craft, "status": status, "why": why, "count": len(steps)}
    if status == MADE:
        line["seconds"] = round(sum([step.seconds or 0.0 for step in steps]), 3)
    if steps[0].keys is not NONE:
        line["keys"] = [str(steps[0].keys), str(steps[-1].keys)]
    if steps[0].artifact_ids:
        line["artifact_ids"] = dict(steps[0].artifact_ids)
    return line


def _said(text: str) -> str:
    return shorten(redact(text)[0], MOST_LETTERS)
