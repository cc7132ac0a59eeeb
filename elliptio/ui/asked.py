"""A request as pages see it, and what they answer: plain values, which know nothing of a server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from elliptio.ui.guard import Kind

_LETTERS = {"2E": ".", "2F": "/", "7E": "~"}
_ESCAPED = re.compile(f"~({'|'.join(_LETTERS)})")


class NotThereError(Exception):
    """There is nothing at this address; the message says why, if that is known."""


class WrongError(Exception):
    """A question that cannot be answered so; the message says what to ask instead."""


class ForeignFormError(Exception):
    """A change that no form of this view sent; the message says where there is one."""


class TakenError(Exception):
    """A thing that is not as a form showed it any more; the message says what to do."""


@dataclass(frozen=True)
class Asked:
    """A request for a page.

    Attributes
    ----------
    path
        Below the view's own place: ``/artifacts/artifact_1``.
    parts
        What the pattern of the path found, by name.
    query
        Pairs of the query, in order, without the token.
    form
        Of a POST.
    headers
        By name in small letters.

    """

    path: str
    parts: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"

    @property
    def up(self) -> str:
        """Way from this page to the view's own place: links are relative, so that a proxy may show it anywhere."""
        return "../" * (self.path.count("/") - 1) or "./"

    def get(self, name: str, otherwise: str = "") -> str:
        """Return the last value of a name in the query."""
        return next((value for key, value in reversed(self.query) if key == name), otherwise)

    def all(self, name: str) -> list[str]:
        """Return all values of a name in the query, also where several stand in one, with commas between."""
        return [part for key, value in self.query if key == name for part in value.split(",") if part]

    def number(self, name: str, otherwise: int, most: int) -> int:
        """Return a number of the query, from 0 to `most`."""
        text = self.get(name)
        return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise

    def link(self, **changed: str | None) -> str:
        """Write a link to this page with other values in the query; None takes one out."""
        kept = [(key, value) for key, value in self.query if key not in changed]
        return written("", [*kept, *((key, value) for key, value in changed.items() if value is not None)])


def written(path: str, query: list[tuple[str, str]]) -> str:
    """Write a relative URL."""
    text = urlencode(query, quote_via=quote, safe=":*/")
    return f"{path}?{text}" if text else path or "?"


def segment(text: str) -> str:
    """Write a text as one part of a path.

    Browsers take ``.`` and ``..`` for folders, and servers ``%2F`` for a slash, however they are written: both get a
    spelling of our own.

    """
    plain = _ESCAPED.sub(r"~7E\1", text).replace("/", "~2F")
    return quote(plain.replace(".", "~2E") if plain in (".", "..") else plain, safe="")


def text_of(part: str) -> str:
    """Read a text that `segment` wrote as a part of a path."""
    return _ESCAPED.sub(lambda found: _LETTERS[found[1]], part)


@dataclass(frozen=True)
class Answer:
    """Answer of a page.

    Attributes
    ----------
    body
        Bytes, or an iterator of them that breaks off where something is wrong.
    headers
        Besides those that all answers have.

    """

    body: bytes | Iterator[bytes]
    media: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: Kind | None = None


def see_other(where: str) -> Answer:
    """Lead to another page, by a relative link."""
    return Answer(b"", status=303, headers={"location": where}, media="text/plain; charset=utf-8")


def as_dict(value: Any) -> dict[str, Any]:
    """Return a mapping of a document, and an empty one where a damaged document has something else."""
    return dict(value) if isinstance(value, Mapping) else {}
