"""Copy within a bucket: the server does it, and tells the SHA-256 of what it copied."""

from __future__ import annotations

import base64
from concurrent.futures import Executor, Future, wait
from typing import Any, NamedTuple

from elliptio.protocols import PIECE, Content
from elliptio.stores.s3.failures import patiently


class OtherContentError(Exception):
    """Say that the server copied something else than was expected, or does not tell what it copied."""


class Copying(NamedTuple):
    """Copy one object to another key, piece by piece: see `Writer.copy`.

    The server reads the bytes that are stored now, hashes them while it writes them again, and only what has the
    expected hashes is put together: neither a damaged nor a replaced object gets a second time into the lake.
    """

    client: Any
    bucket: str
    source: str
    key: str
    content: Content

    def send(self, upload: str, pool: Executor) -> list[dict[str, Any]]:
        """Copy all pieces, several at once, and return what is needed to put them together.

        Raises
        ------
        OtherContentError
            If one is not as expected.
        """
        running: list[Future[dict[str, Any]]] = []
        try:
            # They may be hashed while the first are copied already; after a failure that would be for nothing.
            for number, sha256 in enumerate(self.content.pieces):
                running.append(pool.submit(self._copy, upload, number, sha256))
                if any(each.done() and each.exception() for each in running):
                    break
            return [each.result() for each in running]
        finally:
            for each in running:
                each.cancel()
            # None may arrive after the upload was aborted.
            wait(running)

    def _copy(self, upload: str, number: int, sha256: str) -> dict[str, Any]:
        start = number * PIECE
        span = f"bytes={start}-{min(start + PIECE, self.content.size) - 1}"
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()

        def copy() -> Any:
            return self.client.upload_part_copy(
                Bucket=self.bucket,
                Key=self.key,
                UploadId=upload,
                PartNumber=number + 1,
                CopySource={"Bucket": self.bucket, "Key": self.source},
                CopySourceRange=span,
            )

        found = patiently(copy)["CopyPartResult"]
        if found.get("ChecksumSHA256") != checksum:
            raise OtherContentError(f"{self.source} differs at {span}: {found.get('ChecksumSHA256')}, not {checksum}")
        return {"PartNumber": number + 1, "ETag": found["ETag"], "ChecksumSHA256": checksum}
