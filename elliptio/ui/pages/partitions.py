"""Partitions of an entry as a calendar, where its key is a date, or as a grid, with what is missing: plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from elliptio.pipelines.catalog.keys import Keys, Value
from elliptio.ui import wording

MOST_ROWS, MOST_COLUMNS, MOST_NAMED = 60, 40, 20
MOST_YEARS = 40
CELL, TOP, LEFT = 18, 22, 30
LEAST_WEEKS = 3
"""So wide a calendar is, for the name of its month."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_WEEKDAYS = ((0, "Mon"), (2, "Wed"), (4, "Fri"))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def shown(there: Mapping[Keys, str], year: str = "") -> dict[str, Any] | None:
    """Say how partitions are drawn, `there` having the artifact of each; None where no picture helps."""
    names = list(dict.fromkeys(name for keys in there for name in keys))
    if not there or not names or len(names) > 2:
        return None
    if len(names) == 1:
        values = {keys[names[0]]: identifier for keys, identifier in there.items() if names[0] in keys}
        days = {day: identifier for value, identifier in values.items() if (day := _day(value))}
        if len(days) == len(values):
            return _calendar(names[0], days, year)
        if all(isinstance(value, str) and _MONTH.fullmatch(value) for value in values):
            cells = {(str(value)[:4], _MONTHS[int(str(value)[5:]) - 1]): one for value, one in values.items()}
            return _grid((names[0], ""), cells, rows=_years(cells), columns=list(_MONTHS), within=_span(values))
        if not all(isinstance(value, int) for value in values):
            return None
        return _line(names[0], {int(value): one for value, one in values.items()})
    one, other = names
    pairs = {(keys[one], keys[other]): each for keys, each in there.items() if one in keys and other in keys}
    rows, columns = ([*_sorted({pair[at] for pair in pairs})] for at in (0, 1))
    return _grid((one, other), pairs, rows=rows, columns=columns)


def _day(value: Value) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
    except ValueError:
        return None


def _sorted(values: Any) -> list[Any]:
    return sorted(values, key=lambda value: (isinstance(value, str), value))


# --- a calendar ---


def _calendar(name: str, days: Mapping[date, str], year: str) -> dict[str, Any]:
    """Draw a year, its months in which there is something: a column a week, a row a day of it."""
    first, last = min(days), max(days)
    every, there = range(first.year, last.year + 1), sorted({day.year for day in days})
    # Of a year that is missing as a whole it is seen so, where there is room for a tab of each.
    years = list(every) if len(every) <= MOST_YEARS else there[-MOST_YEARS:]
    chosen = int(year) if year.isascii() and year.isdigit() and int(year) in years else years[-1]
    week, begin = 0, max(date(chosen, 1, 1), first.replace(day=1))
    cells, marks = [], []
    for offset in range((min(date(chosen, 12, 31), last) - begin).days + 1):
        day = begin + timedelta(offset)
        week = (offset + begin.weekday()) // 7
        if day.day == 1:
            marks.append({"x": LEFT + (week + (day.weekday() > 0)) * CELL, "says": _MONTHS[day.month - 1]})
        if day in days or first <= day <= last:
            cells.append(_cell(LEFT + week * CELL, TOP + day.weekday() * CELL, f"{day}", days.get(day)))
    missing = [first + timedelta(at) for at in range((last - first).days + 1) if first + timedelta(at) not in days]
    return {
        "kind": "calendar", "names": [name], "cells": cells, "marks": marks,
        "width": LEFT + max(week + 1, LEAST_WEEKS) * CELL, "height": TOP + 7 * CELL + 4,
        "rows": [{"y": TOP + at * CELL + 13, "says": says} for at, says in _WEEKDAYS],
        "years": [(str(one), one == chosen) for one in years], "span": f"{first} to {last}",
        "count": len(days), "missing": len(missing), "unit": "day", "named": _stretches(missing), "left_out": "",
    }  # fmt: skip


def _stretches(days: Sequence[date]) -> list[str]:
    """Name days, those that follow upon each other together; the newest first."""
    numbered = groupby(enumerate(days), key=lambda pair: pair[1].toordinal() - pair[0])
    found = [[day for _, day in group] for _, group in numbered]
    return [str(one[0]) if len(one) == 1 else f"{one[0]} to {one[-1]}" for one in reversed(found)][:MOST_NAMED]


# --- a grid ---


def _years(cells: Mapping[tuple[str, str], str]) -> list[str]:
    numbers = [int(year) for year, _ in cells]
    return [f"{year:04}" for year in range(min(numbers), max(numbers) + 1)]


def _span(values: Mapping[Value, str]) -> Any:
    first, last = min(map(str, values)), max(map(str, values))
    return lambda row, column: first <= f"{row}-{_MONTHS.index(column) + 1:02}" <= last


def _line(name: str, values: Mapping[int, str]) -> dict[str, Any]:
    """Draw whole numbers in rows of ten, where they are not too far apart; others are only listed as what is there."""
    first, last = min(values), max(values)
    begin = first - first % 10
    if last - begin >= 10 * MOST_ROWS:
        return {**_grid((name, ""), {}, rows=[], columns=[]), "count": len(values)}
    cells = {(f"{value - value % 10}", f"+{value % 10}"): one for value, one in values.items()}
    rows = [f"{row}" for row in range(begin, last + 1, 10)]
    return _grid(
        (name, ""), cells, rows=rows, columns=[f"+{at}" for at in range(10)],
        within=lambda row, column: first <= int(row) + int(column) <= last,
    )  # fmt: skip


def _grid(
    names: tuple[str, str],
    cells: Mapping[tuple[Any, Any], str],
    *,
    rows: Sequence[Any],
    columns: Sequence[Any],
    within: Any = lambda row, column: True,
) -> dict[str, Any]:
    """Make a table of what is there, and of what would be if each row had each column."""
    missing = [
        (row, column) for row in rows for column in columns if (row, column) not in cells and within(row, column)
    ]
    few, some = rows[-MOST_ROWS:], columns[:MOST_COLUMNS]
    out = [f"{len(rows) - len(few):,} rows"] if len(rows) > len(few) else []
    out += [f"{len(columns) - len(some):,} columns"] if len(columns) > len(some) else []
    return {
        "kind": "grid", "names": [wording.plain(name, 60) for name in names if name],
        "columns": [wording.plain(one, 30) for one in some],
        "rows": [
            {"says": wording.plain(row, 40), "cells": [
                _cell(0, 0, ", ".join(map(str, (row, column))), cells.get((row, column)), is_one=within(row, column))
                for column in some]}
            for row in few
        ],
        "count": len(cells), "missing": len(missing), "unit": "combination" if names[1] else "partition",
        "named": [wording.plain(", ".join(map(str, one)), 80) for one in missing[:MOST_NAMED]],
        "left_out": " and ".join(out),
    }  # fmt: skip


def _cell(x: int, y: int, says: str, identifier: str | None, *, is_one: bool = True) -> dict[str, Any]:
    state = "here" if identifier else "missing" if is_one else ""
    return {"x": x, "y": y, "id": identifier, "state": state, "says": wording.plain(f"{says}: {state or 'none'}", 120)}
