"""``/artifacts``: find it again."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from elliptio.errors import MissingExtraError
from elliptio.finding.search import of_runs, why_empty
from elliptio.masking import hide_password
from elliptio.ui import facets
from elliptio.ui.asked import Answer, Asked, WrongError, written
from elliptio.ui.pages import paging, rows, views
from elliptio.ui.shortcuts import Bar, ShortcutError, as_command, as_python, as_url, bar_of, read_bar, without
from elliptio.ui.view import View

PAGE = 100
MOST_ROWS = 100_000
"""Rows of a file of an answer."""

MOST_LETTERS = 8000
"""Letters of a query."""

_ALL = -1
"""Counts all: a bar of the histogram that was cut off would say something wrong."""

LABELS = "labels."
MOST_TURNED = 5_000
"""Rows that are turned over where artifacts are sorted by a label: its values may be of any kind, or missing."""

_SORTS = {"when": "creation_time", "size": "total_size", "who": "username", "count": "file_count"}
_FACET_FIELDS = ["labels.project", "username", "file_relpaths", "tags", "link", "notes", "reproduces", "creation_time"]


def show(view: View, asked: Asked) -> Answer:
    """Show what a query finds, a hundred at a time."""
    now = view.clock()
    text = asked.get("q")[:MOST_LETTERS]
    try:
        bar = read_bar(text, now=now)
    except ShortcutError as error:
        return _wrong(view, asked, text, error)
    deleted = asked.get("deleted") == "1"
    columns = rows.columns_of(asked.all("cols"))
    path, direction = order_of(asked.get("sort"))
    shown, older = _page(view, bar, asked.get("after"), (path, direction), columns, deleted)
    return view.page(
        "artifacts.html",
        asked,
        text=bar.text,
        chips=_chips(asked, bar),
        same=same(bar, asked),
        total=_total(view, bar.query, deleted),
        facets=_facets(view, asked, bar),
        histogram=_histogram(view, asked, bar),
        columns=columns,
        choices=rows.CHOICES,
        sorts=_sorts(asked, path, direction, columns),
        rows=rows.table(view, shown, columns, now),
        older=asked.link(after=older) if older else None,
        newest=asked.link(after=None) if asked.get("after") else None,
        deleted=deleted,
        deleted_link=asked.link(deleted=None if deleted else "1", after=None),
        error=None,
        saved=views.saved_of(view),
        save_link=views.link_of(asked),
        **views.writing(view),
        lost="" if shown or bar.text else hide_password(why_empty(view.h.lake)),
    )


def _page(
    view: View, bar: Bar, after: str, order: tuple[str, int], columns: Sequence[str], deleted: bool
) -> tuple[list[dict[str, Any]], str | None]:
    """Find the rows of a page, and where it ends if others come after them."""
    fields = dict.fromkeys([*rows.FIELDS, *rows.fields_of(columns), order[0], *(["deleted"] if deleted else [])])
    by_label = order[0].startswith(LABELS)
    begin = paging.turned(after, MOST_TURNED) if by_label else 0
    found = view.h.search(
        bar.query if by_label else paging.after(bar.query, after, *order),
        max_docs=begin + PAGE + 1,
        sort=[order],
        columns=[*fields],
        deleted=deleted,
        counted=False,
    ).rows()[begin:]
    shown = found[:PAGE]
    if len(found) <= PAGE:
        return shown, None
    return shown, str(begin + PAGE) if by_label else paging.key(shown[-1][order[0]], shown[-1]["artifact_id"])


def same(bar: Bar, asked: Asked) -> dict[str, str]:
    """Say the same question as Python, as a command and as a URL, and as files."""
    query = [("q", bar.text)] if bar.text else []
    query += [(key, value) for key, value in asked.query if key in ("cols", "sort", "deleted")]
    return {
        "python": as_python(bar),
        "command": as_command(bar),
        "url": as_url(bar),
        **{kind: written(f"artifacts.{kind}", query) for kind in ("json", "csv", "parquet")},
    }


def _wrong(view: View, asked: Asked, text: str, error: ShortcutError) -> Answer:
    """Show where a query cannot be read, and what to write instead."""
    before, wrong, after = text[: error.start], text[error.start : error.end], text[error.end :]
    told = {"says": error.says, "instead": error.instead, "before": before, "wrong": wrong, "after": after}
    empty: dict[str, Any] = dict.fromkeys(("older", "newest", "same", "histogram"))
    return view.page(
        "artifacts.html", asked, status=400, text=text, chips=[], total=("0", ""), facets=[], rows=[],
        columns=rows.columns_of([]), choices=rows.CHOICES, sorts={}, deleted=False, deleted_link="", error=told,
        lost="", saved=views.saved_of(view), save_link="", **views.writing(view), **empty,
    )  # fmt: skip


def order_of(text: str) -> tuple[str, int]:
    """Read what to sort by: ``-size``.

    Raises
    ------
    WrongError
        If pages cannot be turned in that order.

    """
    name, direction = (text[1:], -1) if text.startswith("-") else (text, 1)
    if not text:
        return "creation_time", -1
    path = _SORTS.get(name, name)
    if path not in _SORTS.values() and not (path.startswith(LABELS) and path != LABELS):
        known = f"{', '.join(_SORTS)}, or a label such as labels.project"
        raise WrongError(f"Pages are not sorted by {name[:60]!r}: take {known}; with - before it the greatest first.")
    return path, direction


def _sorts(asked: Asked, path: str, direction: int, columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Link each column that can be sorted by; the second text says how it is sorted now."""
    found = {}
    labels = {name: name for name in columns if name.startswith(LABELS)}
    for name, field in (_SORTS | labels).items():
        now = field == path
        flipped = f"{'' if now and direction < 0 else '-'}{name}"
        mark = ("descending" if direction < 0 else "ascending") if now else "none"
        found[name] = (asked.link(sort=None if flipped == "-when" else flipped, after=None), mark)
    return found


