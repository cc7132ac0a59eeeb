"""Write metadata in its two forms, the document of the index and ``metadata.json``, and read them back."""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from elliptio.errors import FormatError
from elliptio.metadata import FIELDS, VERSION, Metadata, Where
from elliptio.naming import iso
from elliptio.system.os_errors import damage_named

MAX_INDEXED_FILES = 10_000
"""Limit of files in a document of the index; more stay in ``metadata.json``: a MongoDB document may hold 16 MB."""

_WRITTEN = {name: one for name, one in FIELDS.items() if one.where is not Where.ENVIRONMENT}
_VALUES = attrgetter(*_WRITTEN)
_READ = {name: one for name, one in FIELDS.items() if one.where is Where.DOCUMENT}


def fields_of(metadata: Metadata, root_key: str) -> dict[str, Any]:
    """Shape what both forms have in common: all but the environment, relative to the lake."""
    fields: dict[str, Any] = {}
    for (name, one), value in zip(_WRITTEN.items(), _VALUES(metadata), strict=True):
        if not one.sparse or (value is not None and value != []):
            fields[name] = value if one.write is None else one.write(value)
    return fields | {"remote_root": root_key}


def to_document(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Shape the document of the index: packages and machine are left to the environment, very many files too."""
    document = {"_id": fields["artifact_id"], **fields}
    return document if fields["file_count"] <= MAX_INDEXED_FILES else without_many_files(document)


def without_many_files(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the list of files where it is too long for the document of an index."""
    if document.get("file_count", 0) > MAX_INDEXED_FILES:
        short = {name: value for name, value in document.items() if name != "empty_folders"}
        return {**short, "files": [], "file_relpaths": []}
    return dict(document)


def to_manifest(fields: Mapping[str, Any], environment: Mapping[str, Any]) -> bytes:
    """Shape ``metadata.json``: complete, the environment included, with nothing that ties it to a place."""
    # In parts, because of very many files each copy takes as much again.
    document = memoryview(extended_json(fields).encode())
    return b"".join((b"{\n", document[1:-1], b',\n"environment": ', _environment_json(environment).encode(), b"\n}\n"))


_last: tuple[Mapping[str, Any], str] = ({}, "{}")
"""The last environment and how it is written: it stays the same object while nothing is installed."""


def _environment_json(environment: Mapping[str, Any]) -> str:
    global _last
    known = _last
    if known[0] is not environment:
        known = _last = (environment, extended_json(environment))
    return known[1]


def extended_json(value: Any) -> str:
    """Write a value as MongoDB's relaxed extended JSON, which keeps dates, bytes and 64-bit integers what they are."""
    from bson import json_util

    try:
        return _extended_encoder().encode(value)
    except ValueError:  # NaN and infinity, which JSON cannot say: bson's own way is slower, but knows how
        options = json_util.RELAXED_JSON_OPTIONS
        return json_util.dumps(value, json_options=options, ensure_ascii=False, separators=_SEPARATORS)


@functools.cache
def _extended_encoder() -> json.JSONEncoder:
    from bson import json_util

    default = functools.partial(json_util.default, json_options=json_util.RELAXED_JSON_OPTIONS)
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=default, separators=_SEPARATORS)


_SEPARATORS = (",\n", ": ")
"""A line for each field and element: it reads well, and json's fast encoder can do it, which cannot indent."""


def read_extended_json(data: bytes) -> Any:
    """Read extended JSON back; datetimes in UTC."""
    from bson import json_util

    return json_util.loads(data, json_options=json_util.JSONOptions(tz_aware=True))


def read_query(text: str) -> Any:
    """Read a query from extended JSON, so that ``{"$date": "2026-11-01T00:00:00Z"}`` is a datetime.

    Raises
    ------
    ValueError
        If it is no JSON; its cause says where, if that is a `json.JSONDecodeError`.

    """
    from bson import json_util

    options: json_util.JSONOptions = json_util.JSONOptions(tz_aware=True)

    def convert(pairs: list[tuple[str, Any]]) -> Any:
        # bson would make a value of the operator, and lose the operators beside it.
        if any(name == "$regex" for name, _ in pairs):
            return dict(pairs)
        return json_util.object_pairs_hook(pairs, options)

    try:
        return json.loads(text, object_pairs_hook=convert)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not valid JSON: {error}") from error
    except Exception as error:
        if type(error).__module__.split(".")[0] != "bson":
            raise
        raise ValueError(f"not valid JSON: {error}") from error


def read_manifest(data: bytes, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read ``metadata.json`` back as (document, environment document).

    Raises
    ------
    FormatError
        If it is damaged or of a newer version.

    """
    with damage_named(where, "Restore it from a backup."):
        document = read_extended_json(data)
        environment = document.pop("environment")
        check_version(document, where)
        return {"_id": document["artifact_id"], **document}, environment


def from_document(
    document: Mapping[str, Any], environment: Mapping[str, Any], remote_root: str, packages: Mapping[str, str]
) -> Metadata:
    """Read a document of the index back; fields that an older elliptio did not write keep their defaults.

    Raises
    ------
    FormatError
        If it is damaged, or a newer elliptio wrote it.

    """
    where = f"The document of {document.get('artifact_id') or document.get('_id')}"
    check_version(document, where)
    document = {"labels": {}, **document}
    try:
        values = {
            name: document[name] if one.read is None else one.read(document[name])
            for name, one in _READ.items()
            if name in document
        }
        return Metadata(**values, remote_root=remote_root, environment=environment, python_packages=packages)
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{where} is damaged: {error}") from error


class NewerFormatError(FormatError):
    """A newer elliptio wrote it."""


def check_version(document: Mapping[str, Any], where: str) -> None:
    """Refuse what a newer elliptio wrote.

    Raises
    ------
    FormatError
        If ``version`` is not a version that this elliptio reads.

    """
    version = document.get("version", VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise FormatError(f"{where} has no valid version: {version!r}.")
    if version > VERSION:
        raise NewerFormatError(
            f"{where} has version {version}, written by a newer elliptio; this one reads up to version {VERSION}. "
            "Run: pip install --upgrade elliptio"
        )


def jsonable(value: Any) -> Any:
    """Make JSON's types of any value of a document.

    Datetimes become ISO 8601 text in UTC, bytes base64; NaN and infinities, which JSON does not have, become text.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [jsonable(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: jsonable(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    return str(value)
