"""Downloads of whole artifacts: several files at once, large ones in several ranges, all verified."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.stores.s3 import readers as s3_readers
from elliptio.system import progress
from elliptio.testing.stores import MIB, noise
from elliptio.testing.weather import Weather, corrupt, delay


@pytest.fixture
def remote(no_cache: None, remote: eio.Handler) -> eio.Handler:
    return remote


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    for number in range(60):
        path = folder / str(number % 3) / f"{number:02}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise(1_000 + number))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_files_come_in_their_order(h: eio.Handler, many: Path, tmp_path: Path) -> None:
    artifact = h.upload(many)
    to = tmp_path / "to"
    assert artifact.download(to) == [to / name for name in artifact.files]
    assert contents(to) == contents(many)


def test_several_files_come_at_once(remote: eio.Handler, sky: Weather, many: Path, tmp_path: Path) -> None:
    artifact = remote.upload(many)
    sky.fail(delay(0.2), "GetObject")
    sky.most_at_once = 0
    artifact.download(tmp_path / "to")
    assert sky.most_at_once >= 3


def test_the_first_that_fails_stops_the_others(remote: eio.Handler, sky: Weather, many: Path, tmp_path: Path) -> None:
    artifact = remote.upload(many)
    before = sky.requests["GetObject"]
    sky.fail(corrupt("response"), "GetObject", when=lambda request: request.path.endswith("00.bin"))
    sky.fail(delay(0.3), "GetObject", when=lambda request: not request.path.endswith("00.bin"))
    with pytest.raises(eio.IntegrityError, match=r"00\.bin is damaged"):
        artifact.download(tmp_path / "to")
    assert sky.requests["GetObject"] - before <= remote.store.concurrency + 2
    got = contents(tmp_path / "to")
    assert got.items() <= contents(many).items()
    assert "0/00.bin" not in got


def test_one_that_is_gone_stops_the_others(h: eio.Handler, many: Path, tmp_path: Path) -> None:
    artifact = h.upload(many)
    h.store.remove(artifact.files["1/40.bin"]._key)
    with pytest.raises(eio.MissingKeyError, match=r"40\.bin"):
        artifact.download(tmp_path / "to")
    assert contents(tmp_path / "to").items() <= contents(many).items()


def test_one_bar_for_all(local: eio.Handler, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, str, bool]] = []
    moved: list[int] = []

    class Bar(progress.Progress):
        def __init__(self, total: int, what: str, *, enabled: bool = True) -> None:
            super().__init__(total, what, enabled=enabled)
            seen.append((total, what, enabled))

        def advance(self, size: int) -> None:
            moved.append(size)

    monkeypatch.setattr("elliptio.artifacts.file.Progress", Bar)
    total = sum(len(data) for data in contents(many).values())
    local.upload(many).download(tmp_path / "to")
    quiet = eio.Handler(local.store.root, progress=False)
    quiet.get(local.upload(many)).download(tmp_path / "again")
    assert seen == [(total, "Getting", True), (total, "Getting", False)]
    assert sum(moved) == 2 * total


def test_files_of_a_block_can_be_downloaded_before_it_ends(local: eio.Handler, tmp_path: Path) -> None:
    with local.new(["a", "b"]) as new:
        new.files["a"].upload_string("A")
        new.files["b"].upload_string("B")
        new.download(tmp_path / "to")
        assert contents(tmp_path / "to") == {"a": b"A", "b": b"B"}
        assert new.files["a"].download_string() == "A"


def test_a_large_file_comes_in_ranges_at_once(remote: eio.Handler, sky: Weather, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(noise(60 * MIB))
    file = remote.upload(large).file
    sky.served.clear()
    sky.requests.clear()
    sky.fail(delay(0.5), "GetObject")
    sky.most_at_once = 0
    assert file.download(tmp_path / "to").read_bytes() == large.read_bytes()
    assert sky.most_at_once >= 2
    assert sky.requests["GetObject"] >= 60 * MIB // s3_readers.WIDEST
    assert sky.served["GetObject"] == 60 * MIB


MEMORY = """
    import sys
    import elliptio as eio

    def peak():
        return int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) >> 10

    h = eio.Handler(sys.argv[1], progress=False)
    saved = h.upload(sys.argv[2])
    print(peak())
    saved.download(sys.argv[3])
    print(peak())
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tells its peak on Linux only")
@pytest.mark.parametrize(("count", "size", "most"), [(1, 400 * MIB, 150), (12, 30 * MIB, 240)], ids=["one", "many"])
def test_memory_stays_bounded(s3_root: str, tmp_path: Path, count: int, size: int, most: int) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(count):
        (source / str(number)).write_bytes(os.urandom(size))
    arguments = [sys.executable, "-c", textwrap.dedent(MEMORY), s3_root, str(source), str(tmp_path / "to")]
    environ = {**os.environ, "ELLIPTIO_CACHE_SIZE": "0"}
    run = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environ)
    peaks = [int(line) for line in run.stdout.split()]
    assert contents(tmp_path / "to") == contents(source)
    assert max(peaks) < most, peaks
