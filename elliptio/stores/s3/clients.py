"""Reach an S3 root as boto3 resolves it from the user's AWS configuration.

boto3 decides about credentials, region, endpoint and the bucket; obstore gets the outcome and moves the bytes.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from elliptio.errors import ConfigError
from elliptio.stores.s3.signing import reuse_checksums

if TYPE_CHECKING:
    from boto3.session import Session

Addressing = Literal["auto", "path", "virtual"]

CONNECT_SECONDS = 3
"""Time that connecting may take."""

READ_SECONDS = 4
PATIENT_SECONDS = 60
"""Times that boto3 waits for an answer: at first, when the server may not be there, and later."""

BULK_SECONDS = 290
"""Time that a request may take which moves many bytes."""

# What was fetched ahead is fetched again then, in small ranges.
RANGE_SECONDS = 60
"""Time after which reading a range is given up."""

CREDENTIALS_SECONDS = 300
"""Time after which obstore asks for the credentials again."""

FIRST_WAIT, LONGEST_WAIT = timedelta(milliseconds=100), timedelta(seconds=3)
"""Times between the attempts of obstore at one request."""

MOST_DAYS = 36_500
"""Longest time for which an object may be locked."""

_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")


class ObjectLock(NamedTuple):
    """Keep what is written for so many days from being removed; in mode GOVERNANCE by those without a special right.

    Examples
    --------
    >>> ObjectLock.parse("compliance:7y")
    ObjectLock(mode='COMPLIANCE', days=2555)
    """

    mode: str
    days: int

    @classmethod
    def parse(cls, text: str) -> ObjectLock:
        """Read ``"governance:30d"`` or ``"compliance:7y"``.

        Raises
        ------
        ConfigError
            If it is neither.
        """
        found = re.fullmatch(r"(governance|compliance):([1-9][0-9]{0,4})([dy])", text)
        days = int(found[2]) * (365 if found[3] == "y" else 1) if found else 0
        if found is None or days > MOST_DAYS:
            raise ConfigError(
                f"object_lock is such as 'governance:30d' or 'compliance:7y', for at most 100 years, not {text!r}"
            )
        return cls(found[1].upper(), days)

    def options(self) -> dict[str, Any]:
        """Return what a boto3 client has to be told with each object."""
        until = datetime.now(UTC) + timedelta(days=self.days)
        return {"ObjectLockMode": self.mode, "ObjectLockRetainUntilDate": until}


@dataclass(frozen=True, slots=True)
class Connection:
    """Hold the address of an S3 bucket, and everything needed to talk to it: see `connect`."""

    bucket: str
    client: Any
    endpoint: str
    region: str
    path_style: bool
    credentials: Any
    ca_bundle: str | None
    lock: ObjectLock | None = None

    def obstore(self, seconds: int) -> Any:
        """Make the obstore store of this bucket whose single requests may take `seconds`."""
        from obstore.store import S3Store

        parts = urlsplit(self.endpoint)
        endpoint = self.endpoint if self.path_style else f"{parts.scheme}://{self.bucket}.{parts.netloc}"
        config: dict[str, Any] = {"endpoint": endpoint, "region": self.region, "checksum_algorithm": "SHA256"}
        if "AWS_ENDPOINT_URL_S3" in os.environ:
            # obstore reads this by itself, would prefer it, and does not know of the bucket in a virtual host.
            config["aws_endpoint_url_s3"] = endpoint
        return S3Store(
            self.bucket,
            config=config,  # type: ignore[arg-type]
            virtual_hosted_style_request=not self.path_style,
            credential_provider=_Credentials(self.credentials),
            client_options=self._client_options(seconds),
            retry_config={
                "max_retries": 4,
                "retry_timeout": timedelta(seconds=30),
                "backoff": {"init_backoff": FIRST_WAIT, "max_backoff": LONGEST_WAIT, "base": 2},
            },
        )

    def _client_options(self, seconds: int) -> Any:
        options: dict[str, Any] = {
            "allow_http": self.endpoint.startswith("http://"),
            "connect_timeout": f"{CONNECT_SECONDS}s",
            "timeout": f"{seconds}s",
        }
        if self.ca_bundle:
            options["root_certificate"] = Path(self.ca_bundle).read_bytes()
        return options


class _Credentials:
    """Hand botocore's current credentials to obstore, and ask again every few minutes.

    botocore renews temporary credentials at least ten minutes before they end, so they outlive our answer.
    """

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def __call__(self) -> Any:
        frozen = self._credentials.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + timedelta(seconds=CREDENTIALS_SECONDS),
        }


def connect(
    bucket: str,
    endpoint_url: str | None,
    addressing: Addressing,
    session: Session | None,
    lock: ObjectLock | None = None,
) -> Connection:
    """Resolve the configuration and ask the bucket once, so that what is wrong is found early and said clearly.

    Raises
    ------
    Exception
        Whatever botocore raises: see `failures.explain`.
    """
    import boto3

    if session is None:
        session = boto3.Session()
        _share_models(session)
    credentials = session.get_credentials()
    if credentials is None:
        from botocore.exceptions import NoCredentialsError

        raise NoCredentialsError
    hasty = _client(session, endpoint_url, addressing, None, READ_SECONDS)
    region = _ask(hasty, bucket)
    custom = not (urlsplit(hasty.meta.endpoint_url).hostname or "").endswith(_AWS_HOSTS)
    client = _client(session, endpoint_url, addressing, None if custom else region, PATIENT_SECONDS)
    if lock is not None:
        _check_lock(client, bucket)
    return Connection(
        bucket=bucket,
        lock=lock,
        client=client,
        endpoint=client.meta.endpoint_url,
        region=_region(client, region),
        path_style=_path_style(client, addressing, bucket, custom),
        credentials=credentials,
        ca_bundle=_ca_bundle(session),
    )


_loaders: dict[tuple[str, ...], Any] = {}


def _share_models(session: Session) -> None:
    """Let all sessions of this process read botocore's models once: that is most of what making a client takes."""
    botocore_session = session._session
    own = botocore_session.get_component("data_loader")
    botocore_session.register_component("data_loader", _loaders.setdefault(tuple(own.search_paths), own))


