"""Find what was interrupted between the store and the index: a save after its files were there, the begin of a run.

Nothing waits for it in the spool, as whoever was about to note it was killed. So whoever looks compares the newest that
lie in the lake with the index.
"""

from __future__ import annotations

import heapq
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from elliptio import naming
from elliptio.errors import ElliptioError, MissingKeyError
from elliptio.lake import run_records
from elliptio.lake.checks import check_document, check_place, is_artifact_root
from elliptio.lake.lake import ARTIFACTS, RUNS, TOMBSTONE_FILE, Lake
from elliptio.lake.manifests import manifest_of
from elliptio.lake.parents import warn_of_deleted

log = logging.getLogger(__name__)

MOST = 50
"""So many of each kind are compared, the newest; more where all of them are missing. `reindex` compares all."""
MORE = (MOST, 20 * MOST, 200 * MOST)


def mend(lake: Lake) -> None:
    """Record what lies in a local lake and is in no index. What fails is left to others."""
    if lake.store.folder is None:
        return
    try:
        _mend_artifacts(lake, Path(lake.store.folder))
        _mend_runs(lake, Path(lake.store.folder))
    except (ElliptioError, OSError) as error:
        log.info("What was interrupted in %s could not be looked for: %s", lake.store.root, error)


def _mend_artifacts(lake: Lake, folder: Path) -> None:
    places = _unrecorded_artifacts(lake, folder)
    for artifact_id, place in places.items():
        try:
            if record(lake, place):
                log.info("%s had been saved, and its saver was interrupted: it is recorded now.", artifact_id)
        except ElliptioError as error:
            log.info("%s could not be recorded: %s", artifact_id, error)


def _unrecorded_artifacts(lake: Lake, folder: Path) -> dict[str, str]:
    """Find where those of the newest lie that are not in the index; of more, where many were published at once."""
    for most in MORE:
        newest = list(_newest_artifacts(folder, most))
        places = {key[key.index("artifact_") :]: key for key in newest}
        missing = _missing(lake, ARTIFACTS, list(places), alone=len(places) == 1)
        if missing is not None:
            return {artifact_id: places[artifact_id] for artifact_id in missing}
        if len(newest) < most or not lake.index.count(ARTIFACTS, {}, limit=1):
            break
    return {}


def _mend_runs(lake: Lake, folder: Path) -> None:
    names = heapq.nlargest(MOST, _names(folder / run_records.RUNS))
    begun = [name for name in names if (folder / run_records.key(name, run_records.BEGIN)).is_file()]
    for run_id in _missing(lake, RUNS, begun, alone=len(names) < MOST) or ():
        try:
            run_records.record(lake, run_id)
        except ElliptioError as error:
            log.info("%s could not be recorded: %s", run_id, error)


def _missing(lake: Lake, collection: str, identifiers: Sequence[str], *, alone: bool) -> list[str] | None:
    """List those that are not in the index; None where none is: it may be the index that is missing, unless `alone`."""
    known = lake.index.count(collection, {"_id": {"$in": list(identifiers)}}) if identifiers else 0
    if known == len(identifiers):
        return []
    if not (known or alone):
        return None
    there = {document["_id"] for document in lake.index.find(collection, {"_id": {"$in": list(identifiers)}})}
    return [identifier for identifier in identifiers if identifier not in there]


def _newest_artifacts(folder: Path, most: int) -> Iterator[str]:
    """Yield the keys of the newest artifacts that lie complete in a folder, and were not deleted."""
    found = 0
    for year in _latest(folder, 4):
        for month in _latest(folder / year, 2):
            for day in _latest(folder / year / month, 2):
                below = folder / year / month / day
                # Of one day, all: they are in folders of their users.
                keys = (
                    f"{year}/{month}/{day}/{user}/{name}" for user in _names(below) for name in _names(below / user)
                )
                for key in heapq.nlargest(most, filter(is_artifact_root, keys), key=_time_of):
                    if _is_complete(folder / key):
                        yield key
                        found += 1
                        if found == most:
                            return


def _is_complete(place: Path) -> bool:
    return (place / naming.MANIFEST).is_file() and not (place / TOMBSTONE_FILE).exists()


def _time_of(key: str) -> str:
    return key.rsplit("/", 1)[-1]


def _latest(folder: Path, digits: int) -> list[str]:
    return sorted((name for name in _names(folder) if len(name) == digits and name.isdecimal()), reverse=True)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def record(lake: Lake, root_key: str) -> str | None:
    """Put an artifact into the index; None where it was deleted since."""
    try:
        document, environment, where = manifest_of(lake, root_key)
    except MissingKeyError:
        return None
    check_place(document, root_key, where)
    check_document(document, environment, where)
    added = lake.add_manifest({**document, "remote_root": root_key, "lake_id": lake.lake_id}, environment)
    if added and document["based_on"]:
        warn_of_deleted(lake, document["_id"], document["based_on"])
    return document["_id"] if added or lake.has(document["_id"]) else None
