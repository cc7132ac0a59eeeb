"""Whose file is this: from the content of a local file to the artifacts that hold exactly it."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from elliptio import documents, naming
from elliptio.artifacts.hashing import sha256_of
from elliptio.errors import ElliptioError, SourceError, SourceNotFoundError
from elliptio.finding.fields import DELETED
from elliptio.finding.search import Found, warn_if_index_is_lost
from elliptio.indexes.query.ordering import sort_documents
from elliptio.lake import spool
from elliptio.lake.lake import Lake
from elliptio.lake.manifests import LONGEST_MANIFEST, manifest_of
from elliptio.protocols import Document
from elliptio.system.os_errors import explained

log = logging.getLogger(__name__)

COLUMNS = (
    "relpath",
    "creation_time",
    "username",
    "labels",
    "based_on",
    "argv",
    "git",
    "relpaths",
    "remote_root",
    "run_id",
    DELETED,
)


def identify(lake: Lake, path: str | os.PathLike[str], *, large: bool = True) -> Found:
    """Find the artifacts that hold exactly this file; see `Handler.identify`.

    Raises
    ------
    SourceNotFoundError
        If the path does not exist.
    SourceError
        If it is a folder, or anything else but a file.
    StoreError
        If it cannot be read.
    IndexUnavailableError
        If the index cannot be reached.

    """
    size, sha256 = _content(path)
    return holders(lake, sha256, size, large=large)


def holders(lake: Lake, sha256: str, size: int | None = None, *, large: bool = True, most: int = 0) -> Found:
    """Find the artifacts that hold a file of this hash.

    Parameters
    ----------
    lake, sha256
        Where to look for what.
    size
        Bytes of the file, if they are known: fewer artifacts have to be looked into then.
    large
        As of `Handler.identify`.
    most
        No more than so many of the newest; 0: all.

    Raises
    ------
    StoreError
        If the store cannot be read.
    IndexUnavailableError
        If the index cannot be reached.

    """
    spool.flush_if_any(lake)
    newest = [("creation_time", -1)]
    held: dict[str, tuple[Document, list[str]]] = {}
    # Artifacts before tombstones, as whoever deletes writes the tombstone before the document goes: none is missed.
    for document in lake.find({"files.sha256": sha256}, sort=newest if most else (), limit=most):
        held[document["_id"]] = document, _names(document, sha256)
    if large:
        held |= {document["_id"]: (document, names) for document, names in _in_large(lake, size or 0, sha256)}
    for tombstone in lake.tombstones({"file_count": 1} | ({} if size is None else {"total_size": size})):
        for name in _deleted_names(tombstone, sha256):
            held.setdefault(tombstone["_id"], (tombstone, [name]))
    if not held:
        warn_if_index_is_lost(lake)
    newest_first = sort_documents((document for document, _ in held.values()), newest, most)
    rows = [_row(lake, document, held[document["_id"]][1]) for document in newest_first]
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    return Found([document["_id"] for document in newest_first], columns, len(rows))


def _content(path: str | os.PathLike[str]) -> tuple[int, str]:
    """Size and sha256 of a local file."""
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise SourceError(f"identify takes the path of a file, not a {type(path).__name__}.")
    shown = os.fspath(path)
    with explained("read", shown):
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            raise SourceNotFoundError(f"{shown} does not exist.") from None
        except ValueError:
            raise SourceError(f"{shown!r} is not a path.") from None
        if stat.S_ISDIR(status.st_mode):
            raise SourceError(f"{shown} is a folder: name one of the files in it.")
        # To open a pipe would wait for whoever writes to it.
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"{shown} is not a regular file (but a pipe, socket or device).")
        return status.st_size, sha256_of(path)


def _names(document: Mapping[str, Any], sha256: str) -> list[str]:
    return [str(record["relpath"]) for record in document["files"] if record["sha256"] == sha256]


def _in_large(lake: Lake, size: int, sha256: str) -> Iterator[tuple[Document, list[str]]]:
    """Look into the artifacts of so many files that only their ``metadata.json`` lists them."""
    wanted = {"file_count": {"$gt": documents.MAX_INDEXED_FILES}, "total_size": {"$gte": size}}
    for document in lake.find(wanted, sort=(), limit=0):
        try:
            names = _names_in_manifest(lake, document, sha256)
        except ElliptioError as error:
            log.warning("It is not known whether %s holds this file: %s", document["_id"], error)
            continue
        if names:
            yield document, names


def _names_in_manifest(lake: Lake, indexed: Document, sha256: str) -> list[str]:
    if indexed.get("link") is not None:
        return _names(manifest_of(lake, indexed["remote_root"])[0], sha256)
    key = f"{indexed['remote_root']}/{naming.MANIFEST}"
    with lake.store.open(key) as manifest:
        data = manifest.read(LONGEST_MANIFEST)
    # To find the hash in its text takes a hundredth of the time that reading it as JSON takes.
    if sha256.encode() not in data:
        return []
    document, _ = documents.read_manifest(data, f"{lake.store.root}/{key}")
    return _names(document, sha256)


def _deleted_names(tombstone: Mapping[str, Any], sha256: str) -> Iterator[str]:
    """Yield the name of the only file that an artifact had, if it had this content.

    A tombstone keeps no hashes but the fingerprint. With one file that tells its hash; with several it tells nothing.
    """
    for name in tombstone.get("file_relpaths", ()):
        if naming.fingerprint([(name, sha256)]) == tombstone.get("fingerprint"):
            yield name


def _row(lake: Lake, document: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    row = {name: document.get(name) for name in COLUMNS}
    return {
        **row,
        "relpath": names[0],
        "relpaths": names,
        "remote_root": f"{lake.store.root}/{document.get('remote_root')}",
    }
