"""What is recorded about an artifact, and its two written forms: the index document and ``metadata.json``."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from elliptio import naming
from elliptio.errors import FormatError
from elliptio.labels import AnyLabels, Labels, readable_labels

VERSION = 1
"""Version of the document and of ``metadata.json`` that this elliptio writes; it reads all versions up to it."""

MAX_INDEXED_FILES = 10_000
"""Beyond this many files the per-file list stays in ``metadata.json``: a MongoDB document may hold 16 MB."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of an artifact: its name within it, its size in bytes and the sha256 of its content (hexadecimal).

    A linked file has a `stamp`, by which it is seen whether it was written again, and, until it is hashed, no
    `sha256`.
    """

    relpath: str
    size: int
    sha256: str
    stamp: str | None = None


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Everything that is recorded about one artifact.

    ``creation_time`` is in UTC with milliseconds; ``tags`` are those that it had when it was loaded, and do not count
    when two are compared; ``remote_root`` is the absolute place of the artifact as seen from here; ``git`` holds
    commit, branch, remote and dirty, or is None outside a repository; ``working_directory`` is relative to the
    repository; ``repository_root`` is where the repository lay, if the command names something in it by its absolute
    path; ``link`` is where the files of a link lie, None where they lie in the lake; ``redactions`` tells of each
    secret that was masked what kind it is and where it was; ``reproduces`` is the identifier of the artifact that this
    one was made to reproduce, if any.
    """

    username: str
    hostname: str
    argv: str
    artifact_id: str
    run_id: str
    creation_time: datetime
    python_packages: Mapping[str, str] = field(default_factory=dict)
    based_on: list[str] = field(default_factory=list)
    labels: Labels | AnyLabels = field(default_factory=Labels)
    tags: list[str] = field(default_factory=list, compare=False)
    remote_root: str = ""
    local_root: str = ""
    files: list[FileRecord] = field(default_factory=list)
    file_count: int = 0
    total_size: int = 0
    fingerprint: str = ""
    log_relpaths: list[str] = field(default_factory=list)
    logs: list[FileRecord] = field(default_factory=list)
    environment_id: str | None = None
    environment: Mapping[str, Any] = field(default_factory=dict, repr=False)
    git: dict[str, Any] | None = None
    working_directory: str | None = None
    notebook: str | None = None
    link: str | None = None
    redactions: list[dict[str, str]] = field(default_factory=list)
    repository_root: str | None = None
    reproduces: str | None = None
    lake_id: str = ""
    version: int = VERSION

    @property
    def file_relpaths(self) -> list[str]:
        """Names of the files within the artifact, in the order in which they were given."""
        return [record.relpath for record in self.files]


def to_document(metadata: Metadata, root_key: str) -> dict[str, Any]:
    """Shape the document of the index: relative to the lake, packages and machine left to the environment."""
    if metadata.file_count > MAX_INDEXED_FILES:
        metadata = dataclasses.replace(metadata, files=[])
    document = _common(metadata, root_key)
    return {"_id": metadata.artifact_id, **document}


def to_manifest(metadata: Metadata, root_key: str) -> bytes:
    """Shape ``metadata.json``: complete, the environment included, with nothing that ties it to a place."""
    # In parts, because of very many files each copy takes as much again.
    document = memoryview(extended_json(_common(metadata, root_key)).encode())
    environment = _environment_json(metadata.environment).encode()
    return b"".join((b"{\n", document[1:-1], b',\n"environment": ', environment, b"\n}\n"))


_written: tuple[Mapping[str, Any], str] = ({}, "{}")
"""The last environment and how it is written: it stays the same object while nothing is installed."""


def _environment_json(environment: Mapping[str, Any]) -> str:
    global _written
    known = _written
    if known[0] is not environment:
        known = _written = (environment, extended_json(environment))
    return known[1]


def extended_json(value: Any) -> str:
    """Write a value as MongoDB's relaxed extended JSON, which keeps dates, bytes and 64-bit integers what they are."""
    from bson import json_util

    try:
        return _extended_encoder().encode(value)
    except ValueError:  # NaN and infinity, which JSON cannot say: bson's own way is slower, but knows how
        options = json_util.RELAXED_JSON_OPTIONS
        return json_util.dumps(value, json_options=options, ensure_ascii=False, separators=_SEPARATORS)


@functools.cache
def _extended_encoder() -> json.JSONEncoder:
    from bson import json_util

    default = functools.partial(json_util.default, json_options=json_util.RELAXED_JSON_OPTIONS)
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=default, separators=_SEPARATORS)


