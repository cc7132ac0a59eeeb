"""Declare all that is recorded about an artifact: each field once.

The document, ``metadata.json``, the check of both, what a query may ask for, the columns of a DataFrame and the table
in the documentation follow from the declarations here.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple

from elliptio import naming
from elliptio.labels import AnyLabels, Labels, readable_labels, stored_labels
from elliptio.rules import ANYTHING, COUNT, GIT, LINK, OBJECT, OBJECTS, SHA256, TEXT, TEXT_OR_NULL, TEXTS, TIME, Rule

VERSION = 1
"""Version of the document and of ``metadata.json`` that this elliptio writes; it reads all versions up to it."""


class Where(Enum):
    """Places that a field can be stored in."""

    DOCUMENT = "in the document of the artifact"
    KEY = "there too, relative to the lake"
    DERIVED = "there too, and computed from others when it is read"
    ENVIRONMENT = "in the document of the environment"


class Stored(NamedTuple):
    """Declaration of a field of `Metadata`: how it is stored.

    Attributes
    ----------
    says
        What it is, for the documentation.
    rule
        What a stored value must be.
    needed
        Whether a document without it is damaged; an older elliptio did not write all of them.
    column
        Whether `find` shows it.
    sparse
        Whether it is written only where it has a value.
    parts
        Names of what it always consists of; empty where that is anything.
    write, read
        What turns a value into what is stored, and back; None: nothing need be done.
    where
        Where it is stored.

    """

    says: str
    rule: Rule
    needed: bool = False
    column: bool = True
    sparse: bool = False
    parts: tuple[str, ...] = ()
    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None
    where: Where = Where.DOCUMENT


def stored(says: str, rule: Rule, **options: Any) -> dict[str, Stored]:
    """Declare how a field is stored; options as of `Stored`."""
    return {"stored": Stored(says, rule, **options)}


@dataclass(frozen=True, slots=True)
class ValueRecord:
    """Record of how a value became a file: its format, its class, and the options with which it is read.

    `name` is the one under which it was saved, among several; None where it was saved alone.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> h.save({"rate": 0.1}, "params.json").metadata.files[0].value
    ValueRecord(format='json', type='dict', options={}, name=None)

    """

    format: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    name: str | None = None


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of an artifact: its name within it, its size in bytes and the sha256 of its content (hexadecimal).

    A linked file has a `stamp`, by which it is seen whether it was written again, and, until it is hashed, no
    `sha256`. `executable` says whether its owner could execute it. A file that holds a value has a record of it in
    `value`.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as made:
    ...     made.file.upload_string("1,2")
    >>> made.metadata.files
    [FileRecord(relpath='data.csv', size=3, sha256='...', stamp=None, executable=False)]

    """

    relpath: str
    size: int
    sha256: str
    stamp: str | None = None
    executable: bool = False
    value: ValueRecord | None = field(default=None, repr=False)


_FILE_PARTS = tuple(entry.name for entry in dataclasses.fields(FileRecord))


def _written(records: Sequence[FileRecord]) -> list[dict[str, Any]]:
    """Shape records of files as a document has them."""
    written: list[dict[str, Any]] = []
    for record in records:
        written.append({"relpath": record.relpath, "size": record.size, "sha256": record.sha256 or None})
        if record.stamp is not None:
            written[-1]["stamp"] = record.stamp
        if record.value is not None:
            written[-1]["value"] = _written_value(record.value)
        if record.executable:
            written[-1]["executable"] = True
    return written


def _records(entries: Sequence[Mapping[str, Any]]) -> list[FileRecord]:
    """Read a document's list of files."""
    records = []
    for one in entries:
        value = _value_record(one["value"]) if "value" in one else None
        executable = one.get("executable", False)
        records.append(
            FileRecord(one["relpath"], one["size"], one["sha256"] or "", one.get("stamp"), executable, value)
        )
    return records


def _written_value(record: ValueRecord) -> dict[str, Any]:
    """Shape the record of a value; options lie there as JSON, as their names and numbers may be none of an index."""
    written = {"format": record.format, "type": record.type, "options": json.dumps(record.options)}
    return written if record.name is None else {**written, "name": record.name}


def _value_record(entry: Mapping[str, Any]) -> ValueRecord:
    """Read the record of a value."""
    return ValueRecord(entry["format"], entry["type"], json.loads(entry["options"]), entry.get("name"))


