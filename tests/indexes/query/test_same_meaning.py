"""Generated queries and sorts mean the same to our predicate and to a server that speaks MongoDB's protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.collection import Collection
from pymongo.database import Database

from elliptio.indexes.query.checking import normalize_query
from elliptio.indexes.query.ordering import sort_documents
from elliptio.indexes.query.predicate import compile_query
from elliptio.testing.queries import documents, queries, sorts, sorts_alike

Documents = list[dict[str, Any]]

# The collection is emptied for each example.
together = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def collection(database: Database[dict[str, Any]]) -> Iterator[Collection[dict[str, Any]]]:
    made = database[f"c{uuid4().hex}"]
    yield made
    made.drop()


def _insert(collection: Collection[dict[str, Any]], generated: Documents) -> Documents:
    """Fill the collection; the documents as an index holds them."""
    made = [{"_id": f"d{number}", **document} for number, document in enumerate(generated)]
    collection.delete_many({})
    collection.insert_many(made)
    return [bson.decode(bson.encode(document), CodecOptions(tz_aware=True)) for document in made]


@together
@given(st.lists(documents(), min_size=8, max_size=8), st.lists(queries(), min_size=6, max_size=6))
def test_same_documents(collection: Collection[dict[str, Any]], generated: Documents, some: Documents) -> None:
    stored = _insert(collection, generated)
    for query in some:
        matches = compile_query(normalize_query(query))
        ours = {document["_id"] for document in stored if matches(document)}
        theirs = {document["_id"] for document in collection.find(query)}
        normal = {document["_id"] for document in collection.find(normalize_query(query))}
        assert ours == theirs == normal, query


@together
@given(
    st.lists(documents(), min_size=8, max_size=8), st.lists(sorts(), min_size=3, max_size=3), st.sampled_from((0, 1, 3))
)
def test_same_order(
    collection: Collection[dict[str, Any]], generated: Documents, some: list[list[tuple[str, int]]], limit: int
) -> None:
    stored = _insert(collection, generated)
    for sort in some:
        if not all(sorts_alike(document, sort) for document in stored):
            continue
        ours = [document["_id"] for document in sort_documents(stored, sort, limit)]
        complete = [*sort, ("_id", sort[-1][1] if sort else 1)]
        theirs = [document["_id"] for document in collection.find({}).sort(complete).limit(limit)]
        assert ours == theirs, sort
