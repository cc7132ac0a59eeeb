"""What the machine needs at least: the same work by the standard library, pymongo, boto3 and obstore."""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.model import KB
from benchmarks.place import Action, Place, whole_process

THREADS = 16


def import_nothing(place: Place) -> Iterator[Action]:
    return whole_process("-c", "pass")


def import_pymongo(place: Place) -> Iterator[Action]:
    return whole_process("-c", "import pymongo")


# --- saving to a folder ---


def flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_system_flusher(folder: Path) -> Callable[[], object]:
    """Return what flushes only the file system of a folder, where there is such a call."""
    try:
        syncfs = ctypes.CDLL(None).syncfs
    except (AttributeError, OSError, TypeError):
        return os.sync
    descriptor = os.open(folder, os.O_RDONLY)
    return lambda: syncfs(descriptor)


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_hash_commit(place: Place, *, flushed: bool = False) -> Iterator[Action]:
    """Copy, hash, and commit one row durably; the file itself is flushed only where asked for."""
    source, folder = place.file(), place.folder / "copies"
    folder.mkdir()
    connection = sqlite3.connect(place.folder / "index.sqlite", isolation_level=None)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (id, body)")

    def action(copy: Path) -> None:
        shutil.copyfile(source, copy)
        digest = sha256(copy)
        if flushed:
            flush(copy)
            flush(folder)
        connection.execute("INSERT INTO t VALUES (?, ?)", (str(copy), digest))

    for number in itertools.count():
        yield lambda number=number: action(folder / str(number))


def copy_flush_hash_commit(place: Place) -> Iterator[Action]:
    return copy_hash_commit(place, flushed=True)


