"""Lakes that already hold many artifacts: their documents are like real ones; the files are not needed to find them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import elliptio as eio
from benchmarks.place import Place
from elliptio.indexes.sqlite.index import SqliteIndex

BATCH = 10_000
USERS = 20
START = datetime(2026, 1, 1, tzinfo=UTC)
OF_A_RUN = 10
"""Artifacts that one run made."""

WIDTH = 1000
"""Artifacts of one level of the wide graph."""


def artifact_id(number: int) -> str:
    return f"artifact_{number:08x}-0000-7000-8000-{number:012x}"


def run_id(number: int) -> str:
    return f"run_{number:08x}-0000-7000-8000-{number:012x}"


def sha256_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def no_parents(number: int) -> list[str]:
    return []


def one_parent(number: int) -> list[str]:
    return [artifact_id(number - 1)] if number else []


def three_parents(number: int) -> list[str]:
    """Parents in a wide graph: each level of `WIDTH` artifacts is made from the one before."""
    level, place = divmod(number, WIDTH)
    return [artifact_id((level - 1) * WIDTH + (place + step) % WIDTH) for step in (0, 1, 7)] if level else []


Parents = Callable[[int], list[str]]


def like(real: dict[str, Any], count: int, parents: Parents = one_parent) -> Iterator[dict[str, Any]]:
    """Yield documents of `count` artifacts that differ where real ones do, from the document of a real one."""
    for number in range(count):
        identifier, moment = artifact_id(number), START + timedelta(seconds=number)
        sha256 = sha256_of(number)
        user = f"user{number % USERS}"
        yield {
            **real,
            "_id": identifier,
            "artifact_id": identifier,
            "run_id": run_id(number // OF_A_RUN),
            "username": user,
            "creation_time": moment,
            "labels": {**real["labels"], "project": f"p{number % 100}", "ticket": f"T-{number}"},
            "based_on": parents(number),
            "files": [{**real["files"][0], "sha256": sha256}],
            "fingerprint": sha256[::-1],
            "remote_root": f"{moment:%Y/%m/%d}/{user}/{moment:%H%M%S}_{identifier}",
        }


def saved(h: eio.Handler, folder: Path) -> dict[str, Any]:
    """Save one small file, and return its document."""
    source = folder / "one.txt"
    source.write_text("x")
    return next(h.index.find("artifacts", {"_id": h.upload(source, eio.Labels(project="p")).artifact_id}))


def filled(place: Place, name: str = "lake", parents: Parents = one_parent) -> eio.Handler:
    """Open a lake of `place.documents` artifacts that the whole run shares; the first to ask makes it."""
    lake = place.shared / f"{name}-{place.documents}"
    if not lake.exists():
        making = eio.Handler(place.folder / "making")
        assert isinstance(making.index, SqliteIndex)
        real = saved(making, place.folder)
        making.index.delete("artifacts", [real["_id"]])
        shutil.rmtree(place.folder / "making" / real["remote_root"])  # else it seems to have been interrupted
        for batch in batches(like(real, place.documents, parents)):
            making.index.insert("artifacts", *batch)
        making.close()
        os.rename(place.folder / "making", lake)
    return eio.Handler(lake, progress=False)


def documents(place: Place) -> list[dict[str, Any]]:
    """Return all documents of the filled lake."""
    return list(filled(place).index.find("artifacts", {}))


def fill_mongodb(place: Place) -> str:
    """Fill the database at `place.mongodb` unless it is, and return the identity of the lake in it."""
    from pymongo import MongoClient

    collection = MongoClient(place.mongodb, tz_aware=True).get_default_database()["artifacts"]
    if not collection.estimated_document_count():
        with eio.Handler(place.shared / "mongodb-lake", index=place.mongodb) as h:
            real = saved(h, place.folder)
        for batch in batches(like(real, place.documents)):
            collection.insert_many(batch)
    return collection.find_one()["lake_id"]


def batches(documents: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for document in documents:
        batch.append(document)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
