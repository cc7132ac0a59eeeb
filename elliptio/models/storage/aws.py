"""Keep bytes of fields in a bucket of S3, or of anything that speaks its protocol."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

from elliptio.errors import ElliptioError, MissingKeyError
from elliptio.formats.libraries import need
from elliptio.models.storage.defining import BlockingStorage, Location
from elliptio.stores.s3.clients import connect
from elliptio.stores.s3.failures import code_of, explain, patiently

__all__ = ["S3Storage", "s3_client_context", "set_s3_client"]

T = TypeVar("T")

IN_ONE = 64 << 20
"""Bytes up to which an object goes in one request."""

_given: list[Any] = []
"""The client of this process, if one was set."""
_here: ContextVar[Any] = ContextVar("elliptio_s3_client", default=None)
_made: dict[tuple[int, str], Any] = {}
"""Clients by process and bucket, as the AWS configuration has them."""


def set_s3_client(client: Any) -> Callable[[], None]:
    """Use a boto3 client for all buckets in this process, and return a function that takes that back.

    Without one, each bucket is reached as the AWS configuration says: environment, profile, ``AWS_ENDPOINT_URL``.
    """
    before = list(_given)
    _given[:] = [client]

    def reset() -> None:
        _given[:] = before

    return reset


@contextlib.contextmanager
def s3_client_context(client: Any) -> Iterator[Any]:
    """Use a boto3 client for all buckets in a block, in this task and thread."""
    token = _here.set(client)
    try:
        yield client
    finally:
        _here.reset(token)


class S3Storage(BlockingStorage):
    """Keep bytes in a bucket, under the SHA-512 of their content: what is there already is not sent again.

    Parameters
    ----------
    bucket
        Name of the bucket.
    prefix
        Beginning of all keys.
    name
        By which it is recorded; otherwise that follows from bucket and prefix.

    Examples
    --------
    ::

        s3 = S3Storage("my-bucket", "frames")


        class Experiment(DataModel, version=1):
            frame: Annotated[pd.DataFrame, dataframe_serializer, s3]

    """

    kind = "s3"
    shares = True

    def __init__(self, bucket: str, prefix: str = "", name: str = "") -> None:
        self.bucket, self.prefix = bucket, prefix.strip("/")
        self.root = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        self.name = name or self.root

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.bucket!r}{f', {self.prefix!r}' if self.prefix else ''})"

    def spec(self) -> Mapping[str, Any]:
        """Return what one like this is made from; where the server is, and who may ask it, is said by nobody's data."""
        return {"kind": self.kind, "bucket": self.bucket, "prefix": self.prefix}

    def create_now(self, data: bytes) -> str:
        """Keep bytes, and return their key."""
        digest = hashlib.sha512(data).hexdigest()
        wanted = f"{self.prefix}/{digest}".lstrip("/")
        for number in range(1000):
            # What was updated, or put there by others, is another content: it keeps its key.
            key = f"{wanted}-{number}" if number else wanted
            found = self._head(key)
            if found is None:
                self._put(key, data, digest)
                return key
            if self._is(key, found, digest, len(data)):
                return key
        raise MissingKeyError(f"{self.root} has other content at {wanted} and each key like it.")

    def _is(self, key: str, found: Mapping[str, Any], digest: str, size: int) -> bool:
        if found["ContentLength"] != size:
            return False
        said = found.get("Metadata", {}).get("sha512")
        return bool((said or hashlib.sha512(self.read_now(key)).hexdigest()) == digest)

    def read_now(self, location: Location) -> bytes:
        """Return the bytes of a key."""
        key = self._key(location)

        def get(client: Any) -> bytes:
            found: bytes = client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            return found

        found = self._ask("read", get)
        if found is None:
            raise self._missing(location)
        return found

    def update_now(self, location: Location, data: bytes) -> None:
        """Put other bytes at a key; whoever has the same key reads them too."""
        key = self._key(location)
        if self._head(key) is None:
            raise self._missing(location)
        self._put(key, data, hashlib.sha512(data).hexdigest())

    def delete_now(self, location: Location) -> None:
        """Remove a key; nobody who has the same can read it any more."""
        with contextlib.suppress(MissingKeyError):
            key = self._key(location)
            self._ask("remove from", lambda client: client.delete_object(Bucket=self.bucket, Key=key))

    def exists_now(self, location: Location) -> bool:
        """Tell whether there is this key."""
        with contextlib.suppress(MissingKeyError):
            return self._head(self._key(location)) is not None
        return False

    def _head(self, key: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self._ask(
            "look up a file in", lambda client: client.head_object(Bucket=self.bucket, Key=key)
        )
        return found

    def _put(self, key: str, data: bytes, digest: str) -> None:
        about = {"sha512": digest}

        def put(client: Any) -> None:
            if len(data) <= IN_ONE:
                client.put_object(Bucket=self.bucket, Key=key, Body=data, Metadata=about)
            else:
                client.upload_fileobj(io.BytesIO(data), self.bucket, key, ExtraArgs={"Metadata": about})

        self._ask("write to", put)

    def _ask(self, action: str, do: Callable[[Any], T]) -> T | None:
        """Ask the server; None where there is no such key."""
        try:
            client = self._client()
            return patiently(lambda: do(client))
        except ElliptioError:
            raise
        except Exception as error:  # whatever boto3 raises
            if code_of(error) in ("NoSuchKey", "404"):
                return None
            raise explain(error, self.root, action) from error

    def _client(self) -> Any:
        client = _here.get() or next(iter(_given), None) or _made.get((os.getpid(), self.bucket))
        if client is None:
            need("boto3", "elliptio[s3]", "S3Storage")
            client = connect(self.bucket, None, "auto", None).client
            _made[os.getpid(), self.bucket] = client
        return client

    def _key(self, location: Location) -> str:
        if not isinstance(location, str) or not location.startswith(f"{self.prefix}/".lstrip("/")) or not location:
            raise self._missing(location)
        return location

    def _missing(self, location: Location) -> MissingKeyError:
        return MissingKeyError(f"{self.root} has nothing at {location!r:.200}.")
