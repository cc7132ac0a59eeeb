"""What a store promises, one test for each promise: hold a new store to it by subclassing `StoreConformance`."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from elliptio.artifacts.hashing import pieces_of
from elliptio.errors import MissingKeyError, StoreError
from elliptio.protocols import PIECE, Content, Staging, Store

T = TypeVar("T")
MIB = 1 << 20
AWKWARD_NAMES = (
    "two words.txt",
    " leading and trailing ",
    "ünïcödé-日本語-🎈.txt",
    "a+b",
    "100%",
    "a%20b",
    "a#b",
    "what?",
    "-rf",
    "--",
    "~",
    "~user",
    ".hidden",
    "..two dots",
    "three...",
    "a&b=c;d,e",
    "a:b",
    "a@b",
    "a*b[c]{d}",
    "'single' \"double\" `back`",
    "$HOME",
    "<tag>|pipe^",
    "CON",
    "n" * 200,
    "deep/er/and/deep er/file",
)


class StoreConformance:
    """A pytest class to inherit from; the subclass says how to make a store.

    Examples
    --------
    ::

        class TestMyStore(StoreConformance):
            @pytest.fixture
            def store(self, tmp_path):
                return MyStore(tmp_path)
    """

    @pytest.fixture
    def store(self) -> Store:
        """An empty store, which the subclass makes."""
        raise NotImplementedError("a subclass of StoreConformance defines the fixture `store`")

    # -- attributes ---------------------------------------------------------------------------------------------------

    def test_describes_itself(self, store: Store) -> None:
        assert isinstance(store, Store)
        assert store.root
        assert not store.root.endswith("/")
        assert store.scheme.isidentifier()
        assert store.concurrency >= 1
        assert isinstance(store.remote, bool)

    def test_a_folder_holds_each_file_at_its_key(self, store: Store) -> None:
        if store.folder is None:
            return
        published(store, "a", {"deep/x": b"some bytes"})
        path = os.path.join(store.folder, "a/deep/x")
        assert os.path.isabs(path)
        with open(path, "rb") as file:
            assert file.read() == b"some bytes"

    # -- staging and publishing ---------------------------------------------------------------------------------------

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

    @pytest.mark.parametrize("name", AWKWARD_NAMES)
    def test_awkward_names_survive(self, store: Store, name: str) -> None:
        published(store, "a", {name: b"data"})
        key = f"a/{name}"
        assert keys(store) == {key}
        assert content(store, key) == b"data"
        assert store.stat(key) is not None
        store.remove(key)
        assert keys(store) == set()

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\0b"])
    def test_what_is_no_key_is_refused(self, store: Store, key: str) -> None:
        staging = store.begin("fine")
        try:
            refused: list[Callable[[], object]] = [
                lambda: staging.put(key, io.BytesIO(b"x")),
                lambda: store.begin(key),
                lambda: store.open(key),
                lambda: store.stat(key),
                lambda: store.create(key, b"x"),
                lambda: store.remove(key),
            ]
            for attempt in refused:
                with pytest.raises(StoreError):
                    attempt()
        finally:
            staging.discard()
        assert keys(store) == set()

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

    # -- reading ------------------------------------------------------------------------------------------------------

    def test_a_file_can_be_read_anywhere(self, store: Store) -> None:
        data = noise(3 * MIB + 17)
        published(store, "a", {"x": data})
        with store.open("a/x") as file:
            assert file.readable()
            assert file.seekable()
            for position in (0, 5, len(data) - 3, MIB, 0, 2 * MIB + 1):
                assert file.seek(position) == position
                assert file.tell() == position
                assert file.read(10) == data[position : position + 10]
            assert file.seek(-4, io.SEEK_END) == len(data) - 4
            assert file.read() == data[-4:]
            assert file.read(1) == b""
            file.seek(100)
            file.seek(23, io.SEEK_CUR)
            assert file.read() == data[123:]
            assert file.seek(len(data) + 10) == len(data) + 10
            assert file.read(1) == b""
        assert file.closed

    def test_a_file_is_a_proper_binary_file(self, store: Store) -> None:
        published(store, "a", {"x": b"one\ntwo\nthree"})
        with store.open("a/x") as file:
            assert file.readline() == b"one\n"
            assert list(file) == [b"two\n", b"three"]
        with store.open("a/x") as file, io.TextIOWrapper(file) as text:
            assert text.read() == "one\ntwo\nthree"
        with store.open("a/x") as file:
            buffer = bytearray(5)
            assert file.readinto(buffer) == 5  # type: ignore[attr-defined]
            assert buffer == b"one\nt"

    def test_files_may_be_read_by_many_threads(self, store: Store) -> None:
        data = noise(2 * MIB)
        published(store, "a", {"x": data})
        assert all(in_threads(lambda _: content(store, "a/x") == data, range(8)))

    def test_a_missing_key_is_its_own_error(self, store: Store) -> None:
        published(store, "a", {"x": b"x"})
        for key in ("b", "a/y", "a/x/y", "a"):
            with pytest.raises(MissingKeyError, match=key) as caught:
                store.open(key)
            assert store.root in str(caught.value)
            assert isinstance(caught.value, FileNotFoundError)
            assert store.stat(key) is None

    def test_stat_tells_key_size_and_time(self, store: Store) -> None:
        published(store, "a", {"x": b"12345"})
        found = store.stat("a/x")
        assert found is not None
        assert (found.key, found.size) == ("a/x", 5)
        assert abs(found.modified - datetime.now(UTC)) < timedelta(minutes=5)
        assert found.modified.utcoffset() == timedelta(0)

    def test_stamps_are_the_same_however_they_are_asked_for(self, store: Store) -> None:
        published(store, "a", {"small": b"12345", "other": b"54321", "large": noise(20 * MIB)})
        for listed in store.list("a"):
            found = store.stat(listed.key)
            assert found is not None
            assert found.stamp == listed.stamp

    # -- listing and removing -----------------------------------------------------------------------------------------

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

    # -- creating -----------------------------------------------------------------------------------------------------

    def test_create_writes_once(self, store: Store) -> None:
        assert store.create("deep/er/lake.json", b"first") is True
        assert store.create("deep/er/lake.json", b"second") is False
        assert content(store, "deep/er/lake.json") == b"first"
        assert keys(store) == {"deep/er/lake.json"}

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


class Trickle:
    """A source that can only be read, in odd sizes, and may fail at its end."""

    def __init__(self, data: bytes, *, fail: bool = False, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._file = io.BytesIO(data)
        self._fail = fail
        self._meanwhile = meanwhile

    def read(self, size: int = -1, /) -> bytes:
        """Return less than was asked for, but something until the end."""
        found = self._file.read(max(1, min(size, 300_001)) if size >= 0 else size)
        if not found:
            self._meanwhile()
        if self._fail and not found:
            raise ZeroDivisionError("the source failed")
        return found


def published(store: Store, prefix: str, files: dict[str, bytes]) -> Staging:
    """Publish some files."""
    staging = store.begin(prefix)
    for name, data in files.items():
        staging.put(name, io.BytesIO(data))
    staging.publish()
    return staging


def content(store: Store, key: str) -> bytes:
    """All bytes of a file."""
    with store.open(key) as file:
        return file.read()


def keys(store: Store, prefix: str = "") -> set[str]:
    """All keys at or below a prefix, each listed once."""
    found = [each.key for each in store.list(prefix)]
    assert len(found) == len(set(found))
    return set(found)


def described(data: bytes | bytearray) -> Content:
    """What a file of these bytes holds."""
    return Content(len(data), tuple(pieces_of(io.BytesIO(data))))


def in_threads(function: Callable[..., T], arguments: Iterable[object]) -> list[T]:
    """Call with each argument, eight at once."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(function, arguments))


def noise(size: int) -> bytes:
    """Bytes that differ at every position, the same each time."""
    import random

    return random.Random(size).randbytes(size)
