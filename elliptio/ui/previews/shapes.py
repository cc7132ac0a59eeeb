"""Define what a preview can be: frozen values that a page shows as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias


@dataclass(frozen=True)
class Column:
    """A column of a table, and what its values are like.

    Attributes
    ----------
    name, type
        Its name, and ``integer``, ``number``, ``boolean``, ``time``, ``text``, ``empty``, or a type of the file's own.
    range
        Its smallest and largest value. Empty where nothing is known.
    empty
        How many values are missing; None where nobody knows.
    histogram
        How many values fall into each part of the range; of texts how often the most frequent ones come.
    distinct
        How many different values there are among those that were looked at; None where none were.

    """

    name: str
    type: str
    range: str = ""
    empty: int | None = None
    histogram: list[int] = field(default_factory=list)
    distinct: int | None = None


@dataclass(frozen=True)
class Table:
    """First rows of a table; `total` is None where counting would take reading all of it."""

    columns: list[Column]
    rows: list[list[str]]
    total: int | None
    more: str | None = None
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Image:
    """An image of which only the header was read; a browser may be given it only if it is `safe`."""

    width: int
    height: int
    format: str
    safe: bool
    says: str = ""
    more: str | None = None
    kind: ClassVar[str] = "image"


@dataclass(frozen=True)
class Text:
    """First lines of a text."""

    lines: list[str]
    language: str
    more: str | None = None
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook: ``code``, ``markdown`` or ``raw``; `images` are ``data:`` URLs of PNG and JPEG."""

    kind: str
    text: str
    outputs: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Notebook:
    """Cells of a notebook as text; nothing of it runs, nothing of it is markup."""

    cells: list[Cell]
    language: str
    more: str | None = None
    kind: ClassVar[str] = "notebook"


@dataclass(frozen=True)
class Diff:
    """Lines of a patch, each with what it is: ``file``, ``hunk``, ``added``, ``removed`` or ``same``."""

    lines: list[tuple[str, str]]
    files: int
    added: int
    removed: int
    more: str | None = None
    kind: ClassVar[str] = "diff"


@dataclass(frozen=True)
class Header:
    """Facts that the header of a file of numbers or objects says; its content is never loaded."""

    facts: list[tuple[str, str]]
    format: str
    more: str | None = None
    kind: ClassVar[str] = "header"


@dataclass(frozen=True)
class Sandboxed:
    """A page or a drawing that could run code: to be shown apart from all else, or as its source."""

    format: str
    lines: list[str]
    more: str | None = None
    kind: ClassVar[str] = "sandboxed"


@dataclass(frozen=True)
class Hex:
    """First bytes of a file of which nothing else is known."""

    lines: list[str]
    more: str | None = None
    kind: ClassVar[str] = "hex"


Preview: TypeAlias = Table | Image | Text | Notebook | Diff | Header | Sandboxed | Hex
