"""Look at what a project made: the inputs of a run that failed, and its snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from elliptio.finding.search import is_missing
from elliptio.pipelines.arguments import check_kind
from elliptio.pipelines.catalog.keys import NONE, Keys
from elliptio.pipelines.catalog.versions import version_of
from elliptio.pipelines.crafts.values import LazyPartitions
from elliptio.pipelines.errors import SnapshotNotFoundError, UnknownNameError
from elliptio.pipelines.project.names import meant
from elliptio.pipelines.snapshots.connections import unknown_tag

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.pipelines.session import BaseSession
    from elliptio.pipelines.snapshots.snapshot import Snapshot

SNAPSHOT_COLUMNS = ("id", "graph", "creation_time", "username", "tags", "parameters")

LATEST = "latest"
"""After the name of a graph: its newest snapshot."""


def inputs_of(session: BaseSession, craft: str, run_id: str) -> dict[str, Any]:
    """Load what a run of a craft was given, by parameter.

    Raises
    ------
    UnknownNameError
        If there is no such run.

    """
    query = {"$or": [{"_id": run_id}, {"parent": run_id, "name": craft}]}
    runs = [one for one in session.handler.lake.find_runs(query) if "step" in one]
    runs = [one for one in runs if craft in (one["name"], one["step"]["craft"])]
    if len(runs) != 1:
        raise UnknownNameError(
            f"There {'is no run' if not runs else f'are {len(runs)} runs'} of the craft {craft!r} in {run_id!r}; "
            "h.runs.tree(run_id) shows what is there."
        )
    step = runs[0]["step"]
    found: dict[str, Any] = dict(runs[0].get("params", {}))
    for parameter, ids in step["inputs"].items():
        documents = list(session.handler.lake.find({"_id": {"$in": list(ids)}}, sort=(), limit=0))
        name = documents[0]["entry"]["name"]
        entry = session.catalog[name]
        versions = {version.keys: version for version in map(version_of, documents)}

        def load(version: Any, entry: Any = entry) -> Any:
            return session.catalog.assets.load(entry, version)

        fixed = Keys(step["keys"])
        whole = len(versions) == 1 and not step["lazy"].count(parameter)
        if whole:
            found[parameter] = load(next(iter(versions.values())))
        else:
            left = {keys.without(*fixed): version for keys, version in versions.items()}
            names = [one for one in entry.keys if one in next(iter(left), NONE)]
            found[parameter] = LazyPartitions(names, left, load)
    return found


def version_rows(session: BaseSession, name: str) -> list[dict[str, Any]]:
    """List the versions of an entry that the lake knows of, the newest first, as plain values; nothing is taken in.

    Raises
    ------
    UnknownNameError
        If there is no such entry.

    """
    entry, lake = session.catalog[name], session.handler.lake
    if is_missing(lake):
        return []
    rows = []
    for history in session.catalog.new_versions().of(entry.name).values():
        current = history.current()
        for version in history.versions:
            row = {
                "artifact_id": version.artifact_id,
                "keys": dict(version.keys),
                "current": current is not None and current.artifact_id == version.artifact_id,
                "origin": version.origin,
                "creation_time": version.creation_time,
                "size": version.size,
            }
            rows.append((version.moment, row))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0], reverse=True)]


def snapshots_of(session: BaseSession, query: Mapping[str, Any] | None) -> pd.DataFrame:
    """Find snapshots of a project, the newest first."""
    import pandas as pd

    from elliptio.indexes.query.checking import check_query
    from elliptio.indexes.query.predicate import compile_query

    check_kind("query", query, (Mapping, type(None)), "a mapping, such as {'name': 'report'}")
    wanted = dict(query or {})
    check_query(wanted)
    matches = compile_query(wanted)
    rows = [row for row in snapshot_rows(session) if matches(row)]
    frame = pd.DataFrame(rows, columns=list(SNAPSHOT_COLUMNS)).set_index("id")
    return frame.astype({"creation_time": "datetime64[ms, UTC]"})


def snapshot_rows(session: BaseSession) -> list[dict[str, Any]]:
    """List the snapshots of a project as plain values, the newest first."""
    with session.backend.connect() as connection:
        documents = list(connection.snapshots())
        names = {document["about"]["graph"] for document in documents}
        tags = {name: connection.tags(name) for name in names}
    return [
        {
            "id": document["about"]["fingerprint"],
            "graph": document["about"]["graph"],
            "creation_time": document["creation_time"],
            "username": document["username"],
            "tags": sorted(
                tag for tag, one in tags[document["about"]["graph"]].items() if one == document["about"]["fingerprint"]
            ),
            "parameters": document["content"]["parameters"],
        }
        for document in documents
    ]


def snapshot_of(session: BaseSession, given: str) -> Snapshot:
    """Find the snapshot that a user names: by its id, a beginning of it, ``GRAPH:TAG`` or ``GRAPH:latest``.

    Raises
    ------
    SnapshotNotFoundError
        If none is named so, or several are.

    """
    graph, separator, tag = given.rpartition(":")
    with session.backend.connect() as connection:
        if separator and tag != LATEST and connection.tags(graph):
            return connection.read_snapshot_tag(graph, tag)
        documents = list(connection.snapshots())
        graphs = {document["about"]["graph"] for document in documents}
        if separator:
            if graph not in graphs:
                raise SnapshotNotFoundError(f"There is no snapshot of the graph {graph!r}; {meant(graph, graphs)}")
            if tag != LATEST:
                raise unknown_tag(graph, tag, ())
            found = [document for document in documents if document["about"]["graph"] == graph][:1]
        else:
            found = [document for document in documents if document["about"]["fingerprint"].startswith(given)]
        if len(found) != 1 or not given:
            how_many = f"{len(found)} snapshots here have ids" if found else "No snapshot here has an id"
            tagged = [f"{name}:{given}" for name in sorted(graphs) if given in connection.tags(name)]
            how = f"did you mean {tagged[0]!r}?" if tagged else "give an id, GRAPH:TAG or GRAPH:latest;"
            raise SnapshotNotFoundError(
                f"{how_many} that begin{'' if found else 's'} with {given!r}: {how} `elliptio snapshots ls` lists them."
            )
        return connection.snapshot_of(found[0])
