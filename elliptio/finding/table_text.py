"""Shape a table of artifacts or runs for people: short cells, and of columns first those that say most.

What pandas shows of it is an identifier and a time: its columns are wide, and of those that do not fit it leaves out
the middle. The values of the table stay what they are.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from elliptio.artifacts.display import printable
from elliptio.naming import shorten

LOOKED_FOR = (
    *("creation_time", "name", "status", "username", "file_relpaths", "tags", "total_size", "duration", "params"),
    *("metrics", "labels", "argv"),
)
"""Columns that are shown where there is no room for all, before the others."""

WIDE = 100
"""Columns of a terminal that has room for whole identifiers."""

MOST_OF_IDENTIFIER = 23
MOST_OF_CELL, MOST_IN_PAGE = 24, 48
_GAP = "  "

Rows = Sequence[tuple[str, Mapping[str, Any]]]
"""Identifiers with values by column."""


def table_text(name: str, columns: Sequence[str], rows: Rows, width: int, *, total: int) -> str:
    """Shape rows for a terminal of so many columns; of `total`, where these are fewer, those in the middle miss."""
    short = width < WIDE
    ids = [
        shorten(printable(identifier), MOST_OF_IDENTIFIER) if short else printable(identifier) for identifier, _ in rows
    ]
    cells = {column: [cell(column, values[column], MOST_OF_CELL) for _, values in rows] for column in columns}
    shown = _fitting(columns, cells, width - max(map(len, [name, *ids])))
    lines = [[name, *shown], *([ids[place], *(cells[column][place] for column in shown)] for place in range(len(rows)))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numbers = [False, *(_is_numeric(rows, column) for column in shown)]
    text = [
        _GAP.join(
            part.rjust(room) if right else part.ljust(room)
            for part, room, right in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in lines
    ]
    if len(rows) < total:
        text.insert(1 + (len(rows) + 1) // 2, "…")
    return "\n".join([*text, "", *textwrap.wrap(f"[{said(total, columns, shown)}]", width, subsequent_indent=" ")])


def _fitting(columns: Sequence[str], cells: Mapping[str, Sequence[str]], room: int) -> list[str]:
    """Choose the columns that there is room for, in their order; those that hold nothing come last."""
    first = sorted(columns, key=lambda column: LOOKED_FOR.index(column) if column in LOOKED_FOR else len(LOOKED_FOR))
    first.sort(key=lambda column: not any(cells[column]))
    chosen = set()
    for column in first:
        needed = len(_GAP) + max(map(len, [column, *cells[column]]))
        if needed <= room:
            chosen.add(column)
            room -= needed
    return [column for column in columns if column in chosen]


def said(total: int, columns: Sequence[str], shown: Sequence[str]) -> str:
    """Say how many rows and columns there are, and name those that are not shown."""
    left_out = [column for column in columns if column not in shown]
    more = f"; not shown: {', '.join(left_out)}" if left_out else ""
    return printable(f"{total} rows x {len(columns)} columns{more}")


def _is_numeric(rows: Rows, column: str) -> bool:
    return all(isinstance(values[column], int | float) for _, values in rows)


def cell(column: str, value: Any, most: int) -> str:
    """Say a value in so many letters; nothing where there is none."""
    if _is_missing(value):
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" if most < MOST_IN_PAGE else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return f"{seconds:.1f} s" if abs(seconds) < 100 else str(timedelta(seconds=round(seconds)))
    if column == "argv" and isinstance(value, str):
        value = _command(value)
    return shorten(printable(_text(value, most)), most)


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # an array, or a table, of the user's; `pandas.NA`
        return str(value) == "<NA>"


def _text(value: Any, most: int) -> str:
    if isinstance(value, Mapping):
        held = {name: item for name, item in value.items() if item not in (None, "", [], {})}
        return ", ".join(f"{name}={_text(item, most)}" for name, item in held.items())
    if isinstance(value, list | tuple):
        texts = [_text(item, most) for item in value]
        # A page shows lists as pandas does.
        return _listed(texts, most) if most < MOST_IN_PAGE or not texts else f"[{_listed(texts, most - 2)}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _listed(texts: Sequence[str], most: int) -> str:
    """Name as many as there is room for, and count the rest: ``train.csv, test.csv +3``."""
    whole = ", ".join(texts)
    count = len(texts)
    while count > 1 and len(whole) > most:
        count -= 1
        whole = f"{', '.join(texts[:count])} +{len(texts) - count:,}"
    if len(texts) > 1 and len(whole) > most:
        more = f" +{len(texts) - 1:,}"
        return shorten(_end(texts[0], most - len(more)), most - len(more)) + more
    return _end(whole, most) if len(texts) == 1 else whole


def _end(text: str, most: int) -> str:
    """Shorten a path by its folders."""
    return text if len(text) <= most or "/" not in text else f"…/{text.rpartition('/')[2]}"


def _command(argv: str) -> str:
    """Leave out the folders of the program and of its script."""
    program, *rest = argv.split(" ")
    rest[:1] = [PurePosixPath(part).name if part.startswith("/") else part for part in rest[:1]]
    return " ".join([PurePosixPath(program).name or program, *rest])
