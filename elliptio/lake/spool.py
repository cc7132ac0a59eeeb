"""Artifacts that are saved but not yet in the index, because it could not be reached; tags and runs likewise.

An artifact lies complete in the store before it is recorded, so all that must be kept is where it lies: a small file
``.elliptio/spool/<artifact_id>`` in the store. Of tags and runs too the store has everything, so an empty file
``tags_…`` or ``<run_id>`` beside it says enough. Whoever opens the lake next can deliver it, from any machine.
"""

from __future__ import annotations

import logging
import secrets
import time

from elliptio import naming
from elliptio.documents import read_manifest
from elliptio.errors import ElliptioError, FormatError, IndexUnavailableError, MissingKeyError, StoreError
from elliptio.lake import run_records, tags
from elliptio.lake.checks import check_document, check_place, lies_at
from elliptio.lake.lake import Lake
from elliptio.protocols import Document, StoredFile
from elliptio.system.warn import warn

log = logging.getLogger(__name__)

SPOOL = f"{naming.LAKE_FOLDER}/spool"

TAGS_NOTE = f"{SPOOL}/tags_"

RUN_NOTE = f"{SPOOL}/run_"

LONGEST = 4096
"""Bytes of a place in a lake; what is longer is none."""

LOOK_SECONDS = 60.0
"""How often a remote store is asked for what other processes left there."""


class SpooledWarning(UserWarning):
    """An artifact, a tag or a run is saved, but cannot be found yet: the index could not be reached."""


def note(lake: Lake, artifact_id: str, root_key: str) -> None:
    """Note that an artifact waits for the index."""
    lake.store.create(f"{SPOOL}/{artifact_id}", root_key.encode())


def note_tags(lake: Lake) -> None:
    """Note that the index has to be told of tags."""
    lake.spooled = True
    # A name of its own: whoever delivers must not take away a note that was written after it had looked.
    lake.store.create(f"{TAGS_NOTE}{secrets.token_hex(8)}", b"")


def note_run(lake: Lake, run_id: str) -> None:
    """Note that the index has to be told of a run."""
    lake.spooled = True
    lake.store.create(f"{SPOOL}/{run_id}", b"")


def keep(lake: Lake, artifact_id: str, root_key: str, error: ElliptioError) -> None:
    """Note that an artifact waits for the index, and say so once; only remember it where the store takes no note."""
    how = "They are recorded at the next call that reaches the index, or by `elliptio flush`."
    told = lake.spooled
    lake.spooled = True
    try:
        note(lake, artifact_id, root_key)
    except StoreError as failure:
        told = bool(lake.unnoted)
        lake.unnoted[artifact_id] = root_key
        how = (
            f"Nor could it be noted that they wait: {failure} They are recorded at the next call of this program that "
            "reaches the index, or by `elliptio reindex`."
        )
    if not told:
        warn(f"The files are saved, but cannot be found yet: {error} {how}", SpooledWarning)


def flush(lake: Lake) -> list[str]:
    """Record the artifacts that wait, each exactly once, and return their identifiers.

    What cannot be read is left where it is, and said once.

    Raises
    ------
    IndexUnavailableError
        If the index still cannot be reached; what waits goes on waiting.

    """
    return _deliver(lake, list(lake.store.list(SPOOL)))


def flush_if_any(lake: Lake) -> None:
    """Deliver what waits. In a remote store it is looked for once a minute, or when something is known to wait.

    A reader that may not write reads on all the same.

    Raises
    ------
    IndexUnavailableError
        If something waits and the index cannot even be read.

    """
    now = time.monotonic()
    if not lake.spooled and lake.store.remote and now - lake.spool_checked < LOOK_SECONDS:
        return
    lake.spool_checked = now
    try:
        waiting = list(lake.store.list(SPOOL))
    except StoreError as error:
        _report(lake, SPOOL, f"Cannot look for artifacts that wait for the index: {error}")
        return
    if not waiting and not lake.unnoted:
        return
    # Reading comes first: where that fails too, the caller should learn it now, and not wait for it twice.
    lake.has("")
    try:
        delivered = _deliver(lake, waiting)
    except IndexUnavailableError as error:
        number = len(waiting) + len(lake.unnoted)
        _report(
            lake, "index", f"{number:,} artifacts, tags or runs wait for the index, which cannot be written: {error}"
        )
        return
    if delivered:
        log.info("Recorded %d artifacts that had waited for the index.", len(delivered))


