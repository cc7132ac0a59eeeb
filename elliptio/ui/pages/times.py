"""``/times``: bars of when all was made that a query finds, in a frame of the list, which does not wait for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from elliptio.finding.search import of_runs
from elliptio.ui import facets
from elliptio.ui.asked import Answer, Asked
from elliptio.ui.shortcuts import Bar, read_bar
from elliptio.ui.view import View

MOST_LETTERS = 8000
"""Letters of a query."""


@dataclass(frozen=True)
class Base:
    """All that a query asks for besides a time.

    Attributes
    ----------
    query
        All of it but the time.
    words
        The same as words of the query bar; None where it is a Mongo query, to which no other time can be given.
    since, until
        The time that is asked for, as far as it is.

    """

    query: Mapping[str, Any]
    words: str | None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_all(self) -> bool:
        """Tell whether it is all that the query asks for."""
        return self.since is None and self.until is None


def base_of(bar: Bar, now: datetime) -> Base:
    """Take the time out of a query."""
    if bar.mongo:
        return Base(bar.query, None)
    times = [chip for chip in bar.chips if chip.key in ("since", "until") and not chip.negated]
    words = " ".join(bar.text[chip.start : chip.end] for chip in bar.chips if chip not in times)
    asked_for = bar.query.get("creation_time") if times else None
    limits = asked_for if isinstance(asked_for, Mapping) else {}
    return Base(read_bar(words, now=now).query, words, limits.get("$gte"), limits.get("$lt"))


def show(view: View, asked: Asked) -> Answer:
    """Show the bars of a query, and nothing else."""
    base = base_of(read_bar(asked.get("q")[:MOST_LETTERS], now=view.clock()), view.clock())

    def link(text: str) -> str:
        return f"artifacts{asked.link(q=text, after=None)}"

    first, last = (_moment(view, base.query, direction) for direction in (1, -1))
    if first is None or last is None:
        return view.page("times.html", asked, histogram=None, says="Nothing was made.")
    times = facets.edges(first, last)
    counts = _counts(view, base.query, times)
    if counts is None:
        says = f"Of all times more than {facets.SAMPLE:,} match, too many to count when they were made."
        return view.page("times.html", asked, histogram=None, says=says)
    return view.page("times.html", asked, histogram=_drawn(base, times, counts, link), says="")


def of_moments(base: Base, moments: Sequence[datetime], link: Callable[[str], str]) -> dict[str, Any] | None:
    """Draw bars of all that was found; None where that is nothing."""
    if not moments:
        return None
    times = facets.edges(min(moments), max(moments))
    return _drawn(base, times, facets.counts_between(times, moments), link)


def _drawn(base: Base, times: Sequence[datetime], counts: Sequence[int], link: Callable[[str], str]) -> dict[str, Any]:
    bars = facets.bars_of(times, counts, base.since, base.until)
    width = round(1000 / max(len(bars), 1), 2)

    def leads(one: facets.Bar) -> str | None:
        if base.words is None:
            return None
        return link(f"{base.words} since:{_time(one.begin)} until:{_time(one.end)}".strip())

    return {
        "bars": [
            {"x": round(place * width, 2), "height": one.height, "asked": one.asked, "count": one.count,
             "link": leads(one), "says": f"{_day(one.begin)}: {one.count:,}"}
            for place, one in enumerate(bars)
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
    found = view.h.search(query, max_docs=facets.SAMPLE + 1, columns=["creation_time"], counted=False)
    if len(found.ids) > facets.SAMPLE:
        return None
    return facets.counts_between(times, found.columns["creation_time"])


def _bar(view: View, query: Mapping[str, Any]) -> int:
    """Count what a bar stands for, all of it: a bar that was cut off would say something wrong."""

    def count() -> int:
        return view.h.lake.count(of_runs(view.h.lake, query))

    return view.kept.of(repr(query), count, lambda found: found >= facets.LARGE)
