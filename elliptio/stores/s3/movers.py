"""Move bytes to and from S3, in one of two ways behind one face.

obstore is several times as fast as boto3, but its threads do not survive a fork, and it would wait for them for ever. A
forked child (``multiprocessing`` on Linux, data loaders) therefore moves its bytes with boto3.
"""

# What the methods of both movers promise is said once, in `Mover`.
# ruff: noqa: D102

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from elliptio.stores.s3.clients import BULK_SECONDS, RANGE_SECONDS, Connection
from elliptio.stores.s3.failures import is_no_range
from elliptio.stores.s3.writers import STEP, TOKEN, Writer

SMALL_SECONDS = 20
"""Time that a request for a few bytes may take."""

DELETE_AT_ONCE = 1_000
"""Number of objects that one request removes at most."""

Found = tuple[str, int, datetime, str]
Page = tuple[list[Found], str | None]
"""Key, size, time and entity tag of each of some objects, and a token to ask for the next ones with."""


class Mover(Protocol):
    """Move bytes under full keys. Raises the errors of its SDK, and FileNotFoundError for a missing key."""

    writer: Writer

    def create(self, key: str, data: bytes | bytearray, token: str) -> bool:
        """Write with one request unless there; tell whether it was written. `token` tells one's own object."""

    def read(self, key: str, most: int) -> tuple[int, Any]:
        """Return the size of an object, and its first bytes."""

    def read_range(self, key: str, start: int, stop: int) -> Any:
        """Return the bytes from `start` up to, without, `stop`; the range lies inside the object."""

    def head(self, key: str) -> tuple[int, datetime, str] | None:
        """Return size, time and entity tag of an object, or None."""

    def page(self, prefix: str, after: str, token: str | None) -> Page:
        """List some of the objects whose key begins with `prefix` and a slash, and the token to get the next.

        The first are the first that come after `after`.
        """

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; what is not there does not matter."""


class ObstoreMover:
    """Move bytes with obstore. Lists with boto3: obstore takes "a/", which other tools make, for a file "a"."""

    def __init__(self, connection: Connection) -> None:
        _notice_forks()
        self._connection = connection
        self.writer = Writer(connection)

    # Each is made when it is first needed, as that takes as long as several requests to a server nearby. A request for
    # a few bytes that takes long has failed; a part over a slow line has not.

    @cached_property
    def _quick(self) -> Any:
        return self._connection.obstore(SMALL_SECONDS)

    @cached_property
    def _bulk(self) -> Any:
        return self._connection.obstore(BULK_SECONDS)

    @cached_property
    def _reading(self) -> Any:
        return self._connection.obstore(RANGE_SECONDS)

    def create(self, key: str, data: bytes | bytearray, token: str) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        if self._connection.lock is not None:
            return self.writer.create(key, data, token)
        client = self._quick if len(data) <= STEP else self._bulk
        try:
            obstore.put(client, key, data, mode="create", use_multipart=False, attributes={TOKEN: token})
        except AlreadyExistsError:
            return self.writer.is_own(key, token)
        return True

    def read(self, key: str, most: int) -> tuple[int, Any]:
        import obstore
        from obstore.exceptions import GenericError

        try:
            found = obstore.get(self._reading, key, options={"range": (0, most)})
        except GenericError as error:
            if is_no_range(error):
                return 0, b""
            raise
        return found.meta["size"], found.bytes()

    def read_range(self, key: str, start: int, stop: int) -> Any:
        import obstore

        return obstore.get_range(self._reading, key, start=start, end=stop)

    def head(self, key: str) -> tuple[int, datetime, str] | None:
        import obstore

        try:
            found = obstore.head(self._quick, key)
        except FileNotFoundError:
            return None
        return found["size"], found["last_modified"], _tag(found["e_tag"])

    def page(self, prefix: str, after: str, token: str | None) -> Page:
        return Boto3Mover(self._connection).page(prefix, after, token)

    def delete(self, keys: Sequence[str]) -> None:
        import obstore

        obstore.delete(self._quick, keys)


class Boto3Mover:
    """Move bytes with boto3: slower, and at home in a forked process."""

    def __init__(self, connection: Connection) -> None:
        self._client = connection.client
        self._bucket = connection.bucket
        self.writer = Writer(connection)

    def create(self, key: str, data: bytes | bytearray, token: str) -> bool:
        return self.writer.create(key, data, token)

    def read(self, key: str, most: int) -> tuple[int, Any]:
        from botocore.exceptions import ClientError

        try:
            found = self._get(key, Range=f"bytes=0-{most - 1}")
        except ClientError as error:
            if is_no_range(error):
                return 0, b""
            raise
        return int(found["ContentRange"].rpartition("/")[2]), found["Body"].read()

    def read_range(self, key: str, start: int, stop: int) -> Any:
        return self._get(key, Range=f"bytes={start}-{stop - 1}")["Body"].read()

    def _get(self, key: str, **options: str) -> Any:
        from botocore.exceptions import ClientError

        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, **options)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise FileNotFoundError(key) from error
            raise

    def head(self, key: str) -> tuple[int, datetime, str] | None:
        from botocore.exceptions import ClientError

        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        return found["ContentLength"], found["LastModified"], _tag(found.get("ETag"))

    def page(self, prefix: str, after: str, token: str | None) -> Page:
        more = {"ContinuationToken": token} if token else {"StartAfter": after} if after else {}
        found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=f"{prefix}/" if prefix else "", **more)
        objects = [
            (each["Key"], each["Size"], each["LastModified"], _tag(each.get("ETag")))
            for each in found.get("Contents", ())
        ]
        return objects, found.get("NextContinuationToken") if found.get("IsTruncated") else None

    def delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), DELETE_AT_ONCE):
            objects = [{"Key": key} for key in keys[start : start + DELETE_AT_ONCE]]
            answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
            for error in answer.get("Errors", ()):
                raise OSError(f"<Code>{error['Code']}</Code> {error.get('Message', '')} ({error['Key']})")


def _tag(entity_tag: str | None) -> str:
    return (entity_tag or "").strip('"')


_noticing = False
_forked = False


def _notice_forks() -> None:
    """Remember, in children of this process, that obstore was at work in their parent."""
    global _noticing
    if not _noticing and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
        _noticing = True


def _after_fork() -> None:
    global _forked
    _forked = True


def mover(connection: Connection) -> Mover:
    """Return the best way to move bytes in this process."""
    return Boto3Mover(connection) if _forked else ObstoreMover(connection)
