"""Sha256 of what passes, in a thread of its own where there is much of it."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from elliptio.artifacts.hashing import CHUNK, HashingReader, HashingWriter, Sha256, VerifyingReader
from elliptio.errors import IntegrityError


@pytest.mark.parametrize("size", [0, 1, CHUNK, 4 * CHUNK, 4 * CHUNK + 1, 9 * CHUNK + 5])
@pytest.mark.parametrize("piece", [CHUNK, CHUNK // 3])
def test_the_hash_is_that_of_all_bytes(size: int, piece: int) -> None:
    data = os.urandom(size)
    hashed = HashingReader(io.BytesIO(data))
    while hashed.read(piece):
        pass
    assert (hashed.size, hashed.sha256) == (size, hashlib.sha256(data).hexdigest())
    verifying = VerifyingReader(io.BytesIO(data), size, hashed.sha256, "x")
    assert io.BufferedReader(verifying, piece).read() == data


def test_a_buffer_may_be_used_again_as_soon_as_it_is_full() -> None:
    data = os.urandom(9 * CHUNK)
    hashed = HashingReader(io.BytesIO(data))
    head, buffer = hashed.read(6 * CHUNK), memoryview(bytearray(CHUNK))
    while found := hashed.readinto(buffer):
        assert found == CHUNK
        buffer[:] = bytes(CHUNK)
    assert len(head) == 6 * CHUNK
    assert hashed.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 3 * CHUNK])
def test_damage_is_found_whichever_way_it_is_read(size: int) -> None:
    data = os.urandom(size)
    wrong = hashlib.sha256(data + b"x").hexdigest()
    reads: list[Callable[[VerifyingReader], object]] = [
        lambda reader: reader.read(),
        lambda reader: [*iter(lambda: reader.read(1000), b"")],
        lambda reader: [*iter(lambda: reader.readinto(memoryview(bytearray(1000))), 0)],
        lambda reader: io.BufferedReader(reader).read(),
    ]
    for read in reads:
        with pytest.raises(IntegrityError, match="x is damaged"):
            read(VerifyingReader(io.BytesIO(data), size, wrong, "x"))


def test_a_hash_may_be_asked_for_in_between() -> None:
    digest, data = Sha256(), os.urandom(CHUNK)
    for number in range(1, 9):
        digest.update(data)
        assert digest.hexdigest() == hashlib.sha256(data * number).hexdigest()


def hashing_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("elliptio-sha256")}


def test_a_large_stream_is_hashed_beside_its_reader_a_small_one_is_not() -> None:
    before = hashing_threads()
    small, large = Sha256(), Sha256()
    for _ in range(4):
        small.update(bytes(CHUNK))
    assert hashing_threads() <= before
    for _ in range(5):
        large.update(bytes(CHUNK))
    (own,) = hashing_threads() - before
    large.hexdigest()
    del large
    own.join(10)
    assert not own.is_alive()


def _in_order(file: io.BufferedWriter, data: bytes) -> None:
    file.write(data[:10])
    file.write(data[10:])
    assert file.tell() == len(data)


def _head_last(file: io.BufferedWriter, data: bytes) -> None:
    file.write(bytes(10) + data[10:])
    file.seek(0)
    file.write(data[:10])


def _too_much(file: io.BufferedWriter, data: bytes) -> None:
    file.write(data + b"more")
    file.truncate(len(data))


def _by_the_descriptor(file: io.BufferedWriter, data: bytes) -> None:
    os.write(file.fileno(), data)


def _head_by_the_descriptor(file: io.BufferedWriter, data: bytes) -> None:
    file.write(bytes(10) + data[10:])
    file.flush()
    os.pwrite(file.fileno(), data[:10], 0)


@pytest.mark.parametrize("size", [10, CHUNK, 9 * CHUNK + 5])
@pytest.mark.parametrize("write", [_in_order, _head_last, _too_much, _by_the_descriptor, _head_by_the_descriptor])
def test_what_is_written_is_hashed_however_it_is_written(
    tmp_path: Path, write: Callable[[io.BufferedWriter, bytes], None], size: int
) -> None:
    data = os.urandom(size)
    with io.FileIO(tmp_path / "file", "xb") as raw:
        hashing = HashingWriter(raw)
        with io.BufferedWriter(hashing) as file:
            write(file, data)
        assert hashing.written() == (size, hashlib.sha256(data).hexdigest())
    assert (tmp_path / "file").read_bytes() == data
