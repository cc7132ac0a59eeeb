"""Hold a store to what it says of reading: anywhere in a file, by many at once."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

from elliptio.protocols import Store
from elliptio.testing.store_promises.files import MIB, content, in_threads, noise, published
from elliptio.testing.store_promises.suite import StoreSuite


class ReadingSuite(StoreSuite):
    """Hold a store to what it says of reading: anywhere in a file, by many at once."""

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
