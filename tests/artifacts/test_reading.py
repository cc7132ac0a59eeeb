"""Reading a little of a large file fetches a little."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.stores.s3 import readers as s3_readers
from elliptio.testing.stores import MIB, noise
from elliptio.testing.weather import Weather


@pytest.fixture
def large_zip(tmp_path: Path) -> Path:
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(10):
            archive.writestr(f"{number}.bin", noise(20 * MIB + number))
        archive.writestr("small.txt", "found")
    return path


def test_a_zip_of_200_mb_tells_what_it_holds_for_little(remote: eio.Handler, sky: Weather, large_zip: Path) -> None:
    file = remote.upload(large_zip).file
    sky.served.clear()
    with zipfile.ZipFile(file.open()) as archive:
        assert len(archive.namelist()) == 11
        assert archive.read("small.txt") == b"found"
    assert sky.served["GetObject"] < MIB


def test_the_footer_of_a_large_file_costs_a_few_ranges(remote: eio.Handler, sky: Weather, tmp_path: Path) -> None:
    data = noise(50 * MIB)
    path = tmp_path / "large"
    path.write_bytes(data)
    file = remote.upload(path).file
    sky.served.clear()
    before = sky.requests["GetObject"]
    with file.open() as opened:
        assert opened.read(4) == data[:4]
        opened.seek(-8, io.SEEK_END)
        assert opened.read() == data[-8:]
        opened.seek(25 * MIB)
        assert opened.read(100) == data[25 * MIB : 25 * MIB + 100]
    assert sky.requests["GetObject"] - before == 3
    assert sky.served["GetObject"] <= 3 * s3_readers.BUFFER


def test_reading_on_fetches_ahead_no_more_than_was_read(remote: eio.Handler, sky: Weather, tmp_path: Path) -> None:
    data = noise(50 * MIB)
    path = tmp_path / "large"
    path.write_bytes(data)
    file = remote.upload(path).file
    sky.served.clear()
    with file.open() as opened:
        read = b"".join(opened.read(100_000) for _ in range(60))
    assert read == data[: len(read)]
    time.sleep(0.5)
    assert sky.served["GetObject"] <= 3 * len(read) + s3_readers.WIDEST
    assert sky.requests["GetObject"] < 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_reads_on_where_its_parent_was(remote: eio.Handler, tmp_path: Path) -> None:
    data = noise(30 * MIB)
    path = tmp_path / "large"
    path.write_bytes(data)
    with remote.store.open(remote.upload(path).file._key, whole=True) as opened:
        assert opened.read(2 * MIB) == data[: 2 * MIB]
        child = os.fork()
        if not child:
            os._exit(0 if opened.read() == data[2 * MIB :] else 1)
        assert opened.read() == data[2 * MIB :]
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
