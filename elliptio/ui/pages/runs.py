"""``/runs``: how does it go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from elliptio.ui.asked import Answer, Asked, written
from elliptio.ui.pages import paging, pausing, run_rows
from elliptio.ui.shortcuts import Bar, ShortcutError, as_python, as_url, read_run_bar, without
from elliptio.ui.view import View

PAGE = 100
MOST_ROWS = 100_000
"""Rows of a file of an answer."""

MOST_LETTERS = 8000
"""Letters of a query."""

MOST_INSIDE = 12
"""Runs that are shown in one."""

MOST_READ = 2000
"""Runs that are read to show what is in those of a page."""

STATES = ("running", "failed", "killed", "finished")


def show(view: View, asked: Asked) -> Answer:
    """Show runs, a hundred at a time: those that a query finds, or the outermost with what is in them."""
    now, is_going = view.clock(), _is_any_going(view)
    text = asked.get("q")[:MOST_LETTERS]
    try:
        bar = read_run_bar(text, now=now)
    except ShortcutError as error:
        return _wrong(view, asked, text, error)
    is_tree = not bar.query and asked.get("as") != "list"
    query = {"parent": None} if is_tree else bar.query
    found = view.h.runs.search(
        paging.after(query, asked.get("after"), "creation_time", -1),
        max_docs=PAGE + 1,
        sort=[("creation_time", -1)],
        columns=[*run_rows.FIELDS],
    )
    runs, more = found.rows()[:PAGE], len(found.ids) > PAGE
    tree = _inside(view, runs) if is_tree else [(run, 0, 0) for run in runs]
    every = [run for run, _, _ in tree]
    shown, names = run_rows.window(every, now), run_rows.differing(every)
    return view.page(
        "runs.html",
        asked,
        text=bar.text,
        chips=_chips(asked, bar),
        same=_same(bar),
        total=_total(view, bar.query),
        rows=[{**run_rows.row(run, shown, names, now, depth), "left_out": left} for run, depth, left in tree],
        window=_window(shown),
        states=[(state, _with(asked, f"status:{state}"), bar.text == f"status:{state}") for state in STATES],
        forms=_forms(asked, bar, is_tree),
        older=asked.link(after=paging.key(runs[-1]["creation_time"], runs[-1]["run_id"])) if more else None,
        newest=asked.link(after=None) if asked.get("after") else None,
        live=is_going and not pausing.is_paused(asked),
        follows=pausing.choices(asked) if is_going else [],
        error=None,
    )


def _inside(view: View, runs: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], int, int]]:
    """Order the outermost runs of a page with those that are in them."""
    if not runs:
        return []
    tops = [str(run["run_id"]) for run in runs]
    query = {"root": {"$in": tops}, "parent": {"$ne": None}}
    # The newest of a build with tens of thousands of steps: the page of that run says how many there are.
    found = list(view.h.lake.find_runs(query, sort=[("creation_time", -1)], limit=MOST_READ))
    return run_rows.nested([*runs, *found], tops, MOST_INSIDE)


def _is_any_going(view: View) -> bool:
    """Tell whether there is anything to follow."""
    return any(True for _ in view.h.lake.find_runs({"status": "running"}, limit=1))


def _wrong(view: View, asked: Asked, text: str, error: ShortcutError) -> Answer:
    """Show where a query cannot be read, and what to write instead."""
    before, wrong, after = text[: error.start], text[error.start : error.end], text[error.end :]
    told = {"says": error.says, "instead": error.instead, "before": before, "wrong": wrong, "after": after}
    return view.page(
        "runs.html", asked, status=400, text=text, chips=[], same=None, total="0", rows=[], window=None, states=[],
        forms=[], older=None, newest=None, live=False, follows=[], error=told,
    )  # fmt: skip


def _same(bar: Bar) -> dict[str, str]:
    """Say the same question as Python, as a command and as a URL, and as files."""
    query = [("q", bar.text)] if bar.text else []
    return {
        "python": as_python(bar, "h.runs"),
        "command": _command(bar),
        "url": as_url(bar, "runs"),
        "json": written("runs.json", query),
        "csv": written("runs.csv", query),
    }


def _command(bar: Bar) -> str:
    import shlex

    from bson import json_util

    if not bar.query:
        return "elliptio runs"
    text = json_util.dumps(bar.query, json_options=json_util.RELAXED_JSON_OPTIONS)
    return shlex.join(["elliptio", "runs", text])


def _chips(asked: Asked, bar: Bar) -> list[dict[str, str]]:
    return [{"text": bar.text[chip.start : chip.end], "link": _with(asked, without(bar, chip))} for chip in bar.chips]


def _with(asked: Asked, text: str) -> str:
    return asked.link(q=text or None, after=None)


def _forms(asked: Asked, bar: Bar, is_tree: bool) -> list[tuple[str, str, bool]]:
    if bar.query:
        return []
    return [
        ("tree", asked.link(**{"as": None, "after": None}), is_tree),
        ("list", asked.link(**{"as": "list", "after": None}), not is_tree),
    ]


def _total(view: View, query: Mapping[str, Any]) -> str:
    found = view.h.runs.search(query, max_docs=1, columns=["status"])
    return f"{found.total:,}" if found.exact else f"more than {found.total:,}"


def _window(shown: tuple[datetime, datetime]) -> list[str]:
    """Say from when till when the bars are, as exactly as it takes."""
    first, last = shown
    days = (last - first).days
    form = (
        "{0.day} {0:%b}" if days > 3 else "{0.day} {0:%b} {0:%H:%M}" if first.date() != last.date() else "{0:%H:%M:%S}"
    )
    return [form.format(first), form.format(last)]


# --- files of the same answer ---


def _answer(view: View, asked: Asked) -> tuple[list[dict[str, Any]], list[str]]:
    bar = read_run_bar(asked.get("q")[:MOST_LETTERS], now=view.clock())
    found = view.h.runs.search(bar.query, max_docs=MOST_ROWS, columns=None)
    return found.rows(), ["run_id", *found.columns]


def as_json(view: View, asked: Asked) -> Answer:
    """Answer with JSON, as ``elliptio runs --json`` does."""
    from elliptio.ui.answers import json_of

    found, _ = _answer(view, asked)
    return json_of(found)


def as_csv(view: View, asked: Asked) -> Answer:
    """Answer with CSV: a column for each parameter and each metric, other lists and mappings as JSON."""
    from elliptio.ui.answers import csv_of
    from elliptio.ui.plain import cell

    found, names = _answer(view, asked)
    wide = []
    for row in found:
        flat = {
            f"{head}.{name}": value for head in ("params", "metrics") for name, value in run_rows.flat(row.get(head))
        }
        wide.append({**{name: value for name, value in row.items() if name not in ("params", "metrics")}, **flat})
    more = {name for row in wide for name in row if name.startswith(("params.", "metrics."))}
    columns = [*(name for name in names if name not in ("params", "metrics")), *sorted(more)]
    return csv_of(columns, ([cell(row.get(name)) for name in columns] for row in wide), "runs.csv")
