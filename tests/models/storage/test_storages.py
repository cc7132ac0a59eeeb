"""Holds that bytes of fields come back from wherever they lie, and that one who deletes leaves the others theirs."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, ContextVar, copy_context
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pytest

from elliptio.errors import ElliptioError, IntegrityError, MissingKeyError, StoreError, ValueRefusedError
from elliptio.formats.frames import changed
from elliptio.models.errors import DamagedModelError, DuplicateModelError, UnknownSerializerError
from elliptio.models.serializer.numpy import numpy_serializer
from elliptio.models.serializer.pandas import dataframe_serializer
from elliptio.models.storage import FileSystemStorage, Storage, aws, delete, fetch, put
from elliptio.models.storage import file as file_module
from elliptio.models.storage.aws import S3Storage, s3_client_context, set_s3_client
from elliptio.models.storage.calling import in_thread, run_sync
from elliptio.models.storage.values import content_of, from_spec, storage_of
from elliptio.testing import S3Server
from elliptio.testing.fixtures import BUCKET

FRAME = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="k"))


@pytest.fixture
def s3(s3_root: str) -> Iterator[S3Storage]:
    aws._made.clear()
    yield S3Storage(BUCKET, s3_root.rpartition("/")[2])
    aws._made.clear()


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "s3":
        found: Storage = request.getfixturevalue("s3")
        return found
    return FileSystemStorage(tmp_path / "not there yet" / "frames")


# --- the built-in ones ---


def test_bytes_live(storage: Storage) -> None:
    async def live() -> None:
        location = await storage.create(b"one")
        assert await storage.exists(location)
        assert await storage.read(location) == b"one"
        await storage.update(location, b"another")
        assert await storage.read(location) == b"another"
        await storage.delete(location)
        assert not await storage.exists(location)
        with pytest.raises(MissingKeyError):
            await storage.read(location)
        with pytest.raises(MissingKeyError):
            await storage.update(location, b"x")
        await storage.delete(location)

    asyncio.run(live())


def test_no_bytes_and_many_come_back(storage: Storage) -> None:
    for data in (b"", os.urandom(3 << 20)):
        assert run_sync(storage.read(run_sync(storage.create(data)))) == data


@pytest.mark.parametrize("location", ["../../etc/passwd", "/etc/passwd", "", 1, None, "a/b", "\0"])
def test_what_is_no_location_holds_nothing(storage: Storage, location: Any) -> None:
    assert not run_sync(storage.exists(location))
    run_sync(storage.delete(location))
    with pytest.raises(MissingKeyError):
        run_sync(storage.read(location))


def test_what_was_updated_is_not_taken_for_what_was_there(storage: Storage) -> None:
    first = run_sync(storage.create(b"one"))
    run_sync(storage.update(first, b"two"))
    second = run_sync(storage.create(b"one"))
    assert run_sync(storage.read(first)) == b"two"
    assert run_sync(storage.read(second)) == b"one"


def test_a_value_is_fetched_by_its_record_alone(storage: Storage) -> None:
    record = put(storage, dataframe_serializer, FRAME)
    assert record["storage"] == storage.name
    assert (record["format"], record["size"]) == ("parquet", len(content_of(record)))
    assert changed(FRAME, fetch(record)) is None
    assert storage_of(record) == storage


def test_two_fields_with_equal_values_do_not_lose_each_other(storage: Storage) -> None:
    one, other = put(storage, dataframe_serializer, FRAME), put(storage, dataframe_serializer, FRAME)
    assert delete(one) is not storage.shares
    assert changed(FRAME, fetch(other)) is None
    if delete(other):
        with pytest.raises(MissingKeyError):
            fetch(other)


def test_what_somebody_changed_is_told(storage: Storage) -> None:
    record = put(storage, numpy_serializer, np.arange(3))
    run_sync(storage.update(record["location"], b"\x93NUMPY"))
    with pytest.raises(IntegrityError, match=r"not the .* that were saved"):
        fetch(record)


def test_equal_storages_are_equal(storage: Storage) -> None:
    same = from_spec(storage.spec(), storage.name)
    assert (same, hash(same), repr(same)) == (storage, hash(storage), repr(storage))
    assert same != FileSystemStorage("elsewhere")
    assert same.register() is same
    assert storage.register() is storage


# --- a folder ---


def inodes(folder: Path) -> list[int]:
    return [path.stat().st_ino for path in folder.rglob("*") if path.is_file()]


def test_equal_bytes_take_their_room_once_and_one_that_goes_leaves_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    storage = FileSystemStorage(folder)
    one, two, three = (storage.create_now(b"same") for _ in range(3))
    assert len(inodes(folder)) == 3
    assert len(set(inodes(folder))) == 1
    storage.delete_now(one)
    storage.update_now(two, b"other")
    assert storage.read_now(three) == b"same"
    storage.delete_now(two)
    storage.delete_now(three)
    assert not list(folder.iterdir())


def test_damaged_bytes_are_not_shared(tmp_path: Path) -> None:
    storage = FileSystemStorage(tmp_path)
    path = tmp_path / storage.create_now(b"same")
    path.chmod(0o600)
    path.write_bytes(b"sama")
    assert storage.read_now(storage.create_now(b"same")) == b"same"


def test_without_hard_links_there_are_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    storage = FileSystemStorage(tmp_path)
    one, two = storage.create_now(b"same"), storage.create_now(b"same")
    storage.delete_now(one)
    assert storage.read_now(two) == b"same"


def test_a_write_that_fails_leaves_nothing_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_module, "write_all", full)
    with pytest.raises(StoreError, match="The disk is full"):
        FileSystemStorage(tmp_path / "frames").create_now(b"x")
    assert not inodes(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["write_all", "os.fsync", "os.replace", "flush"])
def test_a_process_that_is_killed_leaves_bytes_whole_or_absent(step: str, tmp_path: Path) -> None:
    code = (
        "import os\n"
        "from elliptio.models.storage import file\n"
        f"file.{step} = lambda *_, **__: os.kill(os.getpid(), 9)\n"
        f"file.FileSystemStorage({str(tmp_path / 'frames')!r}).create_now(b'x' * 100_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -9
    storage = FileSystemStorage(tmp_path / "frames")
    kept = list((tmp_path / "frames").glob("*/*/*"))
    assert len(kept) == (step == "flush")
    assert all(path.read_bytes() == b"x" * 100_000 for path in kept)
    assert storage.read_now(storage.create_now(b"x" * 100_000)) == b"x" * 100_000


def test_what_was_left_half_written_goes_a_day_later(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in (f".{'a' * 32}.part", f".{'b' * 32}.part", ".mine.part"))
    for path in (old, young, other):
        path.write_bytes(b"half")
        if path != young:
            os.utime(path, (time.time() - 100_000,) * 2)
    FileSystemStorage(tmp_path).create_now(b"x")
    assert [path.exists() for path in (old, young, other)] == [False, True, True]


def test_what_others_write_now_stays_where_this_clock_is_days_ahead_of_the_drive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = tmp_path / f".{'a' * 32}.part"
    written.write_bytes(b"half")
    ahead = time.time() + 300_000
    monkeypatch.setattr("time.time", lambda: ahead)
    FileSystemStorage(tmp_path).create_now(b"x")
    assert written.exists()


def test_what_cannot_be_removed_keeps_nothing_else(tmp_path: Path) -> None:
    for number in range(20):
        left, folder = (tmp_path / f".{number:031}{kind}.part" for kind in "ab")
        left.write_bytes(b"half")
        folder.mkdir()
        for path in (left, folder):
            os.utime(path, (time.time() - 100_000,) * 2)
    FileSystemStorage(tmp_path).create_now(b"x")
    assert not list(tmp_path.glob(".*a.part"))


def test_many_create_and_delete_at_once(tmp_path: Path) -> None:
    storage = FileSystemStorage(tmp_path)

    def live(number: int) -> None:
        data = str(number % 2).encode()
        for _ in range(20):
            location = storage.create_now(data)
            assert storage.read_now(location) == data
            storage.delete_now(location)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(live, range(8)))
    assert not inodes(tmp_path)


def test_one_of_the_same_name_reads_what_lay_in_a_folder_that_was_moved(tmp_path: Path) -> None:
    record = put(FileSystemStorage(tmp_path / "old", "moving frames"), numpy_serializer, np.arange(3))
    (tmp_path / "old").rename(tmp_path / "new")
    with pytest.raises(MissingKeyError):
        fetch(record)
    FileSystemStorage(tmp_path / "new", "moving frames").register()
    assert fetch(record).tolist() == [0, 1, 2]
    third = put(FileSystemStorage(tmp_path / "third", "moving frames"), numpy_serializer, np.arange(4))
    assert fetch(third).tolist() == [0, 1, 2, 3]


# --- S3 ---


def keys(s3_server: S3Server, storage: S3Storage) -> dict[str, bytes]:
    client = client_of(s3_server)
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{storage.prefix}/").get("Contents", [])
    return {one["Key"]: client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in found}


def client_of(server: S3Server) -> Any:
    session = boto3.Session(server.access_key, server.secret_key, region_name=server.region)
    return session.client("s3", endpoint_url=server.endpoint_url)


def test_a_field_on_s3_is_one_parquet_file_under_its_hash(s3: S3Storage, s3_server: S3Server) -> None:
    record = put(s3, dataframe_serializer, FRAME)
    [(key, content)] = keys(s3_server, s3).items()
    assert key == record["location"] == f"{s3.prefix}/{hashlib.sha512(content).hexdigest()}"
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(content)), FRAME)


def test_what_is_there_is_not_sent_again(s3: S3Storage, s3_server: S3Server) -> None:
    calls: list[str] = []
    client = client_of(s3_server)
    client.meta.events.register("before-call.s3", lambda model, **_: calls.append(model.name))
    with s3_client_context(client):
        one, two = put(s3, numpy_serializer, np.arange(9)), put(s3, numpy_serializer, np.arange(9))
    assert one == two
    assert calls == ["HeadObject", "PutObject", "HeadObject"]
    assert len(keys(s3_server, s3)) == 1


def test_what_others_put_there_is_compared_whole(s3: S3Storage, s3_server: S3Server) -> None:
    key = f"{s3.prefix}/{hashlib.sha512(b'one').hexdigest()}"
    client_of(s3_server).put_object(Bucket=BUCKET, Key=key, Body=b"one")
    assert s3.create_now(b"one") == key
    client_of(s3_server).put_object(Bucket=BUCKET, Key=key, Body=b"two")
    assert s3.create_now(b"one") == f"{key}-1"


def test_a_large_object_goes_in_parts(s3: S3Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "IN_ONE", 1 << 20)
    data = os.urandom(9 << 20)
    location = s3.create_now(data)
    assert s3.create_now(data) == location
    assert s3.read_now(location) == data


def test_a_client_that_was_given_is_used(s3: S3Storage, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    reset = set_s3_client(client_of(s3_server))
    try:
        location = run_sync(s3.create(b"x"))
        found: list[bytes] = []
        thread = threading.Thread(target=lambda: found.append(s3.read_now(location)))
        thread.start()
        thread.join()
        assert found == [b"x"]
    finally:
        reset()
    with pytest.raises(StoreError, match="cannot connect"):
        s3.read_now(location)
    with s3_client_context(client_of(s3_server)):
        assert run_sync(s3.read(location)) == b"x"


def test_a_bucket_that_is_not_there_is_named(s3: S3Storage) -> None:
    with pytest.raises(StoreError, match=r"s3://no-such-bucket: there is no such bucket"):
        S3Storage("no-such-bucket").create_now(b"x")


# --- one's own ---


class Shelf(Storage):
    name = "shelf"

    def __init__(self) -> None:
        self.books: dict[str, bytes] = {}

    async def create(self, data: bytes, /) -> str:
        await asyncio.sleep(0)
        self.books[str(len(self.books))] = data
        return str(len(self.books) - 1)

    async def read(self, location: str, /) -> bytes:
        await asyncio.sleep(0)
        return self.books[location]

    async def delete(self, location: str, /) -> None:
        self.books.pop(location, None)


class Drawer(Storage):
    name = "drawer"
    content = b""

    def create(self, data: bytes, /) -> dict[str, int]:
        Drawer.content = data
        return {"place": 1}

    def read(self, location: Any, /) -> bytes:
        assert location == {"place": 1}
        return bytearray(Drawer.content)  # type: ignore[return-value]


@pytest.mark.parametrize("make", [Shelf, Drawer])
def test_one_of_ones_own_is_async_or_not(make: type[Storage]) -> None:
    mine = make().register()
    record = put(mine, dataframe_serializer, FRAME)
    assert record["storage_class"] == f"{__name__}:{make.__qualname__}"
    assert changed(FRAME, fetch(record)) is None


def test_it_is_called_where_a_loop_runs_too() -> None:
    shelf = Shelf().register()

    async def main() -> Any:
        return fetch(put(shelf, numpy_serializer, np.arange(3)))

    assert asyncio.run(main()).tolist() == [0, 1, 2]


def test_a_thread_has_the_context_of_who_waits_for_it() -> None:
    who: ContextVar[str] = ContextVar("who", default="nobody")

    async def ask() -> str:
        return await in_thread(who.get)

    async def main() -> str:
        return run_sync(ask())

    who.set("me")
    assert run_sync(ask()) == asyncio.run(main()) == "me"


def test_what_is_async_runs_in_the_loop_that_waits() -> None:
    """So clients that belong to that loop can be used."""

    async def here() -> int:
        await asyncio.sleep(0)
        return id(asyncio.get_running_loop())

    def core() -> tuple[int, threading.Thread]:
        return run_sync(here()), threading.current_thread()

    async def main() -> None:
        found, thread = await in_thread(core)
        assert found == id(asyncio.get_running_loop())
        assert thread is not threading.current_thread()

    asyncio.run(main())


def test_what_goes_on_after_the_loop_has_one_of_its_own() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    async def main() -> Context:
        return await in_thread(copy_context)

    context = asyncio.run(main())
    assert context.run(lambda: run_sync(answer())) == 42


def test_one_that_nobody_registered_is_refused_when_it_is_written_and_named_when_it_is_read() -> None:
    class Unknown(Shelf):
        name = "unknown"

    with pytest.raises(UnknownSerializerError, match=r"'unknown' \(.*Unknown\) is not registered"):
        put(Unknown(), numpy_serializer, np.arange(3))
    record = put(Shelf().register(), numpy_serializer, np.arange(3))
    with pytest.raises(UnknownSerializerError, match=r"'lost'; import the module that registers .*:Shelf"):
        fetch({**record, "storage": "lost"})


def test_another_under_a_taken_name_is_an_error() -> None:
    Shelf().register()
    Shelf().register()

    class Other(Storage):
        name = "shelf"

    with pytest.raises(DuplicateModelError, match=r"storage 'shelf' already, .*:Shelf; .*Other needs another name"):
        Other().register()


def test_what_a_subclass_of_a_built_in_one_does_more_is_done(tmp_path: Path) -> None:
    class Reversed(FileSystemStorage):
        async def create(self, data: bytes, /) -> str:
            return str(await super().create(data[::-1]))

        async def read(self, location: Any, /) -> bytes:
            return (await super().read(location))[::-1]

    mine = Reversed(tmp_path, "reversed")
    with pytest.raises(UnknownSerializerError, match="'reversed'"):
        put(mine, numpy_serializer, np.arange(3))
    record = put(mine.register(), numpy_serializer, np.arange(3))
    assert "spec" not in record
    assert fetch(record).tolist() == [0, 1, 2]
    assert FileSystemStorage(tmp_path).read_now(record["location"]).endswith(b"YPMUN\x93")


def test_classes_that_were_imported_again_read_what_they_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_storage.py").write_text(
        "from pathlib import Path\n"
        "from elliptio.models.serializer import Serializer\n"
        "from elliptio.models.storage import Storage\n"
        "class Texts(Serializer):\n"
        "    name = 'my texts'\n"
        "    serialize, deserialize = staticmethod(str.encode), staticmethod(bytes.decode)\n"
        "class Cellar(Storage):\n"
        "    name = 'my cellar'\n"
        f"    path = {str(tmp_path / 'kept')!r}\n"
        "    def create(self, data):\n"
        "        Path(self.path).write_bytes(data)\n"
        "        return 'kept'\n"
        "    def read(self, location):\n"
        "        return Path(self.path).read_bytes()\n"
        "texts, cellar = Texts().register(), Cellar().register()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    first = importlib.import_module("my_storage")
    record = put(first.cellar, first.texts, "Zoë")
    monkeypatch.delitem(sys.modules, "my_storage")
    second = importlib.import_module("my_storage")
    assert second.Texts is not first.Texts
    assert fetch(json.loads(json.dumps(record))) == "Zoë"
    assert storage_of(record) is second.cellar


def test_a_location_that_could_not_be_recorded_is_refused() -> None:
    class Odd(Shelf):
        name = "odd"

        async def create(self, data: bytes, /) -> Any:
            return object()

    with pytest.raises(ValueRefusedError, match="which is no JSON"):
        put(Odd().register(), numpy_serializer, np.arange(3))


def test_what_is_no_bytes_is_told() -> None:
    class Texts(Shelf):
        name = "texts of a storage"

        async def read(self, location: str, /) -> Any:
            return "text"

    record = put(Texts().register(), numpy_serializer, np.arange(3))
    with pytest.raises(IntegrityError, match="there is a str, where there should be bytes"):
        fetch(record)


HOSTILE: list[dict[str, Any]] = [
    {}, {"storage": 1}, {"spec": 1}, {"spec": {"kind": "file-system"}},
    {"spec": {"kind": "file-system", "directory": 1}},
    {"spec": {"kind": "os:system", "directory": "x"}}, {"location": "../../../../etc/hostname"}, {"size": "3"},
    {"sha256": None}, {"location": ["x"]}, {"spec": {"kind": "s3", "bucket": "x", "prefix": "", "endpoint": "y"}},
]  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE[1:], ids=str)
def test_a_hostile_record_is_an_error_of_elliptio(change: dict[str, Any], tmp_path: Path) -> None:
    record = put(FileSystemStorage(tmp_path), numpy_serializer, np.arange(3))
    with pytest.raises(ElliptioError):
        fetch({**record, **change})
    with pytest.raises(DamagedModelError):
        fetch({})
