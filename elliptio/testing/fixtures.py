"""Offer real servers as fixtures: ``pytest_plugins = ["elliptio.testing.fixtures"]`` in ``conftest.py``.

``mongodb_url`` and ``s3_server`` are started when first asked for, once per test process. ``s3_root`` is a new,
empty root for each test, with the environment set so that any AWS SDK reaches it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from elliptio.testing.servers import S3Server
from elliptio.testing.servers import mongodb_server as run_mongodb_server
from elliptio.testing.servers import s3_server as run_s3_server

BUCKET = "elliptio-tests"
"""Bucket of all roots that `s3_root` gives."""


@pytest.fixture(scope="session")
def mongodb_url() -> Iterator[str]:
    """Run a server that speaks the MongoDB wire protocol, and give its URL."""
    with run_mongodb_server() as url:
        yield url


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """Run a server that speaks S3, with one bucket."""
    with run_s3_server() as server:
        server.create_bucket(BUCKET)
        yield server


@pytest.fixture
def s3_environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """Give the server, and an environment that has its credentials and no others."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_server.environ().items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def s3_root(s3_environment: S3Server) -> str:
    """Give an ``s3://`` root with nothing under it."""
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"
