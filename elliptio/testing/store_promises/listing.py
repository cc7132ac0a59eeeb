"""Hold a store to what it says of listing, removing and creating single files."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

import pytest

from elliptio.protocols import Store
from elliptio.testing.store_promises.files import content, in_threads, keys, published
from elliptio.testing.store_promises.suite import StoreSuite


class ListingSuite(StoreSuite):
    """Hold a store to what it says of listing, removing and creating single files."""

    def test_an_empty_store_lists_nothing(self, store: Store) -> None:
        assert list(store.list()) == []
        assert list(store.list("a")) == []

    def test_a_prefix_is_whole_parts(self, store: Store) -> None:
        published(store, "a", {"x": b"1", "b/y": b"22"})
        published(store, "ab", {"x": b"3"})
        store.create("top", b"4")
        store.create("a.txt", b"5")
        assert keys(store) == {"a/x", "a/b/y", "ab/x", "top", "a.txt"}
        assert keys(store, "a") == {"a/x", "a/b/y"}
        assert keys(store, "a/b") == {"a/b/y"}
        assert keys(store, "a/x") == {"a/x"}
        assert keys(store, "top") == {"top"}
        assert keys(store, "to") == set()
        assert keys(store, "a/x/y") == set()

    def test_a_listing_may_begin_amid_what_is_there(self, store: Store) -> None:
        if not store.after:
            pytest.skip("the store always looks at all")
        published(store, "a", {"x": b"1", "b/y": b"22"})
        published(store, "ab", {"x": b"3"})
        store.create("é", b"4")
        assert keys(store, after="a/b/y") == {"a/x", "ab/x", "é"}
        assert keys(store, "a", after="a/b/y") == {"a/x"}
        assert keys(store, after="a/b/") == keys(store, after="a/") | {"ab/x", "é"} == keys(store)
        assert keys(store, "a/x", after="a/b/y") == {"a/x"}
        assert keys(store, "a", after="0/") == keys(store, "a", after="a/") == {"a/x", "a/b/y"}
        assert keys(store, "a", after="a/x") == keys(store, "a/x", after="a/x") == keys(store, "a", after="b/") == set()
        assert keys(store, after="z/") == {"é"}

    def test_a_listing_is_what_stat_tells(self, store: Store) -> None:
        published(store, "a", {"x": b"1", "b/y": b"22"})
        for found in store.list("a"):
            assert found == store.stat(found.key)

    def test_listings_are_complete(self, store: Store) -> None:
        names = {f"{n % 7}/{n}" for n in range(1_100)}
        staging = store.begin("a")
        in_threads(lambda name: staging.put(name, io.BytesIO(b"")), names)
        staging.publish()
        assert keys(store, "a") == {f"a/{name}" for name in names}
        store.remove("a")
        assert keys(store) == set()

    def test_removing_takes_whole_parts_and_is_idempotent(self, store: Store) -> None:
        published(store, "d/a", {"x": b"1", "b/y": b"2"})
        published(store, "d/ab", {"x": b"3"})
        store.remove("d/a")
        assert keys(store) == {"d/ab/x"}
        store.remove("d/a")
        store.remove("never/was")
        store.remove("d/ab/x")
        assert keys(store) == set()
        published(store, "d/a", {"x": b"again"})
        assert content(store, "d/a/x") == b"again"

    def test_create_writes_once(self, store: Store) -> None:
        assert store.create("deep/er/lake.json", b"first") is True
        assert store.create("deep/er/lake.json", b"second") is False
        assert content(store, "deep/er/lake.json") == b"first"
        assert keys(store) == {"deep/er/lake.json"}

    def test_create_takes_others_and_writes_what_is_not_there(self, store: Store) -> None:
        if not store.together:
            pytest.skip("the store takes one at a time")
        create: Callable[..., bool] = store.create
        others = {f"er/{number}": str(number).encode() for number in range(3)}
        assert create("deep/a", b"first", others) is True
        assert create("deep/b", b"new", {"deep/a": b"second"}) is False
        assert create("deep/a", b"third", {"deep/c": b"new"}) is False
        wanted = {"deep/a": b"first", "deep/b": b"new", "deep/c": b"new", **others}
        assert {key: content(store, key) for key in wanted} == wanted
        assert keys(store) == set(wanted)

    def test_create_beside_published_files(self, store: Store) -> None:
        published(store, "a", {"files/x": b"x"})
        assert store.create("a/metadata.json", b"{}") is True
        assert keys(store, "a") == {"a/files/x", "a/metadata.json"}

    def test_of_many_creators_one_wins(self, store: Store) -> None:
        barrier = threading.Barrier(8)

        def create(number: int) -> bool:
            barrier.wait()
            return store.create("race", str(number).encode() * 100)

        for _ in range(3):
            won = in_threads(create, range(8))
            assert won.count(True) == 1
            assert content(store, "race") == str(won.index(True)).encode() * 100
            store.remove("race")
