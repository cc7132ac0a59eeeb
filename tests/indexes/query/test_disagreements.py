"""Where others do not do what MongoDB documents, and we do.

A failure here may be good news: then take the line out here and in docs/queries.md.
"""

from __future__ import annotations

import math
import re
from typing import Any

import mongomock
import pytest
from bson import Binary, Decimal128, Int64, MinKey
from pymongo.database import Database
from pymongo.errors import OperationFailure

from elliptio.errors import QueryError
from elliptio.indexes.query.checking import normalize_query
from elliptio.indexes.query.ordering import sort_documents
from elliptio.indexes.query.predicate import compile_query

Query = dict[str, Any]
RAISES = "raises"

# (query, document, what MongoDB documents and our predicate says, what the other says)
SECANTUS: list[tuple[Query, Query, bool, bool | str]] = [
    ({"a": {"$all": [None]}}, {}, True, False),
    ({"a": {"$all": [[]]}}, {"a": []}, True, False),
    ({"a": {"$elemMatch": {"$or": [{"b": 1}]}}}, {"a": [{"b": 1}]}, True, RAISES),
    ({"a": {"$elemMatch": {"b": None}}}, {"a": [[1]]}, True, False),
    ({"a": {"$elemMatch": {"0": 1}}}, {"a": [[1]]}, True, False),
    ({"a.0": None}, {"a": []}, False, True),
    ({"a.0": {"$in": [None]}}, {"a": []}, False, True),
    ({"a.0.b": None}, {"a": [1]}, False, True),
    ({"a.0": {"$mod": [2, 0]}}, {"a": [[2]]}, False, True),
    ({"a": 0.1}, {"a": Decimal128("0.1")}, False, True),
    ({"a": {"$mod": [2, 1]}}, {"a": 2**53 + 1}, True, False),
    ({"a": {"$mod": [1, 0]}}, {"a": 1e300}, False, True),
    ({"a": {"$regex": r"^\w$"}}, {"a": "é"}, False, True),
    ({"a": {"$regex": "^$", "$options": "m"}}, {"a": "a\n"}, False, True),
]

MONGOMOCK: list[tuple[Query, Query, bool, bool | str]] = [
    ({"a": 1}, {"a": True}, False, True),
    ({"a": True}, {"a": 1}, False, True),
    ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, False, True),
    ({"a": math.nan}, {"a": math.nan}, True, False),
    ({"a": {"$lte": math.nan}}, {"a": math.nan}, True, False),
    ({"a": {"$gte": None}}, {}, True, False),
    ({"a": {"$gt": MinKey()}}, {}, True, False),
    ({"a": Decimal128("1")}, {"a": 1}, True, False),
    ({"a": b"x"}, {"a": Binary(b"x", 0)}, True, False),
    ({"a.b": None}, {"a": 5}, True, False),
    ({"a.b": {"$exists": False}}, {"a": [{"b": 1}, {}]}, False, True),
    ({"a.0": 1}, {"a": [[1]]}, False, True),
    ({"a.0": None}, {"a": [{"b": 1}]}, True, False),
    ({"a": {"$in": [[1, 2]]}}, {"a": [1, 2]}, True, False),
    ({"a": {"$all": []}}, {"a": []}, False, True),
    ({"a": {"$all": [None]}}, {}, True, False),
    ({"a": {"$all": [["x"]]}}, {"a": ["x"]}, True, False),
    ({"a": {"$elemMatch": {"b": None}}}, {"a": [[1]]}, True, False),
    ({"a": {"$type": ["string", "null"]}}, {"a": "x"}, True, RAISES),
    ({"a": {"$type": "long"}}, {"a": Int64(1)}, True, False),
    ({"a": {"$mod": [2, 0]}}, {"a": 4}, True, RAISES),
    ({"a": {"$regex": r"^\w$"}}, {"a": "é"}, False, True),
    ({"a": {"$regex": r"a\Z"}}, {"a": "a\n"}, True, False),
]


def _answer(collection: Any, query: Query, document: Query) -> bool | str:
    collection.delete_many({})
    collection.insert_one({"_id": 1, **document})
    try:
        return bool(list(collection.find(query)))
    except (OperationFailure, TypeError, mongomock.OperationFailure):
        return RAISES


@pytest.mark.parametrize(
    ("query", "document", "documented", "theirs"), SECANTUS, ids=[str(case[:2]) for case in SECANTUS]
)
def test_secantus(
    database: Database[Query], query: Query, document: Query, documented: bool, theirs: bool | str
) -> None:
    assert compile_query(query)(document) is documented
    assert _answer(database.disagreements, query, document) == theirs


