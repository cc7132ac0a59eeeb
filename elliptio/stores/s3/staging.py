"""Put the files of one artifact into a bucket, where they will stay."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from elliptio.errors import StoreError
from elliptio.naming import COLLECTED, SAVING, check_key
from elliptio.protocols import PIECE, Content, Staging
from elliptio.stores.s3.life import SignsOfLife
from elliptio.stores.s3.writers import MOST_PARTS, PART, SMALL, Buffers, Parts, read_up_to
from elliptio.system.forking import Lock
from elliptio.system.os_errors import explained

if TYPE_CHECKING:
    from elliptio.stores.s3.store import S3Store

log = logging.getLogger(__name__)


class S3Staging(Staging):
    """Put the files of one artifact into S3, which cannot rename, where they will stay: see `S3Store.begin`.

    Until a document refers to them, nobody looks there.
    """

    folder: Path
    in_place = False

    def __init__(self, store: S3Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix
        self._keys: set[str] = set()
        self._life: SignsOfLife | None = None
        self._buffers = Buffers()
        self._lock = Lock()

    def __getattr__(self, name: str) -> Path:
        # A plain upload needs no folder, so it is made when first asked for.
        if name != "folder":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with self._lock:
            if "folder" not in self.__dict__:
                with explained("stage files in", tempfile.gettempdir()):
                    self.folder = Path(tempfile.mkdtemp(prefix="elliptio-"))
            return self.folder

    def put(self, relpath: str, source: BinaryIO) -> None:
        """Upload what `source` still yields: with one request if it is small, else part by part.

        At most seven parts of 8 MiB are in memory for all files together, or two larger ones of a file of more than
        70 GiB.

        Raises
        ------
        StoreError
            If the store fails, or has a file under this key already: none is ever overwritten.
        """
        store = self._store
        check_key(relpath, store.root)
        head = read_up_to(source, SMALL)
        key = self._claim(relpath)
        full = store.full_key(key)
        written = self._put_small(full, head) if len(head) < SMALL else self._put_large(full, head, source)
        if not written:
            self._give_up(key)
            raise _taken(store.root, key)

    def _put_small(self, full: str, data: bytes | bytearray) -> bool:
        token = secrets.token_hex(16)
        return self._store.attempt("write to", lambda mover: mover.create(full, data, token))

    def _put_large(self, full: str, head: bytes, source: BinaryIO) -> bool:
        size = _part_size(source)
        parts = Parts(self._buffers, head, source, size)
        first = parts.take()
        assert first is not None
        if first.size < size:
            try:
                return self._put_small(full, first.content())
            finally:
                parts.give(first)
        parts.untake(first)
        token = secrets.token_hex(16)
        try:
            return self._store.attempt(
                "write to", lambda mover: mover.writer.put_parts(full, parts, token), again=False
            )
        except Exception:
            if parts.failure is not None:
                # The source failed, not the store.
                raise parts.failure from None
            raise
        finally:
            parts.close()

    def link(self, relpath: str, key: str, content: Content | None = None) -> bool:
        """Have the server copy a published file, if the SHA-256 of each piece that it copied is what it must be.

        False without that: servers that do not tell what they copied are not trusted with it.

        Raises
        ------
        StoreError
            If there is a file under this key already.
        """
        if content is None or not 0 < content.size <= MOST_PARTS * PIECE:
            return False
        store = self._store
        target, source = self._claim(relpath), store.full_key(check_key(key, store.root))
        token = secrets.token_hex(16)
        try:
            written = store.attempt(
                "copy a file in",
                lambda mover: mover.writer.copy(store.full_key(target), source, content, token),
                again=False,
            )
        except StoreError as error:
            log.info("%s is sent again: %s", relpath, error)
            self._give_up(target)
            return False
        if not written:
            self._give_up(target)
            raise _taken(store.root, target)
        return True

    def _claim(self, relpath: str) -> str:
        """Note the key of a file as this artifact's own."""
        key = f"{self._prefix}/{check_key(relpath, self._store.root)}"
        with self._lock:
            if key in self._keys:
                raise _taken(self._store.root, key)
            self._keys.add(key)
            if self._life is None:
                self._life = SignsOfLife(self._store, f"{self._prefix}/{SAVING}")
        return key

    def _give_up(self, key: str) -> None:
        """Forget a key: what is there is another's, and stays when this artifact is discarded."""
        with self._lock:
            self._keys.discard(key)

    def publish(self) -> None:
        """Make sure that every object is there, as whoever refers to them will take for granted, and drop the folder.

        Raises
        ------
        StoreError
            If objects are gone, or are being removed: by somebody who took this save for given up, or by hand.
        """
        if self._life is not None:
            self._life.end()
            found = {stored.key for stored in self._store.below(self._prefix)}
            gone = sorted(self._keys - found)
            if gone or f"{self._prefix}/{COLLECTED}" in found:
                # The description must not stay beside what is not whole.
                with contextlib.suppress(StoreError):
                    self._store.delete(sorted(self._keys))
                raise StoreError(
                    f"{self._store.root}/{self._prefix} was not published: {len(gone):,} of the {len(self._keys):,} "
                    "objects that were put there were removed meanwhile, or the rest is being removed. `gc` takes a "
                    "save for given up that showed no life for an hour: did this machine sleep? Save it again."
                )
        self._keys = set()
        self._drop_folder()

    def discard(self) -> None:
        """Remove the objects that were put, as far as the store can be reached, and the folder."""
        self._drop_folder()
        if self._life is not None:
            self._life.end()
        keys, self._keys = sorted(self._keys), set()
        # What cannot be removed now is an orphan, which is found and removed later.
        with contextlib.suppress(StoreError):
            self._store.delete(keys)

    def _drop_folder(self) -> None:
        if "folder" in self.__dict__:
            shutil.rmtree(self.folder, ignore_errors=True)


def _part_size(source: object) -> int:
    """Return how large the parts must be; the size of the file decides, where it can be known."""
    try:
        size = os.fstat(source.fileno()).st_size  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return PART
    return max(PART, -(-size // MOST_PARTS))


def _taken(root: str, key: str) -> StoreError:
    return StoreError(f"cannot write to {root}: {key!r} is there already, and no file is ever overwritten")
