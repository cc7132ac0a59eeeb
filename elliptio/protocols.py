"""Say what a store, an index and a format promise: the three seams of elliptio.

The docstrings here are the contract; ``elliptio.testing`` checks it against any implementation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

Document = dict[str, Any]
Query = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]
"""Pairs of a dotted path and 1 or -1, most significant first."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Describe one file as the store sees it: its key, its size in bytes and when it was last written (UTC).

    Its `stamp` is another one when the file was written again with other content; empty where a store cannot tell.

    Examples
    --------
    >>> StoredFile("2026/a/x.txt", 4, datetime(2026, 1, 2)).size
    4
    """

    key: str
    size: int
    modified: datetime
    stamp: str = field(default="", compare=False)


PIECE = 64 << 20
"""Bytes of the pieces in which large files are compared."""


@dataclass(frozen=True, slots=True)
class Content:
    """Describe what a file holds: its size, and the hexadecimal sha256 of each `PIECE` of it.

    The pieces are to be asked for once, in order.

    Examples
    --------
    >>> import hashlib
    >>> Content(4, [hashlib.sha256(b"data").hexdigest()]).size
    4
    """

    size: int
    pieces: Iterable[str]


class Staging(Protocol):
    """Hold the files of one artifact on their way into a store; invisible to readers until `publish`.

    Attributes
    ----------
    folder
        A private, existing, local folder. Files may be written straight into it.
    in_place
        True where files in `folder` are part of what `publish` publishes. Else they must be `put`.
    together
        True where `publish` takes others of the same store, ``staging.publish(*others)``: an error leaves none of them
        visible, and what makes them durable is done once.

    Examples
    --------
    ::

        staging = store.begin("2026/a")
        try:
            staging.put("x.txt", io.BytesIO(b"data"))
            staging.publish()
        except BaseException:
            staging.discard()
            raise
    """

    folder: Path
    in_place: bool
    together: bool = False

    def put(self, relpath: str, source: BinaryIO) -> None:
        """Store all that `source` still yields as `relpath`, reading it once, in order.

        Safe to call from several threads for different `relpath`. What was put is not visible at its final key, or,
        on a store without rename, not referred to by any document, until `publish`.
        """

    def link(self, relpath: str, key: str, content: Content | None = None) -> bool:
        """Take the content of a published file of the same store as `relpath`, without sending its bytes.

        It stays whatever becomes of the other file. A store that makes a copy makes sure that the copy is `content`;
        where it makes none (`in_place`), the caller has compared the bytes. False, and nothing done, where the store
        cannot do that, or the other file is gone or differs. As safe to call as `put`.
        """

    def create(self, key: str, data: bytes) -> bool:
        """Have a small file of the store made by `publish`, just before anything can be seen; one that is there stays.

        So it is made durable together with the rest. False, and nothing done, where that spares nothing over
        `Store.create`, which is to be called instead.
        """
        return False

    def publish(self) -> None:
        """Make everything durable and, where the store can rename, visible at once. Then drop `folder`.

        Raises
        ------
        StoreError
            If it fails. Nothing is visible then.
        """

    def discard(self) -> None:
        """Remove whatever was staged, and `folder`. Idempotent; never raises for what is already gone."""


@runtime_checkable
class Store(Protocol):
    """Hold bytes under keys: '/'-separated paths relative to the root, never absolute, no '..' parts.

    A key is written once and never overwritten. Every failure is a `StoreError` that names the store's address; a
    missing key is a `MissingKeyError`. All methods may be called from several threads.

    A new store is a subclass, which sets the first three attributes. `folder`, `remote` and `unfinished` have what is
    right for a server that keeps nothing half-written: a store declares them where it is otherwise.

    Attributes
    ----------
    root
        Absolute path or URL, without a trailing slash. ``f"{root}/{key}"`` is where a key can be read by others.
    scheme
        Name of the kind of store: ``"file"``, ``"s3"``, … What a store can do is not asked by it, but by what follows.
    concurrency
        Number of transfers at once that are worth while.
    folder
        Absolute path of a folder in which every file lies at ``f"{folder}/{key}"``, and can be opened by its path; None
        where files have no path. A file there may be locked, and what is in the folder is not saved into it again.
    together
        True where `create` takes others by their keys, ``store.create(key, data, others)``: each is written likewise,
        and what makes them durable is done once. It tells whether all of them were written.
    after
        True where ``store.list(prefix, after)`` looks only at keys greater than a key, or than a folder with its slash:
        what was interrupted is found among many by that.
    remote
        True where every request takes its way over a network: what other processes left is looked for only now and
        then, bytes that arrive changed are asked for once more, and copies on this machine are worth keeping.

    Examples
    --------
    ::

        class MyStore(Store):
            scheme, concurrency = "my", 8

            def __init__(self, root: str) -> None:
                self.root = root

            def begin(self, prefix: str) -> Staging: ...
    """

    root: str
    scheme: str
    concurrency: int
    folder: str | None = None
    together: bool = False
    after: bool = False
    remote: bool = True

    def begin(self, prefix: str) -> Staging:
        """Start writing the files whose keys will begin with ``prefix + "/"``."""

    def open(self, key: str, *, whole: bool = False) -> BinaryIO:
        """Open for reading: a seekable binary file. Little more than what is read is fetched.

        With `whole` the caller means to read all of it, in order: it may be fetched ahead.

        Raises
        ------
        MissingKeyError
            If there is no such key.
        """

    def stat(self, key: str) -> StoredFile | None:
        """Tell what is stored under exactly this key; None where nothing is."""

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """List all files whose key is `prefix` or begins with ``prefix + "/"`` (all files for ""), in any order.

        Files still being staged are not listed.
        """

    def create(self, key: str, data: bytes) -> bool:
        """Write a small file durably and atomically unless the key exists; tell whether it was written.

        Of several callers at once exactly one gets True; no reader ever sees a part of it.
        """

    def remove(self, prefix: str) -> None:
        """Remove all files that ``list(prefix)`` yields, and what is unfinished below it. Idempotent."""

    def unfinished(self) -> Iterator[StoredFile]:
        """List files that were begun and take space, but that `list` shows under no prefix: under way or cut off.

        Each with the time it was begun at, and the size 0 where that is not known. A store that keeps none such need
        not say so.
        """
        return iter(())


@runtime_checkable
class Index(Protocol):
    """Hold documents in named collections and answer MongoDB queries over them.

    A document is a dict of BSON types with a str ``_id``; datetimes come back timezone-aware in UTC. Queries were
    checked by `check_query` before. Results mean the same on every index. Every failure to reach or
    use the index is an `IndexUnavailableError` that names its address. All methods may be called from several threads,
    and after a fork.

    Attributes
    ----------
    address
        URL or path of it, without credentials: for people to read.

    Examples
    --------
    ::

        index.insert("artifacts", {"_id": "artifact_1", "username": "andy"})  # True
        [document["_id"] for document in index.find("artifacts", {"username": "andy"}, limit=1)]  # ["artifact_1"]
    """

    address: str

    def insert(self, collection: str, *documents: Mapping[str, Any]) -> int:
        """Add documents, durably, and return how many were added.

        Idempotent: a document whose ``_id`` is there already changes nothing and is not counted. Many at once cost
        little more than one where the index can; if it fails, some may have been added, each of them whole.
        """

    def replace(self, collection: str, document: Mapping[str, Any]) -> None:
        """Put a document, durably, in the place of the one with its ``_id``, or add it where there is none.

        A reader sees the one or the other, whole.
        """

    def find(self, collection: str, query: Query, *, sort: Sort = (), limit: int = 0) -> Iterator[Document]:
        """Find documents that match, lazily; `limit` 0 means all.

        ``_id`` breaks ties of `sort`, in its last direction.
        """

    def count(self, collection: str, query: Query, *, limit: int = 0) -> int:
        """Count the documents that match; with a limit, no further than that."""

    def links(
        self, collections: Sequence[str], ids: Sequence[str], *, up: bool, depth: int = 0
    ) -> list[tuple[str, str]]:
        """Follow ``based_on`` from some documents, and return each (child, parent) pair of ``_id`` on the way once.

        `up` leads to what they are based on, else to what is based on them; `depth` generations, 0 means all. A
        parent need not be in the index. Circles end. In no more queries than there are generations.
        """

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Remove the documents with these ``_id``. Idempotent."""

    def close(self) -> None:
        """Release connections. The index may be used again afterwards: it reconnects."""


