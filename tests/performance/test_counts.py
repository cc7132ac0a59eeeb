"""Holds what elliptio does by counts that do not depend on the machine; `make bench` measures how long it takes.

Each number says why it is what it is. Where a change makes one smaller, lower it here, so that it stays so.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from benchmarks import lakes
from benchmarks.place import Place
from elliptio.finding import frame, search
from elliptio.finding.options import Unasked
from elliptio.indexes.sqlite import candidates, connection
from elliptio.indexes.sqlite.index import SqliteIndex
from elliptio.lake.checks import _check_packages
from elliptio.testing.servers import S3Server
from elliptio.testing.weather import weather_proxy
from tests.performance.counting import CountingIndex, calls_of, counted, flushes, hook, sqlite_steps

__all__ = ["flushes"]
MB = 1 << 20


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def modules_loaded_by(code: str) -> set[str]:
    """Modules that code adds to those of an interpreter that does nothing."""
    script = (
        "import sys; before = set(sys.modules)\n{}\nimport json; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    return set(json.loads(run(script.format(code)).splitlines()[-1])) - {
        "json",
        "json.decoder",
        "json.scanner",
        "_json",
    }


# --- starting ---


def test_import_loads_almost_nothing() -> None:
    """Itself, and what `importlib` and `typing` need of the standard library, which is about 30 modules."""
    loaded = modules_loaded_by("import elliptio")
    assert [name for name in loaded if name.startswith("elliptio")] == ["elliptio"]
    assert len(loaded) <= 36, sorted(loaded)


def test_help_loads_no_index_no_store_and_nothing_heavy() -> None:
    loaded = modules_loaded_by("""
