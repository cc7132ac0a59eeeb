"""What may be asked, how it is made plain, and how clauses on the environment are taken out."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

import bson
import numpy as np
import pandas as pd
import pytest
from bson import Binary, Decimal128, ObjectId, Regex
from bson.dbref import DBRef
from hypothesis import given

import elliptio
from elliptio.errors import QueryError
from elliptio.indexes.query.checking import check_query, check_sort, normalize_query, split_environment
from elliptio.indexes.query.predicate import compile_query
from elliptio.naming import normalize_package
from elliptio.testing.queries import queries


def nested(levels: int) -> dict[str, Any]:
    query: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        query = {"$and": [query]}
    return query


REFUSED: list[tuple[Any, str]] = [
    (None, "a query is a dict"),
    ([], "a query is a dict"),
    ("username", "a query is a dict"),
    ({1: 2}, "keys are field names"),
    ({"$where": "this.a"}, r"\$where runs JavaScript"),
    ({"$expr": {}}, r"\$expr computes"),
    ({"$jsonSchema": {}}, r"\$jsonSchema"),
    ({"$text": {}}, r"use \$regex"),
    ({"a": {"$near": [0, 0]}}, "places"),
    ({"a": {"$geoWithin": {}}}, "places"),
    ({"a": {"$bitsAllSet": 1}}, "bits"),
    ({"$sampleRate": 0.1}, "chance"),
    ({"$gt": 1}, r"\$gt needs a field"),
    ({"$foo": 1}, r"no operator \$foo"),
    ({"$ad": [{}]}, r"did you mean \$and"),
    ({"a": {"$gte ": 1}}, r"a: there is no operator \$gte ; did you mean \$gte\?"),
    ({"a": {"$regexp": "x"}}, r"did you mean \$regex\?"),
    ({"a": {"$gt": 1, "b": 2}}, "operators and the field 'b' are mixed; .*'a.b'"),
    ({"a": {"b": 2, "$gt": 1}}, "mixed"),
    ({"a": {"b": {"$gt": 1}}}, r"operator \$gt stands inside a value"),
    ({"a": {"$eq": {"$gt": 1}}}, r"\$gt stands inside a value"),
    ({"a": [{"$gt": 1}]}, "stands inside a value"),
    ({"a": {"$ref": "x", "$id": 1}}, r"no operator \$ref"),
    ({"a": {"$and": [{"$gt": 1}]}}, r"\$and joins queries"),
    ({"$and": []}, "at least one"),
    ({"$or": {"a": 1}}, "list of at least one query"),
    ({"$nor": [1]}, r"each element of \$nor is a dict"),
    ({"a": {"$in": 1}}, r"a: \$in takes a list"),
    ({"a": {"$in": "xyz"}}, "takes a list"),
    ({"a": {"$nin": {1}}}, "takes a list"),
    ({"a": {"$in": [{"$gt": 1}]}}, "stands inside a value"),
    ({"a": {"$all": 1}}, "takes a list"),
    ({"a": {"$all": [{"$elemMatch": {}}, 1]}}, "not both"),
    ({"a": {"$all": [{"$elemMatch": {}, "$gt": 1}]}}, "not both"),
    ({"a": {"$elemMatch": 1}}, r"\$elemMatch takes"),
    ({"a": {"$elemMatch": {"$gt": 1, "b": 2}}}, "mixed"),
    ({"a": {"$elemMatch": {"b": 1, "$gt": 2}}}, r"\$gt needs a field"),
    ({"a": {"$elemMatch": {"$where": "1"}}}, "JavaScript"),
    ({"a": {"$not": 1}}, r"see \$ne"),
    ({"a": {"$not": {}}}, r"\$not takes operators"),
    ({"a": {"$not": {"b": 1}}}, "mixed"),
    ({"a": {"$exists": None}}, "True or False"),
    ({"a": {"$exists": "false"}}, "True or False"),
    ({"a": {"$type": "str"}}, "no type 'str'; did you mean"),
    ({"a": {"$type": 99}}, "no type 99"),
    ({"a": {"$type": []}}, "at least one type"),
    ({"a": {"$type": None}}, "whole number"),
    ({"a": {"$size": -1}}, "number of elements"),
    ({"a": {"$size": 1.5}}, "whole number"),
    ({"a": {"$size": "1"}}, "whole number"),
    ({"a": {"$size": True}}, "whole number"),
    ({"a": {"$size": {"$gt": 1}}}, "stands inside a value"),
    ({"a": {"$mod": [0, 1]}}, "divide by 0"),
    ({"a": {"$mod": [0.5, 1]}}, "divide by 0"),
    ({"a": {"$mod": [2]}}, "divisor, remainder"),
    ({"a": {"$mod": 2}}, "takes a list"),
    ({"a": {"$mod": ["2", 0]}}, "whole number"),
    ({"a": {"$mod": [math.inf, 0]}}, "whole number"),
    ({"a": {"$regex": 1}}, "regular expression is a str"),
    ({"a": {"$regex": "("}}, "malformed"),
    ({"a": {"$regex": "a\0"}}, "NUL"),
    ({"a": {"$regex": r"\p{L}"}}, "cannot evaluate exactly"),
    ({"a": {"$regex": "[[:alpha:]]"}}, "POSIX"),
    ({"a": {"$regex": "a", "$options": "g"}}, "option 'g'"),
    ({"a": {"$regex": "a", "$options": 1}}, "takes a str"),
    ({"a": {"$regex": re.compile("a", re.I), "$options": "i"}}, "in the pattern"),
    ({"a": {"$options": "i"}}, r"needs a \$regex"),
    ({"a": re.compile(b"a")}, "regular expression is a str"),
    ({"a": Regex("a", "l")}, "option 'l'"),
    ({"a": Regex("(")}, "malformed"),
    ({"a": {"$gt": re.compile("a")}}, "not regular expressions"),
    ({"a": {"$ne": Regex("a")}}, r"\$not"),
    ({"a": {1, 2}}, "a set cannot be stored.*use a list"),
    ({"a": ...}, "ellipsis cannot be stored"),
    ({"a": [1, {"b": ...}]}, "ellipsis cannot be stored"),
    ({"a": 2**63}, "64 bits"),
    ({"a": -(2**63) - 1}, "64 bits"),
    ({"a": Decimal("1")}, "Decimal128"),
    ({"a": date(2024, 1, 1)}, "use a datetime"),
    ({"a": timedelta(1)}, "seconds"),
    ({"a": 1j}, "complex"),
    ({"a": DBRef("c", 1)}, "DBRef"),
    ({"a": pd.NaT}, "NaT"),
    ({"a": np.datetime64("NaT", "s")}, "NaT"),
    ({"a": "\ud800"}, "surrogate"),
    ({"a\ud800": 1}, "surrogate"),
    ({"a": {"b\0": 1}}, "NUL"),
    ({"a\0": 1}, "NUL"),
    ({"a": {1: 1}}, "not a string"),
    ({"": 1}, "empty part"),
    ({"a..b": 1}, "empty part"),
    ({"a.": 1}, "empty part"),
    ({"a.$x": 1}, "do not start with"),
    (nested(101), "levels deep"),
    ({"a": range(3)}, "range cannot be stored"),
]


@pytest.mark.parametrize(("query", "message"), REFUSED, ids=[repr(query)[:60] for query, _ in REFUSED])
def test_refused(query: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        check_query(query)


def test_deep_values_are_refused_before_the_stack_ends() -> None:
    value: list[Any] = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(QueryError, match="levels deep"):
        check_query({"a": value})
    check_query(nested(99))


class Color(str, Enum):  # noqa: UP042
    RED = "red"


class Level(IntEnum):
    HIGH = 3


NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
PLAIN: list[tuple[Any, Any]] = [
    ((1, (2,)), [1, [2]]),
    (np.int64(3), 3),
    (np.float32(0.5), 0.5),
    (np.float64(0.5), 0.5),
    (np.bool_(True), True),
    (np.str_("x"), "x"),
    (np.array([1, 2]), [1, 2]),
    (np.datetime64("2024-05-01T12:00:00.123456789"), NOON.replace(microsecond=123000)),
    (pd.Timestamp("2024-05-01 12:00", tz="UTC"), NOON),
    (pd.Timestamp("2024-05-01 14:00", tz="Europe/Berlin"), NOON),
    (pd.Series([1, 2]), [1, 2]),
    (pd.Index(["x"]), ["x"]),
    (NOON.replace(tzinfo=None), NOON),
    (NOON.astimezone(timezone(timedelta(hours=5))), NOON),
    (NOON.replace(microsecond=1999), NOON.replace(microsecond=1000)),
    (PurePosixPath("a/b"), "a/b"),
    (Path("x"), "x"),
    (Color.RED, "red"),
    (Level.HIGH, 3),
    (UUID(int=1), Binary.from_uuid(UUID(int=1))),
    (MappingProxyType({"x": (1,)}), {"x": [1]}),
    (OrderedDict(x=1), {"x": 1}),
    (ObjectId("0" * 24), ObjectId("0" * 24)),
    (Decimal128("1"), Decimal128("1")),
    (2**63 - 1, 2**63 - 1),
]


@pytest.mark.parametrize(("value", "plain"), PLAIN, ids=[f"{type(value).__name__} {value}" for value, _ in PLAIN])
def test_values_become_plain(value: Any, plain: Any) -> None:
    for query, expected in (({"a": value}, {"a": plain}), ({"a": {"$ne": value}}, {"a": {"$ne": plain}})):
        normal = normalize_query(query)
        assert normal == expected
        assert repr(normal) == repr(expected), "no subclass is left"
        bson.encode(normal)


def test_lists_of_numpy_and_pandas() -> None:
    assert normalize_query({"a": {"$in": pd.Series(["x", "y"])}}) == {"a": {"$in": ["x", "y"]}}
    assert normalize_query({"a": {"$in": np.array([1])}}) == {"a": {"$in": [1]}}
    assert normalize_query({"a": {"$mod": (2.5, 0)}}) == {"a": {"$mod": [2, 0]}}


def test_the_copy_is_deep_and_keeps_the_order() -> None:
    query = {"b": {"x": [1]}, "a": {"$in": [[1]]}, "$or": ({"c": 1},)}
    normal = normalize_query(query)
    assert normal == {"b": {"x": [1]}, "a": {"$in": [[1]]}, "$or": [{"c": 1}]}
    assert list(normal) == list(query)
    normal["b"]["x"].append(2)
    normal["a"]["$in"][0].append(2)
    assert query["b"] == {"x": [1]}
    assert query["a"] == {"$in": [[1]]}


@pytest.mark.slow
@given(queries())
def test_normalizing_twice_changes_nothing(query: dict[str, Any]) -> None:
    normal = normalize_query(query)
    assert bson.encode(normalize_query(normal)) == bson.encode(normal)


@pytest.mark.slow
@given(queries())
def test_normalizing_does_not_change_the_meaning(query: dict[str, Any]) -> None:
    document = {"a": [1, {"b": None}], "b": {"a": "ab"}}
    assert compile_query(query)(document) == compile_query(normalize_query(query))(document)


def test_checking_a_query_loads_nothing_heavy() -> None:
    code = (
        "import sys, elliptio.indexes.query.checking as q; "
        "q.check_query({'a': {'$gt': 1}, '$or': [{'b': {'$regex': 'x'}}]});"
        "q.check_sort('-a'); print([m for m in ('bson', 'pymongo', 'numpy', 'pandas') if m in sys.modules])"
    )
    root = str(Path(elliptio.__file__).parent.parent)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert (run.stdout, run.stderr) == ("[]\n", "")


# --- sorts ---


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (None, []),
        ("", QueryError),
        ("a", [("a", 1)]),
        ("-a.b", [("a.b", -1)]),
        (("a", -1), [("a", -1)]),
        ([("a", -1), "b"], [("a", -1), ("b", 1)]),
        (["a", "-b"], [("a", 1), ("b", -1)]),
        (("a", "-b"), [("a", 1), ("b", -1)]),
        ({"a": 1, "b": -1}, [("a", 1), ("b", -1)]),
        ([{"a": 1}, ["b", -1]], [("a", 1), ("b", -1)]),
        ([], []),
        (("a", 2), QueryError),
        (("a", True), QueryError),
        ([("a", "desc")], QueryError),
        ([1], QueryError),
        (1, QueryError),
        ([(1, 1)], QueryError),
        ("$a", QueryError),
        ("a..b", QueryError),
        (["a", "-a"], QueryError),
        ([f"a{number}" for number in range(33)], QueryError),
    ],
)
def test_check_sort(sort: Any, expected: Any) -> None:
    if expected is QueryError:
        with pytest.raises(QueryError):
            check_sort(sort)
    else:
        assert check_sort(sort) == expected


# --- environments ---

FIELDS = ("python_packages", "python", "platform", "cpu", "memory", "gpus", "container", "scheduler")
ENVIRONMENTS = {
    "e1": {"python_packages": {"pandas": "2.2", "zope-interface": "6"}, "platform": {"system": "Linux"}},
    "e2": {"python_packages": {"pandas": "3.0", "gitpython": "3.1"}, "platform": {"system": "Darwin"}},
    "e3": {"python_packages": {}, "platform": {"system": "Linux"}, "gpus": [{"name": "H100"}]},
}


class Resolver:
    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, query: dict[str, Any]) -> tuple[list[str], list[str]]:
        self.asked.append(query)
        matches = compile_query(query)
        ids = {key: matches(environment) for key, environment in ENVIRONMENTS.items()}
        return [key for key, hit in ids.items() if hit], [key for key, hit in ids.items() if not hit]


def split(query: dict[str, Any]) -> dict[str, Any]:
    return split_environment(normalize_query(query), FIELDS, Resolver())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {}),
        ({"username": "a"}, {"username": "a"}),
        ({"python_packages.pandas": "2.2"}, {"environment_id": {"$in": ["e1"]}}),
        ({"python_packages.Zope.Interface": "6"}, {"environment_id": {"$in": ["e1"]}}),
        ({"python_packages.zope_interface": {"$exists": True}}, {"environment_id": {"$in": ["e1"]}}),
        ({"python_packages.GitPython": "3.1"}, {"environment_id": {"$in": ["e2"]}}),
        ({"python_packages.pandas": {"$ne": "2.2"}}, {"environment_id": {"$nin": ["e1"]}}),
        ({"python_packages.pandas": None}, {"environment_id": {"$nin": ["e1", "e2"]}}),
        ({"python_packages.none": "1"}, {"environment_id": {"$in": []}}),
        ({"gpus.name": "H100"}, {"environment_id": {"$in": ["e3"]}}),
        ({"gpus": {"$exists": False}}, {"environment_id": {"$nin": ["e3"]}}),
        ({"username": "a", "platform.system": "Linux"}, {"username": "a", "environment_id": {"$in": ["e1", "e3"]}}),
        ({"platform.system": "Linux", "python_packages.pandas": "2.2"}, {"environment_id": {"$in": ["e1"]}}),
        (
            {"$or": [{"platform.system": "Darwin"}, {"username": "a"}]},
            {"$or": [{"environment_id": {"$in": ["e2"]}}, {"username": "a"}]},
        ),
        (
            {"$nor": [{"$and": [{"platform.system": "Darwin"}]}]},
            {"$nor": [{"$and": [{"environment_id": {"$in": ["e2"]}}]}]},
        ),
        (
            {"environment_id": "e1", "platform.system": "Linux"},
            {"$and": [{"environment_id": "e1"}, {"environment_id": {"$in": ["e1", "e3"]}}]},
        ),
        (
            {"python_packages.zope.interface": "6", "python_packages.zope-interface": "5"},
            {"$and": [{"environment_id": {"$in": []}}, {"environment_id": {"$in": ["e1"]}}]},
        ),
        ({"$comment": "x", "platform.system": "Darwin"}, {"$comment": "x", "environment_id": {"$in": ["e2"]}}),
        ({"labels.python": "3"}, {"labels.python": "3"}),
        ({"pythonic": 1}, {"pythonic": 1}),
    ],
)
def test_split_environment(query: dict[str, Any], expected: dict[str, Any]) -> None:
    assert split(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"python_packages.pandas": {"$not": {"$regex": "^2"}}, "username": "a"},
        {"$nor": [{"python_packages.pandas": "2.2", "username": "a"}, {"gpus": {"$exists": True}}]},
        {"$or": [{"platform.system": {"$in": [None, "Darwin"]}}, {"username": {"$ne": "a"}}]},
        {"$and": [{"python_packages.pandas": {"$gte": "2"}}, {"python_packages.pandas": {"$lt": "3"}}]},
        {"gpus": {"$elemMatch": {"name": "H100"}}, "environment_id": {"$ne": "e1"}},
    ],
)
def test_splitting_keeps_the_meaning(query: dict[str, Any]) -> None:
    plain, after = compile_query(normalize_query(query)), compile_query(split(query))
    for name in ("a", "b"):
        for key in (*ENVIRONMENTS, None):
            artifact = {"username": name} | ({"environment_id": key} if key else {})
            assert after(artifact) == plain(artifact | (ENVIRONMENTS[key] if key else {})), (artifact, query)


def test_clauses_side_by_side_are_asked_at_once() -> None:
    resolver = Resolver()
    split_environment({"platform.system": "Linux", "python_packages.Pandas": "2.2"}, FIELDS, resolver)
    assert resolver.asked == [{"platform.system": "Linux", "python_packages.pandas": "2.2"}]


def test_package_names() -> None:
    assert normalize_package("Zope._-Interface") == "zope-interface"
