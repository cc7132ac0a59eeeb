"""A lake in a bucket of S3 or of anything that speaks its protocol."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar, cast

from elliptio.errors import ConfigError, ElliptioError, MissingKeyError, StoreError
from elliptio.protocols import StoredFile
from elliptio.stores import check_key
from elliptio.stores.s3_clients import Addressing, connect, explain
from elliptio.stores.s3_movers import DELETE_AT_ONCE, MOST_PARTS, PART, STEP, Mover, Readable, mover

if TYPE_CHECKING:
    from boto3.session import Session

T = TypeVar("T")
WIDEST = 16 << 20
BUFFER = 128 << 10


class _Bound(NamedTuple):
    """The clients of one process."""

    client: Any
    mover: Mover


class S3Store:
    """Keeps files in a bucket.

    Configuration is AWS's own: environment variables, profiles, SSO, container and instance roles,
    ``AWS_ENDPOINT_URL``. Nothing is connected before it is needed. A store can be pickled, unless it was given a
    session, and used after a fork.

    Parameters
    ----------
    root
        ``s3://bucket`` or ``s3://bucket/prefix``.
    endpoint_url
        Where the server is, if it is not AWS and AWS's configuration does not say so.
    addressing
        ``"path"``: ``https://host/bucket/key``; ``"virtual"``: ``https://bucket.host/key``; ``"auto"``: what the AWS
        configuration says, else virtual on AWS and path elsewhere.
    session
        A boto3 session to take configuration and credentials from.

    Raises
    ------
    ConfigError
        If the root is not a bucket and prefix.
    """

    scheme = "s3"
    concurrency = 16

    def __init__(
        self,
        root: str,
        *,
        endpoint_url: str | None = None,
        addressing: Addressing = "auto",
        session: Session | None = None,
    ) -> None:
        self.bucket, self.prefix = _split(root)
        self.root = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        if addressing not in ("auto", "path", "virtual"):
            raise ConfigError(f"addressing is 'auto', 'path' or 'virtual', not {addressing!r}")
        self._endpoint_url = endpoint_url
        self._addressing = addressing
        self._session = session
        self._bound: dict[int, _Bound] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.root!r})"

    def __getstate__(self) -> dict[str, Any]:
        if self._session is not None:
            raise TypeError(f"{self!r} was given a boto3 session, which cannot be pickled: configure it by a profile")
        return {**self.__dict__, "_bound": {}, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= {**state, "_lock": threading.Lock()}

    def begin(self, prefix: str) -> S3Staging:
        """Start an artifact. No request is made."""
        check_key(prefix, self.root)
        return S3Staging(self, prefix)

    def open(self, key: str) -> BinaryIO:
        """Open for reading; reading on is one request, and each jump is another.

        Raises
        ------
        MissingKeyError
            If there is no such object.
        """
        raw = _Reader(self, check_key(key, self.root))
        return cast(BinaryIO, io.BufferedReader(raw, BUFFER))

    def stat(self, key: str) -> StoredFile | None:
        """Size and time of exactly this object, or None."""
        full = self._full(check_key(key, self.root))
        found = self.attempt("look up a file in", lambda mover: mover.head(full))
        return None if found is None else StoredFile(key, *found)

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """All objects at or below a prefix, a page at a time. Objects of uploads under way are among them."""
        if prefix:
            own = self.stat(prefix)
            if own is not None:
                yield own
        full = self._full(prefix) if prefix else self.prefix
        skip = len(self.prefix) + 1 if self.prefix else 0
        pages = self.attempt("list", lambda mover: mover.list(full))
        while (found := self.attempt("list", lambda _: next(pages, None))) is not None:
            key, size, modified = found
            # What other tools write to show a folder is no file.
            if not key.endswith("/"):
                yield StoredFile(key[skip:], size, modified)

    def create(self, key: str, data: bytes) -> bool:
        """Write a small object unless it exists, by a conditional put."""
        full = self._full(check_key(key, self.root))
        return self.attempt("write to", lambda mover: mover.create(full, data))

    def remove(self, prefix: str) -> None:
        """Remove all objects at or below a prefix, many with one request."""
        check_key(prefix, self.root)
        found = self.list(prefix)
        while batch := [each.key for each in islice(found, DELETE_AT_ONCE)]:
            self.delete(batch)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects by their keys."""
        if keys:
            full = [self._full(key) for key in keys]
            self.attempt("remove files from", lambda mover: mover.delete(full))

    def client(self) -> Any:
        """Return a boto3 client as this store is configured, for what concerns the bucket as a whole."""
        try:
            return self._here().client
        except ElliptioError:
            raise
        except Exception as error:
            raise explain(error, self.root, "reach") from error

    def attempt(self, action: str, do: Callable[[Mover], T], key: str | None = None) -> T:
        """Do something, and explain what goes wrong; a missing object is a missing `key`, if one is named."""
        try:
            return do(self._here().mover)
        except ElliptioError:
            raise
        except Exception as error:
            if key is not None and isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error):
                raise MissingKeyError(f"there is no file {key!r} in {self.root}") from error
            raise explain(error, self.root, action) from error

    def _full(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _here(self) -> _Bound:
        """Return the clients of this process: neither boto3's nor obstore's may cross a fork."""
        pid = os.getpid()
        bound = self._bound.get(pid)
        if bound is None:
            with self._lock:
                bound = self._bound.get(pid)
                if bound is None:
                    found = connect(self.bucket, self._endpoint_url, self._addressing, self._session)
                    bound = _Bound(found.client, mover(found))
                    self._bound = {pid: bound}
        return bound


class S3Staging:
    """The files of one artifact on their way to S3, which cannot rename.

    Objects are put where they will stay. Until a document refers to them, nobody looks there.
    """

    folder: Path
    in_place = False

    def __init__(self, store: S3Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Path:
        # A plain upload needs no folder, so it is made when first asked for.
        if name != "folder":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with self._lock:
            if "folder" not in self.__dict__:
                self.folder = Path(tempfile.mkdtemp(prefix="elliptio-"))
            return self.folder

    def put(self, relpath: str, source: BinaryIO) -> None:
        """Upload what `source` still yields: with one request if it is small, else part by part.

        At most four parts of 16 MiB are in memory, more only for a file of more than 140 GiB.
        """
        store = self._store
        key = f"{self._prefix}/{check_key(relpath, store.root)}"
        full = store._full(key)
        part = _part_size(source)
        head = _read_up_to(source, part)
        self._keys.add(key)
        if len(head) < part:
            store.attempt("write to", lambda mover: mover.put(full, head))
        else:
            self._put_parts(full, _Chain(head, source), part)

    def _put_parts(self, full: str, chain: _Chain, part: int) -> None:
        store = self._store
        try:
            store.attempt("write to", lambda mover: mover.put_parts(full, chain, part))
        except Exception:
            if chain.failure is not None:
                # The source failed, not the store.
                raise chain.failure from None
            raise

    def publish(self) -> None:
        """Only drop the folder: every object that was put is durable, and is there as soon as it is referred to."""
        self._keys = set()
        self._drop_folder()

    def discard(self) -> None:
        """Remove the objects that were put, as far as the store can be reached, and the folder."""
        self._drop_folder()
        keys, self._keys = sorted(self._keys), set()
        # What cannot be removed now is an orphan, which is found and removed later.
        with contextlib.suppress(StoreError):
            self._store.delete(keys)

    def _drop_folder(self) -> None:
        if "folder" in self.__dict__:
            shutil.rmtree(self.folder, ignore_errors=True)


class _Chain:
    """What was read already, then the rest; remembers if the source failed."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest
        self.failure: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        found = self._head.read(size)
        if found:
            return found
        try:
            return self._rest.read(size)
        except BaseException as error:
            self.failure = error
            raise


class _Reader(io.RawIOBase):
    """Reads an object: on from the start as one stream, and after a jump in ranges that grow while reading goes on."""

    def __init__(self, store: S3Store, key: str) -> None:
        self._store = store
        self._key = key
        self._full = store._full(key)
        self._size, self._stream = self._attempt(lambda mover: mover.read(self._full))
        self._streamed = 0
        self._chunk = memoryview(b"")
        self._start = 0
        self._position = 0
        self._width = BUFFER

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if self._position >= self._size or not len(buffer):
            return 0
        offset = self._position - self._start
        if not 0 <= offset < len(self._chunk):
            self._fetch(len(buffer))
            offset = self._position - self._start
        part = self._chunk[offset : offset + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def readall(self) -> bytes:
        parts = []
        while part := self.read(STEP):
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        self._stream = iter(())
        self._chunk = memoryview(b"")
        super().close()

    def _fetch(self, wanted: int) -> None:
        """Get the bytes at the current position into the chunk."""
        start = self._position
        if start == self._streamed:
            # A stream can end early: the connection is idle while the caller works. Ranges take over then.
            with contextlib.suppress(Exception):
                chunk = next(self._stream, b"")
                if len(chunk):
                    self._chunk, self._start, self._streamed = memoryview(chunk), start, start + len(chunk)
                    return
        self._stream, self._streamed = iter(()), -1
        on = start == self._start + len(self._chunk)
        self._width = min(WIDEST, self._width * 2) if on else BUFFER
        stop = min(self._size, start + max(wanted, self._width))
        found = self._attempt(lambda mover: mover.read_range(self._full, start, stop))
        if not len(found):
            raise StoreError(f"cannot read {self._store.root}/{self._key}: it ends at {start} of {self._size} bytes")
        self._chunk, self._start = memoryview(found), start

    def _attempt(self, do: Callable[[Mover], T]) -> T:
        return self._store.attempt("read from", do, self._key)


def _split(root: str) -> tuple[str, str]:
    scheme, _, rest = root.partition("://")
    bucket, *parts = rest.rstrip("/").split("/")
    if scheme.lower() != "s3" or not bucket or "@" in bucket or any(part in ("", ".", "..") for part in parts):
        raise ConfigError("an S3 root is s3://bucket or s3://bucket/prefix, without credentials and empty parts")
    return bucket, "/".join(parts)


def _part_size(source: object) -> int:
    """Return how large the parts must be; the size of the file decides, where it can be known."""
    try:
        size = os.fstat(source.fileno()).st_size  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return PART
    return max(PART, -(-size // MOST_PARTS))


def _read_up_to(source: BinaryIO, size: int) -> bytes:
    found = source.read(STEP)
    if not found:
        return b""
    parts, total = [found], len(found)
    while total < size and (found := source.read(min(STEP, size - total))):
        parts.append(found)
        total += len(found)
    return parts[0] if len(parts) == 1 else b"".join(parts)
