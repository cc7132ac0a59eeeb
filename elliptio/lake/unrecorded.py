"""Find what was interrupted between the store and the index: a save after its files were there, the begin of a run.

Nothing waits for it in the spool, as whoever was about to note it was killed. So whoever looks compares the newest that
lie in the lake with the index.
"""

from __future__ import annotations

import heapq
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from pathlib import Path

from elliptio import naming
from elliptio.errors import ElliptioError, MissingKeyError
from elliptio.lake import run_records
from elliptio.lake.checks import check_document, check_place, is_artifact_root
from elliptio.lake.lake import ARTIFACTS, RUNS, TOMBSTONE_FILE, Lake
from elliptio.lake.manifests import manifest_of
from elliptio.lake.parents import warn_of_deleted
from elliptio.protocols import StoredFile
from elliptio.provenance import collecting

log = logging.getLogger(__name__)

MOST = 50
"""So many of each kind are compared, the newest; more where all of them are missing. `reindex` compares all."""
MORE = (MOST, 20 * MOST, 200 * MOST)

MOST_LISTED = 999
"""So many files of a remote store are looked through, which one request lists; where there are more, `reindex` does."""


def mend(lake: Lake) -> None:
    """Record what lies in a lake and is in no index. What fails is left to others."""
    try:
        if lake.store.folder is not None:
            folder = Path(lake.store.folder)
            _record_artifacts(lake, _unrecorded_artifacts(lake, folder))
            _record_runs(lake, _unrecorded_runs(lake, folder))
        else:
            _record_artifacts(lake, *_unrecorded_far_artifacts(lake))
            _record_runs(lake, _unrecorded_far_runs(lake))
    except (ElliptioError, OSError) as error:
        log.info("What was interrupted in %s could not be looked for: %s", lake.store.root, error)


def _record_artifacts(lake: Lake, places: Mapping[str, str], there: Set[str] | None = None) -> None:
    for artifact_id, place in places.items():
        try:
            if record(lake, place, there):
                log.info("%s had been saved, and its saver was interrupted: it is recorded now.", artifact_id)
        except ElliptioError as error:
            log.info("%s could not be recorded: %s", artifact_id, error)


def _record_runs(lake: Lake, run_ids: Iterable[str]) -> None:
    for run_id in run_ids:
        try:
            run_records.record(lake, run_id)
        except ElliptioError as error:
            log.info("%s could not be recorded: %s", run_id, error)


# --- in a folder ---


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


def _unrecorded_runs(lake: Lake, folder: Path) -> list[str]:
    names = heapq.nlargest(MOST, _names(folder / run_records.RUNS))
    begun = [name for name in names if (folder / run_records.key(name, run_records.BEGIN)).is_file()]
    return _missing(lake, RUNS, begun, alone=len(names) < MOST) or []


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


# --- where all is far ---


def _unrecorded_far_artifacts(lake: Lake) -> tuple[dict[str, str], set[str]]:
    """Find where those lie that were saved since the newest of the index and are not in it, and all keys since then.

    An index that only this user writes gets no artifacts of others.
    """
    newest = [document["remote_root"] for document in lake.find({}, sort=[("creation_time", -1)], limit=MOST)]
    # Keys begin with the day. On a day with very many files the last one may be short enough.
    days = sorted({f"{root.rsplit('/', 2)[0]}/" for root in newest}) or ["0/"]
    there = {stored.key for stored in _few(lake, "", [days[0], days[-1]])}
    own = naming.remote_root("", run_records.now(), collecting.username()).split("/")[3]
    places = {}
    for key in there:
        root, _, name = key.rpartition("/")
        # What is deleted or is being collected is none.
        over = not there.isdisjoint({f"{root}/{TOMBSTONE_FILE}", f"{root}/{naming.COLLECTED}"})
        if (
            name == naming.MANIFEST
            and is_artifact_root(root)
            and not over
            and (lake.shared or root.split("/")[3] == own)
        ):
            places[root[root.index("artifact_") :]] = root
    missing = _missing(lake, ARTIFACTS, list(places), alone=len(places) == 1) or ()
    return {artifact_id: places[artifact_id] for artifact_id in missing}, there


def _unrecorded_far_runs(lake: Lake) -> list[str]:
    """Find runs that began since the newest of the index and are not in it."""
    newest = sorted(document["_id"] for document in lake.find_runs({}, sort=[("_id", -1)], limit=MOST)) or [""]
    places = [run_records.key(run_id, "") for run_id in (newest[0], newest[-1])]
    begun = [
        stored.key.split("/")[-2]
        for stored in _few(lake, run_records.RUNS, places)
        if stored.key.endswith(f"/{run_records.BEGIN}")
    ]
    found = _missing(lake, RUNS, begun, alone=len(begun) < MOST) or []
    return found if lake.shared else [run_id for run_id in found if _is_own(lake, run_id)]


class _Others(set[str]):
    """Runs of others, which an index that only this user writes does not get."""


def _is_own(lake: Lake, run_id: str) -> bool:
    others = lake.own(_Others)
    if (
        run_id not in others
        and run_records.read_file(lake, run_id, run_records.BEGIN)["username"] != collecting.username()
    ):
        others.add(run_id)
    return run_id not in others


def _few(lake: Lake, prefix: str, starts: Sequence[str]) -> list[StoredFile]:
    """List what comes after the first of some keys after which there is little; nothing where there is none."""
    list_after: Callable[..., Iterator[StoredFile]] = lake.store.list
    for start in dict.fromkeys(starts) if lake.store.after else ():
        found = list(islice(list_after(prefix, start), MOST_LISTED + 1))
        if len(found) <= MOST_LISTED:
            return found
    return []


def record(lake: Lake, root_key: str, there: Set[str] | None = None) -> str | None:
    """Put an artifact into the index; None where it was deleted since.

    Where it is far also where not all its files are `there`, or it was copied from another lake.
    """
    try:
        document, environment, where = manifest_of(lake, root_key)
    except MissingKeyError:
        return None
    check_place(document, root_key, where)
    check_document(document, environment, where)
    # Who publishes on S3 looks after that whether all is there, and may find that it was collected.
    if there is not None and document.get("lake_id") != lake.lake_id:
        return None
    files = () if there is None or document.get("link") else document["files"]
    if not all(f"{root_key}/{naming.FILES}/{file['relpath']}" in (there or ()) for file in files):
        return None
    added = lake.add_manifest({**document, "remote_root": root_key, "lake_id": lake.lake_id}, environment)
    if added and document["based_on"]:
        warn_of_deleted(lake, document["_id"], document["based_on"])
    return document["_id"] if added or lake.has(document["_id"]) else None
