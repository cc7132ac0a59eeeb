"""Show Parquet, Feather and Arrow files: what their footer says, and the first rows. Runs in a process of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from elliptio.naming import shorten
from elliptio.ui.previews.profiles import brief, column_of
from elliptio.ui.previews.reading import Ranged, RangedFile, UnfitError
from elliptio.ui.previews.shapes import Column, Table
from elliptio.ui.previews.text_tables import MOST_COLUMNS, MOST_LETTERS

_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""Names of Arrow's types for which people have others."""

_TIMESTAMP = 18
"""Number of the type in Arrow's format."""

BUFFER = 64 * 1024
PAGES = 2 * 2**20 + BUFFER
"""Bytes that the first rows of a column take as a rule: a page of a dictionary, and one of values."""

MOST_FOOTER = 4 * 2**20
MOST_GROUPS = 1000
"""Row groups of which the footer's figures are looked at."""


def read_parquet(ranged: Ranged, rows: int) -> Table:
    """Show a Parquet file; columns are described by its footer, and by the first rows."""
    _check_parquet(ranged)
    import pyarrow as pa
    from pyarrow import parquet

    file = parquet.ParquetFile(
        pa.PythonFile(RangedFile(ranged), mode="r"),
        buffer_size=BUFFER,
        pre_buffer=False,
        thrift_string_size_limit=MOST_FOOTER,
        thrift_container_size_limit=1_000_000,
    )
    names = list(dict.fromkeys(file.schema_arrow.names))
    total = file.metadata.num_rows
    rest, notes = names[:MOST_COLUMNS], list[str]()
    frame = None
    while rest and total:
        wanted = _affordable(file.metadata, rest, ranged.left)
        try:
            part = _first(file.iter_batches(batch_size=rows, columns=wanted, use_threads=False), rows)
        except Exception as error:
            if ranged.failure:
                raise
            if not isinstance(error, UnfitError) or frame is None:
                notes.append(f"no rows are shown: {_reason(error)}")
            break
        for name, column in zip(part.schema.names, part.columns, strict=True):
            frame = part.select([]) if frame is None else frame
            frame = frame.append_column(name, column)
        rest = rest[len(wanted) :]
    if rest and frame is not None:
        count = min(len(names), MOST_COLUMNS) - len(rest)
        notes.append(f"values of {count:,} columns are shown: more would take reading too much")
    known = _by_footer(file.metadata, names[:MOST_COLUMNS])
    return _table(file.schema_arrow, frame, names, total, rows, notes, known)


def _check_parquet(ranged: Ranged) -> None:
    """Refuse what has no footer, or one that is too long."""
    size = ranged.source.size
    end = ranged.read(max(0, size - 8), 8)
    if size < 12 or end[4:] != b"PAR1":
        raise UnfitError("it has no footer: it is no Parquet file, or was cut off")
    if int.from_bytes(end[:4], "little") > min(MOST_FOOTER, size):
        raise UnfitError("its footer is too long")


def _affordable(metadata: Any, names: Sequence[str], left: int) -> list[str]:
    """Choose the first columns of which some rows can be read."""
    if not metadata.num_row_groups:
        return list(names)
    group = metadata.row_group(0)
    costs: dict[str, int] = {}
    for place in range(group.num_columns):
        column = group.column(place)
        name = column.path_in_schema.partition(".")[0]
        costs[name] = costs.get(name, 0) + min(max(column.total_compressed_size, 0), PAGES) + BUFFER
    found: list[str] = []
    for name in names:
        left -= costs.get(name, 0)
        if left < 0 and found:
            break
        found.append(name)
    return found


def _by_footer(metadata: Any, wanted: Sequence[str]) -> dict[str, tuple[str, int | None]]:
    """Read range and count of missing values of plain columns out of the footer."""
    groups = min(metadata.num_row_groups, MOST_GROUPS)
    if not groups or groups < metadata.num_row_groups:
        return {}
    found: dict[str, tuple[str, int | None]] = {}
    first = metadata.row_group(0)
    for place in range(min(first.num_columns, 4 * MOST_COLUMNS)):
        name = first.column(place).path_in_schema
        if name not in wanted:
            continue
        figures = [metadata.row_group(group).column(place).statistics for group in range(groups)]
        if any(each is None for each in figures):
            continue
        counted = all(each.has_null_count for each in figures)
        empty = sum(each.null_count for each in figures) if counted else None
        found[name] = (_bounds(figures), empty)
    return found


def _bounds(figures: Sequence[Any]) -> str:
    """Say the smallest and the largest value; nothing where Python has no such values, as of nanoseconds."""
    if not all(each.has_min_max for each in figures):
        return ""
    try:
        least, most = min(each.min for each in figures), max(each.max for each in figures)
        low, high = (brief(one) if isinstance(one, float) else _text(one) for one in (least, most))
    except (ValueError, TypeError, OverflowError):
        return ""
    return low if low == high else f"{shorten(low, 40)} … {shorten(high, 40)}"


