"""Keeping a lake whole: rebuild its index, delete on purpose."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from elliptio import naming
from elliptio.documents import extended_json
from elliptio.errors import (
    DocumentNotFoundError,
    ElliptioError,
    FormatError,
    IndexUnavailableError,
    InUseError,
    MissingKeyError,
)
from elliptio.lake import notes, records, run_records, tags
from elliptio.lake.checks import check_document, check_place, check_tombstone, is_artifact_root, lies_at
from elliptio.lake.json_files import read_json
from elliptio.lake.lake import ARTIFACTS, TOMBSTONE_FILE, TOMBSTONES, Lake
from elliptio.lake.link_hashes import tell_index
from elliptio.lake.manifests import manifest_of
from elliptio.lake.upkeep.verification import Problem
from elliptio.lake.view import view_of
from elliptio.protocols import Document

log = logging.getLogger(__name__)

_PARTS = (naming.FILES, naming.LOGS, naming.HASHES, naming.MANIFEST, naming.SAVING)
"""Parts of an artifact; of a deleted one none is left."""


_PROBE = 16 << 10
"""Bytes: what an index needs to write anything at all."""


@dataclass
class ReindexReport:
    """Report of what `reindex` put into the index, and what it could not read.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as made:
    ...     made.file.upload_string("1,2")
    >>> h.reindex()
    ReindexReport(artifacts=0, tombstones=0, runs=0, already_there=1, problems=[])

    """

    artifacts: int = 0
    tombstones: int = 0
    runs: int = 0
    already_there: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True where everything in the lake could be read."""
        return not self.problems


def reindex(lake: Lake) -> ReindexReport:
    """Put every artifact and tombstone that lies complete in the store into the index; add only what is missing.

    Of an artifact in a folder files may have been lost since: it is recorded, and the report names them. On S3 it is
    not, as its save may have been interrupted.

    Then the index is told which tags artifacts have, and which runs there were. An embedded index that is damaged is
    moved aside, and made anew.

    Raises
    ------
    IndexUnavailableError
        If the index fails.
    FormatError
        If a newer elliptio wrote the lake.

    """
    lake.check_format()
    try:
        return _reindex(lake)
    except IndexUnavailableError:
        # Only an index that lies in files has a way of its own to be made anew.
        set_aside = getattr(lake.index, "set_aside", None)
        moved = set_aside and set_aside()
        if not moved:
            raise
    log.warning("The index %s was damaged. It is kept as %s, and rebuilt from the lake.", lake.index.address, moved)
    return _reindex(lake)


def _reindex(lake: Lake) -> ReindexReport:
    report = record(lake, lying(lake))
    report.problems += [Problem(f"tag:{name}", None, str(error)) for name, error in tags.sync(lake).items()]
    report.problems += [Problem(f"note:{key}", None, str(error)) for key, error in notes.sync(lake).items()]
    report.problems += [Problem(f"record:{key}", None, str(error)) for key, error in records.sync(lake).items()]
    report.runs, damaged = run_records.reindex(lake)
    report.problems += [Problem(run_id, None, str(error)) for run_id, error in damaged.items()]
    return report


@dataclass
class Lying:
    """Hold what lies in a store.

    Attributes
    ----------
    complete, deleted
        Folders of the artifacts that have a manifest, and of those that were deleted.
    files
        How many files an artifact has, by its folder.

    """

    complete: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    files: Counter[str] = field(default_factory=Counter)


def lying(lake: Lake) -> Lying:
    """List what lies in a lake; what is being collected was never published."""
    found, collected = Lying(), set()
    for stored in lake.store.list():
        folder, _, name = stored.key.rpartition("/")
        root, part, _ = stored.key.partition(f"/{naming.FILES}/")
        if name in (naming.MANIFEST, TOMBSTONE_FILE) and is_artifact_root(folder):
            (found.deleted if name == TOMBSTONE_FILE else found.complete).add(folder)
        elif stored.key.endswith(f"/{naming.COLLECTED}"):
            collected.add(stored.key.removesuffix(f"/{naming.COLLECTED}"))
        elif part:
            found.files[root] += 1
    found.complete -= found.deleted | collected
    return found