def record_of(entry: Mapping[str, Any]) -> FileRecord:
    """Read an entry of a document's list of files."""
    return _records([entry])[0]


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Everything that is recorded about one artifact.

    ``creation_time`` is in UTC with milliseconds; ``tags`` and ``notes`` are those that it had when it was loaded, and
    do not count when two are compared; ``remote_root`` is the absolute place of the artifact as seen from here; ``git``
    holds commit, branch, remote and dirty, or is None outside a repository; ``working_directory`` is relative to the
    repository; ``repository_root`` is where that lay on the machine; ``link`` is where the files of a link lie, None
    where they lie in the lake; ``redactions`` tells of each secret that was masked what kind it is and where it was;
    ``reproduces`` is the identifier of the artifact that this one was made to reproduce, if any; ``file_relpaths`` are
    the names of the files in the order in which they were given; ``empty_folders`` are the names of folders that held
    nothing.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with eio.mock_username("andy"), h.new(["data.csv"]) as made:
    ...     made.file.upload_string("1,2")
    >>> made.metadata.username, made.metadata.total_size
    ('andy', 3)

    """

    username: str = field(metadata=stored("who: from the environment, else from the system", TEXT, needed=True))
    hostname: str = field(metadata=stored("on which machine", TEXT, needed=True))
    argv: str = field(metadata=stored("the command of the process, secrets masked", TEXT, needed=True))
    artifact_id: str = field(metadata=stored("`artifact_` and a UUID version 7", TEXT, needed=True, column=False))
    run_id: str = field(
        metadata=stored(
            "which [run](#runs), or which `Handler` outside of one, made it: `run_` and a UUID version 7",
            TEXT,
            needed=True,
        )
    )
    creation_time: datetime = field(
        metadata=stored("when the saving began, in UTC, with milliseconds", TIME, needed=True, read=_in_utc)
    )
    python_packages: Mapping[str, str] = field(
        default_factory=dict, metadata=stored("versions by name", OBJECT, where=Where.ENVIRONMENT)
    )
    based_on: list[str] = field(
        default_factory=list, metadata=stored("identifiers of what it was made from", TEXTS, write=list)
    )
    labels: Labels | AnyLabels = field(
        default_factory=Labels, metadata=stored("your own metadata", OBJECT, write=stored_labels, read=readable_labels)
    )
    tags: list[str] = field(
        default_factory=list,
        metadata=stored(
            "the [tags](#tags) that name it now; empty in `metadata.json`, which never changes", TEXTS, write=list
        ),
        compare=False,
    )
    notes: list[dict[str, Any]] = field(
        default_factory=list,
        metadata=stored(
            "remarks that were added later: `time`, `username`, `text`; only if there are any, and not in "
            "`metadata.json`, which never changes",
            OBJECTS,
            sparse=True,
            parts=("time", "username", "text"),
        ),
        compare=False,
    )
    remote_root: str = field(
        default="", metadata=stored("where it lies. Stored relative to the lake, shown absolute", TEXT, where=Where.KEY)
    )
    local_root: str = field(
        default="", metadata=stored("the folder that the uploaded files came from; empty for `new`", TEXT)
    )
    file_relpaths: list[str] = field(
        init=False,
        repr=False,
        compare=False,
        metadata=stored("names of the files, in the order given", TEXTS, needed=True, where=Where.DERIVED),
    )
    files: list[FileRecord] = field(
        default_factory=list,
        metadata=stored(
            "for each file `relpath`, `size` and `sha256`; of a [link](#links) `stamp` too, and `executable` where it "
            "is true; of a [saved value](formats.md) `value` with `format`, `type`, `options`, and `name` if it is one "
            "of several",
            ANYTHING,
            parts=_FILE_PARTS,
            write=_written,
            read=_records,
        ),
    )
    file_count: int = field(default=0, metadata=stored("how many files", COUNT, needed=True))
    total_size: int = field(default=0, metadata=stored("bytes of all files", COUNT, needed=True))
    fingerprint: str = field(
        default="", metadata=stored("SHA-256 over names and contents of all files", SHA256, needed=True)
    )
    log_relpaths: list[str] = field(default_factory=list, metadata=stored("names of the logs", TEXTS, write=list))
    logs: list[FileRecord] = field(
        default_factory=list,
        metadata=stored(
            "for each log `relpath`, `size` and `sha256`",
            ANYTHING,
            column=False,
            parts=_FILE_PARTS,
            write=_written,
            read=_records,
        ),
    )
    environment_id: str | None = field(default=None, metadata=stored("its environment: see below", TEXT_OR_NULL))
    git: dict[str, Any] | None = field(
        default=None,
        metadata=stored(
            "`commit`, `branch`, `remote`, `dirty`; null outside a repository",
            GIT,
            parts=("commit", "branch", "remote", "dirty"),
        ),
    )
    working_directory: str | None = field(
        default=None, metadata=stored("relative to the repository; null outside one", TEXT_OR_NULL)
    )
    notebook: str | None = field(default=None, metadata=stored("path of the notebook; null outside one", TEXT_OR_NULL))
    redactions: list[dict[str, str]] = field(
        default_factory=list,
        metadata=stored(
            "`kind` and `where` of each secret that was masked",
            OBJECTS,
            column=False,
            parts=("kind", "where"),
            write=list,
        ),
    )
    empty_folders: list[str] = field(
        default_factory=list,
        metadata=stored(
            "names of folders that hold nothing, only if there are any", TEXTS, sparse=True, column=False, write=list
        ),
    )
    link: str | None = field(
        default=None, metadata=stored("where the files of a [link](#links) lie; only links have it", LINK, sparse=True)
    )
    entry: dict[str, Any] | None = field(
        default=None,
        metadata=stored(
            "of a version of an [entry of a catalog](pipelines.md): `project`, `name`, `keys`, `origin` (saved, built, "
            "taken in), `step` (the key of the step that made it), `aside` where it never was the current one, `holds` "
            "(classes and functions of the project that a pickle refers to); only such a version has it",
            OBJECT,
            sparse=True,
            column=False,
            parts=("project", "name", "keys", "origin", "step", "aside", "holds"),
        ),
    )
    recipe: dict[str, Any] | None = field(
        default=None,
        metadata=stored(
            "of what a [craft](pipelines.md) made: `craft`, `code`, `parameters`, `inputs`, `packages`, `formats`, "
            "`held` (code of what it takes); only that has it",
            OBJECT,
            sparse=True,
            column=False,
            parts=("craft", "code", "parameters", "inputs", "outputs", "packages", "formats", "held"),
        ),
        repr=False,
    )
    model: dict[str, Any] | None = field(
        default=None,
        metadata=stored(
            "of a [data model](models.md): `name`, `label`, `class`, `version`, `schema` (SHA-256 of the types of its "
            "fields), `fields` (as they are asked for), `exact` (how those lie in `model.json` that look otherwise), "
            "`elsewhere` and `long` (names of those that only that file has as they are, or whole), `stored` (places "
            "in storages); only such has it",
            OBJECT,
            sparse=True,
            column=False,
            parts=("name", "label", "class", "version", "schema", "fields", "exact", "elsewhere", "long", "stored"),
        ),
        repr=False,
    )
    repository_root: str | None = field(
        default=None,
        metadata=stored(
            "where the repository lay on that machine; only in one",
            TEXT_OR_NULL,
            sparse=True,
            column=False,
        ),
    )
    reproduces: str | None = field(
        default=None,
        metadata=stored(
            "the artifact that it was made to [reproduce](reproduce.md), only if it was", TEXT_OR_NULL, sparse=True
        ),
    )
    lake_id: str = field(
        default="", metadata=stored("the lake it belongs to, so that one MongoDB can index several", TEXT)
    )
    version: int = field(default=VERSION, metadata=stored("version of this format", ANYTHING))
    environment: Mapping[str, Any] = field(
        default_factory=dict,
        metadata=stored("all that is recorded of its environment", OBJECT, column=False, where=Where.ENVIRONMENT),
        repr=False,
    )

    def __repr__(self) -> str:
        facts = f"username={self.username!r}, artifact_id={self.artifact_id!r}"
        when = f"creation_time={self.creation_time:%Y-%m-%d %H:%M:%S}"
        return f"Metadata({facts}, {when}, file_count={self.file_count}, total_size={self.total_size})"

    def __post_init__(self) -> None:
        object.__setattr__(self, "file_relpaths", [record.relpath for record in self.files])


_FIRST = ("artifact_id", "run_id", "creation_time")
"""Fields that are written first: they tell what a file or a document is."""

FIELDS: dict[str, Stored] = {
    entry.name: entry.metadata["stored"]
    for entry in sorted(dataclasses.fields(Metadata), key=lambda entry: entry.name not in _FIRST)
}
"""Fields of `Metadata` by name, in the order in which they are written."""


def fingerprint_of(files: Iterable[FileRecord]) -> str:
    """Fingerprint of an artifact; where a linked file is not hashed, its size and stamp stand for its content."""
    return naming.fingerprint(
        [(record.relpath, record.sha256 or f"{record.size} bytes, stamp {record.stamp}") for record in files]
    )
