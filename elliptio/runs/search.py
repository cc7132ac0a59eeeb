"""Answers a query over runs with rows of plain values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from elliptio.finding.fields import Schema
from elliptio.finding.options import Options
from elliptio.finding.search import Found, checked, dig, first_of, warn_if_index_is_lost
from elliptio.lake import run_records, spool
from elliptio.lake.lake import Lake

FIRST = ("creation_time", "name", "status", "username", "params", "metrics")
REST = (
    *("argv", "end_time", "environment_id", "error", "git", "heartbeat", "hostname", "labels", "lake_id", "notebook"),
    *("notes", "parent", "process", "redactions", "repository_root", "root", "used", "version", "working_directory"),
)
RUNS = Schema((*FIRST, *REST), frozenset((*FIRST, *REST, "_id", "run_id")), frozenset(("_id", "run_id")))


def search_runs(lake: Lake, options: Options) -> Found:
    """Answer a query over runs. Who died meanwhile is recorded first.

    Raises
    ------
    QueryError
        If the query, the sort or a column is malformed or not supported.
    IndexUnavailableError
        If the index cannot be reached.

    """
    asked = checked(options, RUNS)
    spool.flush_if_any(lake)
    run_records.bury(lake)
    documents, total, exact = first_of(
        asked.max_docs, partial(lake.find_runs, asked.query, sort=asked.order), partial(lake.count_runs, asked.query)
    )
    if not documents:
        warn_if_index_is_lost(lake)
    values = {name: [_value(document, name) for document in documents] for name in asked.columns}
    return Found([document["_id"] for document in documents], values, total, exact, "run_id", asked.said)


def _value(document: Mapping[str, Any], name: str) -> Any:
    head, _, rest = name.partition(".")
    return dig(document.get(head), rest) if rest else document.get(head)