def record(lake: Lake, there: Lying) -> ReindexReport:
    """Put what lies in a lake into the index; see `lying`."""
    report = ReindexReport()
    for folder in sorted(there.complete):
        with _noting(report, folder):
            _reindex_one(lake, folder, there.files[folder], report)
    for folder in sorted(there.deleted):
        with _noting(report, folder):
            report.tombstones += record_tombstone(lake, folder)
    lake.reached()
    return report


@contextlib.contextmanager
def _noting(report: ReindexReport, folder: str) -> Iterator[None]:
    """Go on after what one artifact has wrong with it."""
    try:
        yield
    except IndexUnavailableError:
        raise
    except ElliptioError as error:
        report.problems.append(Problem(id_of(folder), None, str(error)))


def id_of(folder: str) -> str:
    """Identifier of the artifact that a folder is named after."""
    return folder.rpartition("/")[2].partition("_")[2]


def _reindex_one(lake: Lake, folder: str, files: int, report: ReindexReport) -> None:
    document, environment, where = manifest_of(lake, folder)
    check_place(document, folder, where)
    check_document(document, environment, where)
    if document.get("link") is None and files < len(document["files"]):
        report.problems += _missing(lake, folder, document)
        # Who publishes there looks after the manifest whether all files are there: nobody ever saw this one.
        if lake.store.folder is None:
            return
    # A lake that was copied or moved is taken as it lies now.
    added = lake.add_manifest({**document, "remote_root": folder, "lake_id": lake.lake_id}, environment)
    if not added and document.get("link") is not None:
        tell_index(lake, document["_id"], document)
    report.artifacts += added
    report.already_there += not added


def _missing(lake: Lake, folder: str, document: Document) -> Iterator[Problem]:
    there = {stored.key for stored in lake.store.list(f"{folder}/{naming.FILES}")}
    so = "; so the artifact is not recorded" if lake.store.folder is None else ""
    for file in document["files"]:
        relpath = f"{naming.FILES}/{file['relpath']}"
        if f"{folder}/{relpath}" not in there:
            yield Problem(document["_id"], relpath, f"is missing{so}")


def record_tombstone(lake: Lake, folder: str) -> bool:
    """Put the tombstone that lies in a folder into the index, and take the artifact out of it."""
    tombstone = _read_tombstone(lake, folder)
    added = bool(lake.index.insert(TOMBSTONES, tombstone))
    lake.index.delete(ARTIFACTS, [tombstone["_id"]])
    return added


def _read_tombstone(lake: Lake, folder: str) -> Document:
    key = f"{folder}/{TOMBSTONE_FILE}"
    tombstone = read_json(lake.store, key)
    check_tombstone(tombstone, folder, f"{lake.store.root}/{key}")
    return {**tombstone, "remote_root": folder, "lake_id": lake.lake_id}


def remove_parts(lake: Lake, root: str) -> None:
    """Remove what is left of a deleted artifact, but its tombstone."""
    for part in _PARTS:
        lake.store.remove(f"{root}/{part}")


