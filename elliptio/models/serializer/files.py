"""Write a value as a file, with a record of how and of what it is, and read it by that record."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

from elliptio.errors import UnknownFormatError, ValueRefusedError
from elliptio.formats import registry
from elliptio.formats.libraries import parsing
from elliptio.formats.plain import name_of
from elliptio.metadata import ValueRecord
from elliptio.models.errors import DamagedModelError
from elliptio.models.identity import path_of
from elliptio.models.serializer.choosing import check_known, get
from elliptio.models.serializer.defining import Serializer, is_built_in
from elliptio.models.serializer.packing import FormatSerializer
from elliptio.models.serializer.summary import summary
from elliptio.protocols import Format

How = Serializer[Any] | Format
"""A serializer or a format, which a value is written with."""


def suffix_of(how: How) -> str:
    """Give the usual end of the name of a file."""
    return how.suffix if isinstance(how, Serializer) else next(iter(how.suffixes), ".bin")


def write(how: How, value: Any, file: BinaryIO) -> dict[str, Any]:
    """Write a value, and return the record by which `read` gives it back: JSON, which stands alone.

    It says ``format`` and ``options`` of a file that a format reads, else ``serializer`` and ``class`` of the user's;
    and ``type`` and ``summary`` of the value, for people.

    Raises
    ------
    UnknownSerializerError
        If nobody could read it again.
    ValueRefusedError
        If it would not come back equal, or its bytes are none.

    """
    check_known(how)
    about = {"type": name_of(value), "summary": summary(value)}
    if isinstance(how, FormatSerializer) and is_built_in(how):
        return {"format": how.format, "options": dict(how.write(value, file)), **about}
    if not isinstance(how, Serializer):
        return {"format": how.name, "options": dict(how.write(value, file) or {}), **about}
    data = how.serialize(value)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ValueRefusedError(f"The serializer {how.name!r} made a {name_of(data)} of the value, not bytes.")
    file.write(data)
    return {"serializer": how.name, "class": path_of(type(how)), **about}


def read(record: Mapping[str, Any], file: BinaryIO, *, may_run_code: bool = False) -> Any:
    """Read a value by its record, which may be anything: nothing that it names is imported.

    A pickle is only read where the caller says that what is in it may run: what the record says is no reason.

    Raises
    ------
    UnknownSerializerError, UnknownFormatError
        If nobody registered what wrote it.
    DamagedModelError
        If that is no record.
    FormatError
        If the file is damaged.

    """
    if "serializer" in record:
        one = get(_text(record, "serializer"), record["class"] if isinstance(record.get("class"), str) else None)
        with parsing(one.name):
            return one.deserialize(file.read())
    format, options = registry.get(_text(record, "format")), record.get("options", {})
    if getattr(format, "runs_code", False) and not may_run_code:
        raise UnknownFormatError(
            f"To read the format {format.name!r} may run any code that is in the file: it is read where the field asks "
            "for it."
        )
    if not isinstance(options, Mapping) or not all(type(name) is str for name in options):
        raise DamagedModelError(f"The options of a value are {options!r:.80}, not a dict.")
    return format.read(file, **options)


def to_bytes(how: How, value: Any) -> tuple[bytes, dict[str, Any]]:
    """Turn a value into the bytes of its file, and give its record."""
    file = io.BytesIO()
    record = write(how, value, file)
    return file.getvalue(), record


def value_record(record: Mapping[str, Any]) -> ValueRecord | None:
    """Say how an artifact's file was saved; None where only the user's serializer reads it."""
    if "format" not in record:
        return None
    return ValueRecord(record["format"], record["type"], record["options"])


def _text(record: Mapping[str, Any], key: str) -> str:
    found = record.get(key)
    if not isinstance(found, str):
        raise DamagedModelError(f"The record of a value has {found!r:.80} as its {key}, not a text.")
    return found