def save_by_system_calls(place: Place) -> Iterator[Action]:
    """What a save asks of the system, and nothing else: staged, flushed, published by a rename, flushed, indexed."""
    source, lake = place.file(), place.folder / "lake"
    manifest, rows = os.urandom(4 * KB), [(number, os.urandom(24), os.urandom(9)) for number in range(18)]
    lake.mkdir()
    flush_all = file_system_flusher(lake)
    connection = sqlite3.connect(place.folder / "index.sqlite", isolation_level=None)
    connection.executescript(
        """PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE documents (number INTEGER PRIMARY KEY,
        id TEXT UNIQUE, body BLOB); CREATE TABLE keys (path, value, time, document, PRIMARY KEY (path, value, time,
        document)) WITHOUT ROWID"""
    )

    def action(number: int) -> None:
        staged = str(lake / f".{number}")
        os.mkdir(staged)
        os.mkdir(f"{staged}/files")
        content = source.read_bytes()
        hashlib.sha256(content).hexdigest()
        for name, data in (("files/file.bin", content), ("metadata.json", manifest)):
            descriptor = os.open(f"{staged}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            os.write(descriptor, data)
            os.close(descriptor)
        flush_all()
        os.rename(staged, lake / str(number))
        flush(lake)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO documents VALUES (?, ?, ?)", (number, f"artifact_{number}", manifest[:KB]))
        connection.executemany("INSERT INTO keys VALUES (?, ?, ?, ?)", [(*row, number) for row in rows])
        connection.execute("COMMIT")

    for number in itertools.count():
        yield lambda number=number: action(number)


def copy_files(place: Place) -> Iterator[Action]:
    source = place.files()
    for target in place.new_targets():
        yield lambda target=target: shutil.copytree(source, target)


def copy_and_flush_files(place: Place) -> Iterator[Action]:
    """Copy a folder, then flush: the whole file system at once, which costs less than file by file."""
    source = place.files()
    flush_all = file_system_flusher(place.folder)

    def action(target: Path) -> None:
        shutil.copytree(source, target)
        flush_all()

    for target in place.new_targets():
        yield lambda target=target: action(target)


def copy_file(place: Place) -> Iterator[Action]:
    source = place.file()
    for target in place.new_targets():
        yield lambda target=target: shutil.copyfile(source, target)


def copy_and_flush_file(place: Place) -> Iterator[Action]:
    source = place.file()
    for target in place.new_targets():
        yield lambda target=target: flush(Path(shutil.copyfile(source, target)))


def hash_file(place: Place) -> Iterator[Action]:
    source = place.file()
    while True:
        yield lambda: sha256(source)


def copy_then_hash(place: Place) -> Iterator[Action]:
    source = place.file()
    for target in place.new_targets():
        yield lambda target=target: sha256(Path(shutil.copyfile(source, target)))


def read_and_hash(place: Place) -> Iterator[Action]:
    source = place.file()
    yield from itertools.repeat(lambda: hashlib.sha256(source.read_bytes()).hexdigest())


# --- finding ---


def decode_and_frame(place: Place) -> Iterator[Action]:
    """Decode the very documents that the index holds, and build a frame of them."""
    import bson
    import pandas as pd
    from bson.codec_options import CodecOptions

    from benchmarks.lakes import documents

    bodies = [bson.encode(document) for document in documents(place)]
    options = CodecOptions(tz_aware=True)

    def action() -> object:
        return pd.DataFrame([bson.decode(body, options) for body in bodies])

    yield from itertools.repeat(action)


def read_decode_and_frame(place: Place) -> Iterator[Action]:
    """Read the same rows in the same order, decode them and build the same columns, with as little as that takes."""
    import gc

    import bson
    import pandas as pd
    from bson.codec_options import CodecOptions

    from benchmarks.lakes import filled

    with filled(place) as h:
        names = list(h.find(max_docs=1).columns)
        path = h.lake.store.root
    connection = sqlite3.connect(f"{path}/.elliptio/index.sqlite")
    sql = """SELECT body FROM keys JOIN documents ON documents.number = document WHERE path IN (
        SELECT number FROM paths WHERE path = 'creation_time') ORDER BY value DESC"""
    options = CodecOptions(tz_aware=True)

    def action() -> object:
        gc.disable()
        documents = [bson.decode(body, options) for (body,) in connection.execute(sql)]
        columns = {name: pd.Series([each.get(name) for each in documents], dtype="object") for name in names}
        gc.enable()
        return pd.DataFrame(columns)

    yield from itertools.repeat(action)


def read_links_and_names(place: Place) -> Iterator[Action]:
    """Read all links of the wide graph, and the names of all that are linked, in whatever order they lie."""
    from benchmarks.lakes import filled, three_parents

    with filled(place, "wide", three_parents) as h:
        connection = sqlite3.connect(f"{h.lake.store.root}/.elliptio/index.sqlite")

    def action() -> object:
        names = dict(connection.execute("SELECT number, id FROM nodes"))
        return [
            (names[child], names[parent]) for child, parent in connection.execute("SELECT child, parent FROM links")
        ]

    yield from itertools.repeat(action)


def pymongo_newest(place: Place, *, counted: bool = False) -> Iterator[Action]:
    from pymongo import MongoClient

    from benchmarks.lakes import fill_mongodb

    query = {"lake_id": fill_mongodb(place)}
    collection = MongoClient(place.mongodb, tz_aware=True).get_default_database()["artifacts"]

    def action() -> None:
        list(collection.find(query).sort("creation_time", -1).limit(7))
        if counted:
            collection.count_documents(query, limit=10_000)

    yield from itertools.repeat(action)


def pymongo_newest_and_count(place: Place) -> Iterator[Action]:
    return pymongo_newest(place, counted=True)


# --- S3 ---


def _boto3(place: Place):
    import boto3

    return boto3.client("s3"), *place.bucket_and_key()


def _obstore(place: Place):
    from obstore.store import S3Store

    bucket, key = place.bucket_and_key()
    return S3Store(
        bucket,
        prefix=key,
        endpoint=os.environ["AWS_ENDPOINT_URL"],
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def boto3_upload_large(place: Place) -> Iterator[Action]:
    client, bucket, key = _boto3(place)
    source = place.file()
    for number in itertools.count():
        yield lambda number=number: client.upload_file(str(source), bucket, f"{key}/{number}")
        client.delete_object(Bucket=bucket, Key=f"{key}/{number}")


def boto3_download_large(place: Place) -> Iterator[Action]:
    client, bucket, key = _boto3(place)
    client.upload_file(str(place.file()), bucket, key)
    for target in place.new_targets():
        yield lambda target=target: client.download_file(bucket, key, str(target))


def boto3_upload_small(place: Place) -> Iterator[Action]:
    client, bucket, key = _boto3(place)
    paths = sorted(place.files().iterdir())
    with ThreadPoolExecutor(THREADS) as pool:
        for number in itertools.count():

            def put(path: Path, number: int = number) -> None:
                client.upload_file(str(path), bucket, f"{key}/{number}/{path.name}")

            yield lambda put=put: list(pool.map(put, paths))


def boto3_download_small(place: Place) -> Iterator[Action]:
    client, bucket, key = _boto3(place)
    names = sorted(path.name for path in place.files().iterdir())
    with ThreadPoolExecutor(THREADS) as pool:
        list(
            pool.map(
                lambda name: client.upload_file(str(place.folder / "files" / name), bucket, f"{key}/{name}"), names
            )
        )
        for target in place.new_targets():
            target.mkdir()

            def get(name: str, target: Path = target) -> None:
                client.download_file(bucket, f"{key}/{name}", str(target / name))

            yield lambda get=get: list(pool.map(get, names))


def obstore_upload_large(place: Place) -> Iterator[Action]:
    import obstore

    store, source = _obstore(place), place.file()
    for number in itertools.count():
        yield lambda number=number: obstore.put(store, str(number), source)
        obstore.delete(store, str(number))


def obstore_download_large(place: Place) -> Iterator[Action]:
    import obstore

    store = _obstore(place)
    obstore.put(store, "file", place.file())

    def action(target: Path) -> None:
        with open(target, "wb") as file:
            for chunk in obstore.get(store, "file").stream(min_chunk_size=8 << 20):
                file.write(chunk)

    for target in place.new_targets():
        yield lambda target=target: action(target)


def obstore_upload_small(place: Place) -> Iterator[Action]:
    import asyncio

    import obstore

    store, paths = _obstore(place), sorted(place.files().iterdir())

    async def put_all(number: int) -> None:
        gate = asyncio.Semaphore(THREADS * 2)

        async def put(path: Path) -> None:
            async with gate:
                await obstore.put_async(store, f"{number}/{path.name}", path.read_bytes())

        await asyncio.gather(*map(put, paths))

    for number in itertools.count():
        yield lambda number=number: asyncio.run(put_all(number))


def obstore_download_small(place: Place) -> Iterator[Action]:
    import asyncio

    import obstore

    store, paths = _obstore(place), sorted(place.files().iterdir())
    for path in paths:
        obstore.put(store, path.name, path)

    async def get_all(target: Path) -> None:
        gate = asyncio.Semaphore(THREADS * 2)

        async def get(name: str) -> None:
            async with gate:
                (target / name).write_bytes(await (await obstore.get_async(store, name)).bytes_async())

        await asyncio.gather(*(get(path.name) for path in paths))

    for target in place.new_targets():
        target.mkdir()
        yield lambda target=target: asyncio.run(get_all(target))