def delete(lake: Lake, document: Document, *, force: bool, username: str) -> None:
    """Remove an artifact's files, and its tags; a tombstone keeps its place in the lineage.

    Raises
    ------
    InUseError
        If other artifacts are based on it or tags name it, unless `force`.
    FormatError
        If the document says that the artifact lies where another does.

    """
    artifact_id, root = document["_id"], document.get("remote_root")
    if not isinstance(root, str) or not lies_at(artifact_id, root):
        raise FormatError(f"{artifact_id} was not deleted: its document says that it lies in {root!r}.")
    _check_own(lake, artifact_id, root)
    if not force:
        _check_unused(lake, artifact_id)
    now = datetime.now(tz=UTC)
    tombstone = {
        **{name: value for name, value in document.items() if name not in ("files", "logs", "tags")},
        # MongoDB keeps milliseconds.
        "deleted": {"time": now.replace(microsecond=now.microsecond // 1000 * 1000), "username": username},
    }
    try:
        announced = lake.index.insert(TOMBSTONES, tombstone)
    except IndexUnavailableError:
        _check_disk(lake)
        raise
    try:
        # Once more: whoever records a child after this sees the tombstone in the index.
        if not force:
            _check_unused(lake, artifact_id)
        lake.store.create(f"{root}/{TOMBSTONE_FILE}", extended_json(tombstone).encode() + b"\n")
    except BaseException:
        if announced:
            lake.index.delete(TOMBSTONES, [artifact_id])
        raise
    _finish_deleting(lake, artifact_id, root, username)


def _check_disk(lake: Lake) -> None:
    """Raise what is wrong with the disk of a local lake, if anything is: that is why its index fails, then.

    Raises
    ------
    StoreError
        If nothing can be written there.

    """
    if lake.store.folder is not None:
        probe = f"{naming.LAKE_FOLDER}/probes/{naming.new_id('probe')[0]}"
        lake.store.create(probe, bytes(_PROBE))
        lake.store.remove(probe)


def _check_unused(lake: Lake, artifact_id: str) -> None:
    children = [child["_id"] for child in lake.find({"based_on": artifact_id}, sort=(), limit=10)]
    reasons = [f"these are based on it: {', '.join(children)}"] if children else []
    names = tags.names_of(lake, artifact_id)
    reasons += [f"these tags name it: {', '.join(map(repr, names))}"] if names else []
    if reasons:
        raise InUseError(
            f"{artifact_id} was not deleted, because {', and '.join(reasons)}. force=True deletes it all the same."
        )


def delete_artifact(lake: Lake, artifact_id: str, *, force: bool, username: str) -> bool:
    """Delete the artifact of exactly this identifier, or finish what was interrupted while it was being deleted.

    A process that reproduces an artifact deletes only what it made itself; the answer tells if it was deleted.

    Raises
    ------
    InUseError
        If other artifacts are based on it or tags name it, unless `force`.
    DocumentNotFoundError
        If there is none, or nothing is left of it.

    """
    why = view_of(lake, strict=True).keeps(artifact_id)
    if why is not None:
        log.warning("%s was not deleted: %s.", artifact_id, why)
        return False
    try:
        document = lake.get(artifact_id)
    except DocumentNotFoundError:
        tombstone = lake.tombstone(artifact_id) or {}
        root = tombstone.get("remote_root")
        if tombstone.get("_id") != artifact_id or not lies_at(artifact_id, root) or not _is_left(lake, str(root)):
            raise
        _check_own(lake, artifact_id, str(root))
        _finish_deleting(lake, artifact_id, str(root), username)
        return True
    if document["_id"] != artifact_id:
        raise DocumentNotFoundError(f"Deleting takes the whole artifact_id, not {artifact_id!r}: it is for good.")
    delete(lake, document, force=force, username=username)
    return True


def _check_own(lake: Lake, artifact_id: str, root: str) -> None:
    """Refuse to delete what says that it is another artifact: a link may have led there. What is damaged may go."""
    try:
        found = manifest_of(lake, root)[0]["_id"]
    except (FormatError, MissingKeyError):
        return
    if found != artifact_id:
        raise FormatError(f"{artifact_id} was not deleted: what lies in {lake.store.root}/{root} is {found!r}.")


def _is_left(lake: Lake, root: str) -> bool:
    return any(True for part in _PARTS for _ in lake.store.list(f"{root}/{part}"))


def _finish_deleting(lake: Lake, artifact_id: str, root: str, username: str) -> None:
    tags.release(lake, artifact_id, username=username)
    lake.index.delete(ARTIFACTS, [artifact_id])
    remove_parts(lake, root)
    # Once more: whoever was recording the artifact meanwhile may not have seen the tombstone.
    lake.index.delete(ARTIFACTS, [artifact_id])
