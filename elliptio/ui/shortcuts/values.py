"""Read the values of shortcuts: texts, patterns, numbers, sizes, moments. Values in, operands of a query out."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from elliptio.naming import glob_pattern, named_moment
from elliptio.ui.shortcuts.tokens import Word, quote

OPERATORS = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
UNITS = {
    "": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
"""Bytes of the units of sizes."""

GLOB = re.compile(r"[*?]|\[[^]]+\]")
"""Signs that make a word a pattern."""

_UNITS = {name.lower(): size for name, size in UNITS.items()} | {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([a-zA-Z]*)")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?")
_WORDS = {"true": True, "false": False, "null": None}


def text_operand(word: Word) -> Any:
    """Read a text: as it is in quotes or after ``=``, else also as a pattern."""
    if word.op in OPERATORS:
        raise word.error(f"{word.key!r} is a text, which is not {word.op} another.", word.with_value(word.value or "…"))
    if word.quoted or word.op == "=" or not GLOB.search(word.value):
        return word.value
    return {"$regex": glob_pattern(word.value)}


def name_operand(word: Word) -> Any:
    """Read a text that is a file's name: one with stars in it that is meant as it stands has to say so in a query."""
    if word.value.startswith(("/", "./", "../")):
        name = word.value.lstrip("./")
        raise word.error("Names of files are relative to their artifact.", word.with_value(name or "data.csv"))
    operand = text_operand(word)
    return {"$eq": operand} if isinstance(operand, str) and GLOB.search(operand) else operand


def loose_operand(word: Word) -> Any:
    """Read a value of which nobody says what it is: ``2024`` finds the text and the number, ``=2024`` the number."""
    value = word.value
    if word.op in OPERATORS:
        number = None if word.quoted else number_of(value)
        if number is None and not word.quoted:
            raise word.error(
                f"{value!r} is no number.", f"a number, or a text in quotes: {word.with_value(word.op + quote(value))}"
            )
        return {OPERATORS[word.op]: value if word.quoted else number}
    if word.quoted:
        return value
    typed = _WORDS[value] if value in _WORDS else number_of(value)
    if word.op == "=":
        if typed is None and value != "null":
            raise word.error(f"{value!r} is no number, nor true, false or null.", word.with_value(quote(value)))
        return typed
    if typed is not None:
        return {"$in": [value, typed]}
    return text_operand(word)


def number_of(text: str) -> int | float | None:
    """Read a number; None if it is none."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return None


def number_operand(word: Word) -> Any:
    """Read a whole number, and how it is compared."""
    if not _INTEGER.fullmatch(word.value):
        raise word.error(f"{word.value!r} is no whole number.", f"{word.with_value('10')} or {word.with_value('>10')}")
    number = int(word.value)
    return {OPERATORS[word.op]: number} if word.op in OPERATORS else number


def size_operand(word: Word) -> Any:
    """Read a size in bytes, and how it is compared: ``>1MB``."""
    found = _SIZE.fullmatch(word.value)
    unit = _UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None:
        raise word.error(f"{word.value!r} is no size.", "bytes or a unit: size:>1MB, size:<=500kB, size:>2GiB")
    size = int(found[1]) * unit if found[1].isdecimal() else round(float(found[1]) * unit)
    return {OPERATORS[word.op]: size} if word.op in OPERATORS else size


def size_text(size: int) -> str:
    """Write a size with the largest unit that says it exactly."""
    for name in ("PB", "TB", "GB", "MB", "kB"):
        if size and size % UNITS[name] == 0:
            return f"{size // UNITS[name]}{name}"
    return str(size)


def moment_of(word: Word, now: datetime, of_day: timedelta) -> datetime:
    """Read a moment, in milliseconds as they are stored."""
    if word.op:
        raise word.error(f"No {word.op} stands before a time.", "since:7d or until:2026-11-01")
    try:
        moment = named_moment(word.value, now, of_day).astimezone(UTC)
    except (ValueError, OverflowError):
        raise word.error(
            f"{word.value!r} is no time.",
            f"an age, a day or an ISO datetime: {', '.join(map(word.with_value, ('30d', '2026-11-01')))} or "
            f"{word.with_value('2026-11-01T09:30:00Z')}",
        ) from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def moment_text(moment: datetime) -> str:
    """Write a moment so that it is read back as the same."""
    part = "milliseconds" if moment.microsecond else "seconds"
    return moment.astimezone(UTC).isoformat(timespec=part).replace("+00:00", "Z")
