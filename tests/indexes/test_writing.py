"""The rows of a document: what is encoded on the quick way is what the rules of the index say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Int64
from hypothesis import given
from hypothesis import strategies as st

from elliptio.indexes.indexed_paths import INDEXED_PATHS
from elliptio.indexes.query.ordering import index_entries, order_key
from elliptio.indexes.sqlite.writing import TIME, Rows, _leaf_paths, index_rows
from elliptio.testing import queries

NAMES = st.sampled_from(["a", "b", "a.b", "", "0", "1", "a.", "sha256", "size", "commit", "é"])
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, -1, 2**53, 2**53 + 1, Int64(7)]),
    st.floats(),
    st.text(max_size=5),
    st.datetimes().map(lambda time: time.replace(tzinfo=UTC)),
)
VALUES = st.recursive(
    PLAIN | queries.values(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(NAMES, inner, max_size=3)
        | st.lists(st.dictionaries(NAMES, PLAIN, max_size=3), max_size=3)
    ),
    max_leaves=8,
)
FIELDS = sorted({path.partition(".")[0] for paths in INDEXED_PATHS.values() for path in paths})


def by_the_rules(collection: str, document: dict[str, Any]) -> Rows:
    found: Rows = {}
    for path in INDEXED_PATHS[collection]:
        root = path.removesuffix(".*")
        if root != path and document.get(root) is None:
            continue  # it has no leaves
        for one in _leaf_paths(document.get(root), root) if root != path else [path]:
            entries, multikey = index_entries(document, one)
            found[one] = list(entries), multikey
    return found


@pytest.mark.slow
@pytest.mark.parametrize("collection", INDEXED_PATHS)
@given(document=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6))
def test_the_quick_way_is_exact(collection: str, document: dict[str, Any]) -> None:
    rows, wanted = index_rows(collection, document), by_the_rules(collection, document)
    assert rows == wanted
    assert list(rows) == list(wanted)  # paths get their numbers in this order


def test_what_documents_mostly_hold() -> None:
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    document = {
        "_id": "x", "creation_time": noon, "username": "andy", "based_on": [], "tags": ["b", "a", "b"], "git": None,
        "files": [{"relpath": "a", "sha256": "s", "size": 3}, {"relpath": "b", "sha256": "s", "size": 2**53 + 1}],
        "labels": {"ticket": "T-1", "n": 1.5, "infos": {}, "deep": {"a": [1, {"b": 2}]}, "a.b": 7},
    }  # fmt: skip
    rows = index_rows("artifacts", document)
    assert rows == by_the_rules("artifacts", document)
    assert rows["tags"] == ([order_key("b"), order_key("a")], True)
    assert rows["git.commit"] == ([order_key(None)], False)
    assert rows["labels.deep.a.b"] == ([order_key(None), order_key(2)], True)
    assert "labels.infos" not in rows


@pytest.mark.parametrize("collection", INDEXED_PATHS)
def test_all_rows_carry_a_time(collection: str) -> None:
    assert TIME in INDEXED_PATHS[collection]
    assert index_rows("environments", {"_id": "x", TIME: 1}) == {}
