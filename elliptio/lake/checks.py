"""Check that something is the document of an artifact: all that is read back from the files of a lake.

What is checked here can be found, shown, read and deleted later without a surprise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from elliptio import naming
from elliptio.documents import without_many_files
from elliptio.errors import FormatError, SourceError
from elliptio.metadata import FIELDS, Where
from elliptio.naming import shorten
from elliptio.rules import COUNT, SHA256, TEXT, TIME

MAX_BYTES = 16 * 1024 * 1024
"""The largest document that MongoDB takes."""

_ARTIFACT_ID = re.compile(r"artifact_[0-9a-f-]{36}")
_ROOT = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}/(?!\.{1,2}/)[^/\0]+/[0-9]{6}_artifact_[^/\0]+")
_FIELDS = {name: one for name, one in FIELDS.items() if one.where is not Where.ENVIRONMENT}


def check_artifact_id(artifact_id: Any, where: str) -> str:
    """Return what is an identifier of an artifact; identifiers become parts of paths.

    Raises
    ------
    FormatError
        If it is none.

    """
    if not isinstance(artifact_id, str) or not _ARTIFACT_ID.fullmatch(artifact_id):
        raise FormatError(f"{where} is damaged: {artifact_id!r} is no artifact_id.")
    return artifact_id


def is_artifact_root(folder: str) -> bool:
    """Tell whether a folder is one that `naming.remote_root` makes: user files may be called metadata.json as well."""
    return _ROOT.fullmatch(folder) is not None


def lies_at(artifact_id: Any, folder: Any) -> bool:
    """Tell whether a folder is where the artifact of this identifier lies; another's must not be taken or removed."""
    return isinstance(folder, str) and is_artifact_root(folder) and folder.endswith(f"_{artifact_id}")


def check_place(document: Mapping[str, Any], folder: str, where: str) -> None:
    """Refuse a document that says it is another artifact than the folder that it was found in.

    Raises
    ------
    FormatError
        If its identifier is malformed, or is not that of the folder.

    """
    artifact_id = check_artifact_id(document.get("artifact_id"), where)
    if document.get("_id") != artifact_id or not lies_at(artifact_id, folder):
        raise FormatError(f"{where} is damaged: it is of {artifact_id}, which does not lie in this folder.")


def check_document(document: Mapping[str, Any], environment: Any, where: str) -> None:
    """Check the fields of an artifact's document as ``metadata.json`` holds it, and the environment beside it.

    Parameters
    ----------
    document, environment
        As `metadata.read_manifest` returns them.
    where
        For the message of an error.

    Raises
    ------
    FormatError
        If a field is missing, of another type, contradicts another or cannot be stored.

    """
    check_fields(document, where)
    missing = [name for name, one in _FIELDS.items() if one.needed and name not in document]
    if missing:
        raise FormatError(f"{where} is damaged: it has no {missing[0]}.")
    strange = [name for name in document if not isinstance(name, str) or name.startswith("$") or "." in name]
    if strange:
        raise FormatError(f"{where} is damaged: {strange[0]!r} is no field.")
    check_records(document.get("files"), "files", where)
    check_records(document.get("logs", []), "logs", where)
    _check_folders(document, where)
    _check_sums(document, where)
    _check_environment(document, environment, where)
    check_storable(without_many_files(document), where)
    check_storable(environment, where)


def check_fields(document: Mapping[str, Any], where: str) -> None:
    """Check the types of those fields that a document has: an older elliptio did not write all of them.

    Raises
    ------
    FormatError
        If one is of another type.

    """
    for name, one in _FIELDS.items():
        if name in document:
            value, rule = document[name], one.rule
            # Here and not in a method: each `get` comes by, for each field.
            if not isinstance(value, rule.kinds) or (rule.also is not None and not rule.also(value)):
                raise FormatError(f"{where} is damaged: {name} is {_short(value)}, not {rule.wanted}.")


def check_indexed(document: Mapping[str, Any], environment: Mapping[str, Any], where: str) -> None:
    """Check a document as an index holds it, where others may have written too, before it is made something of.

    Raises
    ------
    FormatError
        If a field is of another type, or it does not say where in the lake it lies.

    """
    check_fields(document, where)
    artifact_id = check_artifact_id(document.get("artifact_id"), where)
    if document.get("_id", artifact_id) != artifact_id:
        raise FormatError(f"{where} is damaged: artifact_id is {artifact_id!r}.")
    check_records(document.get("files", []), "files", where)
    check_records(document.get("logs", []), "logs", where)
    if "empty_folders" in document:
        _check_folders(document, where)
    if not isinstance(document.get("remote_root"), str) or not is_artifact_root(document["remote_root"]):
        raise FormatError(f"{where} is damaged: it lies in {_short(document.get('remote_root'))}.")
    _check_packages(environment, where)