import contextlib, io
from elliptio.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["--help"])
""")
    heavy = {"pandas", "numpy", "bson", "pymongo", "sqlite3", "boto3", "obstore", "git", "tqdm", "http", "email"}
    assert not {name.split(".")[0] for name in loaded} & heavy
    # From 3.13 on Python loads some more for itself.
    assert len(loaded) <= (127 if sys.version_info < (3, 13) else 133), sorted(loaded)


def test_a_handler_loads_only_what_every_verb_needs(tmp_path: Path) -> None:
    """What draws, compares, verifies and turns values into files is loaded by the verbs that do so."""
    loaded = modules_loaded_by(f"import elliptio as eio; eio.Handler({str(tmp_path / 'lake')!r})")
    rooms = ("elliptio.lineage", "elliptio.formats", "elliptio.lake.upkeep.")
    assert not {name for name in loaded if name.startswith(rooms)}
    assert not {"ctypes", "csv", "zipfile", "multiprocessing", "pandas", "git"} & loaded


def test_the_view_loads_only_what_its_first_page_needs() -> None:
    """Other pages, previews, and what reads packages as archives come when they are asked for."""
    pytest.importorskip("uvicorn")
    loaded = modules_loaded_by("import elliptio.ui.serving, elliptio.ui.pages.artifacts")
    pages = {name for name in loaded if name.startswith(("elliptio.ui.pages.", "elliptio.ui.previews"))}
    assert pages == {f"elliptio.ui.pages.{name}" for name in ("artifacts", "paging", "rows", "times", "views")}
    rooms = ("elliptio.lineage", "elliptio.formats", "elliptio.pipelines", "elliptio.models", "elliptio.flows")
    assert not {name for name in loaded if name.startswith(rooms)}
    assert not {"pandas", "numpy", "pyarrow", "PIL", "git", "zipfile", "csv", "importlib.resources"} & loaded


# --- saving to a folder ---


@pytest.fixture
def asked(tmp_path: Path) -> CountingIndex:
    hook()
    return CountingIndex(SqliteIndex(tmp_path / "lake" / ".elliptio" / "index.sqlite"))


@pytest.fixture
def h(tmp_path: Path, asked: CountingIndex, data: Path) -> eio.Handler:
    """A handler that has saved and loaded before: its connections are open, its environment is recorded."""
    handler = eio.Handler(tmp_path / "lake", index=asked, progress=False)
    for _ in range(2):
        handler.upload(data / "train.txt")
    asked.asked.clear()
    return handler


def test_a_small_save_touches_each_thing_once(h: eio.Handler, data: Path, flushes: Counter[str]) -> None:
    with counted() as counts, sqlite_steps() as steps:
        h.upload(data / "test.txt")
    assert counts.opens("test.txt") == 2  # the source, and its copy: neither is read again to be hashed
    assert counts.opens("metadata.json") == 1
    # Besides these: the staging folder (its lock), and two folders to be flushed.
    assert len(counts.opened) <= 6, counts.opened
    # Folders: staging and files/. The folder of the day and the user is there already.
    assert counts.events["os.mkdir"] <= 2
    assert counts.events["os.rename"] == 1  # what makes it visible
    assert counts.events["os.link"] == counts.events["os.remove"] == 0  # no file is made to be removed
    # Where documents wait for the index; what was staged is known. Packages, where a folder of theirs was just changed.
    assert counts.events["os.listdir"] + counts.events["os.scandir"] <= 2
    assert counts.events["subprocess.Popen"] == 0  # no repository here, so git is not asked
    # Before the rename everything at once, after it the folder; SQLite's own flush is not seen here.
    assert flushes.total() <= 2, flushes
    # A transaction and who waits for it, the document, its number, one key a path: 20 of a document with labels.
    assert steps["statements"] <= 24


def test_a_save_asks_the_index_once(h: eio.Handler, asked: CountingIndex, data: Path) -> None:
    h.upload(data / "train.txt")
    assert asked.asked == {"insert artifacts": 1}


def test_a_small_save_looks_at_few_things(h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its source is, what that is, and how large; the way to the lake is resolved only for folders."""
    looks: Counter[str] = Counter()

    def counting(look: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
        def counted_look(path: object, **options: Any) -> os.stat_result:
            looks[str(path)] += 1
            return look(path, **options)

        return counted_look

    for name in ("stat", "lstat"):
        monkeypatch.setattr(os, name, counting(getattr(os, name)))
    h.upload(data / "test.txt")
    assert looks[str(data / "test.txt")] <= 3
    assert looks[str(h.store.root)] == 0
    repository = {path: count for path, count in looks.items() if path.endswith(".git")}
    assert set(repository.values()) == {1}  # not again for the program where that lies around the working directory


def test_many_files_cost_no_more_flushes_and_two_opens_each(
    h: eio.Handler, tmp_path: Path, asked: CountingIndex, flushes: Counter[str]
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number}.bin").write_bytes(bytes([number]) * 4096)
    with counted() as counts:
        h.upload(folder)
    inside = [path for path in counts.opened if path.endswith(".bin")]
    assert len(inside) == 2 * 200  # each source and each copy, once
    assert len(counts.opened) - len(inside) <= 6
    assert flushes["syncfs"] + flushes["fsync"] <= 2 or not sys.platform.startswith("linux")
    assert asked.asked == {"insert artifacts": 1}


def test_values_are_hashed_while_they_are_written(h: eio.Handler) -> None:
    h.save("first", "a.txt")
    with counted() as counts:
        h.save("x" * 5_000_000, "a.txt")
        h.save_many([("one", "b.txt"), ({"rate": 0.1}, "b.json")])
    assert (counts.opens("a.txt"), counts.opens("b.txt"), counts.opens("b.json")) == (1, 1, 1)


def test_many_values_ask_the_index_as_often_as_one(h: eio.Handler, asked: CountingIndex) -> None:
    """What they are based on is looked up once, and whether that was deleted."""
    h.tag(h.save("raw", "raw.txt").artifact_id, "raw")
    found = []
    for number in (1, 20):
        asked.asked.clear()
        h.save_many([(str(each), "a.txt") for each in range(number)], based_on="tag:raw")
        found.append(dict(asked.asked))
    assert found[0] == found[1]


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux tells how much a process has read")
def test_a_source_is_read_once_and_written_once(h: eio.Handler, tmp_path: Path) -> None:
    source = tmp_path / "large.bin"
    source.write_bytes(os.urandom(16 * MB))

    def moved() -> dict[str, int]:
        lines = Path("/proc/self/io").read_text().splitlines()
        return {name: int(value) for name, _, value in (line.partition(": ") for line in lines)}

    before = moved()
    h.upload(source)
    after = moved()
    assert 16 * MB <= after["rchar"] - before["rchar"] <= 17 * MB
    assert 16 * MB <= after["wchar"] - before["wchar"] <= 17 * MB


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one process")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A file of 256 MB passes through buffers; 24 MB are a few of them and what threads need."""
    small, large = tmp_path / "small.bin", tmp_path / "large.bin"
    for path, size in ((small, 1000), (large, 256 * MB)):
        with open(path, "wb") as file:
            file.truncate(size)

    def peak(source: Path) -> int:
        code = f"""
import elliptio, re
h = elliptio.Handler({str(tmp_path / "lake")!r}, progress=False, durability="fast")
h.get(h.upload({str(source)!r}).artifact_id).file.download({str(tmp_path / "copy.bin")!r})
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""
        return int(run(code)) >> 10

    assert peak(large) - peak(small) <= 24


# --- reading from a folder ---


def test_get_and_read_ask_once_and_open_one_file(h: eio.Handler, asked: CountingIndex) -> None:
    artifact_id = h.find(max_docs=0).index[0]
    h.get(artifact_id)
    asked.asked.clear()
    with counted() as counts, sqlite_steps() as steps:
        h.get(artifact_id).file.download_string()
    assert asked.asked == {"find artifacts": 1}
    assert counts.opens("train.txt") == len(counts.opened) == 1
    assert steps["statements"] <= 3  # which collection, whether its document is there, and the document


def test_find_asks_once_and_counts_only_where_more_match(h: eio.Handler, asked: CountingIndex) -> None:
    with counted() as counts:
        h.find(max_docs=2)
    assert asked.asked == {"find artifacts": 1}
    assert [path for path in counts.opened if str(h.store.root) in path] == []
    asked.asked.clear()
    with pytest.warns(eio.TruncatedWarning):
        h.find(max_docs=Unasked(1))
    assert asked.asked == {"find artifacts": 1, "count artifacts": 1}


@pytest.mark.slow
def test_rows_of_very_many_artifacts_take_little_room(
    filled: dict[int, eio.Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No document stays in memory, no text is there twice, and neither is a column.

    A document of these takes more than 6,000 bytes. A million rows are to fit into 1.5 GB, 0.13 of it for the process.
    """
    # What is there for a moment, and does not grow with the number of rows, is made small.
    for module, name, number in (
        (connection, "_MOST_ROWS", 32),
        (search, "_FEW", 0),
        (search, "_MOST_KNOWN", 64),
        (frame, "_MANY", 500),
    ):
        monkeypatch.setattr(module, name, number)
    h = filled[MANY]
    peaks = {}
    for rows in (7, MANY // 2, MANY):
        gc.collect()
        tracemalloc.start()
        try:
            assert len(h.find(max_docs=rows)) == rows
            _, peaks[rows] = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (peaks[MANY] - peaks[MANY // 2]) / (MANY // 2) <= 1370


def test_packages_are_checked_without_a_call_for_each() -> None:
    """Each `get` comes by, and there may be hundreds in an environment."""
    calls = {}
    for count in (1, 500):
        environment = {"python_packages": {f"package-{number}": "1.0" for number in range(count)}}
        calls[count] = calls_of(lambda environment=environment: _check_packages(environment, "it"))
    assert calls[500] == calls[1]


FEW, MANY = 200, 2000
QUESTIONS: dict[str, Callable[[eio.Handler, int], object]] = {
    "newest": lambda h, count: h.find(max_docs=7),
    "label": lambda h, count: h.find({"labels.ticket": "T-77"}),
    "based_on": lambda h, count: h.find({"based_on": lakes.artifact_id(77)}),
    "hash of a file": lambda h, count: h.find({"files.sha256": lakes.sha256_of(77)}),
    "id": lambda h, count: h.get(lakes.artifact_id(77)),
    "artifact_id": lambda h, count: h.find({"artifact_id": lakes.artifact_id(77)}),
    "some of what all have": lambda h, count: h.find(
        {"artifact_id": {"$in": [lakes.artifact_id(77), "artifact_none"]}, "file_relpaths": "one.txt"}
    ),
    "user": lambda h, count: h.find({"username": "user3"}, max_docs=7),
    "user and time": lambda h, count: h.find(
        {"username": "user3", "creation_time": {"$gte": lakes.START + timedelta(seconds=count // 2)}}, max_docs=2
    ),
    "user and an old label": lambda h, count: h.find({"username": "user3", "labels.ticket": "T-3"}, max_docs=1),
    "what is not there": lambda h, count: h.find({"username": "nobody"}),
}


@pytest.mark.slow
def test_reading_many_never_walks_them_for_cycles(filled: dict[int, eio.Handler]) -> None:
    h = filled[2000]
    newest = h.latest().artifact_id
    h.lineage(newest, direction="up", depth=1)  # so that nothing is imported while passes are counted
    passes = []
    gc.callbacks.append(lambda phase, info: passes.append((phase, info["generation"])))
    try:
        found = h.search(max_docs=0)
        chain = h.lineage(newest, direction="up")
    finally:
        gc.callbacks.pop()
    assert (len(found.ids), len(chain.ancestors)) == (2000, 1999)
    assert len(passes) <= 4, passes  # without: some 80


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[int, eio.Handler]:
    hook()
    found = {}
    for count in (FEW, MANY):
        folder = tmp_path_factory.mktemp("filled")
        found[count] = lakes.filled(Place(folder, folder, documents=count))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_what_an_index_serves_costs_the_same_among_many(
    filled: dict[int, eio.Handler], question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps of SQLite's machine: ten times the artifacts may make its trees a level deeper, no more."""
    monkeypatch.setattr(search, "MOST_COUNTED", 3)
    monkeypatch.setattr(candidates, "_RARE", 20)
    steps = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", eio.TruncatedWarning)
        for count, h in filled.items():
            QUESTIONS[question](h, count)
            with sqlite_steps() as found:
                QUESTIONS[question](h, count)
            steps[count] = found["steps"]
    assert 0 < steps[MANY] <= 1.2 * steps[FEW] + 100  # rows are read a few at a time


@pytest.mark.slow
def test_a_save_costs_the_same_among_many(filled: dict[int, eio.Handler], data: Path) -> None:
    steps = {}
    for count, h in filled.items():
        h.upload(data / "train.txt")
        with sqlite_steps() as found:
            h.upload(data / "train.txt")
        steps[count] = found["steps"]
    assert 0 < steps[MANY] <= 1.2 * steps[FEW] + 20


# --- S3 ---


def test_requests_to_s3(s3_root: str, s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    """In an open session: one request for each file, one for the manifest, and one that looks whether all is there."""
    with weather_proxy(s3_environment.endpoint_url) as weather:
        monkeypatch.setenv("AWS_ENDPOINT_URL", weather.endpoint_url)
        h = eio.Handler(s3_root, progress=False)
        h.upload(data / "train.txt")

        def requests(action: Callable[[], object]) -> Counter[str]:
            weather.requests.clear()
            action()
            return Counter(weather.requests)

        assert requests(lambda: h.upload(data / "train.txt")) == {"PutObject": 2, "ListObjects": 1}
        assert requests(lambda: h.upload(data)) == {"PutObject": 3, "ListObjects": 1}
        artifact = h.get(h.find().index[0])
        assert requests(lambda: h.find()) == {}
        assert requests(lambda: h.get(artifact.artifact_id)) == {}
        downloading = requests(lambda: artifact.files["train.txt"].download(data / "copy.txt"))
        assert downloading["GetObject"] == 1
        assert downloading.total() <= 2  # a file is looked up before it is read
