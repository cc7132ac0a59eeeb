"""Count by what an answer can be narrowed down, and when what is in it was made. Values in, values out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from elliptio.indexes.indexed_paths import INDEXED_PATHS
from elliptio.ui import wording

SAMPLE = 500
"""So many of the newest artifacts of an answer say which values there are."""

MOST_SHOWN = 6
MOST_COUNTED = 100_000
MOST_OF_ONE = 5_000
MOST_OF_SEVERAL = 2_000
"""Limits of counting what has one value, of which a page shows several, and what several conditions hold for."""

LARGE = 1000
"""From how many artifacts on the height of a bar is kept, so that the next page does not count them again."""

LASTS = 60.0
"""Seconds that what was counted is kept."""

MOST_KEPT = 500

Counted = TypeVar("Counted")

BARS = 56
LEAST = 24
"""Limits of the bars of a histogram."""

Count = Callable[[Mapping[str, Any]], int]
"""Counts the artifacts that match a query."""


class Kept:
    """Memory of what was counted for pages: much takes long and changes little, so it is kept for a minute.

    Parameters
    ----------
    seconds
        Tells the time.

    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._known: dict[str, tuple[float, Any]] = {}
        self._seconds = seconds

    def of(self, name: str, count: Callable[[], Counted], much: Callable[[Counted], bool]) -> Counted:
        """Give what has this name: as it was counted lately, else as it is counted now, and kept if it is `much`."""
        now = self._seconds()
        if name in self._known:
            since, known = self._known[name]
            if now - since < LASTS:
                return cast("Counted", known)
        found = count()
        if much(found):
            if len(self._known) >= MOST_KEPT:
                self._known = {}
            self._known[name] = (now, found)
        return found


@dataclass(frozen=True)
class Value:
    """One value of a facet.

    Attributes
    ----------
    name
        The value.
    count
        How many artifacts have it.
    condition
        The query that asks for it.

    """

    name: str
    count: int
    condition: Mapping[str, Any]


@dataclass(frozen=True)
class Facet:
    """A field by which an answer can be narrowed.

    Attributes
    ----------
    title, key
        What it is called, here and in the query bar.
    values
        The most frequent first.
    more
        How many others there are.
    among
        0 where all artifacts of the answer say which values there are; else the newest so many.
    of
        0 where all artifacts of the answer were counted; else the newest so many.

    """

    title: str
    key: str
    values: Sequence[Value]
    more: int = 0
    among: int = 0
    of: int = 0


def facets_of(rows: Sequence[Mapping[str, Any]], *, whole: bool, count: Count | None) -> list[Facet]:
    """Count values of the newest artifacts of an answer; where these are not all, `count` counts the first values.

    Parameters
    ----------
    rows
        ``labels.project``, ``username``, ``file_relpaths``, ``tags``, ``link``, ``notes``, ``reproduces`` of each.
    whole
        Whether they are all.
    count
        Counts what matches the query and a condition; None where that would read all of the lake.

    """
    of = 0 if whole else len(rows)
    projects = Counter(str(row["labels.project"]) for row in rows if row.get("labels.project") not in (None, ""))
    people = Counter(str(row["username"]) for row in rows if row.get("username"))
    counted = None if whole else count
    return [
        _facet("Project", "project", projects, lambda name: {"labels.project": name}, counted, of),
        _facet("Who", "who", people, lambda name: {"username": name}, counted, of),
        _facet("Kind of file", "kind", Counter(_kinds(rows)), _has_kind, None, of),
        _facet("State", "state", Counter(_states(rows)), STATES.__getitem__, None, of),
    ]


STATES: dict[str, Mapping[str, Any]] = {
    "tagged": {"tags.0": {"$exists": True}},
    "linked": {"link": {"$exists": True}},
    "noted": {"notes": {"$exists": True}},
    "again": {"reproduces": {"$exists": True}},
}


