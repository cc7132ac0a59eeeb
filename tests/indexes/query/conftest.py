"""A server that speaks MongoDB's wire protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from secantus import SecantusDBServer


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database[dict[str, Any]]]:
    """A database on SecantusDB; datetimes come back aware."""
    with SecantusDBServer(storage_path=str(tmp_path_factory.mktemp("secantus"))) as server:
        client: MongoClient[dict[str, Any]] = MongoClient(server.uri, tz_aware=True)
        yield client.queries
        client.close()
