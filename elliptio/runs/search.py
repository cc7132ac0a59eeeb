"""Answers a query over runs with rows of plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from elliptio.finding.fields import Schema
from elliptio.finding.options import Options
from elliptio.finding.search import Found, Taken, checked, dig, first_of, warn_if_index_is_lost
from elliptio.lake import dead_runs, spool
from elliptio.lake.lake import Lake

FIRST = ("creation_time", "name", "status", "username", "params", "metrics")
REST = (
    *("argv", "end_time", "environment_id", "error", "git", "heartbeat", "hostname", "inherited", "labels", "lake_id"),
    *(
        "notebook",
        "notes",
        "parent",
        "process",
        "redactions",
        "repository_root",
        "root",
        "used",
        "version",
        "working_directory",
    ),
)
PLUMBING = ("environment_id", "lake_id", "redactions", "repository_root", "version")
DURATION = "duration"
"""A column that is worked out: how long a run took; None while it goes on."""

RUNS = Schema(
    (*FIRST, *REST),
    frozenset((*FIRST, *REST, "_id", "run_id", "node", "node_record")),
    frozenset(("_id", "run_id", DURATION, "node", "node_record")),
    plumbing=PLUMBING,
)


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
    dead_runs.bury(lake)
    taken, total, exact = first_of(
        asked.max_docs,
        ["_id", "creation_time", "end_time", *(name.partition(".")[0] for name in asked.columns)],
        partial(lake.find_runs, asked.query, sort=asked.order),
        partial(lake.count_runs, asked.query),
    )
    if not taken["_id"]:
        warn_if_index_is_lost(lake)
    values = {name: _column(taken, name) for name in _each(asked.columns, taken)}
    return Found(taken["_id"], values, total, exact, "run_id", asked.said)


def _each(columns: Sequence[str], taken: Taken) -> list[str]:
    """Replace ``params.*`` by a column for each parameter that a run has, and so on."""
    found: dict[str, None] = {}
    for name in columns:
        head, _, rest = name.partition(".")
        if rest == "*":
            held = [value for value in taken[head] if isinstance(value, Mapping)]
            found |= dict.fromkeys(f"{head}.{each}" for one in held for each in one)
        else:
            found[name] = None
    return list(found)


def _column(taken: Taken, name: str) -> list[Any]:
    if name == DURATION:
        return [
            end - begin if isinstance(begin, datetime) and isinstance(end, datetime) else None
            for begin, end in zip(taken["creation_time"], taken["end_time"], strict=True)
        ]
    head, _, rest = name.partition(".")
    return [dig(value, rest) for value in taken[head]] if rest else taken[head]
