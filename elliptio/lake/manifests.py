"""Read and write what describes an artifact beside its files: ``metadata.json``, and hashes of a link hashed later."""

from __future__ import annotations

import json
import re

from elliptio import naming
from elliptio.documents import read_manifest
from elliptio.errors import FormatError, MissingKeyError
from elliptio.lake.identity import FORMAT_VERSION
from elliptio.lake.json_files import FROM_BACKUP, read_json
from elliptio.lake.lake import Lake
from elliptio.metadata import FileRecord, fingerprint_of, record_of
from elliptio.protocols import Document
from elliptio.system.os_errors import damage_named

LONGEST_MANIFEST = 1 << 30
"""Bytes of a manifest: it has the name, size and hash of each file, of millions too."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def manifest_of(lake: Lake, folder: str) -> tuple[Document, Document, str]:
    """Read the ``metadata.json`` of an artifact: its document, its environment, and where it lies, for messages.

    The document of a link is complete: it has the hashes that were computed later, if they were.

    Raises
    ------
    FormatError
        If it is damaged, or a newer elliptio wrote it.
    MissingKeyError
        If there is none.

    """
    key = f"{folder}/{naming.MANIFEST}"
    where = f"{lake.store.root}/{key}"
    with lake.store.open(key, whole=True) as file:
        data = file.read(LONGEST_MANIFEST + 1)
    with damage_named(where, FROM_BACKUP):
        if len(data) > LONGEST_MANIFEST:
            raise ValueError(f"it is longer than {LONGEST_MANIFEST:,} bytes")
        document, environment = read_manifest(data, where)
    if document.get("link") is not None:
        with damage_named(where, FROM_BACKUP):
            document = _with_hashes(lake, folder, document)
    return document, environment, where


def write_hashes(lake: Lake, folder: str, files: list[FileRecord]) -> bool:
    """Write the hashes of a link beside its manifest, unless they are there; tell whether they were written."""
    found = {"sha256": [record.sha256 for record in files], "version": FORMAT_VERSION}
    data = json.dumps(found, indent=0, separators=(",", ": ")).encode()
    return lake.store.create(f"{folder}/{naming.HASHES}", data + b"\n")


def hashed(document: Document, files: list[FileRecord]) -> Document:
    """Put hashes into the document of a link."""
    entries = [{**entry, "sha256": record.sha256} for entry, record in zip(document["files"], files, strict=True)]
    return {**document, "files": entries, "fingerprint": fingerprint_of(files)}


def _with_hashes(lake: Lake, folder: str, document: Document) -> Document:
    if all(entry["sha256"] for entry in document["files"]):
        return document
    key = f"{folder}/{naming.HASHES}"
    where = f"{lake.store.root}/{key}"
    try:
        found = read_json(lake.store, key, longest=LONGEST_MANIFEST)
    except MissingKeyError:
        return document
    with damage_named(where, FROM_BACKUP):
        hashes = found["sha256"]
        if len(hashes) != len(document["files"]) or not all(map(_SHA256.fullmatch, hashes)):
            raise FormatError(f"{where} is damaged: it has no sha256 of each of {len(document['files']):,} files.")
        files = [
            record_of({**entry, "sha256": sha256}) for entry, sha256 in zip(document["files"], hashes, strict=True)
        ]
        return hashed(document, files)
