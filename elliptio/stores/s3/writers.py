"""Write to S3 so that nothing is ever overwritten, and a lost answer is not taken for a failure.

Every object is written on the condition that its key is free. A request that is repeated because its answer was lost
finds the key taken by itself, so each object carries a token that tells whose it is. obstore cannot complete a
multipart upload on a condition, nor lock objects, so this is done with boto3, which is as fast with parts of 16 MiB.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from elliptio.protocols import Content
from elliptio.stores.s3.clients import Connection
from elliptio.stores.s3.copying import Copying
from elliptio.stores.s3.failures import code_of, diagnose, patiently
from elliptio.stores.s3.pages import Pages
from elliptio.system.ending import Pool

log = logging.getLogger(__name__)

PART = 8 << 20
"""Bytes of a part of a large file, if that is not so large that its parts must be larger."""

STEP = 1 << 20
"""Bytes that are read at once."""

SMALL = 256 << 10
"""Size below which files are read without a buffer."""

# S3 allows 10,000; a little less leaves room for a file that grows while it is read.
MOST_PARTS = 9_000
"""Number of parts of a file."""

PARTS_AT_ONCE = 5
BUFFERS = 7
"""Number of parts that are on their way at once, and in memory, with those that are read meanwhile, for all files."""

TOKEN = "elliptio-put"
"""Name under which an object carries the token of whoever put it."""

_TAKEN = ("PreconditionFailed", "412", "ConditionalRequestConflict")


class Readable(Protocol):
    """Yield bytes once, in order."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class Buffers:
    """Lend buffers for parts, used again and again: memory that is taken and freed in many threads would grow."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = 0
        self._free: list[bytearray] = []

    def take(self, size: int) -> bytearray:
        """Wait for a buffer. Who has one must not wait for another."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken + _weight(size) <= BUFFERS)
            self._taken += _weight(size)
            return self._free.pop() if self._free and size == PART else bytearray(size)

    def give(self, buffer: bytearray) -> None:
        """Make a buffer free for others."""
        with self._changed:
            self._taken -= _weight(len(buffer))
            if len(buffer) == PART:
                self._free.append(buffer)
            self._changed.notify_all()


