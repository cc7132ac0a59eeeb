"""Hold a store to what it says of writing: what is put or linked is what is read."""

from __future__ import annotations

import io

import pytest

from elliptio.protocols import PIECE, Store
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
from elliptio.testing.store_promises.suite import StoreSuite


class StagingSuite(StoreSuite):
    """Hold a store to what it says of writing: what is put or linked is what is read."""

    def test_what_was_put_can_be_read(self, store: Store) -> None:
        published(store, "2026/a", {"files/x.bin": b"some bytes"})
        assert content(store, "2026/a/files/x.bin") == b"some bytes"

    def test_an_empty_file_is_a_file(self, store: Store) -> None:
        published(store, "a", {"empty": b""})
        assert content(store, "a/empty") == b""
        found = store.stat("a/empty")
        assert found is not None
        assert found.size == 0

    @pytest.mark.parametrize("size", [1, 128 * 1024, MIB - 1, MIB, MIB + 1, 5 * MIB + 3, 20 * MIB], ids=str)
    def test_files_of_any_size_stay_what_they_are(self, store: Store, size: int) -> None:
        data = noise(size)
        published(store, "a", {"x": data})
        assert content(store, "a/x") == data

    def test_a_source_is_read_once_from_where_it_is(self, store: Store) -> None:
        source = io.BytesIO(b"skipped|kept")
        source.seek(8)
        staging = store.begin("a")
        staging.put("x", source)
        staging.publish()
        assert content(store, "a/x") == b"kept"

    def test_a_source_need_only_read(self, store: Store) -> None:
        data = noise(9 * MIB + 1)
        staging = store.begin("a")
        staging.put("x", Trickle(data))  # type: ignore[arg-type]
        staging.publish()
        assert content(store, "a/x") == data

    @pytest.mark.parametrize("size", [10, 40 * MIB], ids=["small", "large"])
    def test_what_a_source_raises_comes_through_and_leaves_nothing(self, store: Store, size: int) -> None:
        staging = store.begin("a")
        with pytest.raises(ZeroDivisionError):
            staging.put("x", Trickle(bytes(size), fail=True))  # type: ignore[arg-type]
        staging.discard()
        assert keys(store) == set()

    def test_many_threads_may_put(self, store: Store) -> None:
        files = {f"files/{n % 5}/{n}.bin": noise(2_000 + n) for n in range(60)}
        staging = store.begin("a")
        in_threads(lambda item: staging.put(item[0], io.BytesIO(item[1])), files.items())
        staging.publish()
        assert keys(store) == {f"a/{name}" for name in files}
        assert all(content(store, f"a/{name}") == data for name, data in files.items())

    @pytest.mark.parametrize("size", [4, PIECE + 5], ids=["small", "large"])
    def test_a_link_holds_the_content_whatever_becomes_of_the_other(self, store: Store, size: int) -> None:
        data = noise(size)
        published(store, "a", {"x": data})
        staging = store.begin("b")
        linked = staging.link("deep/y", "a/x", described(data))
        if not linked:
            staging.put("deep/y", io.BytesIO(data))
        staging.publish()
        store.remove("a")
        assert keys(store) == {"b/deep/y"}
        assert content(store, "b/deep/y") == data

    @pytest.mark.parametrize("place", [0, PIECE, PIECE + 4])
    def test_a_store_that_copies_takes_nothing_but_the_content(self, store: Store, place: int) -> None:
        data = bytearray(noise(PIECE + 5))
        wanted = described(data)
        data[place] ^= 1
        published(store, "a", {"x": bytes(data)})
        staging = store.begin("b")
        try:
            if not staging.in_place:
                assert not staging.link("y", "a/x", wanted)
                assert not staging.link("y", "a/x")
            staging.put("y", io.BytesIO(b"data"))
            staging.publish()
        finally:
            staging.discard()
        assert content(store, "b/y") == b"data"

    def test_what_was_linked_can_be_discarded(self, store: Store) -> None:
        published(store, "a", {"x": b"data"})
        staging = store.begin("b")
        staging.link("y", "a/x", described(b"data"))
        staging.discard()
        assert keys(store) == {"a/x"}

    def test_a_link_to_nothing_is_none(self, store: Store) -> None:
        staging = store.begin("a")
        try:
            assert not staging.link("x", "not/there", described(b"data"))
            staging.put("x", io.BytesIO(b"data"))
        finally:
            staging.discard()
