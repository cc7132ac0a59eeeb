"""Hold a new broker of flows to all that a broker promises: subclass `BrokerConformance`."""

from __future__ import annotations

from elliptio.testing.broker_promises.appending import AppendSuite, LimitSuite
from elliptio.testing.broker_promises.leading import ClaimSuite, EndSuite, FlowSuite
from elliptio.testing.broker_promises.reading import ReadSuite


class BrokerConformance(AppendSuite, LimitSuite, ReadSuite, EndSuite, ClaimSuite, FlowSuite):
    """Hold a broker to the contract of `elliptio.flows.brokers.defining`: a pytest class to subclass, with one fixture.

    Each test runs on asyncio and on trio.

    Attributes
    ----------
    limit
        How far readers of the broker may be behind, in values.

    Examples
    --------
    ::

        class TestMyBroker(BrokerConformance):
            @pytest.fixture
            def broker(self):
                return MyBroker(limit=self.limit)  # a new, empty one for each test
    """