def _facet(
    title: str,
    key: str,
    found: Counter[str],
    condition: Callable[[str], Mapping[str, Any]],
    count: Count | None,
    of: int,
) -> Facet:
    first = [name for name, _ in found.most_common(MOST_SHOWN)]
    values = [Value(name, count(condition(name)) if count else found[name], condition(name)) for name in first]
    values.sort(key=lambda value: -value.count)
    return Facet(title, key, values, len(found) - len(values), of, 0 if count else of)


def _kinds(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for row in rows:
        names = row.get("file_relpaths")
        if isinstance(names, list):
            yield from {suffix for name in names[:1000] if (suffix := wording.suffix_of(str(name)))}


def _has_kind(suffix: str) -> Mapping[str, Any]:
    return {"file_relpaths": {"$regex": rf"\.{suffix}$", "$options": "i"}}


def _states(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for row in rows:
        if row.get("tags"):
            yield "tagged"
        if row.get("link"):
            yield "linked"
        if row.get("notes"):
            yield "noted"
        if row.get("reproduces"):
            yield "again"


def counts_values(query: Mapping[str, Any]) -> bool:
    """Tell whether an index can count what has a value besides: it has those in the order of their times."""
    return query.keys() <= {"creation_time"} and is_cheap(query)


def is_cheap(query: Mapping[str, Any]) -> bool:
    """Tell whether an index can count what matches without reading documents."""
    declared = INDEXED_PATHS["artifacts"]
    for path, operand in query.items():
        if path == "$and":
            if not all(is_cheap(part) for part in operand):
                return False
            continue
        wild = any(path.startswith(one[:-1]) for one in declared if one.endswith(".*"))
        if path not in declared and not wild:
            return False
        if isinstance(operand, Mapping):
            if not operand.keys() <= {"$eq", "$gt", "$gte", "$lt", "$lte", "$in"}:
                return False
        elif not isinstance(operand, str | datetime):
            return False
    return True


@dataclass(frozen=True)
class Bar:
    """One bar of the histogram: from when until when, how many, and whether the query asks for that time."""

    begin: datetime
    end: datetime
    count: int
    asked: bool
    height: float = 0.0


_STEPS = [
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3),
    timedelta(hours=6), timedelta(days=1), timedelta(days=2), timedelta(days=7), timedelta(days=14),
    timedelta(days=30), timedelta(days=90), timedelta(days=365), timedelta(days=3650),
]  # fmt: skip
_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)
"""A Monday, so that weeks begin where people's do."""


def edges(first: datetime, last: datetime) -> list[datetime]:
    """Divide a time into at most `BARS` equal parts that begin at full minutes, hours, days or weeks."""
    step = next((each for each in _STEPS if (last - first) / each <= BARS - 2), _STEPS[-1])
    # A lake of a day has room on its left.
    begin = max(min(first, last - LEAST * step), _EPOCH)
    found = [_EPOCH + (begin - _EPOCH) // step * step]
    while found[-1] <= last and len(found) <= BARS:
        found.append(found[-1] + step)
    return found


def bars_of(
    times: Sequence[datetime], counts: Sequence[int], since: datetime | None, until: datetime | None
) -> list[Bar]:
    """Make bars of what was counted between edges."""
    most = max(counts, default=0) or 1
    return [
        Bar(
            begin,
            end,
            count,
            (since is None or end > since) and (until is None or begin < until),
            round(max(count / most * 40, 1.5), 1) if count else 0.0,
        )
        for begin, end, count in zip(times, times[1:], counts, strict=False)
    ]


def counts_between(times: Sequence[datetime], moments: Iterable[datetime]) -> list[int]:
    """Count moments between edges."""
    from bisect import bisect_right

    found = [0] * (len(times) - 1)
    for moment in moments:
        place = bisect_right(times, moment) - 1
        if 0 <= place < len(found):
            found[place] += 1
    return found