def check_records(records: Any, name: str, where: str) -> None:
    """Check a list of files: names that stay inside the artifact, sizes and hashes.

    Raises
    ------
    FormatError
        If something is wrong with it.

    """
    if not isinstance(records, list):
        raise FormatError(f"{where} is damaged: {name} is {_short(records)}, not a list.")
    for record in records:
        if not isinstance(record, Mapping) or not isinstance(record.get("relpath"), str):
            raise FormatError(f"{where} is damaged: {name} has the entry {_short(record)}.")
        try:
            naming.check_relpath(record["relpath"])
        except SourceError as error:
            raise FormatError(f"{where} is damaged: {error}") from error
        stamp = record.get("stamp")
        if not isinstance(stamp, str | None):
            raise FormatError(f"{where} is damaged: the stamp of {record['relpath']!r} is none.")
        if "value" in record and not _is_value(record["value"]):
            raise FormatError(f"{where} is damaged: the value of {record['relpath']!r} is no record of one.")
        if not isinstance(record.get("executable", False), bool):
            raise FormatError(f"{where} is damaged: whether {record['relpath']!r} is executable is not true or false.")
        hashed = SHA256.accepts(record.get("sha256")) or (stamp is not None and record.get("sha256", "") is None)
        if not COUNT.accepts(record.get("size")) or not hashed:
            raise FormatError(f"{where} is damaged: size or sha256 of {record['relpath']!r} is none.")
    if len({record["relpath"] for record in records}) < len(records):
        raise FormatError(f"{where} is damaged: {name} has one name twice.")


def _is_value(value: Any) -> bool:
    """Tell whether something says how a value became a file."""
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str | None):
        return False
    if not all(isinstance(value.get(part), str) for part in ("format", "type", "options")):
        return False
    try:
        options = json.loads(value["options"])
    except (ValueError, RecursionError):
        return False
    return isinstance(options, dict)


def _check_folders(document: Mapping[str, Any], where: str) -> None:
    """Check the names of empty folders, which are made where an artifact is downloaded to."""
    for name in document.get("empty_folders", ()):
        try:
            naming.check_relpath(name)
        except SourceError as error:
            raise FormatError(f"{where} is damaged: empty_folders: {error}") from error


def check_tombstone(tombstone: Any, folder: str, where: str) -> None:
    """Check what says that an artifact was deleted, by whom and when.

    Raises
    ------
    FormatError
        If something is wrong with it, or it is of an artifact of another folder.

    """
    deleted = tombstone.get("deleted") if isinstance(tombstone, Mapping) else None
    if (
        not isinstance(deleted, Mapping)
        or not TIME.accepts(deleted.get("time"))
        or not TEXT.accepts(deleted.get("username"))
    ):
        raise FormatError(f"{where} is damaged: it does not say who deleted it when.")
    check_place(tombstone, folder, where)
    check_storable(tombstone, where)


def check_storable(document: Mapping[str, Any], where: str) -> None:
    """Refuse what an index would refuse, with errors of its own.

    Raises
    ------
    FormatError
        If BSON cannot hold it.

    """
    import bson

    try:
        size = len(bson.encode(document))
    except Exception as error:  # each type of value fails in its own way
        raise FormatError(f"{where} is damaged: {type(error).__name__}: {error}") from error
    if size > MAX_BYTES:
        raise FormatError(f"{where} takes {size:,} bytes in an index; at most {MAX_BYTES:,} fit.")


def _check_sums(document: Mapping[str, Any], where: str) -> None:
    files, logs = document["files"], document.get("logs", [])
    if (
        document["file_count"] != len(files)
        or document["total_size"] != sum(record["size"] for record in files)
        or document["file_relpaths"] != [record["relpath"] for record in files]
        or document.get("log_relpaths", []) != [record["relpath"] for record in logs]
    ):
        raise FormatError(f"{where} is damaged: its lists of files contradict each other.")


def _check_environment(document: Mapping[str, Any], environment: Any, where: str) -> None:
    if not isinstance(environment, Mapping):
        raise FormatError(f"{where} is damaged: environment is {_short(environment)}, not an object.")
    if "_id" in environment and environment["_id"] != document.get("environment_id"):
        raise FormatError(f"{where} is damaged: environment_id is not that of its environment.")
    _check_packages(environment, where)


def _check_packages(environment: Mapping[str, Any], where: str) -> None:
    packages = environment.get("python_packages", {})
    if not isinstance(packages, Mapping) or not {*map(type, packages.values())} <= {str}:  # fast: each `get` comes by
        raise FormatError(f"{where} is damaged: python_packages does not map names to versions.")


def _short(value: Any) -> str:
    return shorten(repr(value), 60)


MOST_MISSING = 1000
"""Moves that may be missing before a number is taken for none of a move."""


def credible(numbers: Sequence[int]) -> list[int]:
    """Leave out numbers that no move of a tag can have: each follows the one before, and few can have been lost."""
    return [number for number in numbers if 0 < number <= len(numbers) + MOST_MISSING]
