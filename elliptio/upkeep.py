"""Keeping a lake whole: check its bytes, rebuild its index, remove what crashes left, delete on purpose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from elliptio import naming
from elliptio.errors import ElliptioError, FormatError, InUseError, MissingKeyError
from elliptio.hashing import CHUNK, HashingReader
from elliptio.lake import ARTIFACTS, TOMBSTONES, Lake
from elliptio.metadata import check_version, extended_json, read_extended_json, read_manifest
from elliptio.progress import Progress
from elliptio.protocols import Document, StoredFile

GRACE = timedelta(hours=24)
"""What is younger than this may still be in the making."""

STAGING = f"{naming.LAKE_FOLDER}/staging"
TOMBSTONE = "deleted.json"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one artifact; `relpath` is None where it concerns the whole artifact."""

    artifact_id: str
    relpath: str | None
    message: str


@dataclass
class VerifyReport:
    """What `verify` looked at, and what it found."""

    artifacts: int = 0
    files: int = 0
    bytes: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"ok": self.ok, **asdict(self)}


@dataclass(frozen=True)
class Orphan:
    """Files that belong to no artifact: what an interrupted save left."""

    key: str
    size: int
    age: timedelta
    removed: bool


@dataclass
class ReindexReport:
    """What `reindex` put into the index, and what it could not read."""

    artifacts: int = 0
    tombstones: int = 0
    already_there: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything in the lake could be read."""
        return not self.problems


def verify(lake: Lake, documents: Iterable[Document], *, progress: bool = True) -> VerifyReport:
    """Read every file of the given artifacts and compare it with what was recorded."""
    report = VerifyReport()
    wanted = [task for document in documents for task in _tasks(lake, document, report)]
    report.files = len(wanted)
    report.bytes = sum(task.size for task in wanted)
    bar = Progress(report.bytes, "Verifying", enabled=progress)
    with bar, ThreadPoolExecutor(lake.store.concurrency, "elliptio-verify") as pool:
        found = pool.map(lambda task: _verify_file(lake, task, bar), wanted)
        report.problems += [problem for problem in found if problem]
    return report


class _Task(NamedTuple):
    """One file to read, and what it should be."""

    artifact_id: str
    key: str
    relpath: str
    size: int
    sha256: str


def _tasks(lake: Lake, document: Document, report: VerifyReport) -> Iterator[_Task]:
    """List the files of an artifact, by its manifest."""
    report.artifacts += 1
    artifact_id, root = document["artifact_id"], document["remote_root"]
    try:
        manifest, _ = _read_manifest(lake, f"{root}/{naming.MANIFEST}")
        if manifest["fingerprint"] != document["fingerprint"]:
            raise FormatError("metadata.json and the index disagree about the files (fingerprint)")
        pairs = [(entry["relpath"], entry["sha256"]) for entry in manifest["files"]]
        if naming.fingerprint(pairs) != manifest["fingerprint"]:
            raise FormatError("the files listed in metadata.json do not give its fingerprint")
    except ElliptioError as error:
        report.problems.append(Problem(artifact_id, None, str(error)))
        manifest = document
    for folder, entries in ((naming.FILES, manifest["files"]), (naming.LOGS, manifest.get("logs", []))):
        for entry in entries:
            relpath = f"{folder}/{entry['relpath']}"
            yield _Task(artifact_id, f"{root}/{relpath}", relpath, entry["size"], entry["sha256"])


def _verify_file(lake: Lake, task: _Task, bar: Progress) -> Problem | None:
    try:
        with lake.store.open(task.key) as file:
            reader = HashingReader(file)
            while data := reader.read(CHUNK):
                bar.advance(len(data))
    except MissingKeyError:
        return Problem(task.artifact_id, task.relpath, "is missing")
    except ElliptioError as error:
        return Problem(task.artifact_id, task.relpath, str(error))
    if (reader.size, reader.sha256) == (task.size, task.sha256):
        return None
    message = f"is damaged: {reader.size} bytes, sha256 {reader.sha256}; saved were {task.size}, {task.sha256}"
    return Problem(task.artifact_id, task.relpath, message)


def reindex(lake: Lake) -> ReindexReport:
    """Put every artifact and tombstone that lies complete in the store into the index; add only what is missing."""
    report = ReindexReport()
    tombstones = {}
    manifests = []
    for stored in lake.store.list():
        folder, _, name = stored.key.rpartition("/")
        if name == TOMBSTONE and _is_artifact_root(folder):
            tombstones[folder] = stored.key
        elif name == naming.MANIFEST and _is_artifact_root(folder):
            manifests.append(folder)
    for folder in sorted(manifests):
        try:
            if folder not in tombstones:
                added = _reindex_one(lake, folder)
                report.artifacts += added
                report.already_there += not added
        except ElliptioError as error:
            report.problems.append(Problem(folder.rpartition("/")[2].partition("_")[2], None, str(error)))
    for _, key in sorted(tombstones.items()):
        tombstone = _read_tombstone(lake, key)
        report.tombstones += lake.index.insert(TOMBSTONES, tombstone)
        lake.index.delete(ARTIFACTS, [tombstone["_id"]])
    return report


def _is_artifact_root(folder: str) -> bool:
    """Whether a folder is one that `naming.remote_root` makes: user files may be called metadata.json as well."""
    parts = folder.split("/")
    return len(parts) == 5 and "_artifact_" in parts[4]


def _reindex_one(lake: Lake, folder: str) -> bool:
    document, environment = _read_manifest(lake, f"{folder}/{naming.MANIFEST}")
    # A lake that was copied or moved is taken as it lies now.
    document = {**document, "remote_root": folder, "lake_id": lake.lake_id}
    for entry in [*document["files"], *document.get("logs", [])]:
        naming.check_relpath(entry["relpath"])
    return lake.add_manifest(document, environment)


def _read_manifest(lake: Lake, key: str) -> tuple[Document, Document]:
    with lake.store.open(key) as file:
        return read_manifest(file.read(), f"{lake.store.root}/{key}")


def gc(lake: Lake, *, dry_run: bool = True, grace: timedelta = GRACE) -> list[Orphan]:
    """Find what interrupted saves left; unless `dry_run`, remove what is older than `grace`.

    An artifact that lies complete in the store is never an orphan, in the index or not: `reindex` brings it back.
    """
    now = datetime.now(tz=UTC)
    groups: dict[str, list[StoredFile]] = {}
    complete = set()
    for stored in [*lake.store.list(STAGING), *lake.store.list()]:
        parts = stored.key.split("/")
        depth = 3 if stored.key.startswith(f"{STAGING}/") else 5
        root = "/".join(parts[:depth])
        if depth == 3 or (_is_artifact_root(root) and len(parts) > depth):
            groups.setdefault(root, []).append(stored)
            if depth == 5 and parts[5:] in ([naming.MANIFEST], [TOMBSTONE]):
                complete.add(root)
    orphans = []
    for root, files in sorted(groups.items()):
        if root not in complete:
            age = now - max(stored.modified for stored in files)
            removed = not dry_run and age > grace
            if removed:
                lake.store.remove(root)
            orphans.append(Orphan(root, sum(stored.size for stored in files), age, removed))
    return orphans


def delete(lake: Lake, document: Document, *, force: bool, username: str) -> None:
    """Remove an artifact's files; a tombstone keeps its place in the lineage.

    Raises
    ------
    InUseError
        If other artifacts are based on it, unless `force`.

    """
    artifact_id = document["artifact_id"]
    children = [child["artifact_id"] for child in lake.find({"based_on": artifact_id}, sort=(), limit=10)]
    if children and not force:
        raise InUseError(
            f"{artifact_id} was not deleted, because these are based on it: {', '.join(children)}. "
            "force=True deletes it all the same."
        )
    root = document["remote_root"]
    tombstone = {
        **{name: value for name, value in document.items() if name not in ("files", "logs", "tags")},
        "deleted": {"time": datetime.now(tz=UTC).isoformat(timespec="milliseconds"), "username": username},
    }
    lake.store.create(f"{root}/{TOMBSTONE}", extended_json(tombstone).encode() + b"\n")
    lake.index.insert(TOMBSTONES, tombstone)
    lake.index.delete(ARTIFACTS, [artifact_id])
    for folder in (naming.FILES, naming.LOGS, naming.MANIFEST):
        lake.store.remove(f"{root}/{folder}")


def _read_tombstone(lake: Lake, key: str) -> Mapping[str, Any]:
    with lake.store.open(key) as file:
        tombstone = read_extended_json(file.read())
    check_version(tombstone, f"{lake.store.root}/{key}")
    return {**tombstone, "lake_id": lake.lake_id}
