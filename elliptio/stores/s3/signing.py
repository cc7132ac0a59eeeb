"""Sign what is sent to S3 by the hash that it carries anyway."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

_OPERATIONS = ("PutObject", "UploadPart")
_SIGNATURE = "elliptio-s3v4"
_CHECKSUM = "x-amz-checksum-sha256"


def reuse_checksums(client: Any) -> None:
    """Have a boto3 client sign bodies by their SHA-256 checksum; over plain HTTP it would hash them once more."""
    import botocore.auth

    botocore.auth.AUTH_TYPE_MAPS.setdefault(_SIGNATURE, _authentication())
    for operation in _OPERATIONS:
        client.meta.events.register(f"choose-signer.s3.{operation}", _choose)


def _choose(signature_version: Any = None, **_: Any) -> str | None:
    # Whoever configured another signature gets it.
    return _SIGNATURE if signature_version in ("v4", "s3v4") else None


@cache
def _authentication() -> type:
    from botocore.auth import S3SigV4Auth

    class Authentication(S3SigV4Auth):  # type: ignore[misc]
        def payload(self, request: Any) -> str:
            checksum = request.headers.get(_CHECKSUM)
            if checksum and self._should_sha256_sign_payload(request):
                return base64.b64decode(checksum).hex()
            return str(super().payload(request))

    return Authentication
