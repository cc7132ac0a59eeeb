"""Write and read the sheet of a workbook, cell by cell."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any, BinaryIO

_MADE = "2000-01-01T00:00:00Z"
"""Said of each workbook: the same table is the same bytes."""


def workbook_of(names: Sequence[str], columns: Sequence[list[Any]], rows: int) -> bytes:
    """Make a workbook of one sheet: a row of names, and one for each row of cells."""
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    book = openpyxl.Workbook(write_only=True)
    book.properties.created = datetime.fromisoformat(_MADE[:-1])
    sheet = book.create_sheet("Sheet1")

    def cell(value: Any) -> Any:
        if type(value) is float and f"{value:.16g}" != repr(value) and float(f"{value:.16g}") != value:
            # openpyxl writes 16 digits, and some numbers have 17.
            number = WriteOnlyCell(sheet, 0)
            number._value = repr(value)
            return number
        if not isinstance(value, str) or not value.startswith("="):
            return value
        text = WriteOnlyCell(sheet, value)
        text.data_type = "s"  # no formula
        return text

    sheet.append([cell(name) for name in names])
    for number in range(rows):
        sheet.append([cell(column[number]) for column in columns])
    content = io.BytesIO()
    book.save(content)
    return _timeless(content)


def _timeless(content: io.BytesIO) -> bytes:
    """Leave out when it was made."""
    found = io.BytesIO()
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + _MADE.encode(), data)
            new.writestr(entry, data)
    return found.getvalue()


def columns_of(file: BinaryIO, width: int, rows: int) -> list[list[Any]]:
    """Read the cells below the names, column by column; what is empty is None."""
    import openpyxl

    book = openpyxl.load_workbook(file, read_only=True)
    try:
        sheet = book.worksheets[0]
        found = [
            list(row[:width])
            for row in sheet.iter_rows(min_row=2, max_row=rows + 1, max_col=max(width, 1), values_only=True)
        ]
    finally:
        book.close()
    filled = [row + [None] * (width - len(row)) for row in found]
    filled += [[None] * width for _ in range(rows - len(filled))]
    return [[row[number] for row in filled] for number in range(width)]