_SEPARATORS = (",\n", ": ")
"""A line for each field and element: it reads well, and json's fast encoder can do it, which cannot indent."""


def read_extended_json(data: bytes) -> Any:
    """Read extended JSON back; datetimes in UTC."""
    from bson import json_util

    return json_util.loads(data, json_options=json_util.JSONOptions(tz_aware=True))


def read_manifest(data: bytes, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read ``metadata.json`` back as (document, environment document).

    Raises
    ------
    FormatError
        If it is damaged or of a newer version.

    """
    try:
        document = read_extended_json(data)
        environment = document.pop("environment")
        check_version(document, where)
        artifact_id = document["artifact_id"]
    except FormatError:
        raise
    except Exception as error:  # a damaged file can fail in as many ways as there are parsers below
        raise FormatError(f"{where} is damaged: {type(error).__name__}: {error}") from error
    return {"_id": artifact_id, **document}, environment


def _common(metadata: Metadata, root_key: str) -> dict[str, Any]:
    return {
        "artifact_id": metadata.artifact_id,
        "run_id": metadata.run_id,
        "creation_time": metadata.creation_time,
        "username": metadata.username,
        "hostname": metadata.hostname,
        "argv": metadata.argv,
        "based_on": list(metadata.based_on),
        "labels": dict(metadata.labels),
        "tags": list(metadata.tags),
        "remote_root": root_key,
        "local_root": metadata.local_root,
        "file_relpaths": metadata.file_relpaths,
        "files": [_record_document(record) for record in metadata.files],
        "file_count": metadata.file_count,
        "total_size": metadata.total_size,
        "fingerprint": metadata.fingerprint,
        "log_relpaths": list(metadata.log_relpaths),
        "logs": [_record_document(record) for record in metadata.logs],
        "environment_id": metadata.environment_id,
        "git": metadata.git,
        "working_directory": metadata.working_directory,
        "notebook": metadata.notebook,
        "redactions": list(metadata.redactions),
        **{name: value for name in OPTIONAL_FIELDS if (value := getattr(metadata, name)) is not None},
        "lake_id": metadata.lake_id,
        "version": metadata.version,
    }


OPTIONAL_FIELDS = ("link", "repository_root", "reproduces")
"""Written only where they have a value."""


def from_document(
    document: Mapping[str, Any], environment: Mapping[str, Any], remote_root: str, packages: Mapping[str, str]
) -> Metadata:
    """Read a document of the index back; fields that an older elliptio did not write keep their defaults."""
    where = f"The document of {document.get('artifact_id') or document.get('_id')}"
    check_version(document, where)
    try:
        values = {name: document[name] for name in _PLAIN_FIELDS if name in document}
        values["files"] = [record_of(entry) for entry in document.get("files", ())]
        values["logs"] = [record_of(entry) for entry in document.get("logs", ())]
        values["labels"] = readable_labels(document.get("labels", {}))
        values["creation_time"] = document["creation_time"].astimezone(UTC)
        return Metadata(**values, remote_root=remote_root, environment=environment, python_packages=packages)
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{where} is damaged: {error}") from error


_PLAIN_FIELDS = tuple(
    entry.name
    for entry in dataclasses.fields(Metadata)
    if entry.name not in {"files", "logs", "labels", "remote_root", "environment", "python_packages"}
)


def _record_document(record: FileRecord) -> dict[str, Any]:
    document: dict[str, Any] = {"relpath": record.relpath, "size": record.size, "sha256": record.sha256 or None}
    return document if record.stamp is None else {**document, "stamp": record.stamp}


def record_of(entry: Mapping[str, Any]) -> FileRecord:
    """Read an entry of a document's list of files."""
    return FileRecord(entry["relpath"], entry["size"], entry["sha256"] or "", entry.get("stamp"))


def fingerprint_of(files: Iterable[FileRecord]) -> str:
    """Fingerprint of an artifact; where a linked file is not hashed, its size and stamp stand for its content."""
    return naming.fingerprint(
        [(record.relpath, record.sha256 or f"{record.size} bytes, stamp {record.stamp}") for record in files]
    )


def check_version(document: Mapping[str, Any], where: str) -> None:
    """Refuse what a newer elliptio wrote.

    Raises
    ------
    FormatError
        If ``version`` is not a version that this elliptio reads.

    """
    version = document.get("version", VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise FormatError(f"{where} has no valid version: {version!r}.")
    if version > VERSION:
        raise FormatError(
            f"{where} has version {version}, written by a newer elliptio; this one reads up to version {VERSION}. "
            "Run: pip install --upgrade elliptio"
        )
