"""Every index keeps the contract, and gives the same ids for the same query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from elliptio.indexes.mongo import MongoIndex
from elliptio.indexes.sqlite.index import SqliteIndex
from elliptio.protocols import Index
from elliptio.testing import IndexConformance, queries


class TestSqlite(IndexConformance):
    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[Index]:
        index = SqliteIndex(tmp_path / "index.sqlite", durable=False)
        yield index
        index.close()


class TestMongodb(IndexConformance):
    stored_alike = staticmethod(queries.indexed_alike)  # SecantusDB: tests/indexes/query/test_disagreements.py
    asked_alike = staticmethod(queries.asked_alike)

    @pytest.fixture
    def index(self, mongodb_url: str) -> Iterator[Index]:
        index = MongoIndex(f"{mongodb_url.rstrip('/')}/test_{uuid4().hex}")
        yield index
        index.close()


class TestGivenCollection(IndexConformance):
    stored_alike = staticmethod(queries.indexed_alike)
    asked_alike = staticmethod(queries.asked_alike)

    @pytest.fixture
    def index(self, mongodb_url: str) -> Iterator[Index]:
        from pymongo import MongoClient

        with MongoClient(mongodb_url) as client:
            yield MongoIndex(collection=client[f"test_{uuid4().hex}"]["my_collection"])


class TestMongomock(IndexConformance):
    @pytest.fixture
    def index(self) -> Index:
        import mongomock

        return MongoIndex(collection=mongomock.MongoClient().db.artifacts)
