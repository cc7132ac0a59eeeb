"""Hold a new index to all that an index promises: subclass `IndexConformance`, which has one test for each promise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from elliptio.indexes.query.checking import normalize_query
from elliptio.indexes.query.ordering import sort_documents
from elliptio.indexes.query.predicate import compile_query
from elliptio.protocols import Document, Index, Sort
from elliptio.testing import queries

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
"""Moment that documents hold."""

INDEXED_NAMES = {"a": "files", "b": "sha256", "c": "username"}
"""Paths that indexes serve without reading all documents, by the generated names: what narrows is tested too."""

COMPARED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
"""Settings of the generated queries: with one index for all of a test, and no limit of time for each."""


class IndexConformance:
    """Hold an index to the contract of `elliptio.protocols.Index`: a pytest class to subclass, with one fixture.

    Attributes
    ----------
    stored_alike
        Tells of a generated document whether the server under the index is known to treat it as MongoDB does; one that
        it does not is left out.
    asked_alike
        Tells the same of a generated query on indexed paths.

    Examples
    --------
    ::

        class TestMyIndex(IndexConformance):
            @pytest.fixture
            def index(self, tmp_path):
                return MyIndex(tmp_path)  # a new, empty one for each test
    """

    stored_alike: Callable[[Document], bool] = staticmethod(lambda document: True)
    asked_alike: Callable[[Document], bool] = staticmethod(lambda query: True)

    @pytest.fixture
    def index(self) -> Index:
        """Make an empty index; subclasses must say which."""
        raise NotImplementedError("a subclass of IndexConformance defines the fixture `index`")

    def test_describes_itself(self, index: Index) -> None:
        """Have an address without a password."""
        assert isinstance(index, Index)
        assert index.address
        assert not re.search(r"://[^/]*:[^*/]+@", index.address)

    def test_a_document_comes_back_as_it_was(self, index: Index) -> None:
        """Keep types and the order of fields; give datetimes in UTC."""
        document = {
            "_id": "x", "text": "ä", "number": 2**53 + 1, "real": 0.5, "flag": True, "none": None, "when": NOON,
            "bytes": b"\0\xff", "list": [1, [2], {"b": 1, "a": 2}], "empty": {},
        }  # fmt: skip
        assert index.insert("artifacts", document)
        assert list(index.find("artifacts", {})) == [document]
        found = next(index.find("artifacts", {"_id": "x"}))
        assert list(found) == list(document)
        assert list(found["list"][2]) == ["b", "a"]
        assert found["when"].utcoffset().total_seconds() == 0

    def test_inserting_twice_changes_nothing(self, index: Index) -> None:
        """Keep the first document."""
        assert index.insert("artifacts", {"_id": "x", "username": "andy"})
        assert not index.insert("artifacts", {"_id": "x", "username": "brenda"})
        assert list(index.find("artifacts", {})) == [{"_id": "x", "username": "andy"}]
        assert index.count("artifacts", {"username": "brenda"}) == 0

    def test_inserting_many_at_once(self, index: Index) -> None:
        """Those are added, and counted, that were not there."""
        index.insert("artifacts", {"_id": "b", "username": "andy"})
        made = [{"_id": name, "username": "brenda", "based_on": ["root"]} for name in "abca"]
        assert index.insert("artifacts", *made) == 2
        assert index.insert("artifacts", *made) == index.insert("artifacts") == 0
        assert [found["_id"] for found in index.find("artifacts", {"username": "brenda"}, sort=[("_id", 1)])] == [
            "a",
            "c",
        ]
        assert index.count("artifacts", {}) == 3
        assert set(index.links(["artifacts"], ["root"], up=False)) == {("a", "root"), ("c", "root")}

    def test_of_many_inserters_one_wins(self, index: Index) -> None:
        """Tell exactly one call that it added the document."""
        with ThreadPoolExecutor(8) as pool:
            added = list(pool.map(lambda n: index.insert("artifacts", {"_id": "x", "n": n}), range(8)))
        assert sorted(added) == [False] * 7 + [True]
        assert index.count("artifacts", {}) == 1

    def test_an_unknown_collection_is_empty(self, index: Index) -> None:
        """Make nothing by reading."""
        assert list(index.find("nothing", {"a": 1}, sort=[("a", 1)], limit=3)) == []
        assert index.count("nothing", {}) == 0
        index.delete("nothing", ["x"])

    def test_collections_are_apart(self, index: Index) -> None:
        """Keep the same identifier in two collections."""
        for name in ("artifacts", "environments"):
            assert index.insert(name, {"_id": "x", "username": name})
        assert [found["username"] for found in index.find("environments", {})] == ["environments"]
        assert index.count("artifacts", {"username": "environments"}) == 0
        index.delete("artifacts", ["x"])
        assert index.count("environments", {}) == 1

    def test_deleting(self, index: Index) -> None:
        """Neither find nor count what was deleted; take it again."""
        for name in "abc":
            index.insert("artifacts", {"_id": name, "username": "andy", "labels": {"x": [name, 1]}})
        index.delete("artifacts", ["a", "c", "missing"])
        index.delete("artifacts", ["a"])
        assert [found["_id"] for found in index.find("artifacts", {"labels.x": 1})] == ["b"]
        assert index.count("artifacts", {"username": "andy"}) == index.count("artifacts", {}) == 1
        assert index.insert("artifacts", {"_id": "a", "username": "brenda"})
        assert [found["_id"] for found in index.find("artifacts", {"username": "brenda"})] == ["a"]

    def test_replacing(self, index: Index) -> None:
        """Find the new document by what it says, and no longer by what the old one said."""
        index.insert("artifacts", {"_id": "b", "username": "andy"})
        for username in ("andy", "brenda"):
            index.replace("artifacts", {"_id": "a", "username": username, "tags": [username], "based_on": [username]})
        assert [found["_id"] for found in index.find("artifacts", {"username": "brenda"})] == ["a"]
        assert [found["_id"] for found in index.find("artifacts", {"username": "andy"})] == ["b"]
        assert index.count("artifacts", {"tags": "andy"}) == 0
        assert index.count("artifacts", {}) == 2
        assert index.links(["artifacts"], ["a"], up=True) == [("a", "brenda")]

    def test_a_document_that_is_being_replaced_is_there(self, index: Index) -> None:
        """Show it to every reader, and never twice."""
        index.insert("artifacts", {"_id": "a", "username": "andy", "n": 0})
        with ThreadPoolExecutor(1) as pool:

            def replace() -> None:
                for number in range(30):
                    index.replace("artifacts", {"_id": "a", "username": "andy", "n": number})

            replacing = pool.submit(replace)
            while not replacing.done():
                assert len(list(index.find("artifacts", {"username": "andy"}))) == 1
            replacing.result()
        assert [found["n"] for found in index.find("artifacts", {})] == [29]

    @pytest.mark.parametrize("path", ["creation_time", "n"])
    def test_sorting_and_limit(self, index: Index, path: str) -> None:
        """Break ties by identifier in the direction of the sort; take the first ones up to a limit."""
        for number in range(30):
            index.insert("artifacts", {"_id": f"{number:02}", path: NOON.replace(minute=number // 3)})
        ids = [f"{number:02}" for number in range(30)]
        assert [found["_id"] for found in index.find("artifacts", {}, sort=[(path, 1)])] == ids
        assert [found["_id"] for found in index.find("artifacts", {}, sort=[(path, -1)], limit=5)] == ids[:-6:-1]
        late = {path: {"$gte": NOON.replace(minute=8), "$lt": NOON.replace(minute=9)}}
        assert [found["_id"] for found in index.find("artifacts", late, sort=[(path, -1)], limit=9)] == ids[26:23:-1]
        assert index.count("artifacts", late) == 3

    def test_missing_values_sort_first(self, index: Index) -> None:
        """Find a document without the path, as null."""
        index.insert("artifacts", {"_id": "with", "username": "andy"})
        index.insert("artifacts", {"_id": "without"})
        assert [found["_id"] for found in index.find("artifacts", {}, sort=[("username", 1)])] == ["without", "with"]

    def test_many_threads_may_write_and_read(self, index: Index) -> None:
        """Lose nothing between threads."""

        def work(thread: int) -> None:
            for number in range(10):
                index.insert("artifacts", {"_id": f"{thread}-{number}", "username": str(thread)})
                assert index.count("artifacts", {"username": str(thread)}) == number + 1

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert index.count("artifacts", {}) == 80

    def test_it_can_be_used_after_closing(self, index: Index) -> None:
        """Connect again."""
        index.insert("artifacts", {"_id": "x"})
        index.close()
        index.close()
        assert index.count("artifacts", {}) == 1

    def test_links_are_followed_up_and_down(self, index: Index) -> None:
        """Give each link once, nearest first, however it is reached; a parent need not be there, and circles end."""
        family = {"a": ["gone"], "b": ["a"], "c": ["a", "a"], "d": ["b", "c"], "x": ["y"], "y": ["x"], "lone": []}
        for name, parents in family.items():
            index.insert("artifacts", {"_id": name, "based_on": parents})
        up = index.links(["artifacts"], ["d"], up=True)
        assert set(up) == {("d", "b"), ("d", "c"), ("b", "a"), ("c", "a"), ("a", "gone")}
        assert len(up) == 5
        assert {child for child, _ in up[:2]} == {"d"}
        assert set(index.links(["artifacts"], ["a"], up=False)) == {("b", "a"), ("c", "a"), ("d", "b"), ("d", "c")}
        assert set(index.links(["artifacts"], ["gone", "lone"], up=False, depth=1)) == {("a", "gone")}
        assert set(index.links(["artifacts"], ["d"], up=True, depth=2)) == set(up) - {("a", "gone")}
        assert set(index.links(["artifacts"], ["x"], up=True)) == {("x", "y"), ("y", "x")}
        for nothing in ([], ["lone"], ["never heard of"]):
            assert index.links(["artifacts"], nothing, up=True) == []

    def test_links_are_those_of_the_collections_asked_for(self, index: Index) -> None:
        """Keep the links of a deleted artifact with its tombstone; give none before anything was inserted."""
        assert index.links(["artifacts", "tombstones"], ["c"], up=True) == []
        for name, parents in {"a": [], "b": ["a"], "c": ["b"]}.items():
            index.insert("artifacts", {"_id": name, "based_on": parents})
        index.insert("tombstones", {"_id": "b", "based_on": ["a"]})
        index.delete("artifacts", ["b"])
        both = ["artifacts", "tombstones"]
        assert index.links(both, ["c"], up=True) == [("c", "b"), ("b", "a")]
        assert index.links(["artifacts"], ["c"], up=True) == [("c", "b")]
        assert index.links(both, ["a"], up=False) == [("b", "a"), ("c", "b")]
        index.delete("tombstones", ["b"])
        assert index.links(both, ["c"], up=True) == [("c", "b")]

    def test_links_of_many(self, index: Index) -> None:
        """Follow more than fit into one query."""
        for number in range(1100):
            index.insert(
                "artifacts", {"_id": f"{number:04}", "based_on": ["root"] if number % 2 else [None, 7, "root"]}
            )
        everybody = [f"{number:04}" for number in range(1100)]
        assert len(index.links(["artifacts"], everybody, up=True)) == 1100
        assert len(index.links(["artifacts"], ["root"], up=False)) == 1100

    def test_an_abandoned_search_does_no_harm(self, index: Index) -> None:
        """Let a caller stop reading at any time."""
        for number in range(300):
            index.insert("artifacts", {"_id": f"{number:03}", "username": "andy"})
        found = index.find("artifacts", {"username": "andy"})
        next(found)
        index.insert("artifacts", {"_id": "more"})
        del found
        assert index.count("artifacts", {}) == 301

    @pytest.mark.filterwarnings("ignore:Generating overly large repr")
    @COMPARED
    @given(
        documents=st.lists(queries.documents(), max_size=8),
        query=queries.queries(),
        sort=queries.sorts(),
        limit=st.integers(0, 4),
    )
    @pytest.mark.parametrize("shape", ["plain", "under_labels", "on_indexed_paths"])
    def test_queries_mean_what_mongodb_says(
        self, index: Index, shape: str, documents: list[Document], query: Document, sort: Sort, limit: int
    ) -> None:
        """Find by generated queries what `elliptio.indexes.query.predicate` finds, on indexed paths and others."""
        moved = SHAPES[shape]
        assume(shape == "plain" or self.asked_alike(query))
        documents = list(filter(self.stored_alike, documents))
        stored = [{"_id": f"d{number}", **moved.document(document)} for number, document in enumerate(documents)]
        wanted = normalize_query(moved.query(query))
        for document in stored:
            index.insert("artifacts", document)
        try:
            everything = list(index.find("artifacts", {}))
            matching = list(filter(compile_query(wanted), everything))
            assert _ids(index.find("artifacts", wanted)) == _ids(matching)
            assert index.count("artifacts", wanted) == len(matching)
            order = [(moved.path(path), direction) for path, direction in sort]
            if order and all(queries.sorts_alike(document, list(sort)) for document in documents):
                found = [document["_id"] for document in index.find("artifacts", wanted, sort=order, limit=limit)]
                assert found == [document["_id"] for document in sort_documents(matching, order, limit)]
        finally:
            index.delete("artifacts", [document["_id"] for document in stored])


class Shape(NamedTuple):
    """Move the generated fields to a place in a document, which decides what their paths are."""

    path: Callable[[str], str]
    document: Callable[[Document], Document]
    query: Callable[[Document], Document]


def _ids(documents: Iterable[Document]) -> set[str]:
    return {document["_id"] for document in documents}


def _same(value: Any) -> Any:
    return value


def _query_below_labels(query: Document) -> Document:
    return {
        name if name.startswith("$") else f"labels.{name}": [_query_below_labels(part) for part in value]
        if name.startswith("$")
        else value
        for name, value in query.items()
    }


def _renamed(path: str) -> str:
    return path if path.startswith("$") else ".".join(INDEXED_NAMES.get(name, name) for name in path.split("."))


def _all_renamed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_renamed(name): _all_renamed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_all_renamed(item) for item in value]
    return value


SHAPES = {
    "plain": Shape(_same, _same, _same),
    "under_labels": Shape(lambda path: f"labels.{path}", lambda document: {"labels": document}, _query_below_labels),
    "on_indexed_paths": Shape(_renamed, _all_renamed, _all_renamed),
}
"""Shapes of generated documents: with fields on no indexed path, under one for all, and on indexed ones."""
