"""Tell whether a link is hashed, and tell the index of its hashes."""

from __future__ import annotations

from elliptio.documents import without_many_files
from elliptio.errors import StoreError
from elliptio.lake import tags
from elliptio.lake.lake import Lake
from elliptio.protocols import Document

TRIES = 5
"""Number of times that the index is told, if others write to the same document at the same time."""


def is_hashed(document: Document) -> bool:
    """Tell whether the document of a link, as its manifest has it, has all hashes."""
    return all(entry["sha256"] for entry in document["files"])


def tell_index(lake: Lake, artifact_id: str, document: Document) -> None:
    """Put the hashes of a link into the index if they are missing there, whatever tags it has.

    Raises
    ------
    StoreError
        If others keep writing to the same document.

    """
    fingerprint = document["fingerprint"]
    files = without_many_files(document)["files"]
    for _ in range(TRIES):
        known = next(lake.find({"_id": artifact_id}, sort=(), limit=1), None)
        if known is None or known.get("fingerprint") == fingerprint:
            return
        lake.replace({**known, "files": files, "fingerprint": fingerprint})
        # Somebody may have tagged it since it was read.
        tags.sync(lake)
    raise StoreError(f"The hashes of {artifact_id} are kept, but others write to its document: ask again later.")
