"""Read the text of the query bar: shortcuts, or a MongoDB document that begins with ``{``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from elliptio.documents import read_query
from elliptio.errors import QueryError
from elliptio.finding.fields import ARTIFACTS, check_fields
from elliptio.finding.meaning import check_zones
from elliptio.indexes.query.checking import normalize_query
from elliptio.naming import shorten
from elliptio.ui.shortcuts.keys import Clause, canonical_key, clause_of
from elliptio.ui.shortcuts.links import unpacked
from elliptio.ui.shortcuts.tokens import MOST_TEXT, Chip, ShortcutError, Word, quote, words


@dataclass(frozen=True)
class Bar:
    """Content of a query bar, and the query that it means.

    Attributes
    ----------
    text
        The text, each condition once and in its shortest spelling.
    chips
        Its conditions; none of a MongoDB document.
    query
        The MongoDB query that it means, checked.
    mongo
        Whether it is a MongoDB document.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> bar = read_bar('project:penguins user:andy', now=datetime(2026, 11, 1, tzinfo=UTC))
    >>> bar.text
    'project:penguins who:andy'
    >>> bar.query
    {'labels.project': 'penguins', 'username': 'andy'}

    """

    text: str
    chips: tuple[Chip, ...]
    query: dict[str, Any]
    mongo: bool


def read_bar(text: str, *, now: datetime) -> Bar:
    """Read the text of a query bar; nothing of it is evaluated.

    Parameters
    ----------
    text
        Shortcuts such as ``project:penguins -who:andy since:30d "free text"``, or a MongoDB query in (extended) JSON.
    now
        The moment from which ages such as ``30d`` are counted.

    Raises
    ------
    ShortcutError
        If it cannot be read, or asks what no artifact has; it points at the word, and says what to write instead.

    """
    text = unpacked(text)
    if text.lstrip().startswith(("{", "[")):
        return read_document(text, ARTIFACTS.fields, '{"labels.project": "penguins"}')

    def written(word: Word, clause: Clause) -> tuple[str, str, str]:
        key = canonical_key(word.key)
        return (key, *shortest(replace(word, key=key), clause, now))

    return bar_of_words(text, lambda word: checked(word, clause_of(word, now), ARTIFACTS.fields), written)


def bar_of_words(
    text: str, read: Callable[[Word], Clause], written: Callable[[Word, Clause], tuple[str, str, str]]
) -> Bar:
    """Join what words ask for, each thing once; `written` gives the key, the text and the operator of a word."""
    clauses: list[Clause] = []
    chips: list[Chip] = []
    whole = ""
    for word in words(text):
        clause = read(word)
        if any(same(clause, other) for other in clauses):
            continue
        key, shown, op = written(word, clause)
        start = len(whole) + bool(whole)
        whole += f"{' ' if whole else ''}{shown}"
        chips.append(Chip(key, op or ":", word.value, word.negated, start, len(whole)))
        clauses.append(clause)
    return Bar(whole, tuple(chips), joined(clauses), mongo=False)


def without(bar: Bar, chip: Chip) -> str:
    """Write the text of a bar without one of its chips."""
    if chip not in bar.chips:
        return bar.text
    return " ".join(bar.text[other.start : other.end] for other in bar.chips if other != chip)


def joined(clauses: Sequence[Clause]) -> dict[str, Any]:
    """Join conditions by "and"; conditions on one field stand together where that means the same."""
    plain: dict[str, Any] = {}
    more: list[Clause] = []
    for clause in clauses:
        ((path, operand),) = clause.items()
        if path not in plain:
            plain[path] = dict(operand) if isinstance(operand, dict) else operand
        elif _may_join(plain[path], operand):
            plain[path] |= operand
        else:
            more.append(clause)
    return plain | {"$and": more} if more else plain


_BOUNDS = {"$gt", "$gte", "$lt", "$lte"}


def _may_join(one: Any, other: Any) -> bool:
    """Tell whether both are bounds, and not the same ones."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    return one.keys() <= _BOUNDS and other.keys() <= _BOUNDS and not one.keys() & other.keys()


def same(one: Any, other: Any) -> bool:
    """Tell whether two queries are the same, also by the types of their values; the order of conditions is none."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other or (one != one and other != other))


def shortest(word: Word, clause: Clause, now: datetime) -> tuple[str, str]:
    """Write a word without quotes and without ``=``, where that means the same; with the operator that is left."""
    sign = "-" if word.negated else ""
    ops = ("", word.op) if word.op == "=" else (word.op,)
    for op in ops:
        for value in (word.value, quote(word.value)):
            written = f"{sign}{word.key}{':' if word.key else ''}{op}{value}"
            try:
                found = list(words(written))
                if (
                    len(found) == 1
                    and not written.startswith(("{", "[", "~"))
                    and same(clause_of(found[0], now), clause)
                ):
                    return written, op
            except QueryError:
                continue
    raise AssertionError(f"{word} cannot be written")


def checked(word: Word, clause: Clause, fields: Set[str]) -> Clause:
    """Refuse the condition of a word that the library would not take."""
    try:
        clause = normalize_query(clause)
        check_fields(clause, fields)
    except QueryError as error:
        says, instead = _told(str(error))
        if re.fullmatch(r"'[\w.]+'", instead):
            instead = word.with_key(instead.strip("'"))
        raise word.error(says, instead) from error
    return clause


def read_document(text: str, fields: Set[str], example: str) -> Bar:
    """Read a MongoDB query, in JSON, that asks for fields of a kind of document."""
    from bson import json_util

    start = len(text) - len(text.lstrip())
    if len(text) > MOST_TEXT:
        raise ShortcutError(f"A query of {len(text):,} characters is too long for the bar.", "less", 0, len(text))
    try:
        document = read_query(text)
    except ValueError as error:
        at = error.__cause__.pos if isinstance(error.__cause__, json.JSONDecodeError) else start
        at = min(at, len(text) - 1)
        raise ShortcutError(
            f"The query is {shorten(str(error), 300)}", f"JSON such as {example}", at, at + 1
        ) from error
    try:
        query = normalize_query(document)
        check_zones(document)
        check_fields(query, fields)
    except QueryError as error:
        at, end = _place(text, str(error), start)
        raise ShortcutError(*_told(str(error)), at, end) from error
    written = json_util.dumps(query, json_options=json_util.RELAXED_JSON_OPTIONS, ensure_ascii=False)
    return Bar(written, (), query, mongo=True)


def _place(text: str, message: str, start: int) -> tuple[int, int]:
    """Find the name in a document of which a message speaks; else it is the whole."""
    names = re.findall(r"\$?[\w.-]+", message)
    for name in sorted(names, key=lambda name: not name.startswith("$")):
        if (at := text.find(f'"{name}"')) >= 0:
            return at, at + len(name) + 2
    return start, len(text.rstrip())


def _told(message: str) -> tuple[str, str]:
    """Part a message of the library into what is wrong and what to write instead."""
    for sign in ("did you mean ", "write ", "use ", "Write "):
        says, found, instead = message.partition(sign)
        if found:
            return f"{shorten(says.rstrip(' ;,:.'), 300)}.", re.split(r"\?(?: |$)", instead)[0] or instead
    return shorten(message, 300), "another value, or see docs/queries.md"
