"""Give each suite the store that it holds to its promises."""

from __future__ import annotations

import pytest

from elliptio.protocols import Store


class StoreSuite:
    """Hold a store to its promises on one subject; `StoreConformance` does on all.

    Examples
    --------
    ::

        class TestReadingMine(ReadingSuite):
            @pytest.fixture
            def store(self, tmp_path):
                return MyStore(tmp_path)
    """

    @pytest.fixture
    def store(self) -> Store:
        """Make an empty store; subclasses must say which."""
        raise NotImplementedError(f"a subclass of {type(self).__name__} defines the fixture `store`")