@pytest.mark.parametrize(
    ("query", "document", "documented", "theirs"), MONGOMOCK, ids=[str(case[:2]) for case in MONGOMOCK]
)
def test_mongomock(query: Query, document: Query, documented: bool, theirs: bool | str) -> None:
    assert compile_query(query)(document) is documented
    assert _answer(mongomock.MongoClient().db.disagreements, query, document) == theirs


def _sorted_by(collection: Any, sort: list[tuple[str, int]], documents: list[Query]) -> str:
    collection.delete_many({})
    collection.insert_many(documents)
    try:
        return "".join(document["_id"] for document in collection.find({}).sort([*sort, ("_id", 1)]))
    except TypeError:
        return RAISES


# (sort, documents, what MongoDB documents, what SecantusDB makes of it, what mongomock does)
SORTS: list[tuple[list[tuple[str, int]], list[Query], str, str, str]] = [
    ([("v.x", 1)], [{"_id": "a", "v": {"x": 2}}, {"_id": "b", "v": [{"x": 3}, 7]}], "ba", "ab", "ab"),
    ([("v.x", 1)], [{"_id": "a", "v": {"x": 2}}, {"_id": "b", "v": [{"x": 3}, {}]}], "ba", "ab", "ab"),
    ([("v.0", 1)], [{"_id": "a"}, {"_id": "b", "v": [[]]}], "ba", "ab", "ba"),
    ([("v", 1)], [{"_id": "a", "v": [5, 1]}, {"_id": "b", "v": [2, 3]}], "ab", "ab", "ba"),
    (
        [("v.x", 1), ("v.y", -1)],
        [{"_id": "a", "v": [{"x": 1, "y": 0}, {"x": 2, "y": 9}]}, {"_id": "b", "v": {"x": 1, "y": 5}}],
        "ba", "ab", "ba",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sort", "documents", "documented", "secantus", "mock"), SORTS)
def test_sorts(
    database: Database[Query], sort: Any, documents: list[Query], documented: str, secantus: str, mock: str
) -> None:
    assert "".join(document["_id"] for document in sort_documents(documents, sort, 0)) == documented
    assert _sorted_by(database.disagreements, sort, documents) == secantus
    assert _sorted_by(mongomock.MongoClient().db.disagreements, sort, documents) == mock


def test_two_arrays_are_refused_by_mongodb_only(database: Database[Query]) -> None:
    sort, documents = [("v", 1), ("w", 1)], [{"_id": "a", "v": [1], "w": [1]}]
    with pytest.raises(QueryError, match="two lists"):
        sort_documents(documents, sort, 0)
    assert _sorted_by(database.disagreements, sort, documents) == "a"
    assert _sorted_by(mongomock.MongoClient().db.disagreements, sort, documents) == "a"


def test_patterns_are_read_as_the_server_reads_them() -> None:
    """A compiled pattern goes to MongoDB as its text, so Python's meaning of it does not count."""
    assert re.search(r"^\w$", "é")
    assert not compile_query({"a": re.compile(r"^\w$")})({"a": "é"})


# (query, path of an index, document): MongoDB and we find it, and so does SecantusDB without the index.
LOST_IN_INDEXES: list[tuple[Query, str, Query]] = [
    ({"a.b": None}, "a.b", {"a": [{"b": 1}, {}]}),
    ({"a": re.compile("x")}, "a", {"a": ["x"]}),
    ({"a": {"$in": [re.compile("x")]}}, "a", {"a": "x"}),
]


@pytest.mark.parametrize(("query", "path", "document"), LOST_IN_INDEXES)
def test_secantus_loses_some_in_indexes(database: Database[Query], query: Query, path: str, document: Query) -> None:
    assert compile_query(query)(document)
    assert _answer(database.without_index, query, document) is True
    database.with_index.create_index(path)
    assert _answer(database.with_index, query, document) is False
    database.with_index.drop_indexes()


def test_patterns_by_themselves_are_asked_for_so_that_an_index_finds_them(database: Database[Query]) -> None:
    database.with_index.create_index("a")
    asked = normalize_query({"a": re.compile("X", re.I)})
    assert _answer(database.with_index, asked, {"a": ["x"]}) is True
    assert _answer(database.with_index, asked, {"a": "y"}) is False
    database.with_index.drop_indexes()
