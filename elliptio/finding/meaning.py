"""Check what a field is compared with: what could never be equal is refused, with what may be meant."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from elliptio.errors import QueryError
from elliptio.labels import Labels
from elliptio.metadata import FIELDS
from elliptio.naming import shorten

_NAMES_OF_FILES = ("file_relpaths", "files.relpath", "log_relpaths", "logs.relpath")
_GLOB = re.compile(r"[*?]|\[[^]]+\]")

_TEXTS = frozenset(name for name, one in FIELDS.items() if str in one.rule.kinds)
_LISTS = frozenset({"based_on", "file_relpaths", "log_relpaths", "tags"})
_ALL_LABELS = {entry.name for entry in dataclasses.fields(Labels)}
_NUMBERS = frozenset(name for name, one in FIELDS.items() if one.rule.kinds == (int,))


def check_values(path: str, operand: Any) -> None:
    """Refuse values that the field of a path can never equal; ``{"$eq": …}`` takes what is only unlikely to.

    Raises
    ------
    QueryError
        The message says what may be meant.

    """
    if isinstance(operand, Mapping) and operand and not is_operators(operand) and set(operand) != _ALL_LABELS:
        inner = {f"{path}.{name}": value for name, value in operand.items()}
        raise futile(path, operand, "a dict equals only one of exactly these fields, in this order", inner, exact=True)
    if path in _NAMES_OF_FILES:
        _check_names(path, operand)
    for value in compared(operand):
        _check_kind(path, value, operand)


def check_zones(asked: Any, where: str = "a query") -> None:
    """Refuse datetimes without a zone in a query that can be read.

    Raises
    ------
    QueryError
        The message has the lines to write instead.

    """
    if isinstance(asked, datetime) and asked == asked and asked.utcoffset() is None:
        plain = asked.replace(tzinfo=UTC).isoformat()
        meant = [plain]
        with contextlib.suppress(OverflowError, ValueError, OSError):
            meant.append(datetime.fromisoformat(plain).replace(tzinfo=None).astimezone().isoformat())
        lines = " or ".join(f"datetime.fromisoformat({text!r})" for text in dict.fromkeys(meant))
        raise QueryError(
            f"{where}: {asked} has no time zone, so it is another moment everywhere: write {lines}; "
            "for now, datetime.now(tz=UTC)."
        )
    if isinstance(asked, Mapping):
        for name, value in asked.items():
            check_zones(value, name if not name.startswith("$") else where)
    elif isinstance(asked, list | tuple):
        for value in asked:
            check_zones(value, where)


def _check_names(path: str, operand: Any) -> None:
    listed = operand.get("$in", ()) if isinstance(operand, Mapping) else [operand]
    glob = next((one for one in listed if isinstance(one, str) and _GLOB.search(one)), None)
    if glob is not None:
        pattern = "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in re.split(r"([*?])", glob))
        raise futile(path, glob, "a name equals no pattern", {path: {"$regex": f"^{pattern}$"}}, exact=True)
    climbing = next((one for one in listed if isinstance(one, str) and one.startswith(("/", "./", "../"))), None)
    if climbing is not None:
        name = climbing.rsplit("/", 1)[-1]
        raise futile(path, climbing, "names of files are relative to their artifact", {path: name})


def _check_kind(path: str, value: Any, operand: Any) -> None:
    if path in _TEXTS and isinstance(value, bool | int | float | bytes):
        raise futile(path, value, "it is a text", {path: str(value)})
    if path in _LISTS and isinstance(value, bool | int | float | bytes):
        raise futile(path, value, "it holds texts", {path: str(value)})
    if path in _NUMBERS and isinstance(value, str):
        number = int(value) if value.isdecimal() else 0
        raise futile(path, value, "it is a number", {path: number})
    if path in _TEXTS and isinstance(operand, list):
        raise futile(path, operand, "it is one text, no list", {path: {"$in": operand}})
    if path == "tags" and isinstance(value, str) and value.startswith("tag:"):
        raise futile(path, value, "they are names alone", {path: value.removeprefix("tag:")})


def futile(path: str, value: Any, why: str, meant: Mapping[str, Any] | None, *, exact: bool = False) -> QueryError:
    """Make the error for a value that a field can never equal.

    Parameters
    ----------
    path, value
        What is asked for as what.
    why
        Why that finds nothing.
    meant
        The query that may be meant, where one can be guessed.
    exact
        True: ``{"$eq": …}`` takes the value all the same.

    """
    asked, found = f"{path} is asked for as {shorten(repr(value), 60)}", shorten(repr(dict(meant or {})), 200)
    guess = f"; did you mean {found}?" if meant is not None else "."
    otherwise = f" For exactly that: {{{path!r}: {{'$eq': …}}}}." if exact else ""
    return QueryError(f"{asked}, which would find nothing: {why}{guess}{otherwise}")


def compared(operand: Any) -> Iterator[Any]:
    """Yield the values that a condition compares a field with."""
    if not is_operators(operand):
        yield from operand if isinstance(operand, list) else [operand]
        return
    for name, value in operand.items():
        if name == "$not":
            yield from compared(value)
        elif name in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$regex"):
            yield value
        elif name in ("$in", "$nin", "$all"):
            yield from value


def is_operators(operand: Any) -> bool:
    """Tell whether a condition is made of operators, and is no value."""
    return isinstance(operand, Mapping) and any(name.startswith("$") for name in operand)