def _client(
    session: Session, endpoint_url: str | None, addressing: Addressing, region: str | None, seconds: int
) -> Any:
    from botocore.config import Config

    style = None if addressing == "auto" else {"addressing_style": addressing}
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=seconds,
        retries={"total_max_attempts": 2 if seconds == READ_SECONDS else 4, "mode": "standard"},
        max_pool_connections=64,
        s3=style,
    )
    client = session.client("s3", endpoint_url=endpoint_url, region_name=region, config=config)
    reuse_checksums(client)
    return client


def _ask(client: Any, bucket: str) -> str | None:
    """Return the region of a bucket, if it tells."""
    from botocore.exceptions import ClientError

    try:
        found = client.head_bucket(Bucket=bucket)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404:
            error.response.setdefault("Error", {})["Code"] = "NoSuchBucket"
        if status not in (400, 403):
            raise
        found = error.response
        _ask_why(client, bucket)
    headers = found.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region")
    return str(region) if region else None


def _ask_why(client: Any, bucket: str) -> None:
    """Raise what the server says of a key that it refuses: an answer to HEAD has no room for a reason."""
    from botocore.exceptions import ClientError

    try:
        client.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except ClientError as error:
        # That the bucket may not be listed proves nothing: writing needs no right to do so.
        if error.response.get("Error", {}).get("Code") not in ("AccessDenied", "403"):
            raise


def _check_lock(client: Any, bucket: str) -> None:
    """Make sure that the bucket locks objects: a server may ignore what it does not know."""
    from botocore.exceptions import ClientError

    try:
        found = client.get_object_lock_configuration(Bucket=bucket)
    except ClientError as error:
        # Who may not ask is told by the first object that is put.
        if error.response.get("Error", {}).get("Code") not in ("AccessDenied", "403"):
            raise
    else:
        if found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            raise OSError(f"<Code>ObjectLockConfigurationNotFoundError</Code> of {bucket}")


def _region(client: Any, found: str | None) -> str:
    configured = client.meta.region_name
    return str(configured) if configured not in (None, "", "aws-global") else found or "us-east-1"


def _path_style(client: Any, addressing: Addressing, bucket: str, custom: bool) -> bool:
    if addressing != "auto":
        return addressing == "path"
    style = (client.meta.config.s3 or {}).get("addressing_style")
    if style in ("path", "virtual"):
        return bool(style == "path")
    # A bucket with dots does not match the wildcard certificate of virtual hosts.
    return custom or "." in bucket


def _ca_bundle(session: Session) -> str | None:
    found = session._session.get_config_variable("ca_bundle")
    return str(found) if found else None
