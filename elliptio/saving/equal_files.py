"""Published files of the same size as one that is to be saved: if they are equal, its bytes are in the lake already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from elliptio import naming
from elliptio.errors import ElliptioError
from elliptio.lake.checks import lies_at
from elliptio.lake.lake import Lake
from elliptio.protocols import Document, Store

MOST = 3
"""So many of them are compared; equal ones are most likely among the newest."""


@dataclass(frozen=True)
class PublishedFile:
    """A file in the store, and its hash as it was recorded."""

    store: Store
    key: str
    sha256: str
    executable: bool = False

    def open(self) -> BinaryIO:
        """Open it for reading."""
        return self.store.open(self.key)


def twins_in(lake: Lake, size: int) -> list[PublishedFile]:
    """Newest published files of a size in bytes; none where the index fails, as nothing depends on them.

    Files of links are none: their bytes are not in the lake, and may change or vanish.
    """
    if lake.is_paused:
        return []
    try:
        documents = list(lake.find({"files.size": size, "link": None}, sort=[("creation_time", -1)], limit=MOST))
    except ElliptioError:
        return []
    found = {
        (file.sha256, file.executable): file for document in documents for file in _files_of(lake.store, document, size)
    }
    return list(found.values())[:MOST]


def _files_of(store: Store, document: Document, size: int) -> Iterator[PublishedFile]:
    """Yield the files of a size; whoever wrote the document may have lied about where they lie."""
    root, files = document.get("remote_root"), document.get("files")
    if not lies_at(document["_id"], root) or not isinstance(files, list):
        return
    for file in files:
        if isinstance(file, dict) and file.get("size") == size:
            try:
                key = f"{root}/{naming.FILES}/{naming.check_relpath(_text(file.get('relpath')))}"
            except ElliptioError:
                continue
            yield PublishedFile(store, key, _text(file.get("sha256")), file.get("executable") is True)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