def _weight(size: int) -> int:
    """Return for how many buffers one counts; of the largest ones there may be two."""
    return min(-(-size // PART), BUFFERS // 2)


class Part(NamedTuple):
    """Hold the beginning of a buffer."""

    buffer: bytearray
    size: int

    def content(self) -> bytes | bytearray:
        """Return its bytes: the buffer itself, where it is full."""
        return self.buffer if self.size == len(self.buffer) else bytes(memoryview(self.buffer)[: self.size])


class Parts:
    """Take what a source yields, part by part, each in a buffer that is to be given back.

    Parameters
    ----------
    buffers
        Buffers to take them from.
    head, source
        Bytes that were read already, and the rest.
    size
        Of all parts but the last.

    Attributes
    ----------
    failure
        Error that the source raised.

    Examples
    --------
    >>> import io
    >>> parts = Parts(Buffers(), b"head", io.BytesIO(b" and the rest"), PART)
    >>> part = parts.take()
    >>> part.content()
    b'head and the rest'
    >>> parts.give(part)
    """

    def __init__(self, buffers: Buffers, head: bytes, source: Readable, size: int) -> None:
        self._buffers = buffers
        self._head = head
        self._source = source
        self._size = size
        self._returned: Part | None = None
        self.failure: BaseException | None = None

    def take(self) -> Part | None:
        """Return the next part, None at the end."""
        if self._returned:
            part, self._returned = self._returned, None
            return part
        buffer = self._buffers.take(self._size)
        try:
            size = fill(buffer, self._head, self._source)
            self._head = b""
        except BaseException as error:
            self.failure = error
            self._buffers.give(buffer)
            raise
        if size:
            return Part(buffer, size)
        self._buffers.give(buffer)
        return None

    def untake(self, part: Part) -> None:
        """Have a part returned by the next `take` once more."""
        self._returned = part

    def give(self, part: Part) -> None:
        """Give the buffer of a part back."""
        self._buffers.give(part.buffer)

    def close(self) -> None:
        """Give back what nobody took."""
        if self._returned:
            self.give(self._returned)
            self._returned = None


class Writer:
    """Write objects of one bucket with boto3."""

    def __init__(self, connection: Connection) -> None:
        self._client = connection.client
        self._bucket = connection.bucket
        self._lock = connection.lock
        self._pool = Pool(PARTS_AT_ONCE, "elliptio-parts")

    def create(self, key: str, data: bytes | bytearray, token: str) -> bool:
        """Write an object with one request unless its key is taken; tell whether it is this write that took it."""
        from botocore.exceptions import ClientError

        options = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": _sha256(data), "IfNoneMatch": "*"}
        options |= self._options(token)
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, **options)
        except ClientError as error:
            if code_of(error) not in _TAKEN:
                raise
            return self.is_own(key, token)
        return True

    def is_own(self, key: str, token: str) -> bool:
        """Tell whether it is the write with this token that took a key."""
        from botocore.exceptions import ClientError

        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if code_of(error) in ("NoSuchKey", "404"):
                # Whoever writes it has not finished.
                raise OSError(f"<Code>ConditionalRequestConflict</Code> {key} is being written") from error
            raise
        return bool(found["Metadata"].get(TOKEN) == token)

    def put_parts(self, key: str, parts: Parts, token: str) -> bool:
        """Write an object of unknown size part by part, else as `create`; leave no parts behind of a failure."""
        return self._in_parts(key, token, lambda upload: self._send(key, upload, parts))

    def copy(self, key: str, source: str, content: Content, token: str) -> bool:
        """Write an object that the server copies from another, else as `put_parts`.

        Raises
        ------
        OtherContentError
            If the other is not of that content, as far as the server tells.
        """
        copying = Copying(self._client, self._bucket, source, key, content)
        return self._in_parts(key, token, lambda upload: copying.send(upload, self._pool))

    def _in_parts(self, key: str, token: str, send: Callable[[str], list[dict[str, Any]]]) -> bool:
        calls: list[int] = []
        upload = None
        try:
            upload = patiently(lambda: self._begin(key, token, calls))
            done = self._complete(key, upload, send(upload), token)
        except BaseException:
            # The answer that told its name may be what was lost.
            self._leave_nothing(key, upload)
            raise
        if not done or sum(calls) > 1:
            self._leave_nothing(key, None if done else upload)
        return done

    def unfinished(self, prefix: str, *, exact: bool = False) -> list[tuple[str, str, datetime]]:
        """List key, identifier and beginning of multipart uploads of, or also below, a key that were never finished."""
        seen, found = Pages(f"s3://{self._bucket}"), list[tuple[str, str, datetime]]()
        for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix):
            uploads = [(each["Key"], each["UploadId"], each["Initiated"]) for each in page.get("Uploads", ())]
            found += [
                each
                for each in uploads
                if each[0] == prefix or (not exact and (not prefix or each[0].startswith(f"{prefix}/")))
            ]
            if page.get("IsTruncated"):
                first = " ".join(uploads[0][:2]) if uploads else None
                seen.check(first, f"{page.get('NextKeyMarker')} {page.get('NextUploadIdMarker')}")
        return found

    def abort(self, key: str, upload: str) -> None:
        """Drop the parts of an upload; that it is gone already does not matter."""
        from botocore.exceptions import ClientError

        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
        except ClientError as error:
            if code_of(error) not in ("NoSuchUpload", "404"):
                raise

    def abort_all(self, prefix: str, *, exact: bool = False) -> None:
        """Abort the unfinished uploads of, or also below, a key, where one may list them."""
        try:
            found = self.unfinished(prefix, exact=exact)
        except Exception as error:
            if diagnose(error) not in ("AccessDenied", "NotImplemented"):
                raise
            log.info("Unfinished uploads in %s cannot be listed: %s", self._bucket, error)
            return
        for key, upload, _ in found:
            self.abort(key, upload)

    def _options(self, token: str) -> dict[str, Any]:
        return {"Metadata": {TOKEN: token}, **(self._lock.options() if self._lock else {})}

    def _begin(self, key: str, token: str, calls: list[int]) -> str:
        calls.append(1)
        found = self._client.create_multipart_upload(
            Bucket=self._bucket, Key=key, ChecksumAlgorithm="SHA256", **self._options(token)
        )
        calls.append(found["ResponseMetadata"].get("RetryAttempts", 0))
        return str(found["UploadId"])

    def _send(self, key: str, upload: str, parts: Parts) -> list[dict[str, Any]]:
        """Upload parts, a few at a time, and return what is needed to put them together."""
        sent: list[Future[dict[str, Any]]] = []
        waiting: list[tuple[Future[dict[str, Any]], Part]] = []
        try:
            while part := parts.take():
                sent.append(self._pool.submit(self._send_one, key, upload, len(sent) + 1, parts, part))
                waiting.append((sent[-1], part))
                if any(each.exception() for each, _ in waiting if each.done()):
                    break
                waiting = [each for each in waiting if not each[0].done()]
            return [each.result() for each in sent]
        finally:
            for each, part in waiting:
                if each.cancel():
                    parts.give(part)
            # None may arrive after the upload was aborted.
            wait(sent)

    def _send_one(self, key: str, upload: str, number: int, parts: Parts, part: Part) -> dict[str, Any]:
        data = part.content()
        checksum = _sha256(data)

        def send() -> Any:
            return self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload, PartNumber=number, Body=data, ChecksumSHA256=checksum
            )

        try:
            return {"PartNumber": number, "ETag": patiently(send)["ETag"], "ChecksumSHA256": checksum}
        finally:
            parts.give(part)

    def _complete(self, key: str, upload: str, parts: list[dict[str, Any]], token: str) -> bool:
        def complete() -> bool:
            try:
                self._client.complete_multipart_upload(
                    Bucket=self._bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
            except Exception as error:
                # It may be complete all the same: then the upload is gone, or the key is taken by itself.
                with suppress(Exception):
                    if self.is_own(key, token):
                        return True
                if code_of(error) in _TAKEN:
                    return False
                raise
            return True

        return patiently(complete)

    def _leave_nothing(self, key: str, upload: str | None) -> None:
        """Abort what there is of an upload, as far as the server can be reached: the rest is found later."""
        if upload is not None:
            with suppress(Exception):
                patiently(lambda: self.abort(key, upload))
        with suppress(Exception):
            patiently(lambda: self.abort_all(key, exact=True))


def read_up_to(source: Readable, size: int) -> bytes:
    """Return the next `size` bytes, fewer only at the end."""
    found = data = source.read(size)
    while found and len(data) < size:
        found = source.read(size - len(data))
        data += found
    return data


def fill(buffer: bytearray, head: bytes, source: Readable) -> int:
    """Write `head` to a buffer, then what a source yields until the buffer is full, and tell how much it holds."""
    size = len(head)
    with memoryview(buffer) as view:
        view[:size] = head
        while size < len(buffer) and (found := _read_into(view[size : size + STEP], source)):
            size += found
    return size


def _read_into(view: memoryview, source: Readable) -> int:
    if hasattr(source, "readinto"):
        return int(source.readinto(view))
    found = source.read(len(view))
    view[: len(found)] = found
    return len(found)


def _sha256(data: bytes | bytearray) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
