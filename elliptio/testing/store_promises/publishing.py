"""Hold a store to what it says of publishing and discarding: all or nothing, and nothing twice."""

from __future__ import annotations

import io

import pytest

from elliptio.errors import MissingKeyError, StoreError
from elliptio.protocols import Store
from elliptio.testing.store_promises.files import MIB, Trickle, content, keys, noise, published
from elliptio.testing.store_promises.suite import StoreSuite


class PublishingSuite(StoreSuite):
    """Hold a store to what it says of publishing and discarding: all or nothing, and nothing twice."""

    def test_the_folder_is_private_and_goes(self, store: Store) -> None:
        one, two = store.begin("a"), store.begin("b")
        folders = [one.folder, two.folder]
        assert all(folder.is_dir() and not list(folder.iterdir()) for folder in folders)
        assert len(set(folders)) == 2
        one.put("x", io.BytesIO(b"x"))
        one.publish()
        two.discard()
        assert not any(folder.exists() for folder in folders)

    def test_files_in_the_folder_are_published_where_it_says_so(self, store: Store) -> None:
        staging = store.begin("a")
        (staging.folder / "sub").mkdir()
        (staging.folder / "sub" / "x").write_bytes(b"written directly")
        staging.put("y", io.BytesIO(b"put"))
        staging.publish()
        assert keys(store) == ({"a/sub/x", "a/y"} if staging.in_place else {"a/y"})

    def test_nothing_is_visible_before_publishing_where_the_store_can_rename(self, store: Store) -> None:
        staging = store.begin("a")
        staging.put("x", io.BytesIO(b"x"))
        if staging.in_place:
            assert keys(store) == set()
            assert store.stat("a/x") is None
            with pytest.raises(MissingKeyError):
                store.open("a/x")
        staging.publish()
        assert keys(store) == {"a/x"}

    def test_publishing_never_overwrites(self, store: Store) -> None:
        published(store, "a", {"x": b"first"})
        staging = store.begin("a")

        def publish_again() -> None:
            # Where the store cannot rename, putting is refused already.
            staging.put("x", io.BytesIO(b"second"))
            staging.publish()

        with pytest.raises(StoreError):
            publish_again()
        assert content(store, "a/x") == b"first"
        staging.discard()
        assert content(store, "a/x") == b"first"

    def test_a_file_beside_is_there_when_it_is_published_and_not_before(self, store: Store) -> None:
        store.create("runs/2", b"first")
        staging = store.begin("a")
        staging.put("x", io.BytesIO(b"x"))
        made = [key for key in ("runs/1", "runs/2") if staging.create(key, b"1")]
        assert "runs/1" not in keys(store)
        staging.publish()
        assert keys(store) == {"a/x", "runs/2", *made}
        assert content(store, "runs/2") == b"first"
        assert all(content(store, key) == b"1" for key in made if key != "runs/2")

    def test_a_file_beside_is_gone_with_what_is_discarded(self, store: Store) -> None:
        staging = store.begin("a")
        staging.create("runs/1", b"1")
        staging.discard()
        assert keys(store) == set()

    def test_discarding_leaves_nothing(self, store: Store) -> None:
        staging = store.begin("a")
        folder = staging.folder
        (folder / "direct").write_bytes(b"x")
        staging.put("x", io.BytesIO(b"x"))
        staging.put("sub/y", io.BytesIO(noise(6 * MIB)))
        staging.discard()
        assert keys(store) == set()
        assert not folder.exists()

    def test_discarding_twice_or_after_nothing_is_fine(self, store: Store) -> None:
        staging = store.begin("a")
        staging.discard()
        staging.discard()
        store.begin("a").discard()
        assert keys(store) == set()

    def test_discarding_after_publishing_takes_nothing_back(self, store: Store) -> None:
        published(store, "a", {"x": b"x"}).discard()
        assert content(store, "a/x") == b"x"

    def test_what_is_complete_or_discarded_is_not_unfinished(self, store: Store) -> None:
        published(store, "a", {"x": b"x", "large": noise(20 * MIB)})
        store.create("b", b"b")
        staging = store.begin("c")
        staging.put("large", io.BytesIO(noise(20 * MIB)))
        staging.discard()
        assert list(store.unfinished()) == []

    def test_what_is_unfinished_is_not_listed_and_can_be_removed(self, store: Store) -> None:
        staging = store.begin("a")
        seen: set[str] = set()

        def look() -> None:
            seen.update(each.key for each in store.unfinished())
            assert not seen & keys(store)

        staging.put("x", Trickle(noise(20 * MIB), meanwhile=look))  # type: ignore[arg-type]
        staging.discard()
        for key in seen:
            store.remove(key)
        assert list(store.unfinished()) == []
