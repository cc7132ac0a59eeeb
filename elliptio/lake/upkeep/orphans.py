"""Find what interrupted saves and deletes left behind, and remove it where nobody who lives can be at it.

In a folder a running save holds a lock, which its store looks at. A bucket has no locks, so there the age decides, by
the clock of the server: a save that takes long writes a sign of life beside its files (`naming.SAVING`), and who showed
none for the time of `FLOOR` is taken for dead.

Whoever wakes up later, such as a laptop that was closed, finds when it publishes that files are missing, or that they
are being removed: it writes its ``metadata.json`` before it looks for the sign of that (`naming.COLLECTED`), and here
that sign is written before a look for ``metadata.json``, so one of the two sees the other.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from elliptio import naming
from elliptio.errors import FormatError, StoreError
from elliptio.lake.checks import is_artifact_root
from elliptio.lake.lake import TOMBSTONE_FILE, Lake
from elliptio.lake.upkeep import GRACE
from elliptio.lake.upkeep.upkeep import record_tombstone, remove_parts
from elliptio.protocols import StoredFile

log = logging.getLogger(__name__)

FLOOR = timedelta(hours=1)
"""The same where nobody can tell whether a save still runs: no grace undercuts it."""

STAGING = f"{naming.LAKE_FOLDER}/staging"


@dataclass(frozen=True)
class Orphan:
    """Files that belong to no artifact: what an interrupted save left.

    Examples
    --------
    >>> from datetime import timedelta
    >>> from pathlib import Path
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> left = Path("lake/2026/01/01/andy/000000_artifact_0195d000-0000-7000-8000-000000000000")
    >>> left.mkdir(parents=True)
    >>> written = (left / "a.txt").write_text("1")
    >>> h.gc(grace=timedelta(0))
    [Orphan(key='2026/01/01/andy/000000_artifact_...', size=1, age=..., removed=False)]

    """

    key: str
    size: int
    age: timedelta
    removed: bool


def gc(lake: Lake, *, dry_run: bool = True, grace: timedelta = GRACE) -> list[Orphan]:
    """Find what interrupted saves and deletes left; unless `dry_run`, remove what is older than `grace`.

    An artifact that lies complete in the store is never an orphan, in the index or not: `reindex` brings it back. Nor
    is the save of a process that runs ever removed: see the module.
    """
    lake.check_format()
    # Before anything is listed, so that what is listed is never older than it seems.
    here, there = datetime.now(tz=UTC), None if dry_run or not lake.store.remote else _time_of(lake)
    orphans = []
    for root, files in sorted(_groups(lake).items()):
        names = {stored.key[len(root) + 1 :] for stored in files}
        deleted = TOMBSTONE_FILE in names and is_artifact_root(root)
        left = [stored for stored in files if stored.key != f"{root}/{TOMBSTONE_FILE}"] if deleted else files
        complete = naming.MANIFEST in names and not deleted and not root.startswith(f"{STAGING}/")
        if complete or not left:
            continue
        newest = max(stored.modified for stored in files)
        # When it was begun counts too: its files may be copies that kept older times.
        made = naming.moment_of(root.rpartition("/")[2])
        age = here - max([newest, *([made] if made else [])])
        may = age > grace and (deleted or there is None or there - newest > FLOOR)
        removed = not dry_run and may and _remove(lake, root, left, deleted=deleted)
        orphans.append(Orphan(root, sum(stored.size for stored in left), age, removed))
    return orphans


def _time_of(lake: Lake) -> datetime:
    """Ask a store for its time, which need not be that of this machine: what it writes down beside a new file."""
    key = f"{naming.LAKE_FOLDER}/clock/{uuid.uuid4().hex}"
    lake.store.create(key, b"")
    try:
        found = lake.store.stat(key)
    finally:
        lake.store.remove(key)
    if found is None:
        raise StoreError(f"{lake.store.root} does not keep what is written to it: {key} was gone at once.")
    return found.modified


def _groups(lake: Lake) -> dict[str, list[StoredFile]]:
    """Files in the store by the folder of the artifact that they belong to, or in which one was being made."""
    groups: dict[str, list[StoredFile]] = {}
    for stored in [*lake.store.list(STAGING), *lake.store.list(), *_unfinished(lake)]:
        parts = stored.key.split("/")
        own = stored.key.startswith(f"{STAGING}/") and parts[2] != ".lock"
        depth = 3 if own else 5
        root = "/".join(parts[:depth])
        if own or (len(parts) > depth and is_artifact_root(root)):
            groups.setdefault(root, []).append(stored)
    return groups


def _unfinished(lake: Lake) -> list[StoredFile]:
    """Large files whose upload was cut off, where the store keeps such apart from what it lists."""
    try:
        return list(lake.store.unfinished())
    except StoreError as error:
        log.warning("Uploads that were cut off could not be looked for: %s", error)
        return []


def _remove(lake: Lake, root: str, left: list[StoredFile], *, deleted: bool) -> bool:
    """Remove an orphan; of a deleted artifact the tombstone stays, and if that is damaged, so does everything."""
    if deleted:
        try:
            record_tombstone(lake, root)
        except FormatError:
            return False
        remove_parts(lake, root)
        return True
    if lake.store.remote:
        if not _is_given_up(lake, root):
            return False
        # The sign that it is being removed goes last: until then, whoever publishes it all the same sees that.
        for top in sorted({stored.key[len(root) + 1 :].partition("/")[0] for stored in left} - {"", naming.SAVING}):
            lake.store.remove(f"{root}/{top}")
    lake.store.remove(root)
    # A store passes over what a running process is still making.
    return not any(True for _ in lake.store.list(root))


def _is_given_up(lake: Lake, root: str) -> bool:
    """Say that an orphan is being removed, unless it was published meanwhile."""
    sign = f"{root}/{naming.COLLECTED}"
    lake.store.create(sign, b"")
    if lake.store.stat(f"{root}/{naming.MANIFEST}") is None:
        return True
    lake.store.remove(sign)
    return False
