"""Hashing the files of a link: when it is made, or later."""

from __future__ import annotations

import dataclasses

from elliptio.artifacts.downloading import Stored
from elliptio.lake.lake import Lake
from elliptio.lake.link_hashes import is_hashed, tell_index
from elliptio.lake.manifests import hashed, manifest_of, write_hashes
from elliptio.metadata import FileRecord, record_of
from elliptio.protocols import Document
from elliptio.saving import transfer


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


def hash_later(lake: Lake, indexed: Document, *, progress: bool) -> Document:
    """Hash a link that is not hashed, once: write the hashes beside its manifest, tell the index, return what it says.

    Raises
    ------
    IntegrityError
        If a file is not what it was when it was linked.
    StoreError
        If a file cannot be read, or the lake not be written.
    IndexUnavailableError
        If the index fails. The hashes are kept; the next call tells the index.

    """
    folder = indexed["remote_root"]
    document, _, _ = manifest_of(lake, folder)
    if not is_hashed(document):
        files = [record_of(entry) for entry in document["files"]]
        found = hash_files(lake, indexed["link"], files, progress=progress)
        # Of two who hash at once one is first; both have the same hashes, unless a file had its stamp put back.
        document = hashed(document, found) if write_hashes(lake, folder, found) else manifest_of(lake, folder)[0]
    tell_index(lake, indexed["_id"], document)
    return lake.get(indexed["_id"])