def read_arrow(ranged: Ranged, rows: int) -> Table:
    """Show a Feather or Arrow file; columns are described by the first rows."""
    import pyarrow as pa
    from pyarrow import ipc

    if ranged.head(4) == b"FEA1":
        raise UnfitError("it is Feather version 1, which only old versions of pyarrow read")
    file = ipc.open_file(pa.PythonFile(RangedFile(ranged), mode="r"))
    names = list(file.schema.names)
    notes: list[str] = []
    frame, total = None, None if file.num_record_batches else 0
    if file.num_record_batches:
        try:
            frame, total = _first_batch(ranged, len(names), rows)
        except Exception as error:
            if ranged.failure:
                raise
            notes.append(f"no rows are shown: {_reason(error)}")
    if frame is not None and frame.num_columns < min(len(names), MOST_COLUMNS):
        notes.append(f"values of {frame.num_columns:,} columns are shown: more would take reading too much")
    return _table(file.schema, frame, names, total, rows, notes, {})


def _first_batch(ranged: Ranged, width: int, rows: int) -> tuple[Any, int | None]:
    """Read the first rows of as many columns as can be afforded; a column is read in portions of many rows."""
    import pyarrow as pa
    from pyarrow import ipc

    def read(count: int) -> tuple[Any, int | None]:
        options = ipc.IpcReadOptions(included_fields=list(range(count)), use_threads=False)
        part = ipc.open_file(pa.PythonFile(RangedFile(ranged), mode="r"), options=options)
        batches = (part.get_batch(place) for place in range(min(part.num_record_batches, rows)))
        first = next(batches)
        total = first.num_rows if part.num_record_batches == 1 else None
        return _first(itertools.chain([first], batches), rows), total

    width = min(width, MOST_COLUMNS)
    if width < 2 or 2 * ranged.source.size < ranged.left:
        return read(width)
    before = ranged.left
    found = read(1)
    # Columns are of different widths: with room to spare.
    affordable = ranged.left * 2 // 3 // max(before - ranged.left, 1)
    if affordable < 2:
        return found
    try:
        return read(min(width, affordable))
    except UnfitError:
        return found


def _table(
    schema: Any,
    frame: Any,
    names: Sequence[str],
    total: int | None,
    rows: int,
    notes: list[str],
    known: dict[str, tuple[str, int | None]],
) -> Table:
    """Make a table of the first rows."""
    columns: list[Column] = []
    shown: list[list[str]] = []
    for place, name in enumerate(names[:MOST_COLUMNS]):
        values = _values(frame, name, place, rows)
        shown.append([shorten(value, MOST_LETTERS) for value in values])
        by_rows = column_of(name, values)
        bounds, empty = known.get(name, ("", None))
        said = str(schema.field(name).type if schema.names.count(name) == 1 else schema.field(place).type)
        kind = shorten(_FLOATS.get(said, said), 60)
        missing = empty if name in known else (by_rows.empty if values else None)
        distinct = by_rows.distinct if values else None
        columns.append(
            Column(shorten(name, MOST_LETTERS), kind, bounds or by_rows.range, missing, by_rows.histogram, distinct)
        )
    count = max(map(len, shown), default=0)
    cells = [list(row) for row in zip(*(part or [""] * count for part in shown), strict=True)]
    if len(names) > MOST_COLUMNS:
        notes.append(f"{MOST_COLUMNS:,} of {len(names):,} columns")
    if total is None or total > len(cells):
        of = "" if total is None else f" of {total:,}"
        notes.insert(0, f"first {len(cells):,}{of} rows; histograms are of these")
    return Table(columns, cells, total, "; ".join(notes) or None)


def _first(batches: Iterable[Any], rows: int) -> Any:
    """Take the first rows, checked: pyarrow takes lengths in a file as they stand, and reads what lies behind."""
    import pyarrow as pa

    taken: list[Any] = []
    for batch in batches:
        taken.append(batch.slice(0, rows - sum(part.num_rows for part in taken)))
        if sum(part.num_rows for part in taken) >= rows:
            break
    if not taken:
        raise UnfitError("it has fewer rows than it says")
    first = pa.Table.from_batches(taken)
    first.validate(full=True)
    return first


def _values(frame: Any, name: str, place: int, rows: int) -> list[str]:
    if frame is None or name not in frame.schema.names:
        return []
    if frame.schema.names.count(name) != 1 and place >= frame.num_columns:
        return []
    column = frame.column(place) if frame.schema.names.count(name) != 1 else frame.column(name)
    if column.type.id == _TIMESTAMP:  # as Python's own they would lose nanoseconds
        column = column.cast("string")
    return [_text(value.as_py()) for value in column.slice(0, rows)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value[:MOST_LETTERS].hex()
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value)


def _reason(error: Exception) -> str:
    return shorten(" ".join(str(error).split()) or type(error).__name__, 200)
