"""Show versions and partitions as DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.versions import Histories, Version

if TYPE_CHECKING:
    import pandas as pd


def of_versions(entry: Entry, histories: Histories) -> pd.DataFrame:
    """List versions, the newest first."""
    import pandas as pd

    rows = []
    for history in histories.values():
        current = history.current()
        rows += [(one, current is not None and one.artifact_id == current.artifact_id) for one in history.versions]
    rows.sort(key=lambda row: row[0].moment, reverse=True)
    columns: dict[str, list[object]] = {name: [one.keys.get(name) for one, _ in rows] for name in entry.keys}
    columns["current"] = [current for _, current in rows]
    columns["origin"] = [one.origin for one, _ in rows]
    columns["creation_time"] = [one.creation_time for one, _ in rows]
    columns["fingerprint"] = [one.fingerprint for one, _ in rows]
    index = pd.Index([one.artifact_id for one, _ in rows], name="artifact_id", dtype=object)
    frame = pd.DataFrame(columns, index=index)
    return frame.astype({"current": bool, "creation_time": "datetime64[ms, UTC]"})


def of_partitions(entry: Entry, current: Mapping[Keys, Version]) -> pd.DataFrame:
    """List the current version of each combination of keys."""
    import pandas as pd

    current = dict(sorted(current.items(), key=lambda item: item[0].order_by(entry.keys)))
    columns: dict[str, list[object]] = {name: [keys.get(name) for keys in current] for name in entry.keys}
    columns["artifact_id"] = [one.artifact_id for one in current.values()]
    columns["fingerprint"] = [one.fingerprint for one in current.values()]
    columns["creation_time"] = [one.creation_time for one in current.values()]
    return pd.DataFrame(columns).astype({"creation_time": "datetime64[ms, UTC]"})
