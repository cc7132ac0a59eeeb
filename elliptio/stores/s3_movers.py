"""The two ways to move bytes to and from S3, behind one face.

obstore is several times as fast as boto3, but its threads do not survive a fork, and it would wait for them for ever. A
forked child (``multiprocessing`` on Linux, data loaders) therefore moves its bytes with boto3.
"""

# What the methods of both movers promise is said once, in `Mover`.
# ruff: noqa: D102

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from elliptio.stores.s3_clients import BULK_SECONDS, Connection

PART = 16 << 20
STEP = 1 << 20
# S3 allows 10,000 parts; a little less leaves room for a file that grows while it is read.
MOST_PARTS = 9_000
PARTS_AT_ONCE = 3
SMALL_SECONDS = 20
DELETE_AT_ONCE = 1_000

Found = tuple[str, int, datetime]


class Readable(Protocol):
    """What can be read once, in order."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class Mover(Protocol):
    """Moves bytes under full keys. Raises the errors of its SDK, and FileNotFoundError for a missing key."""

    def put(self, key: str, data: bytes) -> None:
        """Write one object with one request."""

    def put_parts(self, key: str, source: Readable, part: int) -> None:
        """Write one object of unknown size, a part at a time; on failure the upload is aborted."""

    def create(self, key: str, data: bytes) -> bool:
        """Write unless there; tell whether it was written."""

    def read(self, key: str) -> tuple[int, Iterator[Any]]:
        """Size of an object, and its bytes, fetched as they are asked for."""

    def read_range(self, key: str, start: int, stop: int) -> Any:
        """Bytes from `start` up to, without, `stop`; the range lies inside the object."""

    def head(self, key: str) -> tuple[int, datetime] | None:
        """Size and time of an object, or None."""

    def list(self, prefix: str) -> Iterator[Found]:
        """All objects whose key begins with `prefix` and a slash."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; what is not there does not matter."""


class ObstoreMover:
    """Moves bytes with obstore. Lists with boto3: obstore takes "a/", which other tools make, for a file "a"."""

    def __init__(self, connection: Connection) -> None:
        _notice_forks()
        self._connection = connection
        # A request for a few bytes that takes long has failed; a part over a slow line has not.
        self._quick = connection.obstore(SMALL_SECONDS)
        self._bulk = connection.obstore(BULK_SECONDS)

    def put(self, key: str, data: bytes) -> None:
        import obstore

        obstore.put(self._quick if len(data) <= STEP else self._bulk, key, data, use_multipart=False)

    def put_parts(self, key: str, source: Readable, part: int) -> None:
        import obstore

        chunks = iter(lambda: source.read(STEP), b"")
        obstore.put(self._bulk, key, chunks, use_multipart=True, chunk_size=part, max_concurrency=PARTS_AT_ONCE)

    def create(self, key: str, data: bytes) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            obstore.put(self._quick, key, data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        return True

    def read(self, key: str) -> tuple[int, Iterator[Any]]:
        import obstore

        found = obstore.get(self._bulk, key)
        return found.meta["size"], iter(found.stream(min_chunk_size=STEP))

    def read_range(self, key: str, start: int, stop: int) -> Any:
        import obstore

        return obstore.get_range(self._bulk, key, start=start, end=stop)

    def head(self, key: str) -> tuple[int, datetime] | None:
        import obstore

        try:
            found = obstore.head(self._quick, key)
        except FileNotFoundError:
            return None
        return found["size"], found["last_modified"]

    def list(self, prefix: str) -> Iterator[Found]:
        return Boto3Mover(self._connection).list(prefix)

    def delete(self, keys: Sequence[str]) -> None:
        import obstore

        obstore.delete(self._quick, keys)


class Boto3Mover:
    """Moves bytes with boto3: slower, and at home in a forked process."""

    def __init__(self, connection: Connection) -> None:
        self._client = connection.client
        self._bucket = connection.bucket

    def put(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    def put_parts(self, key: str, source: Readable, part: int) -> None:
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=1, multipart_chunksize=part, max_concurrency=PARTS_AT_ONCE)
        self._client.upload_fileobj(source, self._bucket, key, Config=config)

    def create(self, key: str, data: bytes) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "412"):
                return False
            raise
        return True

    def read(self, key: str) -> tuple[int, Iterator[Any]]:
        found = self._get(key)
        return found["ContentLength"], found["Body"].iter_chunks(STEP)

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

    def head(self, key: str) -> tuple[int, datetime] | None:
        from botocore.exceptions import ClientError

        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        return found["ContentLength"], found["LastModified"]

    def list(self, prefix: str) -> Iterator[Found]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{prefix}/" if prefix else ""
        )
        for page in pages:
            for found in page.get("Contents", ()):
                yield found["Key"], found["Size"], found["LastModified"]

    def delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), DELETE_AT_ONCE):
            objects = [{"Key": key} for key in keys[start : start + DELETE_AT_ONCE]]
            answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
            for error in answer.get("Errors", ()):
                raise OSError(f"<Code>{error['Code']}</Code> {error.get('Message', '')} ({error['Key']})")


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