class Format(Protocol):
    """Turn values into bytes and back: what is read is equal to what was written, or is refused.

    Nothing is lost on the way: types, indexes, categories and attributes come back. What a file has no place for is
    among the options that `write` returns, and what cannot be kept is refused before anything is written.

    Libraries are imported by `write` and `read` alone, so that a format can be chosen without any.

    Attributes
    ----------
    name
        Its name: ``"parquet"``.
    suffixes
        Ends of the names of its files, the usual one first: ``(".parquet",)``.
    types
        Dotted names of the classes of its values, as users import them: ``("pandas.DataFrame",)``. A value without a
        suffix gets the first format that was registered for its class.
    runs_code
        Whether reading may run code that a file holds. Such a format reads what was saved in it, or where it is named.

    Examples
    --------
    ::

        class Celsius(Format):
            name, suffixes, types = "celsius", (".celsius",), ("weather.Celsius",)

            def write(self, value, file, **options):
                file.write(repr(value.degrees).encode())

            def read(self, file, **options):
                from weather import Celsius

                return Celsius(float(file.read()))
    """

    name: str
    suffixes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    runs_code: bool = False

    def write(self, value: Any, file: BinaryIO, **options: Any) -> Mapping[str, Any] | None:
        """Write a value, and return the options with which `read` gives it back, if there are any.

        Those are recorded with the file: texts, numbers, booleans, None, lists and dicts. ``file.name``, where the file
        has one, tells its suffix.

        Raises
        ------
        ValueRefusedError
            If the value would not come back equal. The message names where in it that is and what to do. Nothing is
            written then.
        FormatOptionError
            If an option does not exist. Nothing is written then.
        MissingExtraError
            If a library is not installed.
        """

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Read a value from a file that can seek.

        Raises
        ------
        FormatError
            If the file is damaged, or of another format.
        FormatOptionError
            If an option does not exist.
        WriteOnlyError
            If values of this format cannot be read.
        MissingExtraError
            If a library is not installed.
        """


@runtime_checkable
class Assembling(Protocol):
    """Make one value of all files of an artifact: what the formats of data models and of sealed streams do."""

    def assemble(self, artifact: Any, *, strict: bool) -> Any:
        """Make the value of an artifact; `strict` if nothing may stand in for it.

        Raises
        ------
        ElliptioError
            If it is damaged, or a file cannot be read.
        """
