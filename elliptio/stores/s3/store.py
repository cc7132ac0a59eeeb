"""Keep a lake in a bucket of S3 or of anything that speaks its protocol."""

from __future__ import annotations

import io
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar, cast

from elliptio.errors import ConfigError, ElliptioError, MissingKeyError
from elliptio.naming import check_key, is_key, listed
from elliptio.protocols import Store, StoredFile
from elliptio.stores.s3.clients import Addressing, ObjectLock, connect
from elliptio.stores.s3.failures import RENEWABLE, explain, patiently
from elliptio.stores.s3.movers import DELETE_AT_ONCE, Mover, Page, mover
from elliptio.stores.s3.pages import Pages
from elliptio.stores.s3.readers import BUFFER, Ahead, Reader
from elliptio.stores.s3.staging import S3Staging
from elliptio.system.forking import Lock

if TYPE_CHECKING:
    from boto3.session import Session

T = TypeVar("T")
log = logging.getLogger(__name__)


MOST_NAMED = 1000
"""Keys that cannot be paths of which one listing keeps the names."""


class _Bound(NamedTuple):
    """Hold the clients of one process."""

    client: Any
    mover: Mover
    ahead: Ahead


class S3Store(Store):
    """Keep files in a bucket.

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
    object_lock
        ``"governance:30d"`` or ``"compliance:7y"``: for so long nobody can remove, for good, what is written. The
        bucket must have object lock.

    Raises
    ------
    ConfigError
        If the root is not a bucket and prefix, or an option is none of these.

    Examples
    --------
    >>> S3Store("s3://bucket/prefix/", endpoint_url="https://example.org", addressing="path").root
    's3://bucket/prefix'
    """

    scheme = "s3"
    after = True
    concurrency = 32

    def __init__(
        self,
        root: str,
        *,
        endpoint_url: str | None = None,
        addressing: Addressing = "auto",
        session: Session | None = None,
        object_lock: str | None = None,
    ) -> None:
        self.bucket, self.prefix = _split(root)
        self.root = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        self._skip = len(self.prefix) + 1 if self.prefix else 0
        if addressing not in ("auto", "path", "virtual"):
            raise ConfigError(f"addressing is 'auto', 'path' or 'virtual', not {addressing!r}")
        self._endpoint_url = endpoint_url
        self._addressing = addressing
        self._session = session
        self._object_lock = None if object_lock is None else ObjectLock.parse(object_lock)
        self._bound: dict[int, _Bound] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.root!r})"

    def __getstate__(self) -> dict[str, Any]:
        if self._session is not None:
            raise TypeError(f"{self!r} was given a boto3 session, which cannot be pickled: configure it by a profile")
        return {**self.__dict__, "_bound": {}}

    def begin(self, prefix: str) -> S3Staging:
        """Start an artifact. No request is made."""
        check_key(prefix, self.root)
        return S3Staging(self, prefix)

    def open(self, key: str, *, whole: bool = False) -> BinaryIO:
        """Open for reading: in ranges, more of them at once the further one reads on.

        Raises
        ------
        MissingKeyError
            If there is no such object.
        """
        raw = Reader(self, check_key(key, self.root), whole=whole)
        return cast(BinaryIO, io.BufferedReader(raw, BUFFER))

    def stat(self, key: str) -> StoredFile | None:
        """Tell size and time of exactly this object; None where there is none."""
        full = self.full_key(check_key(key, self.root))
        found = self.attempt("look up a file in", lambda mover: mover.head(full))
        return None if found is None else StoredFile(key, *found)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredFile]:
        """List all objects at or below a prefix, a page at a time. Objects of uploads under way are among them."""
        if prefix > after:
            own = self.stat(prefix)
            if own is not None:
                yield own
        yield from self.below(prefix, after)

    def below(self, prefix: str, after: str = "") -> Iterator[StoredFile]:
        """List all objects below a prefix, without asking whether one lies at it."""
        full, start = self.full_key(prefix), self.full_key(after) if after else ""
        token: str | None = None
        pages, strange = Pages(self.root), list[str]()
        while True:
            page, token = self.attempt("list", partial(_page, full, start, token))
            for key, size, modified, stamp in page:
                # What other tools write to show a folder is no file.
                if key.endswith("/"):
                    continue
                own = key[self._skip :]
                if is_key(own):
                    yield StoredFile(own, size, modified, stamp)
                elif len(strange) < MOST_NAMED:
                    strange.append(key)
            if token is None:
                break
            pages.check(page[0][0] if page else None, token)
        if strange:
            log.warning("Passed over in %s, as no path has such a name: %s.", self.root, listed(strange))

    def unfinished(self, prefix: str = "") -> Iterator[StoredFile]:
        """List large files whose upload has begun and not ended, under way or cut off, with the time it began.

        Their parts take space, no listing shows them, and `remove` drops them. Sizes are not known, and 0.
        """
        full = self.full_key(prefix)
        for key, _, begun in self.attempt("list uploads in", lambda mover: mover.writer.unfinished(full)):
            if is_key(key[self._skip :]):
                yield StoredFile(key[self._skip :], 0, begun)

    def create(self, key: str, data: bytes) -> bool:
        """Write a small object unless it exists, by a conditional put."""
        full = self.full_key(check_key(key, self.root))
        token = secrets.token_hex(16)
        return self.attempt("write to", lambda mover: mover.create(full, data, token))

    def remove(self, prefix: str) -> None:
        """Remove all objects at or below a prefix, many with one request, and what uploads that were cut off left."""
        check_key(prefix, self.root)
        found = self.list(prefix)
        while batch := [each.key for each in islice(found, DELETE_AT_ONCE)]:
            self.delete(batch)
        full = self.full_key(prefix)
        self.attempt("remove unfinished uploads from", lambda mover: mover.writer.abort_all(full))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects by their keys."""
        if keys:
            full = [self.full_key(key) for key in keys]
            self.attempt("remove files from", lambda mover: mover.delete(full))

    def client(self) -> Any:
        """Return a boto3 client as this store is configured, for what concerns the bucket as a whole."""
        try:
            return self._here().client
        except ElliptioError:
            raise
        except Exception as error:
            raise explain(error, self.root, "reach") from error

    def attempt(self, action: str, do: Callable[[Mover], T], key: str | None = None, *, again: bool = True) -> T:
        """Do something, patiently unless not `again`, and explain what goes wrong.

        A missing object is a missing `key`, if one is named.
        """
        # A server that never answered will not do so the second time.
        once = RENEWABLE | {"Timeout"} if os.getpid() in self._bound else RENEWABLE
        try:
            if again:
                return patiently(lambda: do(self._here().mover), self._renew, once)
            patiently(self._here, self._renew)
            return do(self._here().mover)
        except ElliptioError:
            raise
        except Exception as error:
            if key is not None and isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error):
                raise MissingKeyError(f"there is no file {key!r} in {self.root}") from error
            raise explain(error, self.root, action) from error

    def ahead(self) -> Ahead:
        """Return what fetches ahead, in this process."""
        return self._here().ahead

    def _renew(self) -> None:
        """Read the configuration again: somebody may have signed in meanwhile."""
        self._bound = {}

    def full_key(self, key: str) -> str:
        """Return the key of an object within its bucket; of no key, the prefix of all."""
        return "/".join(filter(None, (self.prefix, key)))

    def _here(self) -> _Bound:
        """Return the clients of this process: neither boto3's nor obstore's may cross a fork."""
        pid = os.getpid()
        bound = self._bound.get(pid)
        if bound is None:
            with self._lock:
                bound = self._bound.get(pid)
                if bound is None:
                    found = connect(self.bucket, self._endpoint_url, self._addressing, self._session, self._object_lock)
                    bound = _Bound(found.client, mover(found), Ahead())
                    self._bound = {pid: bound}
        return bound


def _split(root: str) -> tuple[str, str]:
    """Take a root apart into bucket and prefix."""
    scheme, _, rest = root.partition("://")
    bucket, *parts = rest.rstrip("/").split("/")
    if scheme.lower() != "s3" or not bucket or "@" in bucket or any(part in ("", ".", "..") for part in parts):
        raise ConfigError("an S3 root is s3://bucket or s3://bucket/prefix, without credentials and empty parts")
    return bucket, "/".join(parts)


def _page(full: str, after: str, token: str | None, mover: Mover) -> Page:
    return mover.page(full, after, token)
