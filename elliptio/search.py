"""Answers a query with rows of plain values: what a DataFrame, a table or JSON is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elliptio.errors import QueryError
from elliptio.lake import ENVIRONMENT_FIELDS, Lake
from elliptio.naming import normalize_package
from elliptio.protocols import Document
from elliptio.query import check_sort, normalize_query

FIRST = ("creation_time", "username", "file_relpaths", "argv")
REST = (
    "based_on",
    "environment_id",
    "file_count",
    "files",
    "fingerprint",
    "git",
    "hostname",
    "labels",
    "lake_id",
    "local_root",
    "log_relpaths",
    "notebook",
    "python_packages",
    "remote_root",
    "run_id",
    "tags",
    "total_size",
    "version",
    "working_directory",
)
COLUMNS = (*FIRST, *REST)


@dataclass(frozen=True)
class Found:
    """Artifacts that match a query.

    Attributes
    ----------
    ids
        Their identifiers, in order.
    columns
        Their values, a list for each column, in the same order.
    total
        How many match; more than `ids` where not all were asked for.

    """

    ids: list[str]
    columns: dict[str, list[Any]]
    total: int

    def rows(self) -> list[dict[str, Any]]:
        """One dict an artifact, its identifier first."""
        values = zip(*self.columns.values(), strict=True) if self.columns else [()] * len(self.ids)
        return [
            {"artifact_id": identifier, **dict(zip(self.columns, row, strict=True))}
            for identifier, row in zip(self.ids, values, strict=True)
        ]


def search(
    lake: Lake,
    query: Mapping[str, Any] | None = None,
    *,
    max_docs: int,
    sort: Any = None,
    columns: Sequence[str] | None = None,
    exclude_columns: Sequence[str] = ("python_packages",),
) -> Found:
    """Answer a query; see `Handler.find` for the parameters.

    Raises
    ------
    QueryError
        If the query, the sort or a column is malformed or not supported.
    IndexUnavailableError
        If the index cannot be reached.

    """
    wanted = normalize_query({} if query is None else query)
    order = _checked_order(sort)
    chosen = choose_columns(columns, exclude_columns)
    if not isinstance(max_docs, int) or isinstance(max_docs, bool) or max_docs < 0:
        raise QueryError(f"max_docs is a number of rows, or 0 for all, not {max_docs!r}.")
    documents = list(lake.find(wanted, sort=order, limit=max_docs + 1 if max_docs else 0))
    total = len(documents)
    if max_docs and total > max_docs:
        documents.pop()
        # Others may be saving or deleting between the two questions.
        total = max(total, lake.count(wanted))
    return Found([entry["artifact_id"] for entry in documents], _columns(lake, documents, chosen), total)


def choose_columns(columns: Sequence[str] | None, exclude: Sequence[str]) -> list[str]:
    """Decide which columns an answer gets.

    Parameters
    ----------
    columns
        Asked for by the user, dotted paths included; None means all.
    exclude
        Left out of "all".

    Raises
    ------
    QueryError
        If a column does not exist.

    """
    if isinstance(columns, str) or isinstance(exclude, str):
        raise QueryError("columns and exclude_columns are lists of names, not one text.")
    known = {*COLUMNS, *ENVIRONMENT_FIELDS, "artifact_id", "logs"}
    for name in [*(columns or ()), *exclude]:
        if name.split(".")[0] not in known:
            raise QueryError(f"There is no column {name!r}. Columns: {', '.join(COLUMNS)}.")
    if columns is None:
        return [name for name in COLUMNS if name not in set(exclude)]
    return list(dict.fromkeys(columns))


def _columns(lake: Lake, documents: Sequence[Document], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: _column(lake, documents, name) for name in names}


def _column(lake: Lake, documents: Sequence[Document], name: str) -> list[Any]:
    head, _, rest = name.partition(".")
    holders: Sequence[Mapping[str, Any]] = documents
    if head in ENVIRONMENT_FIELDS:
        holders = [lake.environment(entry.get("environment_id")) for entry in documents]
    values = [holder.get(head) for holder in holders]
    if rest:
        return [_dig(value, rest, whole=head == "python_packages") for value in values]
    return [f"{lake.store.root}/{value}" for value in values] if name == "remote_root" else values


def _checked_order(sort: Any) -> list[tuple[str, int]]:
    order = check_sort(sort)
    for path, _ in order:
        if path.split(".")[0] in ENVIRONMENT_FIELDS:
            raise QueryError(f"Cannot sort by {path!r}: it belongs to the environment. Sort the DataFrame instead.")
    return order or [("creation_time", -1)]


def _dig(value: Any, path: str, *, whole: bool) -> Any:
    """Value at a dotted path below `value`; None where it leads nowhere. A package's name may hold dots itself."""
    if whole:
        return value.get(normalize_package(path)) if isinstance(value, Mapping) else None
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value
