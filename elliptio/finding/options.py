"""Name what may be asked of a search, for artifacts and runs alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact


class FindOptions(TypedDict, total=False):
    """Options of `Work.find`, whose docstring describes them."""

    max_docs: int | None
    sort: Any
    columns: Sequence[str] | None
    exclude_columns: Sequence[str]
    deleted: bool
    ancestors_of: str | Artifact | None
    descendants_of: str | Artifact | None
    counted: bool


class Unasked(int):
    """A number that nobody asked for: where it cuts something off, that has to be said."""


MOST_SHOWN: int = Unasked(1000)
"""Rows of an answer where nobody says how many; 0 and None are all."""


class RunOptions(TypedDict, total=False):
    """Options of `Runs.find`, whose docstring describes them."""

    max_docs: int | None
    sort: Any
    columns: Sequence[str] | None


class Options(NamedTuple):
    """A query and how it is to be answered, as a user gave them; `Work.find` describes them."""

    query: Mapping[str, Any] | None = None
    max_docs: int | None = MOST_SHOWN
    sort: Any = None
    columns: Sequence[str] | None = None
    exclude_columns: Sequence[str] | None = None
    deleted: bool = False
    ancestors_of: str | Artifact | None = None
    descendants_of: str | Artifact | None = None
    counted: bool = True
    """False: where more match than are shown, nobody asks how many."""
