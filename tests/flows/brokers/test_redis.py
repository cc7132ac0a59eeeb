"""Redis is held to what every broker promises."""

from __future__ import annotations

import pytest

from elliptio.flows.brokers.redis import RedisBroker
from elliptio.testing import BrokerConformance

SECRET = "a secret of the tests"


class TestRedis(BrokerConformance):
    @pytest.fixture
    def broker(self, redis_url: str) -> RedisBroker:
        return RedisBroker(redis_url, secret=SECRET, limit=self.limit)
