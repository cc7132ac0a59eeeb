"""Answers a query over runs with rows of plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from elliptio.errors import QueryError
from elliptio.finding.fields import check_field, check_fields
from elliptio.finding.search import Found, check_max_docs, dig, first_of
from elliptio.indexes.query.checking import check_sort, normalize_query
from elliptio.lake import run_records, spool
from elliptio.lake.lake import Lake

FIRST = ("creation_time", "name", "status", "username", "params", "metrics")
REST = (
    "argv",
    "end_time",
    "error",
    "heartbeat",
    "hostname",
    "labels",
    "lake_id",
    "parent",
    "process",
    "root",
    "used",
    "version",
)
COLUMNS = (*FIRST, *REST)
FIELDS = {*COLUMNS, "_id", "run_id"}


def search_runs(
    lake: Lake,
    query: Mapping[str, Any] | None = None,
    *,
    max_docs: int,
    sort: Any = None,
    columns: Sequence[str] | None = None,
) -> Found:
    """Answer a query; see `Session.runs` for the parameters. Who died meanwhile is recorded first.

    Raises
    ------
    QueryError
        If the query, the sort or a column is malformed or not supported.
    IndexUnavailableError
        If the index cannot be reached.

    """
    wanted = normalize_query({} if query is None else query)
    check_fields(wanted, FIELDS)
    order = check_sort(sort) or [("creation_time", -1)]
    for path, _ in order:
        check_field(path, FIELDS)
    chosen = _chosen(columns)
    check_max_docs(max_docs)
    spool.flush_if_any(lake)
    run_records.bury(lake)
    documents, total, exact = first_of(
        max_docs, partial(lake.find_runs, wanted, sort=order), partial(lake.count_runs, wanted)
    )
    values = {name: [_value(document, name) for document in documents] for name in chosen}
    return Found([document["_id"] for document in documents], values, total, exact)


def _chosen(columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        return list(COLUMNS)
    if isinstance(columns, str):
        raise QueryError("columns is a list of names, not one text.")
    for name in columns:
        if name.split(".")[0] not in FIELDS:
            raise QueryError(f"There is no column {name!r}. Columns: {', '.join(COLUMNS)}.")
    return list(dict.fromkeys(columns))


def _value(document: Mapping[str, Any], name: str) -> Any:
    head, _, rest = name.partition(".")
    return dig(document.get(head), rest) if rest else document.get(head)
