"""``/artifacts``: find it again."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elliptio.errors import MissingExtraError
from elliptio.finding.search import of_runs, why_empty
from elliptio.masking import hide_password
from elliptio.ui import facets
from elliptio.ui.asked import Answer, Asked, WrongError, written
from elliptio.ui.pages import paging, rows, times, views
from elliptio.ui.shortcuts import Bar, ShortcutError, as_command, as_python, as_url, bar_of, read_bar, without
from elliptio.ui.view import View

PAGE = 100
MOST_ROWS = 100_000
"""Rows of a file of an answer."""

LABELS = "labels."
MOST_TURNED = 5_000
"""Rows that are turned over where artifacts are sorted by a label: its values may be of any kind, or missing."""

NEWEST = ("creation_time", -1)
_SORTS = {"when": "creation_time", "size": "total_size", "who": "username", "count": "file_count"}
_FACET_FIELDS = ["labels.project", "username", "file_relpaths", "tags", "link", "notes", "reproduces", "creation_time"]


def show(view: View, asked: Asked) -> Answer:
    """Show what a query finds, a hundred at a time."""
    now = view.clock()
    text = asked.get("q")[: times.MOST_LETTERS]
    try:
        bar = read_bar(text, now=now)
    except ShortcutError as error:
        return _wrong(view, asked, text, error)
    deleted = asked.get("deleted") == "1"
    columns = rows.columns_of(asked.all("cols"))
    path, direction = order_of(asked.get("sort"))
    after = asked.get("after")
    shown, older = _page(view, bar, after, (path, direction), columns, deleted)
    are_all = not (after or older or deleted) and (path, direction) == NEWEST
    seen = _seen(view, bar.query, shown if are_all else None)
    return view.page(
        "artifacts.html",
        asked,
        text=bar.text,
        chips=_chips(asked, bar),
        same=same(bar, asked),
        total=_total(view, bar.query, seen, deleted=deleted),
        facets=_facets(seen.facets, asked, bar),
        **_bars(view, asked, bar, seen),
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
    fields = dict.fromkeys(
        [*rows.FIELDS, *_FACET_FIELDS, *rows.fields_of(columns), order[0], *(["deleted"] if deleted else [])]
    )
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
    empty: dict[str, Any] = dict.fromkeys(("older", "newest", "same", "histogram", "times"))
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
        return NEWEST
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


def _total(view: View, query: Mapping[str, Any], seen: Seen, *, deleted: bool) -> tuple[str, str]:
    """Count what matches, and the whole lake, as far as is worth it."""
    whole = _said(count(view, {}, facets.MOST_COUNTED), facets.MOST_COUNTED) if query or deleted else ""
    if deleted:
        return _said(count(view, query, facets.MOST_OF_SEVERAL, deleted=True), facets.MOST_OF_SEVERAL), whole
    if seen.moments is not None:
        return f"{len(seen.moments):,}", whole
    if not facets.is_cheap(query):
        return f"more than {facets.SAMPLE:,}", whole
    most = facets.MOST_COUNTED if len(query) < 2 else facets.MOST_OF_SEVERAL
    return _said(count(view, query, most), most), whole


def _said(number: int, most: int) -> str:
    return f"more than {most:,}" if number > most else f"{number:,}"


def _shortly(number: int) -> str:
    return f"{facets.MOST_OF_ONE:,}+" if number > facets.MOST_OF_ONE else f"{number:,}"


def count(view: View, query: Mapping[str, Any], most: int, *, deleted: bool = False) -> int:
    """Count artifacts that match, no further than one more than `most`."""
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


@dataclass(frozen=True)
class Seen:
    """Fields that an answer can be narrowed by, as its newest artifacts show them.

    Attributes
    ----------
    facets
        Fields, and their values.
    moments
        When each artifact of the answer was made; None where they are more than were looked at.

    """

    facets: Sequence[facets.Facet]
    moments: Sequence[datetime] | None


def _seen(view: View, query: Mapping[str, Any], known: Sequence[Mapping[str, Any]] | None) -> Seen:
    """Look at an answer: at `known`, which is all of it, or at its newest artifacts, if that was not done lately."""
    if known is not None:
        return _seen_whole(known)
    return view.kept.of(f"facets {query!r}", lambda: _sampled(view, query), lambda seen: seen.moments is None)


def _seen_whole(found: Sequence[Mapping[str, Any]]) -> Seen:
    moments = [row["creation_time"] for row in found if isinstance(row["creation_time"], datetime)]
    return Seen(facets.facets_of(found, whole=True, count=None), moments)


def _sampled(view: View, query: Mapping[str, Any]) -> Seen:
    found = view.h.search(query, max_docs=facets.SAMPLE + 1, columns=_FACET_FIELDS, counted=False).rows()
    if len(found) <= facets.SAMPLE:
        return _seen_whole(found)

    def counted(condition: Mapping[str, Any]) -> int:
        return count(view, {"$and": [query, condition]} if query else condition, facets.MOST_OF_ONE)

    cheap = counted if facets.counts_values(query) else None
    return Seen(facets.facets_of(found[: facets.SAMPLE], whole=False, count=cheap), None)


def _facets(found: Sequence[facets.Facet], asked: Asked, bar: Bar) -> list[dict[str, Any]]:
    shown = []
    for facet in found:
        on = {chip.value: chip for chip in bar.chips if chip.key == facet.key and not chip.negated}
        values = [
            {
                "name": value.name,
                "count": _shortly(value.count),
                "on": value.name in on,
                "link": _with(
                    asked, without(bar, on[value.name]) if value.name in on else narrowed(bar, value.condition)
                ),
            }
            for value in facet.values
        ]
        shown.append({**vars(facet), "values": values})
    return shown


def _bars(view: View, asked: Asked, bar: Bar, seen: Seen) -> dict[str, Any]:
    """Show when what matches was made: here where all of that was seen, else in a frame, for which nobody waits."""
    base = times.base_of(bar, view.clock())
    if seen.moments is not None and base.is_all:
        drawn = times.of_moments(base, seen.moments, lambda text: _with(asked, text))
        return {"histogram": drawn, "times": None}
    shown = facets.is_cheap(base.query) or not base.is_all
    return {"histogram": None, "times": f"{asked.up}times{asked.link(after=None).removesuffix('?')}" if shown else None}


# --- files of the same answer ---


def _answer(view: View, asked: Asked) -> tuple[list[dict[str, Any]], list[str]]:
    bar = read_bar(asked.get("q")[: times.MOST_LETTERS], now=view.clock())
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