def _deliver(lake: Lake, waiting: list[StoredFile]) -> list[str]:
    delivered = _deliver_unnoted(lake)
    notes = [stored for stored in waiting if stored.key.startswith(TAGS_NOTE)]
    for stored in sorted({*waiting} - {*notes}, key=lambda stored: stored.key):
        try:
            artifact_id = (_deliver_run if stored.key.startswith(RUN_NOTE) else _deliver_one)(lake, stored)
        except IndexUnavailableError:
            raise
        except ElliptioError as error:
            _report(lake, stored.key, f"{lake.store.root}/{stored.key} cannot be recorded in the index: {error}")
        else:
            delivered += [artifact_id] if artifact_id else []
    if notes:
        tags.sync(lake)
        for stored in notes:
            lake.store.remove(stored.key)
    lake.reached()
    lake.spooled = False
    return delivered


def _deliver_unnoted(lake: Lake) -> list[str]:
    """Record what only this process knows to wait."""
    delivered = []
    for artifact_id, root_key in list(lake.unnoted.items()):
        try:
            delivered += [artifact_id] if _record(lake, root_key) else []
        except IndexUnavailableError:
            raise
        except ElliptioError as error:
            _report(lake, artifact_id, f"{lake.store.root}/{root_key} cannot be recorded in the index: {error}")
        lake.unnoted.pop(artifact_id, None)
    return delivered


def _deliver_one(lake: Lake, stored: StoredFile) -> str | None:
    """Record one artifact; None where nothing was left to record."""
    try:
        root_key = _read_root_key(lake, stored)
    except MissingKeyError:  # another process was quicker
        return None
    found = _record(lake, root_key)
    lake.store.remove(stored.key)
    return found


def _deliver_run(lake: Lake, stored: StoredFile) -> None:
    # Not after it: what ends meanwhile is noted again.
    lake.store.remove(stored.key)
    try:
        run_records.record(lake, stored.key.removeprefix(f"{SPOOL}/"))
    except IndexUnavailableError:
        lake.store.create(stored.key, b"")
        raise


def _record(lake: Lake, root_key: str) -> str | None:
    """Put an artifact into the index; None where it was deleted since."""
    try:
        document, environment = _read_artifact(lake, root_key)
    except MissingKeyError:
        return None
    added = lake.add_manifest({**document, "remote_root": root_key, "lake_id": lake.lake_id}, environment)
    return document["_id"] if added or lake.has(document["_id"]) else None


def _read_root_key(lake: Lake, stored: StoredFile) -> str:
    if not 0 < stored.size <= LONGEST:
        raise FormatError(f"it is damaged: {stored.size:,} bytes are no place of an artifact.")
    with lake.store.open(stored.key) as file:
        data = file.read()
    try:
        root_key = data.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"it is damaged: {error}.") from error
    if not lies_at(stored.key.removeprefix(f"{SPOOL}/"), root_key):
        raise FormatError(f"it is damaged: {root_key!r} is not where {stored.key.rpartition('/')[2]} lies.")
    return root_key


def _read_artifact(lake: Lake, root_key: str) -> tuple[Document, Document]:
    key = f"{root_key}/{naming.MANIFEST}"
    where = f"{lake.store.root}/{key}"
    with lake.store.open(key) as file:
        document, environment = read_manifest(file.read(), where)
    check_place(document, root_key, where)
    check_document(document, environment, where)
    return document, environment


def _report(lake: Lake, key: str, message: str) -> None:
    if key not in lake.spool_reported:
        lake.spool_reported.add(key)
        log.warning("%s", message)
