"""SqliteIndex: shared by users, replaced while open, across forks, on network drives, locked by others."""

from __future__ import annotations

import logging
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from elliptio.errors import IndexUnavailableError
from elliptio.indexes.query.ordering import sort_documents
from elliptio.indexes.query.predicate import compile_query
from elliptio.indexes.sqlite import candidates, failures
from elliptio.indexes.sqlite import connection as sqlite_connection
from elliptio.indexes.sqlite import index as sqlite_index
from elliptio.indexes.sqlite.index import SqliteIndex
from elliptio.protocols import Sort
from tests.performance.counting import hook, sqlite_steps

NOBODY = 65534


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    index = SqliteIndex(tmp_path / "index.sqlite", durable=False)
    yield index
    index.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may reach; those of pytest are private."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def as_nobody(action: Callable[[], object]) -> str:
    """What `action` returns or raises in a process of another user."""
    if not hasattr(os, "fork") or os.geteuid():
        pytest.skip("only root can act as another user")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            result = repr(action())
        except BaseException as error:
            result = f"{type(error).__name__}: {error}"
        os.write(writing, result.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as file:
        told = file.read()
    os.waitpid(child, 0)
    return told


def ids(index: SqliteIndex, query: dict[str, Any] | None = None) -> list[str]:
    return sorted(document["_id"] for document in index.find("artifacts", query or {}))


@pytest.mark.parametrize(("umask", "expected"), [(0o000, 0o666), (0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_permissions_follow_the_umask(index: SqliteIndex, umask: int, expected: int) -> None:
    before = os.umask(umask)
    try:
        index.insert("artifacts", {"_id": "x"})
    finally:
        os.umask(before)
    for name in ("", "-wal", "-shm"):
        assert stat.S_IMODE(os.stat(f"{index.path}{name}").st_mode) == expected


def test_another_user_may_write_where_the_umask_allows(open_folder: Path) -> None:
    before = os.umask(0)
    try:
        mine = SqliteIndex(open_folder / "index.sqlite")
        mine.insert("artifacts", {"_id": "mine"})
        theirs = SqliteIndex(mine.path)
        assert as_nobody(lambda: (theirs.insert("artifacts", {"_id": "theirs"}) == 1, ids(theirs))) == (
            "(True, ['mine', 'theirs'])"
        )
        assert ids(mine) == ["mine", "theirs"]
        mine.close()
    finally:
        os.umask(before)


@pytest.mark.slow
@pytest.mark.parametrize("folder_mode", [0o755, 0o777])
@pytest.mark.parametrize("still_open", [False, True])
def test_who_may_only_read_can_find(open_folder: Path, folder_mode: int, still_open: bool) -> None:
    mine = SqliteIndex(open_folder / "index.sqlite")
    mine.insert("artifacts", *({"_id": f"{number:04}", "username": "andy"} for number in range(2000)))
    if not still_open:
        mine.close()
    mine.path.chmod(0o644)
    open_folder.chmod(folder_mode)
    theirs = SqliteIndex(mine.path)

    def counted() -> tuple[int, ...]:
        return len(ids(theirs)), theirs.count("artifacts", {"username": "andy"}), len(ids(theirs, {"_id": "0007"}))

    assert as_nobody(counted) == "(2000, 2000, 1)"
    refused = as_nobody(lambda: theirs.insert("artifacts", {"_id": "x"}))
    assert refused.startswith("IndexUnavailableError")
    assert "may not be changed" in refused
    mine.path.chmod(0o600)
    assert as_nobody(lambda: ids(theirs)).startswith("IndexUnavailableError")
    mine.close()


def test_a_reader_goes_on_to_write(index: SqliteIndex) -> None:
    other = SqliteIndex(index.path)
    index.insert("artifacts", {"_id": "a"})
    index.close()
    assert ids(other) == ["a"]
    assert other.insert("artifacts", {"_id": "b"})
    assert ids(other) == ["a", "b"]
    other.close()


@pytest.mark.parametrize("replace", [False, True])
def test_a_file_that_was_removed_or_replaced_is_noticed(
    index: SqliteIndex, caplog: pytest.LogCaptureFixture, replace: bool
) -> None:
    # In another order, so that the paths of the two files have different numbers.
    documents: list[dict[str, Any]] = [
        {"_id": "1", "username": "andy", "labels": {"b": 1}},
        {"_id": "2", "username": "andy", "labels": {"a": 1, "b": 1}},
    ]
    index.insert("artifacts", documents[0])
    kept = ["2"]
    if replace:
        other = SqliteIndex(index.path.with_name("other"))
        other.insert("artifacts", {"_id": "0", "labels": {"a": 1}})
        other.close()
        # Whoever replaces a database replaces its journal too: SQLite would apply it to any file of that name.
        for name in ("-wal", "-shm"):
            os.unlink(f"{index.path}{name}")
        os.replace(other.path, index.path)
        kept = ["0", "2"]
    else:
        index.path.unlink()
        assert ids(index) == []
    assert index.insert("artifacts", documents[1])
    assert "reindex" in caplog.text
    fresh = SqliteIndex(index.path)
    for one in (index, fresh):
        assert ids(one) == kept
        assert ids(one, {"labels.b": 1, "username": "andy"}) == ["2"]
        assert ids(one, {"labels.a": 1}) == kept
    fresh.close()


@pytest.mark.slow
def test_a_reader_who_takes_its_time_survives_closing_and_forks(index: SqliteIndex) -> None:
    index.insert("artifacts", *({"_id": f"{number:04}"} for number in range(3000)))
    slow, slower = index.find("artifacts", {}), index.find("artifacts", {})
    seen = [next(slow)["_id"]]
    seen_slowly = [next(slower)["_id"]]
    child = os.fork() if hasattr(os, "fork") else 1
    if not child:
        rest = [document["_id"] for document in slow]
        os._exit(0 if len(rest) == 2999 and index.insert("artifacts", {"_id": "child"}) else 1)
    assert os.waitpid(child, 0)[1] == 0
    seen += [document["_id"] for document in slow]
    index.close()
    seen_slowly += [document["_id"] for document in slower]
    assert sorted(seen) == sorted(seen_slowly) == [f"{number:04}" for number in range(3000)]
    assert index.count("artifacts", {}) == 3001


FORKING = """
    import os, pathlib, sys, threading, time
    import elliptio as eio
    h = eio.Handler(sys.argv[1], durability="fast", progress=False)
    source = pathlib.Path(sys.argv[2])
    h.upload(source)
    done = threading.Event()
    uploads = []
    def save():
        while not done.is_set():
            uploads.append(h.upload(source))
    threads = [threading.Thread(target=save) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(int(sys.argv[3])):
        child = os.fork()
        if not child:
            h.upload(source)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    done.set()
    for thread in threads:
        thread.join()
    print(h.index.count("artifacts", {}) - len(uploads) - 1)
    """


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_children_save_while_their_parent_does(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 1024)
    forks = 1000 if "ELLIPTIO_TORTURE" in os.environ else 50
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORKING), tmp_path / "lake", tmp_path / "x", str(forks)],
        capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert (run.returncode, run.stderr, run.stdout) == (0, "", f"{forks}\n")


def test_many_identifiers_are_looked_up(index: SqliteIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who follows a lineage asks for a thousand at once: no other document is read for that."""
    index.insert("artifacts", *({"_id": f"artifact_{number}", "username": "andy"} for number in range(3000)))
    wanted = {f"artifact_{number}" for number in range(0, 3000, 3)}
    read = 0

    def decode(body: bytes) -> dict[str, Any]:
        nonlocal read
        read += 1
        return candidates.decode(body)

    monkeypatch.setattr("elliptio.indexes.sqlite.index.decode", decode)
    by_id = {"_id": {"$in": [*wanted, "artifact_none"]}}
    assert {found["_id"] for found in index.find("artifacts", by_id)} == wanted
    assert {found["_id"] for found in index.find("artifacts", {**by_id, "username": "andy"})} == wanted
    assert index.count("artifacts", by_id) == len(wanted)
    assert read == 2 * len(wanted)


def test_a_range_is_counted_by_its_rows(index: SqliteIndex) -> None:
    """Which documents were counted is only remembered where one may have several rows."""
    hook()
    index.insert("artifacts", *({"_id": f"a{number}", "username": f"u{number:03}"} for number in range(500)))
    query, steps = {"username": {"$gte": "u100"}}, []
    for expected in (400, 401):
        with sqlite_steps() as found:
            assert index.count("artifacts", query) == expected
        steps.append(found["steps"])
        index.insert("artifacts", {"_id": "several", "username": ["u200", "u300", "u900"]})
    assert steps[0] < 0.85 * steps[1]


@pytest.mark.slow
@pytest.mark.parametrize("clauses", [60, 1200])
def test_many_conditions_at_once(index: SqliteIndex, clauses: int) -> None:
    index.insert("artifacts", *({"_id": str(n), "username": "u", "tags": [str(n)]} for n in range(10)))
    many: list[dict[str, Any]] = [{"username": {"$in": ["u", *map(str, range(clauses // 3))]}} for _ in range(clauses)]
    query = {"$and": [*many, {"tags": "7"}]}
    assert ids(index, query) == ["7"]
    assert index.count("artifacts", query) == 1
    assert index.count("artifacts", {"$and": [{"_id": {"$gte": ""}}] * clauses}) == 10


def test_no_shared_memory_on_network_drives(
    index: SqliteIndex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_connection, "network_file_system", lambda folder: "nfs4")
    index.insert("artifacts", *({"_id": str(number)} for number in range(100)))
    other = SqliteIndex(index.path)
    # A reader in the middle keeps nobody from writing.
    reader = other.find("artifacts", {})
    next(reader)
    monkeypatch.setattr(failures, "BUSY_SECONDS", 1.0)
    assert index.insert("artifacts", {"_id": "x"})
    assert other.insert("artifacts", {"_id": "y"})
    assert len(list(reader)) == 99
    assert [path.name for path in index.path.parent.glob("index*")] == ["index.sqlite"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "nfs4" in caplog.text
    assert "mongodb://" in caplog.text
    other.close()


HAMMERING = """
    import sys, threading
    from elliptio.indexes.sqlite.index import SqliteIndex
    index = SqliteIndex(sys.argv[1], durable=False)

    def write(thread):
        for number in range(10**9):
            index.insert("artifacts", {"_id": f"{thread} {number}", "username": "u" * 200})

    for thread in range(3):
        threading.Thread(target=write, args=(thread,), daemon=True).start()
    print("hammering", flush=True)
    sys.stdin.read()
    """


@pytest.mark.slow
def test_who_writes_now_and_then_gets_a_turn_beside_who_writes_without_a_pause(
    index: SqliteIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks often, and not in step with others."""
    index.insert("artifacts", {"_id": "first"})
    waits: list[float] = []
    sleep = time.sleep
    here = threading.get_ident()

    def waited(seconds: float) -> None:
        if threading.get_ident() == here:  # what others do in this process is their own
            waits.append(seconds)
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", waited)
    command = [sys.executable, "-c", textwrap.dedent(HAMMERING), index.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hammering:
        try:
            assert hammering.stdout is not None
            assert hammering.stdout.readline() == "hammering\n"
            for number in range(120):
                sleep(0.02)
                index.insert("artifacts", {"_id": str(number)})
        finally:
            hammering.kill()
    # Looking every 100 ms, as SQLite does, took 10 to 20 seconds, the slowest of them 2 to 6.
    assert waits
    assert max(waits) <= 0.005
    assert len(set(waits)) > len(waits) // 2


LOCKING = """
    import sqlite3, sys, time
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
    """


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.5, 600])
def test_waits_for_a_lock_and_says_who_has_it(
    index: SqliteIndex, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    index.insert("artifacts", {"_id": "a"})
    index.close()
    monkeypatch.setattr(failures, "BUSY_SECONDS", 1.0 if seconds > 1 else 120.0)
    command = [sys.executable, "-c", textwrap.dedent(LOCKING), index.path, str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as locker:
        try:
            assert locker.stdout is not None
            assert locker.stdout.readline() == "locked\n"
            if seconds < 1:
                assert index.insert("artifacts", {"_id": "b"})
                return
            with pytest.raises(IndexUnavailableError, match="stayed locked for 1 seconds") as caught:
                index.insert("artifacts", {"_id": "b"})
            assert locker.poll() is None  # said while it is locked
            if sys.platform.startswith("linux"):
                assert f"process {locker.pid} (python" in str(caught.value)
        finally:
            locker.kill()


def test_a_path_under_a_wildcard_is_walked_in_order(index: SqliteIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    made = random.Random(0)
    fields: list[dict[str, Any]] = [{"x": made.randrange(1000)} for _ in range(2990)]
    fields += [{"x": "text"}, {"x": float("nan")}, {"x": None}, {"x": {"y": 1}}, {}]
    documents = [
        {"_id": f"a{n:04}", "creation_time": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(n), "model": {"fields": each}}
        for n, each in enumerate(fields)
    ]
    index.insert("artifacts", *documents)
    read = 0

    real = candidates.decode

    def counted(body: bytes) -> dict[str, Any]:
        nonlocal read
        read += 1
        return dict(real(body))

    monkeypatch.setattr(candidates, "decode", counted)
    monkeypatch.setattr(sqlite_index, "decode", counted)

    numbers = [each for each in documents if type(each["model"]["fields"].get("x")) in (int, float)]
    for direction in (1, -1):
        order: Sort = [("model.fields.x", direction), ("_id", 1)]
        asked = {"model.fields.x": {"$type": "number"}}
        read = 0
        found = [each["_id"] for each in index.find("artifacts", asked, sort=order, limit=7)]
        assert found == [each["_id"] for each in sort_documents(numbers, order, 7)]
        assert read < 50
        # Where nothing says that all have it, they are read: who has no value comes first.
        found = [each["_id"] for each in index.find("artifacts", {}, sort=order, limit=7)]
        assert found == [each["_id"] for each in sort_documents(documents, order, 7)]


def test_the_newest_of_a_wide_range_take_no_reading_of_it(index: SqliteIndex) -> None:
    moment, steps = datetime(2026, 1, 1, tzinfo=UTC), list[int]()
    for count in (2000, 6000):
        documents = [
            {"_id": f"a{n:04}", "creation_time": moment + timedelta(n), "username": "b", "labels": {"x": n % 9}}
            for n in range(count)
        ]
        index.insert("artifacts", *documents)
        asked = {"username": "b", "labels.x": {"$gt": 3}}
        with sqlite_steps() as found:
            newest = list(index.find("artifacts", asked, sort=[("creation_time", -1)], limit=7))
        assert [each["_id"] for each in newest] == [f"a{n:04}" for n in range(count - 1, 0, -1) if n % 9 > 3][:7]
        steps.append(found["steps"])
    assert steps[1] < 1.2 * steps[0]


@pytest.mark.parametrize("condition", [{"$gt": 3}, {"$lt": 3}, {"$gte": 1, "$lt": 3}, {"$gt": 2900}, {"$gt": -1}])
@pytest.mark.parametrize("limit", [1, 7, 150, 400])
def test_a_range_in_order_is_exact_however_it_is_read(
    index: SqliteIndex, condition: dict[str, int], limit: int
) -> None:
    """Wide and narrow ranges, of old documents only too, and many of one moment where a look at the first ends."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    documents = [
        {"_id": f"a{n:04}", "creation_time": moment + timedelta(n // 300), "username": "b",
         "run_id": str(n * 7919 % 3000), "labels": {"x": 3000 - n if n < 1500 else n % 9}}
        for n in range(3000)
    ]  # fmt: skip
    index.insert("artifacts", *documents)
    asked = {"username": "b", "labels.x": condition}
    matching = list(filter(compile_query(asked), documents))
    for order in ([("creation_time", -1), ("run_id", 1)], [("creation_time", 1), ("run_id", -1)]):
        found = [each["_id"] for each in index.find("artifacts", asked, sort=order, limit=limit)]
        assert found == [each["_id"] for each in sort_documents(matching, order, limit)]


def test_what_is_equal_in_the_first_key_is_sorted_by_the_second(index: SqliteIndex) -> None:
    documents = [
        {"_id": f"a{n}", "creation_time": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(n), "username": "brenda",
         "labels": {"number": -n % 1700}}
        for n in range(1500)
    ]  # fmt: skip
    index.insert("artifacts", *documents)
    order: Sort = [("username", 1), ("labels.number", 1)]
    found = index.find("artifacts", {"username": "brenda"}, sort=order, limit=3)
    assert [each["labels"]["number"] for each in found] == [0, 201, 202]
