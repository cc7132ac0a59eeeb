"""The cache of remote files: capped, private, verified, safe for many at once."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import pickle
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.artifacts import cache as cache_module
from elliptio.artifacts import downloading
from elliptio.artifacts.cache import Cache
from elliptio.testing.stores import noise
from elliptio.testing.weather import Weather

KB = 1000


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def add(cache: Cache, data: bytes) -> str:
    cache.add(sha(data), len(data), lambda path: path.write_bytes(data))
    return sha(data)


def has(cache: Cache, sha256: str) -> bool:
    return cache.path(sha256).exists()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "own", 10 * KB)


# -- the folder -------------------------------------------------------------------------------------------------------


def test_the_least_recently_used_go_first(cache: Cache) -> None:
    names = []
    for number in range(4):
        names.append(add(cache, bytes([number]) * 2 * KB))
        os.utime(cache.path(names[-1]), (number, number))
    used = cache.open(names[0], 2 * KB)
    assert used is not None
    used.close()
    names.append(add(cache, b"x" * 3 * KB))
    assert [has(cache, name) for name in names] == [True, False, True, True, True]


def test_it_never_holds_more_than_its_cap(cache: Cache) -> None:
    for number in range(50):
        add(cache, noise(500 + 37 * number))
        assert sum(entry.size for entry in cache.entries()) <= 10 * KB
    large = add(cache, bytes(10 * KB))
    assert [entry.size for entry in cache.entries()] == [10 * KB]
    add(cache, bytes(10 * KB + 1))
    assert has(cache, large)


def test_it_takes_no_more_than_its_share_of_the_disk(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    first = add(cache, b"1" * 4 * KB)
    disk = cache_module.shutil.disk_usage(cache.folder)

    def usage(_: object) -> object:
        return disk._replace(free=10 * KB - sum(entry.size for entry in cache.entries()))

    monkeypatch.setattr(cache_module.shutil, "disk_usage", usage)
    second = add(cache, b"2" * 4 * KB)
    assert [has(cache, name) for name in (first, second)] == [False, True]


def test_a_lost_sum_is_counted_again(cache: Cache) -> None:
    for number in range(4):
        add(cache, bytes([number]) * 2 * KB)
    for text in ("", "nonsense", "99999999"):
        (cache.folder / "sha256" / "sum").write_text(text)
        add(cache, text.encode() + bytes(3 * KB))
        assert 3 * KB <= sum(entry.size for entry in cache.entries()) <= 10 * KB


def test_it_is_private(cache: Cache) -> None:
    add(cache, b"confidential")
    for path in (cache.folder / "sha256", *(cache.folder / "sha256").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    (cache.folder / "sha256").chmod(0o755)
    add(cache, b"more")
    assert stat.S_IMODE((cache.folder / "sha256").stat().st_mode) == 0o700


def test_a_folder_of_somebody_else_is_not_used(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    name = add(cache, b"planted")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert cache.open(name, 7) is None
    assert not has(cache, add(cache, b"new"))


def test_who_reads_is_not_disturbed_by_eviction(cache: Cache) -> None:
    data = noise(9 * KB)
    reader = cache.open(add(cache, data), len(data))
    assert reader is not None
    with reader:
        assert reader.read(10) == data[:10]
        assert not has(cache, sha(data)) or has(cache, add(cache, b"y" * 9 * KB))
        assert not has(cache, sha(data))
        assert reader.read() == data[10:]


def test_a_full_disk_costs_nothing_but_time(cache: Cache) -> None:
    def fill(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    cache.add(sha(b"x"), 1, fill)
    assert cache.entries() == []


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "cache", KB)
    assert not has(cache, add(cache, b"x"))
    assert cache.open(sha(b"x"), 1) is None
    assert (cache.entries(), cache.clear()) == ([], (0, 0))


def use(cache: Cache, seed: int) -> int:
    """Add and read as one of many; tell how many reads found wrong bytes."""
    wrong = 0
    for number in range(60):
        data = noise(200 + (seed * number) % 40 * 50)
        add(cache, data)
        found = cache.open(sha(data), len(data))
        if found is not None:
            with found:
                wrong += found.read() != data
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_many_processes_and_threads_share_it(cache: Cache, method: str) -> None:
    with multiprocessing.get_context(method).Pool(4) as pool, ThreadPoolExecutor(4) as threads:
        processes = pool.starmap_async(use, [(cache, seed) for seed in range(1, 5)])
        wrong = list(threads.map(lambda seed: use(cache, seed), range(3, 7)))
        assert wrong + processes.get(300) == [0] * 8
    # When what there is was last counted, each of the seven others may have been about to add up to 2,150 bytes.
    assert sum(entry.size for entry in cache.entries()) <= 10 * KB + 7 * 2150
    assert all(len(Path(entry.path).name) == 64 for entry in cache.entries())


def test_a_child_of_a_fork_does_not_keep_it_locked(cache: Cache) -> None:
    add(cache, b"first")
    with cache._locked_sum():
        child = os.fork()
        if not child:
            time.sleep(600)
            os._exit(0)
    try:
        add(cache, b"x")
        assert os.waitpid(child, os.WNOHANG) == (0, 0)  # it was not waited for
        assert has(cache, sha(b"x"))
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


# -- what goes through it ---------------------------------------------------------------------------------------------


def copies(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache").rglob("*") if len(path.name) == 64]


def test_the_second_download_asks_for_no_content(remote: eio.Handler, sky: Weather, data: Path, tmp_path: Path) -> None:
    saved = remote.upload(data)
    before = sky.requests["GetObject"]
    expected = {path.name: path.read_bytes() for path in data.iterdir()}
    for round_ in range(3):
        artifact = pickle.loads(pickle.dumps(saved)) if round_ == 1 else saved
        to = tmp_path / f"to-{round_}"
        assert {path.name: path.read_bytes() for path in artifact.download(to)} == expected
        assert artifact.files["train.txt"].download_string() == expected["train.txt"].decode()
        assert artifact.files["train.txt"].download(to / "again").read_bytes() == expected["train.txt"]
        with artifact.files["test.txt"].open() as file:
            assert file.read() == expected["test.txt"]
        assert sky.requests["GetObject"] - before == 2


def test_the_same_content_in_another_artifact_is_there(
    remote: eio.Handler, sky: Weather, data: Path, tmp_path: Path
) -> None:
    first, second = remote.upload(data), remote.upload(data / "train.txt")
    first.download(tmp_path / "first")
    file = remote.get(second.artifact_id).file
    before = sky.requests["GetObject"]
    assert file.download_string() == (data / "train.txt").read_text()
    assert sky.requests["GetObject"] == before


def test_what_was_read_as_text_is_kept_and_what_was_opened_is_not(
    remote: eio.Handler, sky: Weather, data: Path, tmp_path: Path
) -> None:
    files = remote.upload(data).files
    with files["test.txt"].open() as file:
        file.read()
    assert copies(tmp_path) == []
    files["train.txt"].download_string()
    assert [path.name for path in copies(tmp_path)] == [files["train.txt"].sha256]


def test_an_edited_download_harms_nobody(remote: eio.Handler, sky: Weather, data: Path, tmp_path: Path) -> None:
    file = remote.upload(data).files["train.txt"]
    before = sky.requests["GetObject"]
    with file.download(tmp_path / "mine").open("a") as mine:
        mine.write("my own")
    assert file.download(tmp_path / "other").read_bytes() == (data / "train.txt").read_bytes()
    assert sky.requests["GetObject"] - before == 1
    assert os.access(tmp_path / "other", os.W_OK)


@pytest.mark.parametrize("damage", ["flip", "cut", "grow"])
def test_a_damaged_copy_is_noticed_and_fetched_again(
    remote: eio.Handler, sky: Weather, data: Path, tmp_path: Path, damage: str
) -> None:
    file = remote.upload(data).files["train.txt"]
    content = (data / "train.txt").read_bytes()
    file.download_string()
    (copy,) = copies(tmp_path)
    reads = {
        "download": lambda: file.download(tmp_path / "to").read_bytes(),
        "download_string": lambda: file.download_string().encode(),
    }
    before = sky.requests["GetObject"]
    for number, read in enumerate(reads.values(), 1):
        copy.write_bytes({"flip": b"x" + content[1:], "cut": content[:-1], "grow": content + b"x"}[damage])
        assert read() == content
        assert copy.read_bytes() == content
        assert sky.requests["GetObject"] - before == number


@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "folder"])
def test_nothing_of_a_damaged_copy_is_handed_out(
    remote: eio.Handler, sky: Weather, data: Path, tmp_path: Path, damage: str
) -> None:
    file = remote.upload(data).files["train.txt"]
    content = (data / "train.txt").read_bytes()
    file.download_string()
    (copy,) = copies(tmp_path)
    copy.write_bytes({"flip": content[:-1] + b"x", "cut": content[:-1], "grow": content + b"x"}.get(damage, b""))
    if damage == "folder":
        copy.unlink()
        copy.mkdir()
    before = sky.requests["GetObject"]
    with file.open() as opened:
        opened.seek(-3, os.SEEK_END)
        assert opened.read() == content[-3:]
    assert sky.requests["GetObject"] > before
    assert file.download(tmp_path / "to").read_bytes() == content


def test_a_large_copy_is_not_read_for_a_few_bytes_of_it(
    remote: eio.Handler, sky: Weather, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "LARGEST_HASHED", 10)
    file = remote.upload(data).files["train.txt"]
    content = file.download_string().encode()
    before = sky.requests["GetObject"]
    with file.open() as opened:
        assert opened.read() == content
    assert sky.requests["GetObject"] == before + 1


def test_a_name_that_is_no_hash_leads_nowhere(cache: Cache, tmp_path: Path) -> None:
    add(cache, b"first")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    name = f"../{victim.name}"
    assert cache.path(name).resolve() == victim
    assert cache.open(name, 8) is None
    assert cache.open(name, 1) is None
    cache.remove(name)
    cache.add(name, 1, lambda path: path.write_bytes(b"x"))
    assert victim.read_text() == "precious"


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_a_cache_that_works(cache: Cache) -> None:
    for moment in (0.05, 0.15, 0.3):
        child = multiprocessing.get_context("fork").Process(target=lambda: [use(cache, seed) for seed in range(1, 99)])
        child.start()
        time.sleep(moment)
        child.kill()
        child.join()
    leftover = cache.folder / "sha256" / ".part-0123"
    leftover.write_bytes(bytes(9 * KB))
    os.utime(leftover, (1, 1))
    (cache.folder / "sha256" / "sum").unlink()
    assert has(cache, add(cache, noise(8 * KB)))
    assert not leftover.exists()
    assert sum(entry.size for entry in cache.entries()) <= 10 * KB
    for entry in cache.entries():
        path = Path(entry.path)
        assert path.name.startswith(".part-") or sha(path.read_bytes()) == path.name


def test_damage_in_the_store_is_not_kept(remote: eio.Handler, data: Path, tmp_path: Path) -> None:
    file = remote.upload(data).files["train.txt"]
    client = remote.store.client()  # type: ignore[attr-defined]
    bucket, _, key = file.remote_url.removeprefix("s3://").partition("/")
    client.put_object(Bucket=bucket, Key=key, Body=b"x" * (file.size or 0))
    for read in (file.download_string, lambda: file.download(tmp_path / "to")):
        with pytest.raises(eio.IntegrityError):
            read()
    assert copies(tmp_path) == []


def test_a_local_lake_has_none(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    local.upload(data).download(tmp_path / "to")
    assert not (tmp_path / "cache").exists()


def test_a_damaged_copy_is_said_in_the_log(
    remote: eio.Handler, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = remote.upload(data).files["train.txt"]
    file.download_string()
    (copy,) = copies(tmp_path)
    copy.write_bytes(b"x" * (file.size or 0))
    with caplog.at_level(logging.WARNING, "elliptio"):
        file.download_string()
    assert "in the cache is damaged; it is fetched again" in caplog.text


def test_verify_looks_at_the_store(remote: eio.Handler, data: Path) -> None:
    saved = remote.upload(data)
    saved.files["train.txt"].download_string()
    remote.store.remove(saved.files["train.txt"]._key)
    assert [problem.relpath for problem in remote.verify().problems] == ["files/train.txt"]
