"""Explain failures of S3, say what to do about them, and try again where they pass."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from elliptio.errors import ElliptioError, StoreError
from elliptio.masking import hide_password
from elliptio.naming import shorten

T = TypeVar("T")

WAITS = (0.3, 1.5)
"""Seconds between attempts. Within each of them the SDKs try four or five times where a request may be repeated."""

TRANSIENT = frozenset({"SlowDown", "ServerFailed", "Cut", "Checksum", "RequestTimeout", "ConditionalRequestConflict"})
"""Failures that may be different the next time."""

RENEWABLE = frozenset({"ExpiredToken", "RequestTimeTooSkewed"})
"""Failures that may be different once: credentials that were renewed meanwhile, a clock that was corrected."""

_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"non-2xx status code: (\d+)")

_ADVICE: Mapping[str, str] = {
    "NoSuchBucket": "there is no such bucket. Create it, or correct its name.",
    "AccessDenied": "access denied. These credentials may not do this here: ask the owner of the bucket, or correct "
    "its name if it is not the one you mean.",
    "SignatureDoesNotMatch": "the secret key is wrong. Check AWS_SECRET_ACCESS_KEY or the profile.",
    "InvalidAccessKeyId": "the access key is not known there. Check AWS_ACCESS_KEY_ID, the profile and the endpoint.",
    "ExpiredToken": "the credentials have expired. Sign in again (for SSO: aws sso login).",
    "RequestTimeTooSkewed": "the clock of this machine is wrong. Set it right.",
    "WrongRegion": "the bucket is in another region. Set AWS_DEFAULT_REGION to that of the bucket.",
    "SlowDown": "the server is overloaded and throttles. Try again later, or with fewer threads.",
    "ServerFailed": "the server failed (5xx), again and again. Try again later, or tell who runs it.",
    "Checksum": "the bytes arrived changed (wrong checksum), again and again. "
    "Check the network and whatever relays the traffic.",
    "Cut": "the connection was cut, again and again. Check the network and the proxy, and try again.",
    "NoObjectLock": "object lock was asked for, and this bucket does not have it. "
    "Enable it (for most servers: when the bucket is made), or do not ask for it.",
    "ConditionalRequestConflict": "somebody else writes to the same key at this moment.",
    "NotImplemented": "the server does not offer what elliptio needs (conditional writes, multipart uploads).",
    "QuotaExceeded": "the storage is full. Free some space, or ask for more.",
    "Credentials": "there are no usable AWS credentials. Set AWS_PROFILE or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or sign in (aws sso login, aws configure).",
    "Timeout": "the server did not answer in time. Check the endpoint and the network, and try again.",
    "RequestTimeout": "the server waited too long for our bytes. Check the network, and try again.",
    "Connect": "cannot connect. Check the endpoint (AWS_ENDPOINT_URL), the network and the proxy.",
}
_SYNONYMS: Mapping[str, str] = {
    "Forbidden": "AccessDenied",
    "403": "AccessDenied",
    "AllAccessDisabled": "AccessDenied",
    "InvalidToken": "ExpiredToken",
    "ExpiredTokenException": "ExpiredToken",
    "RequestExpired": "ExpiredToken",
    "TokenRefreshRequired": "ExpiredToken",
    "PermanentRedirect": "WrongRegion",
    "AuthorizationHeaderMalformed": "WrongRegion",
    "301": "WrongRegion",
    "404": "NoSuchBucket",
    "501": "NotImplemented",
    "500": "ServerFailed",
    "502": "ServerFailed",
    "504": "ServerFailed",
    "InternalError": "ServerFailed",
    "InternalServerError": "ServerFailed",
    "429": "SlowDown",
    "503": "SlowDown",
    "ServiceUnavailable": "SlowDown",
    "TooManyRequests": "SlowDown",
    "Throttling": "SlowDown",
    "ThrottlingException": "SlowDown",
    "RequestLimitExceeded": "SlowDown",
    "SlowDownRead": "SlowDown",
    "SlowDownWrite": "SlowDown",
    "BadDigest": "Checksum",
    "InvalidDigest": "Checksum",
    "XAmzContentSHA256Mismatch": "Checksum",
    "XAmzContentChecksumMismatch": "Checksum",
    "FlexibleChecksumError": "Checksum",
    "IncompleteBody": "Cut",
    "ObjectLockConfigurationNotFoundError": "NoObjectLock",
    "XMinioStorageFull": "QuotaExceeded",
    "InsufficientStorage": "QuotaExceeded",
    "507": "QuotaExceeded",
    "NoCredentialsError": "Credentials",
    "PartialCredentialsError": "Credentials",
    "CredentialRetrievalError": "Credentials",
    "ProfileNotFound": "Credentials",
    "UnauthorizedSSOTokenError": "Credentials",
    "SSOTokenLoadError": "Credentials",
    "TokenRetrievalError": "Credentials",
    "UnauthenticatedError": "Credentials",
    "ConnectTimeoutError": "Connect",
    "EndpointConnectionError": "Connect",
    "ProxyConnectionError": "Connect",
    "SSLError": "Connect",
    "ReadTimeoutError": "Timeout",
    "ConnectionClosedError": "Cut",
    "IncompleteReadError": "Cut",
    "ResponseStreamingError": "Cut",
}


def patiently(do: Callable[[], T], renew: Callable[[], object] = lambda: None, once: frozenset[str] = RENEWABLE) -> T:
    """Do something that may be repeated until it succeeds, or fails in a way or so often that it is no use.

    Parameters
    ----------
    do
        Function to call.
    renew
        Called before what failed for one of `once` is tried once more.
    once
        Failures that one more attempt may help against.

    Raises
    ------
    Exception
        Whatever `do` raised last.
    """
    renewed = False
    waits = iter(WAITS)
    while True:
        try:
            return do()
        except ElliptioError:
            raise
        except Exception as error:
            kind = diagnose(error)
            wait = next(waits, None)
            if kind in once and not renewed:
                renewed = True
                renew()
            elif kind not in TRANSIENT or wait is None:
                raise
            # What failed for many at once shall not come back all at once.
            time.sleep((wait or 0) * (0.5 + random.random()))


def diagnose(error: BaseException) -> str | None:
    """Say what a failure is, by one of the names used here."""
    for code in _codes(error, str(error)):
        code = _SYNONYMS.get(code, code)
        if code in _ADVICE:
            return code
    return None


def explain(error: BaseException, root: str, action: str) -> StoreError:
    """Say which root, what was tried, what went wrong and what to do about it."""
    text = str(error).partition("\n\nDebug source")[0].strip()
    kind = diagnose(error)
    if kind is not None:
        return StoreError(f"cannot {action} {root}: {_ADVICE[kind]} ({_short(text)})")
    return StoreError(f"cannot {action} {root}: {_short(text) or type(error).__name__}")


def is_no_range(error: BaseException) -> bool:
    """Tell whether a file has no byte of a range: if that begins at the start, the file is empty."""
    return not {"InvalidRange", "416"}.isdisjoint(_codes(error, str(error)))


def code_of(error: BaseException) -> str:
    """Return the code that the server gave to a boto3 client, or an empty string."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, Mapping) else ""


def _codes(error: BaseException, text: str) -> list[str]:
    """Return names for what happened, the most telling first."""
    found = [type(error).__name__, code_of(error)]
    # The server has no code of its own for this.
    if "Object Lock Configuration" in text or "ObjectLockEnabled" in text:
        found.insert(0, "NoObjectLock")
    found += _CODE.findall(text)
    found += [kind for kind in ("Timeout", "Connect") if f"kind: {kind}" in text]
    found += _STATUS.findall(text)
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        found += [str(status)] if status == 429 or status >= 500 else []
    if "error sending request" in text or "body error" in text:
        found.append("Cut")
    return found


def _short(text: str, limit: int = 300) -> str:
    text = hide_password(" ".join(re.sub(r"<\?xml.*", "", text, flags=re.DOTALL).split()))
    return shorten(text, limit)
