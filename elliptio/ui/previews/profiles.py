"""Describe the columns of a table by its values: type, range, how many are empty, a histogram."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from elliptio.naming import shorten
from elliptio.ui.previews.shapes import Column

BARS = 12
"""Bars of a histogram."""

EMPTY = frozenset({"", "NA", "NaN", "nan", "null", "NULL", "None", "N/A", "n/a"})
"""Texts that stand for a missing value."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][+-]?[0-9]{1,4})?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_BOOLEANS = frozenset({"true", "false", "True", "False", "TRUE", "FALSE"})
_MOST_TEXT = 40
_LONG = re.compile(r"(?=.*[.eE]).{10,}")
"""Digits behind a point that nobody reads; a whole number stays as it is."""


def column_of(name: str, values: Sequence[str]) -> Column:
    """Describe a column by its values as text."""
    counts = Counter(values)
    empty = sum(counts.pop(text, 0) for text in EMPTY)
    kind = _type(counts)
    if kind in ("integer", "number", "time"):
        numbers = {text: number for text in counts if (number := _number(text, kind)) is not None}
        if numbers:
            low, high = min(numbers, key=numbers.__getitem__), max(numbers, key=numbers.__getitem__)
            weighed = [(number, counts[text]) for text, number in numbers.items()]
            histogram = bars(weighed)
            if kind == "number":
                low, high = (brief(numbers[text]) if _LONG.fullmatch(text) else text for text in (low, high))
            return Column(name, kind, _range(low, high), empty, histogram, len(counts))
    if kind == "empty":
        return Column(name, kind, "", empty, [], 0)
    histogram = [count for _, count in counts.most_common(BARS)]
    low, high = min(counts), max(counts)
    return Column(name, kind, _range(low, high), empty, histogram, len(counts))


def brief(number: float) -> str:
    """Write a number with as many digits as somebody reads."""
    return f"{number:.0f}" if 1e6 <= abs(number) < 1e15 else f"{number:.6g}"


def bars(weighed: Sequence[tuple[float, int]]) -> list[int]:
    """Count numbers in parts of their range that are equally wide."""
    finite = [(number, count) for number, count in weighed if math.isfinite(number)]
    if not finite:
        return []
    low, high = min(number for number, _ in finite), max(number for number, _ in finite)
    if low == high:
        return [sum(count for _, count in finite)]
    found = [0] * BARS
    # Halved first, for the width of the widest range is no double.
    width = (high / 2 - low / 2) / BARS
    for number, count in finite:
        place = int((number / 2 - low / 2) / width) if width else 0
        found[min(place, BARS - 1)] += count
    return found


def _type(counts: Counter[str]) -> str:
    if not counts:
        return "empty"
    if all(map(_INTEGER.fullmatch, counts)):
        return "integer"
    if all(map(_NUMBER.fullmatch, counts)):
        return "number"
    if counts.keys() <= _BOOLEANS:
        return "boolean"
    return "time" if all(map(_TIME.fullmatch, counts)) else "text"


def _number(text: str, kind: str) -> float | None:
    try:
        if kind == "time":
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        number = float(text)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _range(low: str, high: str) -> str:
    low, high = shorten(low, _MOST_TEXT), shorten(high, _MOST_TEXT)
    return low if low == high else f"{low} … {high}"
