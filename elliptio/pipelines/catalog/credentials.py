"""Reach AWS and lakeFS with the keys of a project's settings, where it has them; they are recorded nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elliptio.errors import MissingExtraError


def _boto3() -> Any:
    try:
        import boto3
    except ImportError as error:
        raise MissingExtraError("Buckets need boto3. Run: pip install 'elliptio[s3]'") from error
    return boto3


def _setting(settings: Mapping[str, Any], name: str) -> str | None:
    value = settings.get(name)
    return None if value is None else str(value)


def aws_session(settings: Mapping[str, Any]) -> Any:
    """Make a session of boto3: its own chain counts first, then ``AWS_ACCESS_KEY`` and ``AWS_SECRET_KEY``."""
    boto3 = _boto3()
    session = boto3.Session()
    access, secret = _setting(settings, "AWS_ACCESS_KEY"), _setting(settings, "AWS_SECRET_KEY")
    if session.get_credentials() is None and access and secret:
        return boto3.Session(
            aws_access_key_id=access, aws_secret_access_key=secret, region_name=_setting(settings, "AWS_REGION")
        )
    return session


def lakefs_client(settings: Mapping[str, Any]) -> Any:
    """Make a client for lakeFS's S3 gateway; None without ``LAKEFS_ENDPOINT``."""
    endpoint = _setting(settings, "LAKEFS_ENDPOINT")
    if endpoint is None:
        return None
    return _boto3().client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=_setting(settings, "LAKEFS_ACCESS_KEY"),
        aws_secret_access_key=_setting(settings, "LAKEFS_SECRET_ACCESS_KEY"),
        region_name=_setting(settings, "AWS_REGION") or "us-east-1",
    )
