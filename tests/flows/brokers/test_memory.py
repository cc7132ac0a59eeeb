"""Memory is held to what every broker promises."""

from __future__ import annotations

import pytest

from elliptio.flows.brokers.memory import MemoryBroker
from elliptio.testing import BrokerConformance


class TestMemory(BrokerConformance):
    @pytest.fixture
    def broker(self) -> MemoryBroker:
        return MemoryBroker(limit=self.limit)
