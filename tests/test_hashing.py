"""Sha256 of what passes, in a thread of its own where there is much of it."""

from __future__ import annotations

import hashlib
import io
import os
import threading

import pytest

from elliptio.hashing import CHUNK, HashingReader, Sha256, VerifyingReader


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
