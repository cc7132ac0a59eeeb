"""Read some rows and columns of a file, and little more of it than they take."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from elliptio.errors import FormatError, FormatOptionError, UnknownFormatError
from elliptio.formats import registry
from elliptio.formats.libraries import need, parsing

BUFFER = 64 * 1024
"""Bytes that are read at once of a column."""


MAX_HEADER = 10_000
"""Bytes of the head of an array that are parsed, as numpy has it."""

MOST = 2**62
"""Number of rows that no file has."""


class Span(NamedTuple):
    """Some rows that follow each other: from the first, before the last; negative: from the end."""

    first: int
    last: int | None

    @property
    def from_the_end(self) -> bool:
        """Tell whether it takes the number of all rows to know which they are."""
        return self.first < 0 or (self.last is not None and self.last < 0)

    def of(self, count: int) -> tuple[int, int]:
        """Return the first row and the one after the last, in a file that has so many."""
        return slice(self.first, self.last).indices(count)[:2]


def span_of(rows: int | slice | range | None) -> Span:
    """Read what a user says: a number of rows from the start (negative: from the end), a slice, a range, None for all.

    Raises
    ------
    FormatOptionError
        If the rows do not follow each other.

    """
    if rows is None:
        return Span(0, None)
    if type(rows) is int:
        return Span(0, rows) if rows >= 0 else Span(rows, None)
    if isinstance(rows, slice | range) and rows.step in (None, 1):
        return Span(rows.start or 0, rows.stop)
    raise FormatOptionError(f"rows={rows!r}: give a number of rows, such as 5 or -5, or a slice without a step.")


def read_part(
    format: str, file: BinaryIO, options: Mapping[str, Any], span: Span, columns: Sequence[Any] | None
) -> Any:
    """Read rows and columns of a file of a format.

    Parameters
    ----------
    format
        Its name.
    file
        The file, which can seek.
    options
        What is recorded of how it was written.
    span
        The rows.
    columns
        The columns; None: all.

    Raises
    ------
    UnknownFormatError
        If no part of such a file can be read by itself.
    FormatOptionError
        If there is no such column.
    FormatError
        If the file is damaged.

    """
    read = _READERS.get(format)
    if read is None:
        raise UnknownFormatError(
            f"No part of a file of the format {format!r} can be read by itself, only of {', '.join(_READERS)}: take "
            "the whole value."
        )
    with parsing(format):
        return read(file, options, span, columns)


# --- tables of Arrow ---


def _parquet(file: BinaryIO, options: Mapping[str, Any], span: Span, columns: Sequence[Any] | None) -> Any:
    import pyarrow as pa

    pq = need("pyarrow.parquet", "elliptio[formats]", "the format 'parquet'")
    opened = pq.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
    names = _names(opened.schema_arrow, columns)
    first, last = span.of(opened.metadata.num_rows)
    groups, start, end = [], 0, 0
    for number in range(opened.metadata.num_row_groups):
        count = opened.metadata.row_group(number).num_rows
        if end + count <= first:
            start = end + count
        elif end < last:
            groups.append(number)
        end += count
    schema = opened.schema_arrow
    batches: Iterable[Any] = ()
    if last > first:
        size = min(last - start, BUFFER)
        batches = opened.iter_batches(size, row_groups=groups, columns=names, use_threads=False)
    found = pa.Table.from_batches(list(_cut(batches, first - start, last - start)), None if last > first else schema)
    return _value(found if names is None else found.select(names), schema.metadata, first, last)


def _feather(file: BinaryIO, options: Mapping[str, Any], span: Span, columns: Sequence[Any] | None) -> Any:
    pa = need("pyarrow", "elliptio[formats]", "the format 'feather'")
    schema = pa.ipc.open_file(file).schema
    names = _names(schema, columns)
    wanted = None if names is None else [schema.get_field_index(name) for name in names]
    file.seek(0)
    opened = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=wanted, use_threads=False))
    batches: Iterable[Any] = (opened.get_batch(number) for number in range(opened.num_record_batches))
    if span.from_the_end:
        batches = list(batches)
        first, last = span.of(sum(batch.num_rows for batch in batches))
    else:
        first, last = span.first, MOST if span.last is None else span.last
    found = pa.Table.from_batches(list(_cut(batches, first, last)), opened.schema)
    return _value(found if names is None else found.select(names), schema.metadata, first, first + found.num_rows)


def _names(schema: Any, columns: Sequence[Any] | None) -> list[str] | None:
    """Choose the fields of a file that have to be read."""
    from elliptio.formats.arrow import chosen, description_of

    if columns is None:
        return None
    description = description_of(schema.metadata) or {"class": "pyarrow.Table"}
    return chosen(description, columns, schema.names)


def _cut(batches: Iterable[Any], first: int, last: int) -> Iterator[Any]:
    """Take rows out of batches, and ask for no batch after the last of them."""
    start = 0
    for batch in batches:
        end = start + batch.num_rows
        if end > first or batch.num_rows == 0:
            yield batch.slice(max(0, first - start), min(end, last) - max(start, first))
        if end >= last:
            return
        start = end


def _value(table: Any, metadata: Any, first: int, last: int) -> Any:
    """Make the value of some rows."""
    from elliptio.formats.arrow import description_of, value_of

    description = description_of(metadata)
    return table.to_pandas() if description is None else value_of(table, of_rows(description, first, last))


def of_rows(description: dict[str, Any], first: int, last: int) -> dict[str, Any]:
    """Describe some rows of a table that is described: what is said of single rows, and an index that is a range."""
    made = {**description, "rows": last - first}
    if "fields" in description:
        made["fields"] = [
            {**field, "spec": _spec_of_rows(field["spec"], first, last)} for field in description["fields"]
        ]
    index = description.get("index", {})
    if "range" in index:
        found = range(*index["range"])[first:last]
        made["index"] = {**index, "range": [found.start, found.stop, found.step]}
    return made


def _spec_of_rows(spec: dict[str, Any], first: int, last: int) -> dict[str, Any]:
    made = dict(spec)
    if "dense" in spec:
        made["dense"] = _spec_of_rows(spec["dense"], first, last)
    if "odd" in spec:
        made["odd"] = {
            name: [place - first for place in places if first <= place < last] for name, places in spec["odd"].items()
        }
    return made


# --- arrays ---


def _npy(file: BinaryIO, options: Mapping[str, Any], span: Span, columns: Sequence[Any] | None) -> Any:
    shape, fortran, dtype = header_of(file)
    if not shape:
        raise FormatOptionError("It is a single number, without rows: take the whole value.")
    if dtype.hasobject:
        raise FormatError("it holds objects of Python")
    first, last = span.of(shape[0])
    found = _rows(file, shape, fortran, dtype, first, max(first, last))
    if columns is None:
        return found
    if dtype.names:
        missing = [name for name in columns if name not in dtype.names]
        if missing:
            raise FormatOptionError(f"There is no column {missing[0]!r}; there are {', '.join(dtype.names)}.")
        return found[list(columns)].copy()
    if len(shape) < 2 or not all(type(one) is int and -shape[1] <= one < shape[1] for one in columns):
        raise FormatOptionError(f"columns={columns!r}: an array of shape {shape} has no such columns; give numbers.")
    return found[:, list(columns)]


def header_of(file: BinaryIO) -> tuple[tuple[int, ...], bool, Any]:
    """Read what a file of an array says of it: its shape, whether it lies column by column, its type."""
    import numpy as np

    version = np.lib.format.read_magic(file)
    size = int.from_bytes(_exactly(file, 2 if version == (1, 0) else 4), "little")
    if version not in ((1, 0), (2, 0), (3, 0)) or size > MAX_HEADER:
        raise FormatError("its head is of another version, or too long")
    head = ast.literal_eval(_exactly(file, size).decode("utf-8" if version == (3, 0) else "latin-1").strip())
    shape = tuple(head["shape"])
    if not all(type(length) is int and length >= 0 for length in shape):
        raise FormatError(f"its shape is {shape}")
    return shape, head["fortran_order"] is True, np.lib.format.descr_to_dtype(head["descr"])


def _rows(file: BinaryIO, shape: tuple[int, ...], fortran: bool, dtype: Any, first: int, last: int) -> Any:
    import numpy as np

    start, count = file.tell(), last - first
    if not fortran or len(shape) == 1:
        row = int(np.prod(shape[1:], dtype=object)) * dtype.itemsize
        file.seek(start + first * row)
        return np.frombuffer(_exactly(file, count * row), dtype).reshape((count, *shape[1:])).copy()
    columns = int(np.prod(shape[1:], dtype=object))
    parts = []
    for number in range(columns):
        file.seek(start + (number * shape[0] + first) * dtype.itemsize)
        parts.append(_exactly(file, count * dtype.itemsize))
    return np.frombuffer(b"".join(parts), dtype).reshape((count, *shape[1:]), order="F").copy(order="F")


def _exactly(file: BinaryIO, size: int) -> bytes:
    found = file.read(size)
    if len(found) != size:
        raise FormatError("it ends early")
    return found


# --- files of lines ---


def _csv(file: BinaryIO, options: Mapping[str, Any], span: Span, columns: Sequence[Any] | None) -> Any:
    return _separated("csv", ",", file, options, span, columns)


def _tsv(file: BinaryIO, options: Mapping[str, Any], span: Span, columns: Sequence[Any] | None) -> Any:
    return _separated("tsv", "\t", file, options, span, columns)


def _separated(
    format: str, separator: str, file: BinaryIO, options: Mapping[str, Any], span: Span, columns: Sequence[Any] | None
) -> Any:
    dialect: dict[str, Any] = {
        name: options[name] for name in ("quotechar", "doublequote", "escapechar", "quoting") if name in options
    }
    separator = options.get("sep", separator)
    encoding = options.get("encoding", "utf-8")
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        records = _records(text, delimiter=separator, **dialect)
        head = next(records, "")
        rows, first = _some(records, span)
    finally:
        text.detach()
    return _again(format, (head + "".join(rows)).encode(encoding), options, first, len(rows), columns)


def _records(text: Iterable[str], **dialect: Any) -> Iterator[str]:
    """Give the text of each record, which may hold ends of lines in quotes."""
    lines: list[str] = []

    def seen() -> Iterator[str]:
        for line in text:
            lines.append(line)
            yield line

    for _ in csv.reader(seen(), **dialect):
        yield "".join(lines)
        lines.clear()


def _jsonl(file: BinaryIO, options: Mapping[str, Any], span: Span, columns: Sequence[Any] | None) -> Any:
    rows, first = _some(file, span)
    return _again("jsonl", b"".join(rows), options, first, len(rows), columns)


def _some(rows: Iterable[Any], span: Span) -> tuple[list[Any], int]:
    """Take rows, and say which was the first; no more are read than are needed to know."""
    if span.from_the_end:
        every = list(rows)
        first, last = span.of(len(every))
        return every[first:last], first
    return list(islice(rows, span.first, span.last)), span.first


def _again(
    format: str, content: bytes, options: Mapping[str, Any], first: int, count: int, columns: Sequence[Any] | None
) -> Any:
    """Read a file of some rows as the whole one is read."""
    from elliptio.formats.frames import read_description, write_description

    options = dict(options)
    if "schema" in options:
        description = of_rows(read_description(options["schema"]), first, first + count)
        options["schema"] = write_description(description)
    if columns is not None:
        options["columns"] = list(columns)
    return registry.get(format).read(io.BytesIO(content), **options)


_READERS: dict[str, Callable[[BinaryIO, Mapping[str, Any], Span, Sequence[Any] | None], Any]] = {
    "parquet": _parquet, "feather": _feather, "npy": _npy, "csv": _csv, "tsv": _tsv, "jsonl": _jsonl,
}  # fmt: skip
"""Functions by the names of formats."""
