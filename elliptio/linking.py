"""Hashing the files of a link: when it is made, or later."""

from __future__ import annotations

import dataclasses

from elliptio import tags, transfer
from elliptio.downloading import Stored
from elliptio.errors import StoreError
from elliptio.lake import Lake
from elliptio.manifests import hashed, manifest_of, write_hashes
from elliptio.metadata import MAX_INDEXED_FILES, FileRecord, Metadata, record_of
from elliptio.protocols import Document

TRIES = 5
"""How often the index is told, if others write to the same document at the same time."""


def hash_files(lake: Lake, link: str, files: list[FileRecord], *, progress: bool) -> list[FileRecord]:
    """Read linked files where they lie, and return their records with hashes.

    Raises
    ------
    IntegrityError
        If one is not what it was when it was linked.
    MissingKeyError
        If one is gone.
    StoreError
        If one cannot be read.

    """
    store, prefix = lake.place(link)
    start = f"{prefix}/" if prefix else ""
    stored = [Stored(store, start + record.relpath, record.size, "", record.stamp) for record in files]
    hashes = transfer.hash_linked(stored, progress=progress)
    return [dataclasses.replace(record, sha256=sha256) for record, sha256 in zip(files, hashes, strict=True)]


def hash_later(lake: Lake, metadata: Metadata, folder: str, *, progress: bool) -> None:
    """Hash a link that is not hashed, once: write the hashes beside its manifest, and tell the index.

    Raises
    ------
    IntegrityError
        If a file is not what it was when it was linked.
    StoreError
        If a file cannot be read, or the lake not be written.
    IndexUnavailableError
        If the index fails. The hashes are kept; the next call tells the index.

    """
    document, _, _ = manifest_of(lake, folder)
    if not is_hashed(document):
        files = [record_of(entry) for entry in document["files"]]
        found = hash_files(lake, metadata.link or "", files, progress=progress)
        # Of two who hash at once one is first; both have the same hashes, unless a file had its stamp put back.
        document = hashed(document, found) if write_hashes(lake, folder, found) else manifest_of(lake, folder)[0]
    tell_index(lake, metadata.artifact_id, document)


def is_hashed(document: Document) -> bool:
    """Whether the document of a link, as its manifest has it, has all hashes."""
    return all(entry["sha256"] for entry in document["files"])


def tell_index(lake: Lake, artifact_id: str, document: Document) -> None:
    """Put the hashes of a link into the index if they are missing there, whatever tags it has.

    Raises
    ------
    StoreError
        If others keep writing to the same document.

    """
    fingerprint = document["fingerprint"]
    files = document["files"] if document["file_count"] <= MAX_INDEXED_FILES else []
    for _ in range(TRIES):
        known = next(lake.find({"_id": artifact_id}, sort=(), limit=1), None)
        if known is None or known.get("fingerprint") == fingerprint:
            return
        lake.replace({**known, "files": files, "fingerprint": fingerprint})
        # Somebody may have tagged it since it was read.
        tags.sync(lake)
    raise StoreError(f"The hashes of {artifact_id} are kept, but others write to its document: ask again later.")
