"""Cut the text of a query bar into its words: ``-who:andy``, ``size:>1MB``, ``"free text"``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from elliptio.errors import QueryError
from elliptio.naming import is_utf8, shorten

MOST_TEXT = 64 * 1024
"""Limit of characters of a bar."""

_KEY = re.compile(r'(?P<key>[^\s":]+):(?P<op><=|>=|<|>|=)?')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_WORD = re.compile(r"\S*")


class ShortcutError(QueryError):
    """A text of the query bar that cannot be read.

    Attributes
    ----------
    start, end
        Where in the text it stands.
    says
        What is wrong.
    instead
        What to write instead.

    """

    def __init__(self, says: str, instead: str, start: int, end: int) -> None:
        super().__init__(f"{says} Write {instead}")
        self.says = says
        self.instead = instead
        self.start = start
        self.end = end


@dataclass(frozen=True)
class Chip:
    """One condition of a bar, and where it stands in the text.

    Attributes
    ----------
    key
        What is asked for, such as ``who``; empty for free text.
    op
        ``:``, or ``=``, ``<``, ``<=``, ``>``, ``>=`` where one stands after the colon.
    value
        What it is compared with, without quotes.
    negated
        Whether a ``-`` stands before it.
    start, end
        Where it stands in the text.

    """

    key: str
    op: str
    value: str
    negated: bool
    start: int
    end: int


@dataclass(frozen=True)
class Word:
    """A word of a text as it was written; `quoted` says whether its value stood in quotes."""

    key: str
    op: str
    value: str
    quoted: bool
    negated: bool
    start: int
    end: int

    def error(self, says: str, instead: str) -> ShortcutError:
        """Make an error that points at this word."""
        return ShortcutError(says, instead, self.start, self.end)

    def with_value(self, value: str) -> str:
        """Write the same word with another value, as an example for an error."""
        return f"{'-' if self.negated else ''}{self.key}:{value}"

    def with_key(self, key: str) -> str:
        """Write the same word with another key."""
        value = quote(self.value) if self.quoted else self.value
        return f"{'-' if self.negated else ''}{key}:{self.op}{value}"


def words(text: str) -> Iterator[Word]:
    """Cut a text into words.

    Raises
    ------
    ShortcutError
        If a quote is not closed, or something stands right behind one that is.

    """
    if len(text) > MOST_TEXT:
        raise ShortcutError(f"A text of {len(text):,} characters is too long.", "less", 0, len(text))
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        word = _word(text, at)
        yield word
        at = word.end


def _word(text: str, start: int) -> Word:
    negated = text[start] == "-" and text[start + 1 : start + 2].strip() != ""
    at = start + negated
    key, op = "", ""
    if text[at] != '"' and (found := _KEY.match(text, at)):
        key, op, at = found["key"], found["op"] or "", found.end()
    if text[at : at + 1] == '"':
        value, end = _quoted(text, at)
        return Word(key, op, value, True, negated, start, end)
    plain = _WORD.match(text, at)
    value, end = (plain[0], plain.end()) if plain else ("", at)
    if '"' in value:
        whole = quote(value)
        raise ShortcutError(
            f"A quote stands within {shorten(text[start:end], 60)}.",
            f"the whole value in quotes: {text[start:at]}{whole}",
            start,
            end,
        )
    return Word(key, op, value, False, negated, start, end)


def _quoted(text: str, at: int) -> tuple[str, int]:
    found = _QUOTED.match(text, at)
    if found is None:
        raise ShortcutError("A quote is not closed.", f'{shorten(text[at:], 60)}"', at, len(text))
    end = found.end()
    if end < len(text) and not text[end].isspace():
        raise ShortcutError(
            "Something stands right behind a quote.", f"a space between: {found[0]} {text[end]}", at, end + 1
        )
    try:
        return str(json.loads(found[0], strict=False)), end
    except ValueError:
        doubled = found[0].replace("\\", "\\\\")
        raise ShortcutError(
            f"{shorten(found[0], 60)} has a backslash before no \\ or quote.", doubled, at, end
        ) from None


def quote(value: str) -> str:
    """Write a value in quotes."""
    return json.dumps(value, ensure_ascii=not is_utf8(value))
