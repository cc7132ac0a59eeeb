"""Show tables that are text: CSV, TSV and JSON lines."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

from elliptio.naming import shorten
from elliptio.ui.previews.profiles import column_of
from elliptio.ui.previews.reading import Ranged, UnfitError, decoded
from elliptio.ui.previews.shapes import Table

SAMPLE = 2**20
"""Bytes of a table that are looked at."""

MOST_ROWS = 20_000
MOST_COLUMNS = 200
MOST_LETTERS = 200
"""Letters of a cell that are shown."""

MOST_CELLS = 200_000
"""Cells that are looked at."""


def read_separated(ranged: Ranged, rows: int) -> Table:
    """Show a file of separated values, whichever sign separates them."""
    text, whole, notes = _lines_of(ranged)
    separator = "\t" if ranged.source.suffix in (".tsv", ".tab") else _separator(text)
    found, all_read = _parsed(text, separator)
    if not found or not any(found):
        raise UnfitError("it has no rows")
    header, first = _header(found)
    found = found[first:]
    width = max(len(header), max(map(len, found), default=0))
    odd = sum(len(row) != len(header) for row in found)
    if odd:
        notes.append(f"{odd:,} rows have more or fewer values than the header")
    header = [*header, *(f"column {place + 1}" for place in range(len(header), width))]
    return _table(ranged, header, found, rows, notes, whole=whole and all_read)


def read_json_lines(ranged: Ranged, rows: int) -> Table:
    """Show a file with a JSON document a line."""
    text, whole, notes = _lines_of(ranged)
    documents: list[dict[str, Any]] = []
    bad = 0
    lines = text.split("\n")
    for line in lines[:MOST_ROWS]:
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            bad += 1
            continue
        documents.append(value if isinstance(value, dict) else {"value": value})
    if not documents:
        raise UnfitError("no line of it is JSON")
    if bad:
        notes.append(f"{bad:,} lines are no JSON")
    header = list(dict.fromkeys(name for document in documents for name in document))
    wanted = header[:MOST_COLUMNS]
    found = [[_as_text(document.get(name)) for name in wanted] for document in documents]
    return _table(ranged, header, found, rows, notes, whole=whole and len(lines) <= MOST_ROWS)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _lines_of(ranged: Ranged) -> tuple[str, bool, list[str]]:
    """Read whole lines from the beginning; whether that is all, and what has to be said about it."""
    size = ranged.source.size
    data = ranged.head(ranged.within(SAMPLE))
    whole = len(data) >= size
    if not whole:
        end = data.rfind(b"\n")
        if end < 0:
            raise UnfitError(f"its first line is longer than {len(data):,} bytes")
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        data = data[: (end + 1) // 2 * 2 if wide else end + 1]
    text, note = decoded(data, whole=whole)
    return text, whole, [note] if note else []


def _separator(text: str) -> str:
    """Find the sign that cuts the first lines into the most values, as many in each."""
    head = "\n".join(text.split("\n")[:20])
    best, most = ",", (0, 0)
    for sign in (",", ";", "\t", "|"):
        try:
            widths = [len(row) for row in csv.reader(head.splitlines(keepends=True), delimiter=sign) if row]
        except csv.Error:
            continue
        if not widths:
            continue
        alike = widths.count(widths[0])
        if widths[0] > 1 and (alike, widths[0]) > most:
            best, most = sign, (alike, widths[0])
    return best


def _parsed(text: str, separator: str) -> tuple[list[list[str]], bool]:
    """Cut a text into rows; whether all of it was."""
    found: list[list[str]] = []
    cells = 0
    reader = csv.reader(_physical_lines(text), delimiter=separator)
    try:
        for row in reader:
            if not row:
                continue
            found.append(row)
            cells += len(row)
            if len(found) > MOST_ROWS or cells > MOST_CELLS:
                return found, False
    except csv.Error as error:
        if not found:
            raise UnfitError(f"it cannot be cut into values: {error}") from error
        return found, False
    return found, True


def _physical_lines(text: str) -> Iterable[str]:
    # Not splitlines: it cuts at signs that a value may hold.
    return (f"{line}\n" for line in text.split("\n"))


def _header(found: Sequence[list[str]]) -> tuple[list[str], int]:
    """Name the columns by the first row, unless it holds numbers only."""
    first = found[0]
    if all(_is_number(cell) for cell in first):
        return [f"column {place + 1}" for place in range(len(first))], 0
    return [cell.strip() or f"column {place + 1}" for place, cell in enumerate(first)], 1


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _table(
    ranged: Ranged, header: list[str], found: list[list[str]], rows: int, notes: list[str], *, whole: bool
) -> Table:
    shown = header[:MOST_COLUMNS]
    if len(header) > len(shown):
        notes.append(f"{len(shown):,} of {len(header):,} columns")
    columns = [
        column_of(shorten(name, MOST_LETTERS), [row[place] if place < len(row) else "" for row in found])
        for place, name in enumerate(shown)
    ]
    cells = [
        [shorten(cell, MOST_LETTERS) for cell in (*row[: len(shown)], *itertools.repeat("", len(shown) - len(row)))]
        for row in found[:rows]
    ]
    if not whole:
        notes.insert(0, f"columns are described by the first {len(found):,} rows")
    if len(found) > len(cells):
        of = f"{len(found):,}" if whole else f"more than {len(found):,}"
        notes.insert(0, f"first {len(cells):,} of {of} rows")
    return Table(columns, cells, len(found) if whole else None, "; ".join(notes) or None)
