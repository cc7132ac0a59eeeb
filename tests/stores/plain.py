"""The plainest store there can be, as somebody else would write it: files in memory."""

from __future__ import annotations

import io
import shutil
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from elliptio.errors import MissingKeyError, StoreError
from elliptio.naming import check_key
from elliptio.protocols import Content, Staging, Store, StoredFile


class PlainStore(Store):
    """Keeps files in a dict."""

    scheme, concurrency, root = "plain", 4, "plain://memory"

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, StoredFile]] = {}
        self.lock = threading.Lock()

    def begin(self, prefix: str) -> Staging:
        return PlainStaging(self, check_key(prefix, self.root))

    def open(self, key: str, *, whole: bool = False) -> BinaryIO:
        if self.stat(key) is None:
            raise MissingKeyError(f"there is no file {key!r} in {self.root}")
        return io.BytesIO(self.files[key][0])

    def stat(self, key: str) -> StoredFile | None:
        return self.files.get(check_key(key, self.root), (b"", None))[1]

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        for key, (_, stored) in list(self.files.items()):
            if not prefix or key == prefix or key.startswith(f"{prefix}/"):
                yield stored

    def create(self, key: str, data: bytes) -> bool:
        stored = StoredFile(check_key(key, self.root), len(data), datetime.now(UTC))
        with self.lock:
            return self.files.setdefault(key, (data, stored))[1] is stored

    def remove(self, prefix: str) -> None:
        check_key(prefix, self.root)
        for stored in list(self.list(prefix)):
            del self.files[stored.key]


class PlainStaging(Staging):
    """Keeps what was put until it is published."""

    in_place = False

    def __init__(self, store: PlainStore, prefix: str) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.store, self.prefix = store, prefix
        self.staged: dict[str, bytes] = {}

    def put(self, relpath: str, source: BinaryIO) -> None:
        key = f"{self.prefix}/{check_key(relpath, self.store.root)}"
        parts = []
        while part := source.read(1 << 20):
            parts.append(part)
        self.staged[key] = b"".join(parts)

    def link(self, relpath: str, key: str, content: Content | None = None) -> bool:
        return False

    def publish(self) -> None:
        for key, data in self.staged.items():
            if not self.store.create(key, data):
                raise StoreError(f"{key} is there already")
        self.discard()

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
