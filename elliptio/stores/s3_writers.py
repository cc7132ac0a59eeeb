"""Writing to S3 so that nothing is ever overwritten, and a lost answer is not taken for a failure.

Every object is written on the condition that its key is free. A request that is repeated because its answer was lost
finds the key taken by itself, so each object carries a token that tells whose it is. obstore cannot complete a
multipart upload on a condition, nor lock objects, so this is done with boto3, which is as fast with parts of 16 MiB.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from elliptio.stores.s3_clients import Connection
from elliptio.stores.s3_failures import code_of, diagnose, patiently

log = logging.getLogger(__name__)

PART = 16 << 20
STEP = 1 << 20
# S3 allows 10,000 parts; a little less leaves room for a file that grows while it is read.
MOST_PARTS = 9_000
PARTS_AT_ONCE = 3
TOKEN = "elliptio-put"
_TAKEN = ("PreconditionFailed", "412", "ConditionalRequestConflict")


class Readable(Protocol):
    """What can be read once, in order."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class Writer:
    """Writes objects of one bucket with boto3."""

    def __init__(self, connection: Connection) -> None:
        self._client = connection.client
        self._bucket = connection.bucket
        self._lock = connection.lock

    def create(self, key: str, data: bytes, token: str) -> bool:
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
        """Tell who took a key."""
        from botocore.exceptions import ClientError

        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if code_of(error) in ("NoSuchKey", "404"):
                # Whoever writes it has not finished.
                raise OSError(f"<Code>ConditionalRequestConflict</Code> {key} is being written") from error
            raise
        return bool(found["Metadata"].get(TOKEN) == token)

    def put_parts(self, key: str, source: Readable, part: int, token: str) -> bool:
        """Write an object of unknown size part by part, else as `create`; leave no parts behind of a failure."""
        calls: list[int] = []
        upload = None
        try:
            upload = patiently(lambda: self._begin(key, token, calls))
            done = self._complete(key, upload, self._send(key, upload, source, part), token)
        except BaseException:
            # The answer that told its name may be what was lost.
            self._leave_nothing(key, upload)
            raise
        if not done or sum(calls) > 1:
            self._leave_nothing(key, None if done else upload)
        return done

    def unfinished(self, prefix: str, *, exact: bool = False) -> list[tuple[str, str, datetime]]:
        """Key, identifier and beginning of multipart uploads of, or also below, a key that were never finished."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix)
        return [
            (each["Key"], each["UploadId"], each["Initiated"])
            for page in pages
            for each in page.get("Uploads", ())
            if each["Key"] == prefix or (not exact and (not prefix or each["Key"].startswith(f"{prefix}/")))
        ]

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

    def _send(self, key: str, upload: str, source: Readable, part: int) -> list[dict[str, Any]]:
        """Upload what the source yields, a few parts at a time, and return what is needed to put them together."""
        sent: list[dict[str, Any]] = []
        waiting: deque[Future[dict[str, Any]]] = deque()
        with ThreadPoolExecutor(PARTS_AT_ONCE, "elliptio-parts") as pool:
            try:
                for number, data in enumerate(_parts(source, part), 1):
                    waiting.append(pool.submit(self._send_one, key, upload, number, data))
                    del data
                    if len(waiting) >= PARTS_AT_ONCE:
                        sent.append(waiting.popleft().result())
                sent += [each.result() for each in waiting]
            finally:
                for each in waiting:
                    each.cancel()
        return sent

    def _send_one(self, key: str, upload: str, number: int, data: bytes) -> dict[str, Any]:
        checksum = _sha256(data)

        def send() -> Any:
            return self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload, PartNumber=number, Body=data, ChecksumSHA256=checksum
            )

        return {"PartNumber": number, "ETag": patiently(send)["ETag"], "ChecksumSHA256": checksum}

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
    found = source.read(min(STEP, size))
    if not found:
        return b""
    parts, total = [found], len(found)
    while total < size and (found := source.read(min(STEP, size - total))):
        parts.append(found)
        total += len(found)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _parts(source: Readable, size: int) -> Iterator[bytes]:
    while data := read_up_to(source, size):
        yield data


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
