"""Records of what is neither artifact nor run: small documents about something, each written once and never changed.

Each lies in a file of its own, ``.elliptio/records/<kind>/<record_id>.json``. The files are the truth, the index
follows them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from elliptio import naming
from elliptio.documents import extended_json
from elliptio.errors import ElliptioError, FormatError, IndexUnavailableError, MetadataError
from elliptio.lake.checks import check_storable
from elliptio.lake.json_files import read_json
from elliptio.lake.lake import Lake
from elliptio.masking import Later
from elliptio.metadata import VERSION
from elliptio.protocols import Document, Query, Sort
from elliptio.system.os_errors import damage_named

log = logging.getLogger(__name__)

RECORDS = "records"
"""Collection of an index that holds them."""

FOLDER = f"{naming.LAKE_FOLDER}/records"

Record = Mapping[str, Any]
"""A part of a record: the values that it is found by, or those that it keeps."""

_KEY = Later(rf"{re.escape(FOLDER)}/([a-z-]+)/([A-Za-z0-9_-]+)\.json")
_ADVICE = "Restore it from a backup, or remove it."
_LONGEST = 15 << 20
"""Bytes of one; an index takes 16 MB."""


def add(
    lake: Lake,
    kind: str,
    about: Mapping[str, Any],
    content: Mapping[str, Any],
    *,
    username: str,
    record_id: str | None = None,
) -> tuple[Document, bool]:
    """Write a record, tell the index, and return its document, and whether there was none of this identifier.

    Parameters
    ----------
    lake
        The lake.
    kind
        What kind of record it is, in small letters.
    about
        What it is found by: plain values by name.
    content
        What it says.
    username
        Who says so.
    record_id
        Its identifier, for what is to be there once; a new one without it.

    Raises
    ------
    MetadataError
        If it is too long.
    StoreError
        If the store cannot be written.

    """
    document, is_new = _write(lake, kind, about, content, username, record_id)
    _tell(lake, [document])
    return document, is_new


def add_missing(lake: Lake, kind: str, wanted: Mapping[str, tuple[Record, Record]], *, username: str) -> None:
    """Write those of some records that are not there, by their identifiers, each as `add` does; the index is told once.

    Parameters
    ----------
    lake, kind, username
        As for `add`.
    wanted
        ``about`` and ``content`` of each.

    Raises
    ------
    MetadataError
        If one is too long.
    StoreError
        If the store cannot be written.

    """
    missing = wanted.keys() - _known(lake, kind, list(wanted))
    made = [_described(kind, *wanted[one], username, one) for one in wanted if one in missing]
    if made:
        are_new = _create_all(lake, {_key(kind, one["record_id"]): _written(one) for one in made})
        for number, is_new in enumerate(are_new):
            made[number] = _shaped(lake, made[number]) if is_new else _read(lake, kind, made[number]["record_id"])
        _tell(lake, made)


def _create_all(lake: Lake, files: Mapping[str, bytes]) -> list[bool]:
    """Write small files by their keys, at once where the store can; tell of each whether it is surely new."""
    create: Callable[..., bool] = lake.store.create
    if lake.store.together and len(files) > 1:
        (key, data), *others = files.items()
        return [create(key, data, dict(others))] * len(files)
    return [create(key, data) for key, data in files.items()]


def _known(lake: Lake, kind: str, ids: Sequence[str]) -> set[str]:
    try:
        found = find(lake, kind, {"_id": {"$in": [f"{kind}/{one}" for one in ids]}}, sort=())
        return {document["record_id"] for document in found}
    except IndexUnavailableError:
        return set()


def _write(
    lake: Lake, kind: str, about: Record, content: Record, username: str, record_id: str | None
) -> tuple[Document, bool]:
    """Write a record unless it is there; return what is there, and whether it is new."""
    document = _described(kind, about, content, username, record_id)
    record_id = str(document["record_id"])
    if not lake.store.create(_key(kind, record_id), _written(document)):
        return _read(lake, kind, record_id), False
    return _shaped(lake, document), True


def _described(kind: str, about: Record, content: Record, username: str, record_id: str | None) -> Document:
    new_id, moment = naming.new_id("record")
    return {
        "record_id": record_id or new_id,
        "kind": kind,
        "creation_time": moment,
        "username": username,
        "about": dict(about),
        "content": dict(content),
        "version": VERSION,
    }


def _written(document: Document) -> bytes:
    data = extended_json(document).encode() + b"\n"
    if len(data) > _LONGEST:
        kind = document["kind"]
        raise MetadataError(f"A {kind} of {len(data):,} bytes is too long to be kept; at most {_LONGEST:,} fit.")
    return data


def _key(kind: str, record_id: str) -> str:
    return f"{FOLDER}/{kind}/{record_id}.json"


def _shaped(lake: Lake, document: Mapping[str, Any]) -> Document:
    return {"_id": f"{document['kind']}/{document['record_id']}", "lake_id": lake.lake_id, **document}


def _tell(lake: Lake, documents: Sequence[Document]) -> None:
    try:
        with lake.pausing():
            lake.index.insert(RECORDS, *documents)
    except IndexUnavailableError as error:
        kind = documents[0]["kind"]
        log.warning("A %s is saved, and the index is told of it by `elliptio reindex`: %s", kind, error)


def is_known(lake: Lake, kind: str, record_id: str) -> bool:
    """Tell whether the index has a record; that reads nothing of it.

    Raises
    ------
    IndexUnavailableError
        If the index fails.

    """
    return bool(lake.index.count(RECORDS, {"_id": f"{kind}/{record_id}"}, limit=1))


def find(
    lake: Lake, kind: str, query: Query, *, sort: Sort = (("creation_time", -1),), limit: int = 0
) -> Iterator[Document]:
    """Find records of a kind; without a sort the newest first.

    Raises
    ------
    IndexUnavailableError
        If the index fails.

    """
    scope = {"lake_id": lake.lake_id} if lake.shared else {}
    return lake.index.find(RECORDS, {"kind": kind, **query, **scope}, sort=list(sort), limit=limit)


def count(lake: Lake, kind: str) -> int:
    """Count the records of a kind.

    Raises
    ------
    IndexUnavailableError
        If the index fails.

    """
    scope = {"lake_id": lake.lake_id} if lake.shared else {}
    return lake.index.count(RECORDS, {"kind": kind, **scope})


def sync(lake: Lake) -> dict[str, ElliptioError]:
    """Tell the index of all records; return those that cannot be read, and why.

    Raises
    ------
    IndexUnavailableError
        If the index fails.

    """
    damaged: dict[str, ElliptioError] = {}
    for stored in list(lake.store.list(FOLDER)):
        parsed = _KEY.fullmatch(stored.key)
        if parsed is None:
            continue
        try:
            lake.index.insert(RECORDS, _read(lake, parsed[1], parsed[2]))
        except FormatError as error:
            damaged[stored.key] = error
    return damaged


def _read(lake: Lake, kind: str, record_id: str) -> Document:
    key = _key(kind, record_id)
    where = f"{lake.store.root}/{key}"
    found = read_json(lake.store, key, advice=_ADVICE, longest=_LONGEST + 1)
    with damage_named(where, _ADVICE):
        if (found["kind"], found["record_id"]) != (kind, record_id):
            raise ValueError("it says that it is another record")
        if found["creation_time"].tzinfo is None or not isinstance(found["about"], dict):
            raise ValueError("it does not say when it was written, or about what")
        check_storable(found, where)
    return _shaped(lake, found)