def _total(view: View, query: Mapping[str, Any], deleted: bool) -> tuple[str, str]:
    """Count what matches, and the whole lake, as far as is worth it."""
    most = facets.MOST_COUNTED if facets.is_cheap(query) else 10_000
    found = count(view, query, most, deleted=deleted)
    whole = count(view, {}, facets.MOST_COUNTED) if query or deleted else found
    return _said(found, most), _said(whole, facets.MOST_COUNTED) if query or deleted else ""


def _said(number: int, most: int) -> str:
    return f"more than {most:,}" if number > most else f"{number:,}"


def count(view: View, query: Mapping[str, Any], most: int, *, deleted: bool = False) -> int:
    """Count artifacts that match, no further than one more than `most`; all of them for `_ALL`."""
    return view.h.lake.count(of_runs(view.h.lake, query), limit=most + 1, deleted=deleted)


def _chips(asked: Asked, bar: Bar) -> list[dict[str, str]]:
    return [
        {
            "key": chip.key,
            "text": bar.text[chip.start : chip.end],
            "link": _with(asked, without(bar, chip)),
        }
        for chip in bar.chips
    ]


def _with(asked: Asked, text: str) -> str:
    return asked.link(q=text or None, after=None)


def narrowed(bar: Bar, condition: Mapping[str, Any]) -> str:
    """Write the text of a bar that asks for something more."""
    if bar.mongo:
        return bar_of({"$and": [bar.query, condition]})
    return " ".join(filter(None, [bar.text, bar_of(condition)]))


def _counted_facets(view: View, query: Mapping[str, Any]) -> list[facets.Facet]:
    found = view.h.search(query, max_docs=facets.SAMPLE, columns=_FACET_FIELDS, counted=False)

    def counted(condition: Mapping[str, Any]) -> int:
        return count(view, {"$and": [query, condition]} if query else condition, facets.MOST_COUNTED)

    cheap = counted if facets.is_cheap(query) else None
    return facets.facets_of(found.rows(), whole=len(found.ids) < facets.SAMPLE, count=cheap)


def _are_of_many(found: Sequence[facets.Facet]) -> bool:
    return any(facet.of for facet in found)


def _facets(view: View, asked: Asked, bar: Bar) -> list[dict[str, Any]]:
    shown = []
    kept = view.kept.of(f"facets {bar.query!r}", lambda: _counted_facets(view, bar.query), _are_of_many)
    for facet in kept:
        on = {chip.value: chip for chip in bar.chips if chip.key == facet.key and not chip.negated}
        values = [
            {
                "name": value.name,
                "count": value.count,
                "on": value.name in on,
                "link": _with(
                    asked, without(bar, on[value.name]) if value.name in on else narrowed(bar, value.condition)
                ),
            }
            for value in facet.values
        ]
        shown.append({**vars(facet), "values": values})
    return shown


