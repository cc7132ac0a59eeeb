"""Hold a new store to all that a store promises: subclass `StoreConformance`, which has one test for each promise."""

from __future__ import annotations

from elliptio.protocols import Store
from elliptio.testing.store_promises.files import (
    MIB,
    Trickle,
    content,
    described,
    in_threads,
    keys,
    noise,
    published,
)
from elliptio.testing.store_promises.keys import KeySuite
from elliptio.testing.store_promises.listing import ListingSuite
from elliptio.testing.store_promises.publishing import PublishingSuite
from elliptio.testing.store_promises.reading import ReadingSuite
from elliptio.testing.store_promises.staging import StagingSuite

__all__ = [
    "MIB",
    "StoreConformance",
    "Trickle",
    "content",
    "described",
    "in_threads",
    "keys",
    "noise",
    "published",
]


class StoreConformance(StagingSuite, KeySuite, PublishingSuite, ReadingSuite, ListingSuite):
    """Hold a store to the contract of `elliptio.protocols.Store`: a pytest class to subclass, with one fixture.

    Examples
    --------
    ::

        class TestMyStore(StoreConformance):
            @pytest.fixture
            def store(self, tmp_path):
                return MyStore(tmp_path)  # a new, empty one for each test
    """

    def test_describes_itself(self, store: Store) -> None:
        assert isinstance(store, Store)
        assert store.root
        assert not store.root.endswith("/")
        assert store.scheme.isidentifier()
        assert store.concurrency >= 1
        assert isinstance(store.remote, bool)
