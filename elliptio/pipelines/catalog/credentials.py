"""Reach AWS and lakeFS with the keys of a project's settings, where it has them; they are recorded nowhere."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit

from elliptio.errors import MissingExtraError
from elliptio.pipelines.errors import EntryError

log = logging.getLogger(__name__)

_SECONDS = 30
"""Time that lakeFS may take to answer."""


def _boto3() -> Any:
    try:
        import boto3
    except ImportError as error:
        raise MissingExtraError("s3:// and lakefs:// need boto3. Run: pip install 'elliptio[s3]'") from error
    return boto3


def _setting(settings: Mapping[str, Any], name: str) -> str | None:
    """Find a setting, whatever the case of its letters."""
    value = settings.get(name)
    if value is None:
        value = next((settings[each] for each in settings if str(each).lower() == name.lower()), None)
    return None if value is None else str(value)


# --- AWS ---


def aws_session(settings: Mapping[str, Any]) -> Any:
    """Make a session of boto3: its own chain counts first, then ``AWS_ACCESS_KEY`` and ``AWS_SECRET_KEY``."""
    boto3 = _boto3()
    session = boto3.Session()
    access, secret = _setting(settings, "AWS_ACCESS_KEY"), _setting(settings, "AWS_SECRET_KEY")
    if session.get_credentials() is None and access and secret:
        return boto3.Session(
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            region_name=session.region_name or _setting(settings, "AWS_REGION"),
        )
    return session


def s3_client(session: Any) -> Any:
    """Make a client for buckets; its endpoint is that of ``AWS_ENDPOINT_URL``, as for the lake.

    Raises
    ------
    EntryError
        If there are no credentials.

    """
    if session.get_credentials() is None:
        raise EntryError(
            "s3:// needs credentials, and there are none: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_ACCESS_KEY and AWS_SECRET_KEY in the settings of the project."
        )
    region = session.region_name or "us-east-1"
    client = session.client("s3", region_name=region, config=_config())
    if (urlsplit(client.meta.endpoint_url).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return client
    # Servers of one's own mostly know buckets by paths only.
    style = (client.meta.config.s3 or {}).get("addressing_style")
    return client if style else session.client("s3", region_name=region, config=_config(addressing_style="path"))


def _config(**s3: str) -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"total_max_attempts": 4, "mode": "standard"},
        max_pool_connections=32,
        s3=s3 or None,
    )


# --- lakeFS ---


def lakefs_client(settings: Mapping[str, Any]) -> Any:
    """Make a client for lakeFS's S3 gateway; None without ``LAKEFS_ENDPOINT``."""
    endpoint = _setting(settings, "LAKEFS_ENDPOINT")
    if endpoint is None:
        return None
    from botocore.config import Config

    plain = Config(
        s3={"addressing_style": "path"},
        # Gateways know little of the checksums that AWS has since.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return _boto3().client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=_setting(settings, "LAKEFS_ACCESS_KEY"),
        aws_secret_access_key=_setting(settings, "LAKEFS_SECRET_ACCESS_KEY"),
        region_name=_setting(settings, "AWS_REGION") or "us-east-1",
        config=_config().merge(plain),
    )


def make_branch(settings: Mapping[str, Any], repository: str, branch: str) -> bool:
    """Make a branch of a lakeFS repository from its default branch, which the S3 gateway cannot.

    Returns
    -------
    bool
        True if it was made now.

    """
    where = f"/repositories/{quote(repository, safe='')}"
    try:
        source = _asked(settings, where)["default_branch"]
        _asked(settings, f"{where}/branches", {"name": branch, "source": source})
    except HTTPError as error:
        if error.code != 409:  # it is there
            log.info("lakeFS makes no branch %r of %r: it answers %s.", branch, repository, error.code)
        return False
    except (URLError, OSError, ValueError, KeyError, TypeError) as error:
        log.info("lakeFS makes no branch %r of %r: %s", branch, repository, error)
        return False
    log.info("lakeFS made the branch %r of %r from %r.", branch, repository, source)
    return True


def _asked(settings: Mapping[str, Any], path: str, content: Mapping[str, Any] | None = None) -> Any:
    """Ask lakeFS's own interface, which lies beside the gateway."""
    from urllib.request import Request, urlopen

    endpoint = str(_setting(settings, "LAKEFS_ENDPOINT")).rstrip("/").removesuffix("/api/v1")
    login = f"{_setting(settings, 'LAKEFS_ACCESS_KEY')}:{_setting(settings, 'LAKEFS_SECRET_ACCESS_KEY')}"
    request = Request(
        f"{endpoint}/api/v1{path}",
        data=None if content is None else json.dumps(content).encode(),
        headers={
            "Authorization": f"Basic {base64.b64encode(login.encode()).decode()}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
    )
    with urlopen(request, timeout=_SECONDS) as answer:
        text = answer.read().decode()
    return json.loads(text) if text.startswith("{") else {}