def _histogram(view: View, asked: Asked, bar: Bar) -> dict[str, Any] | None:
    """Show when what matches was made, besides the time that the query asks for."""
    if bar.mongo:
        base, since, until, rest = bar.query, None, None, None
    else:
        times = [chip for chip in bar.chips if chip.key in ("since", "until") and not chip.negated]
        rest = " ".join(bar.text[chip.start : chip.end] for chip in bar.chips if chip not in times)
        base = read_bar(rest, now=view.clock()).query
        asked_for = bar.query.get("creation_time") if times else None
        limits = asked_for if isinstance(asked_for, Mapping) else {}
        since, until = limits.get("$gte"), limits.get("$lt")
    first, last = (_moment(view, base, direction) for direction in (1, -1))
    if first is None or last is None:
        return None
    times_at = facets.edges(first, last)
    counts = _counts(view, base, times_at)
    if counts is None:
        return None
    bars = facets.bars_of(times_at, counts, since, until)
    if rest is None:
        links: list[str | None] = [None] * len(bars)
    else:
        links = [_with(asked, f"{rest} since:{_time(one.begin)} until:{_time(one.end)}".strip()) for one in bars]
    width = round(1000 / max(len(bars), 1), 2)
    return {
        "bars": [
            {"x": round(place * width, 2), "height": one.height, "asked": one.asked, "count": one.count,
             "link": link, "says": f"{_day(one.begin)}: {one.count:,}"}
            for place, (one, link) in enumerate(zip(bars, links, strict=True))
        ],
        "width": round(width * 0.84, 2),
        "ticks": [_day(bars[place].begin) for place in _ticks(len(bars))],
    }  # fmt: skip


def _ticks(number: int) -> list[int]:
    wanted = min(5, number)
    return [round(place * (number - 1) / max(wanted - 1, 1)) for place in range(wanted)]


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b}" + (f" {moment:%H:%M}" if moment.hour or moment.minute else "")


def _moment(view: View, query: Mapping[str, Any], direction: int) -> datetime | None:
    order = [("creation_time", direction)]
    found = view.h.search(query, max_docs=1, sort=order, columns=["creation_time"], counted=False)
    moment = found.columns["creation_time"][0] if found.ids else None
    return moment if isinstance(moment, datetime) else None


def _counts(view: View, query: Mapping[str, Any], times: Sequence[datetime]) -> list[int] | None:
    """Count between edges: by the index where that is cheap, else the newest, if they are all."""
    if facets.is_cheap(query):
        parts = [{"creation_time": {"$gte": begin, "$lt": end}} for begin, end in pairwise(times)]
        return [_bar(view, {"$and": [query, part]} if query else part) for part in parts]
    found = view.h.search(query, max_docs=facets.SAMPLE, columns=["creation_time"], counted=False)
    if len(found.ids) == facets.SAMPLE:
        return None
    return facets.counts_between(times, found.columns["creation_time"])


def _bar(view: View, query: Mapping[str, Any]) -> int:
    return view.kept.of(repr(query), lambda: count(view, query, _ALL), lambda found: found >= facets.LARGE)


# --- files of the same answer ---


def _answer(view: View, asked: Asked) -> tuple[list[dict[str, Any]], list[str]]:
    bar = read_bar(asked.get("q")[:MOST_LETTERS], now=view.clock())
    path, direction = order_of(asked.get("sort"))
    wanted = rows.fields_of(rows.columns_of(asked.all("cols"))) if asked.all("cols") else None
    found = view.h.search(
        bar.query,
        max_docs=MOST_ROWS,
        sort=[(path, direction)],
        columns=wanted,
        deleted=asked.get("deleted") == "1",
        counted=False,
    )
    return found.rows(), ["artifact_id", *found.columns]


def as_json(view: View, asked: Asked) -> Answer:
    """Answer with JSON, as ``elliptio find --json`` does."""
    from elliptio.ui.answers import json_of

    found, _ = _answer(view, asked)
    return json_of(found)


def as_csv(view: View, asked: Asked) -> Answer:
    """Answer with CSV; lists and labels as JSON."""
    from elliptio.ui.answers import csv_of
    from elliptio.ui.plain import cell

    found, names = _answer(view, asked)
    return csv_of(names, ([cell(row.get(name)) for name in names] for row in found), "artifacts.csv")


def as_parquet(view: View, asked: Asked) -> Answer:
    """Answer with Parquet; lists and labels as JSON.

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.

    """
    from elliptio.ui.answers import attached
    from elliptio.ui.plain import column

    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError("Parquet needs pyarrow. Run: pip install 'elliptio[formats]'") from error
    found, names = _answer(view, asked)
    sink = io.BytesIO()
    pq.write_table(pa.table({name: column([row.get(name) for row in found]) for name in names}), sink)
    return attached(sink.getvalue(), "application/vnd.apache.parquet", "artifacts.parquet")
