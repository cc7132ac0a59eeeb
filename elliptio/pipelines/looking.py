"""Look at what a project made: the inputs of a run that failed, and its snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.catalog.keys import NONE, Keys
from elliptio.pipelines.catalog.versions import version_of
from elliptio.pipelines.crafts.values import LazyPartitions
from elliptio.pipelines.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.pipelines.session import BaseSession


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


def snapshots_of(session: BaseSession, query: Mapping[str, Any] | None) -> pd.DataFrame:
    """Find snapshots of a project, the newest first."""
    import pandas as pd

    from elliptio.indexes.query.checking import check_query
    from elliptio.indexes.query.predicate import compile_query

    wanted = dict(query or {})
    check_query(wanted)
    matches = compile_query(wanted)
    with session.backend.connect() as connection:
        documents = list(connection.snapshots())
        names = {document["about"]["graph"] for document in documents}
        tags = {name: connection.tags(name) for name in names}
    rows = []
    for document in documents:
        about = document["about"]
        row = {
            "id": about["fingerprint"],
            "graph": about["graph"],
            "creation_time": document["creation_time"],
            "username": document["username"],
            "tags": sorted(tag for tag, one in tags[about["graph"]].items() if one == about["fingerprint"]),
            "parameters": document["content"]["parameters"],
        }
        if matches(row):
            rows.append(row)
    columns = ["id", "graph", "creation_time", "username", "tags", "parameters"]
    frame = pd.DataFrame(rows, columns=columns).set_index("id")
    return frame.astype({"creation_time": "datetime64[ms, UTC]"})
