"""What may be asked of a search, for artifacts and runs alike, and the check of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from elliptio.errors import QueryError
from elliptio.finding.fields import Schema, check_fields, check_order
from elliptio.indexes.query.checking import normalize_query
from elliptio.protocols import Query

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact


class FindOptions(TypedDict, total=False):
    """Options of `Work.find`, whose docstring describes them."""

    max_docs: int
    sort: Any
    columns: Sequence[str] | None
    exclude_columns: Sequence[str]
    deleted: bool
    ancestors_of: str | Artifact | None
    descendants_of: str | Artifact | None


class RunOptions(TypedDict, total=False):
    """Options of `Runs.find`, whose docstring describes them."""

    max_docs: int
    sort: Any
    columns: Sequence[str] | None


@dataclass(frozen=True)
class Options:
    """A query and how it is to be answered, as a user gave them; `Work.find` describes them."""

    query: Mapping[str, Any] | None = None
    max_docs: int = 1000
    sort: Any = None
    columns: Sequence[str] | None = None
    exclude_columns: Sequence[str] | None = None
    deleted: bool = False
    ancestors_of: str | Artifact | None = None
    descendants_of: str | Artifact | None = None

    @property
    def is_near(self) -> bool:
        """Whether only what lies near an artifact in the lineage is asked for."""
        return self.ancestors_of is not None or self.descendants_of is not None


@dataclass(frozen=True)
class Asked:
    """A query and how it is to be answered, checked and made plain."""

    query: Query
    order: list[tuple[str, int]]
    columns: list[str]
    max_docs: int


def checked(options: Options, schema: Schema) -> Asked:
    """Check options against the fields of what is searched for.

    Raises
    ------
    QueryError
        If the query, the sort or a column is malformed or not supported.

    """
    query = normalize_query({} if options.query is None else options.query)
    check_fields(query, schema.fields)
    order = check_order(options.sort, schema.fields)
    columns = schema.columns_of(options.columns, options.exclude_columns)
    if not isinstance(options.max_docs, int) or isinstance(options.max_docs, bool) or options.max_docs < 0:
        raise QueryError(f"max_docs is a number of rows, or 0 for all, not {options.max_docs!r}.")
    return Asked(query, order, columns, options.max_docs)
