"""Artifacts that are saved but not yet in the index, because it could not be reached; tags and runs likewise.

An artifact lies complete in the store before it is recorded, so all that must be kept is where it lies: a small file
``.elliptio/spool/<artifact_id>`` in the store. Of tags and runs too the store has everything, so an empty file
``tags_…`` or ``<run_id>`` beside it says enough. Whoever opens the lake next can deliver it, from any machine.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from dataclasses import KW_ONLY, dataclass, field
from typing import Self

from elliptio import naming
from elliptio.errors import ElliptioError, FormatError, IndexUnavailableError, MissingKeyError, StoreError
from elliptio.lake import run_records, tags
from elliptio.lake.checks import check_document, check_place, lies_at
from elliptio.lake.lake import Lake
from elliptio.lake.manifests import manifest_of
from elliptio.lake.parents import warn_of_deleted
from elliptio.protocols import StoredFile
from elliptio.system.warn import warn

log = logging.getLogger(__name__)

SPOOL = f"{naming.LAKE_FOLDER}/spool"

TAGS, RUN = "tags_", "run_"
"""Beginnings of the names of notes that are of tags, and of a run; of an artifact it is its identifier."""

LONGEST = 4096
"""Bytes of a place in a lake; what is longer is none."""

LOOK_SECONDS = 60.0
"""Seconds after which a remote store is asked again for what other processes left there."""


class SpooledWarning(UserWarning):
    """An artifact, a tag or a run is saved, but cannot be found yet: the index could not be reached."""


class _Waiting:
    """Knowledge of this process of what waits for the index of a lake.

    Attributes
    ----------
    some
        Whether something of this process does.
    looked
        When it was last looked for what other processes left.
    unnoted
        Notes that could not be written: what they say by name.
    reported
        What was already said: once is enough.

    """

    def __init__(self) -> None:
        self.some = False
        self.looked = -math.inf
        self.unnoted: dict[str, str] = {}
        self.reported: set[str] = set()


@dataclass
class telling:  # reads as what it does, as `contextlib.suppress` does
    """Let the index follow in a block what the store holds by now; where it cannot, note that and warn.

    Parameters
    ----------
    lake
        The lake.
    note, content
        Name of the note, and what it says.
    says
        What is the matter as long as the index does not follow.
    always
        True: warn also where something was known to wait before.

    Attributes
    ----------
    done
        Whether the index follows.

    """

    # A class, and no generator: so that each save is a few calls shorter.
    lake: Lake
    _: KW_ONLY
    note: str
    says: str
    content: str = ""
    always: bool = False
    done: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        self.done = error is None
        if isinstance(error, ElliptioError):
            # The store has all, so nothing may fail here.
            _note(self.lake, self.note, self.content, f"{self.says}: {error}", always=self.always)
            return True
        if error is not None:
            # What interrupts is what the caller must see, also where no note can be written.
            with contextlib.suppress(ElliptioError):
                self.lake.store.create(f"{SPOOL}/{self.note}", self.content.encode())
        return False


def _note(lake: Lake, name: str, content: str, said: str, *, always: bool) -> None:
    waiting = lake.own(_Waiting)
    told, waiting.some = waiting.some, True
    how = "That is made up for at the next call that reaches the index, or by `elliptio flush`."
    try:
        lake.store.create(f"{SPOOL}/{name}", content.encode())
    except StoreError as failure:
        told = bool(waiting.unnoted)
        waiting.unnoted[name] = content
        how = (
            f"Nor could it be noted: {failure} It is made up for at the next call of this program that reaches the "
            "index, or by `elliptio reindex`."
        )
    if always or not told:
        warn(f"{said} {how}", SpooledWarning)


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
    waiting, now = lake.own(_Waiting), time.monotonic()
    if not waiting.some and lake.store.remote and now - waiting.looked < LOOK_SECONDS:
        return
    waiting.looked = now
    try:
        notes = list(lake.store.list(SPOOL))
    except StoreError as error:
        _report(lake, SPOOL, f"Cannot look for artifacts that wait for the index: {error}")
        return
    if not notes and not waiting.unnoted:
        return
    # Reading comes first: where that fails too, the caller should learn it now, and not wait for it twice.
    lake.has("")
    try:
        delivered = _deliver(lake, notes)
    except IndexUnavailableError as error:
        number = len(notes) + len(waiting.unnoted)
        _report(
            lake, "index", f"{number:,} artifacts, tags or runs wait for the index, which cannot be written: {error}"
        )
        return
    if delivered:
        log.info("Recorded %d artifacts that had waited for the index.", len(delivered))


def _deliver(lake: Lake, stored: list[StoredFile]) -> list[str]:
    waiting = lake.own(_Waiting)
    notes = {one.key.removeprefix(f"{SPOOL}/"): one for one in stored}
    names = sorted({*notes, *waiting.unnoted})
    delivered = []
    for name in names:
        if name.startswith(TAGS):
            continue
        try:
            if name.startswith(RUN):
                _deliver_run(lake, name)
            else:
                delivered += _deliver_artifact(lake, name, notes.get(name))
        except IndexUnavailableError:
            raise
        except ElliptioError as error:
            _report(lake, name, f"{lake.store.root}/{SPOOL}/{name} cannot be recorded in the index: {error}")
        waiting.unnoted.pop(name, None)
    of_tags = [name for name in names if name.startswith(TAGS)]
    if of_tags:
        tags.sync(lake)
    for name in of_tags:
        _forget(lake, name)
    lake.reached()
    waiting.some = False
    return delivered


def _forget(lake: Lake, name: str) -> None:
    """Take a note away: what it is of is delivered."""
    lake.own(_Waiting).unnoted.pop(name, None)
    lake.store.remove(f"{SPOOL}/{name}")


def _deliver_artifact(lake: Lake, artifact_id: str, note: StoredFile | None) -> list[str]:
    """Record one artifact, and return its identifier; nothing where nothing was left to record."""
    try:
        root_key = lake.own(_Waiting).unnoted[artifact_id] if note is None else _read_root_key(lake, note)
    except MissingKeyError:  # another process was quicker
        return []
    found = _record(lake, root_key)
    if note is not None:
        lake.store.remove(note.key)
    return [found] if found else []


def _deliver_run(lake: Lake, run_id: str) -> None:
    # Not after it: what ends meanwhile is noted again.
    lake.store.remove(f"{SPOOL}/{run_id}")
    try:
        run_records.record(lake, run_id)
    except IndexUnavailableError:
        lake.store.create(f"{SPOOL}/{run_id}", b"")
        raise


def _record(lake: Lake, root_key: str) -> str | None:
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


def _report(lake: Lake, what: str, message: str) -> None:
    reported = lake.own(_Waiting).reported
    if what not in reported:
        reported.add(what)
        log.warning("%s", message)
