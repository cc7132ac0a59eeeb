"""Gather the values of a stream into segments, each of which becomes a file. Values in, bytes out; no lake is known.

Where a segment ends depends on its values alone, never on when they came: who runs a flow again gets the same files.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from elliptio.artifacts.file import RemoteFile
from elliptio.errors import ElliptioError
from elliptio.flows.errors import UnserializableValueError
from elliptio.flows.serializing.exact import joined, pack
from elliptio.formats import registry
from elliptio.formats.plain import name_of
from elliptio.metadata import ValueRecord
from elliptio.protocols import Format

# What these say is stored: with others, a flow that is run again makes other files.
MOST_VALUES = 100_000
MOST_BYTES = 8 << 20
MOST_TABLES = 1_000
"""Limits of a segment; the value that reaches one is the last."""

LARGE = 1 << 20
"""Bytes of an array that gets a file of its own."""

JSON, PACKED, TABLES, VALUE, FILE = "json", "msgpack", "tables", "value", "file"
"""Kinds of segments: lines of JSON, MessagePack, tables of one schema in one, one value by its format, one file."""

_SCALARS = frozenset({type(None), bool, int, float, str})
_PLAIN_FORMATS = frozenset({"text", "binary", "json", "yaml", "npy", "npz"})
"""Formats of values that have an exact form in MessagePack too."""

_UNREADABLE = frozenset({"figure"})
"""Formats of pictures, of which no value comes back."""

_DEPTH = 100
_line = msgspec.json.Encoder().encode
decode: Callable[[bytes], Any] = msgspec.json.Decoder().decode
"""Read a line of JSON."""


@dataclass(frozen=True)
class Segment:
    """A part of a stream that becomes one file.

    Attributes
    ----------
    kind
        What it holds.
    count
        How many values.
    ending
        How the name of its file ends.
    source
        Its bytes, or the file that has them.
    facts
        What is needed to read it besides.
    value
        How its one value was written by a format.

    """

    kind: str
    count: int
    ending: str
    source: bytes | Path | RemoteFile
    facts: Mapping[str, Any] = field(default_factory=dict)
    value: ValueRecord | None = None

    def open(self) -> BinaryIO:
        """Open its bytes."""
        if isinstance(self.source, bytes):
            return io.BytesIO(self.source)
        return (
            open(self.source, "rb") if isinstance(self.source, Path) else cast("BinaryIO", self.source.unread().open())
        )


class Segments:
    r"""Gathers values; `add` and `rest` give the segments that are complete.

    Parameters
    ----------
    stream
        Name of the stream, for messages.

    Examples
    --------
    >>> segments = Segments("bar")
    >>> list(segments.add([1, "a"]))
    []
    >>> [(one.kind, one.count, one.source) for one in segments.rest()]
    [('json', 2, b'1\n"a"\n')]

    """

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._position = 0
        self._plain = _Plain()
        self._tables = _Tables()
        self._ways: dict[type, _Way] = {}

    def add(self, values: Sequence[Any]) -> Iterator[Segment]:
        """Add values.

        Raises
        ------
        UnserializableValueError
            If one would not come back the same; the message names its place.

        """
        lines = _lines(values)
        if lines is not None:
            yield from self._tables.rest()
            yield from self._plain.add_lines(lines, values)
            self._position += len(lines)
            return
        for value in values:
            yield from self._add(value, f"{self._stream}[{self._position}]")
            self._position += 1

    def _add(self, value: Any, where: str) -> Iterator[Segment]:
        way = self._ways.get(type(value))
        if way is None:
            way = self._ways[type(value)] = _way_of(value)
        alone = _alone(value, way, where)
        if alone is not None:
            yield from self.rest()
            yield alone
        elif way == TABLES:
            yield from self._plain.rest()
            yield from self._tables.add(value, where)
        else:
            yield from self._tables.rest()
            yield from self._plain.add(value, where)

    def rest(self) -> Iterator[Segment]:
        """Give what was gathered so far."""
        yield from self._plain.rest()
        yield from self._tables.rest()


class _Plain:
    """Plain values: as lines of JSON, or as MessagePack if one of a segment is more than JSON knows."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._is_json = True

    def add(self, value: Any, where: str) -> Iterator[Segment]:
        part = _json(value) if self._is_json else None
        if part is None:
            part = pack(value, where)
            if self._is_json:
                self._parts = [pack(decode(line)) for line in self._parts]
                self._size = sum(map(len, self._parts))
                self._is_json = False
        yield from self._append(part)

    def add_lines(self, lines: Sequence[bytes], values: Sequence[Any]) -> Iterator[Segment]:
        """Add values that are lines of JSON already."""
        for line, value in zip(lines, values, strict=True):
            yield from self._append(line if self._is_json else pack(value))

    def _append(self, part: bytes) -> Sequence[Segment]:
        self._parts.append(part)
        self._size += len(part)
        if len(self._parts) >= MOST_VALUES or self._size >= MOST_BYTES:
            return list(self.rest())
        return ()

    def rest(self) -> Iterator[Segment]:
        if self._parts and self._is_json:
            yield Segment(JSON, len(self._parts), ".ndjson", b"\n".join(self._parts) + b"\n")
        elif self._parts:
            yield Segment(PACKED, len(self._parts), ".msgpack", joined(self._parts))
        self._clear()


class _Tables:
    """Tables that follow each other and have one schema: in one table, with how many rows each has."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._values: list[Any] = []
        self._arrow: list[Any] = []
        self._description: dict[str, Any] | None = None
        self._ranges: list[list[int] | None] = []
        self._size = 0

    def add(self, value: Any, where: str) -> Iterator[Segment]:
        from elliptio.formats.arrow import KEY, description_of, table_of

        try:
            table = table_of(value)
        except ElliptioError as error:
            raise _unfit(value, where, error) from error
        description, labels = _without_range(description_of(table.schema.metadata))
        table = table.replace_schema_metadata(
            {key: held for key, held in (table.schema.metadata or {}).items() if key != KEY} or None
        )
        if self._values and (
            description != self._description
            or not table.schema.equals(self._arrow[0].schema, check_metadata=True)
            or _has_dictionaries(table)
        ):
            yield from self.rest()
        self._values.append(value)
        self._arrow.append(table)
        self._ranges.append(labels)
        self._description = description
        self._size += table.nbytes
        if len(self._values) >= MOST_TABLES or self._size >= MOST_BYTES:
            yield from self.rest()

    def rest(self) -> Iterator[Segment]:
        if len(self._values) == 1:
            yield _by_format(self._values[0], registry.get("feather"), "value")
        elif self._values:
            import pyarrow as pa

            whole = _by_format(pa.concat_tables(self._arrow), registry.get("feather"), "tables")
            facts = {"rows": [table.num_rows for table in self._arrow], "description": self._description}
            if self._ranges[0] is not None:
                facts["ranges"] = self._ranges
            yield Segment(TABLES, len(self._values), whole.ending, whole.source, facts, whole.value)
        self._clear()


def _without_range(description: dict[str, Any] | None) -> tuple[dict[str, Any] | None, list[int] | None]:
    """Part the labels of rows that are counted from what tables of any length share."""
    index = (description or {}).get("index", {})
    if description is None or (labels := index.get("range")) is None:
        return description, None
    return {**description, "index": {**index, "range": None}}, labels


def _lines(values: Sequence[Any]) -> list[bytes] | None:
    """Write scalars as lines of JSON, many at once; None if there are others, or one would not come back the same."""
    kinds = {*map(type, values)}
    if not kinds <= _SCALARS or (float in kinds and not all(map(math.isfinite, _of(float, values)))):
        return None
    try:
        return list(map(_line, values))
    except (UnicodeEncodeError, OverflowError):
        return None


def _of(kind: type, values: Sequence[Any]) -> Iterator[Any]:
    return (value for value in values if type(value) is kind)


def _json(value: Any) -> bytes | None:
    """Write a value as a line of JSON; None if it would not come back the same."""
    try:
        return _line(value) if _is_json(value, 0) else None
    except (UnicodeEncodeError, OverflowError):
        return None


def _is_json(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind in _SCALARS:
        return kind is not float or math.isfinite(value)
    if depth > _DEPTH:
        return False
    if kind is list:
        return all(_is_json(item, depth + 1) for item in value)
    return kind is dict and all(type(key) is str and _is_json(item, depth + 1) for key, item in value.items())


_Way = Format | str | None
"""Fate of the values of a class: `TABLES`, `FILE`, a format that writes each to a file, else None: plain."""


def _way_of(value: Any) -> _Way:
    if type(value).__module__ == "builtins":
        return None
    if isinstance(value, RemoteFile | Path):
        return FILE
    fits = [one for one in registry.of_value(value) if not getattr(one, "runs_code", False)]
    if any(one.name == "feather" for one in fits) and type(value).__name__ != "LazyFrame":
        return TABLES
    return next((one for one in fits if one.name not in _UNREADABLE), None)


def _alone(value: Any, way: _Way, where: str) -> Segment | None:
    """Write a value that gets a file of its own: a file, a large array, what only a format of `elliptio` takes."""
    if way is None or way == TABLES:
        return None
    if isinstance(way, str):
        if isinstance(value, RemoteFile):
            return Segment(FILE, 1, f"-{os.path.basename(value.relpath)}", value)
        return Segment(FILE, 1, f"-{value.name}", value) if value.is_file() else None
    if way.name in _PLAIN_FORMATS and getattr(value, "nbytes", 0) < LARGE:
        return None
    return _by_format(value, way, where)


def _by_format(value: Any, format: Any, where: str) -> Segment:
    file = io.BytesIO()
    try:
        options = format.write(value, file) or {}
    except ElliptioError as error:
        raise _unfit(value, where, error) from error
    record = ValueRecord(format.name, name_of(value), options)
    return Segment(VALUE, 1, next(iter(format.suffixes), ""), file.getvalue(), value=record)


def _unfit(value: Any, where: str, error: Exception) -> UnserializableValueError:
    return UnserializableValueError(f"{where} is of type {name_of(value)}, and cannot be sealed: {error}")


def _has_dictionaries(table: Any) -> bool:
    """Tell whether there may be dictionaries in it, which differ from table to table."""
    import pyarrow as pa

    kinds = table.schema.types
    return any(pa.types.is_dictionary(kind) or pa.types.is_nested(kind) for kind in kinds)
