"""Read what runs measured, reduced to what a chart can show: the least and the greatest value of each column."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import threading
import time
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from elliptio.errors import ElliptioError
from elliptio.lake import run_points, run_records
from elliptio.lake.lake import Lake
from elliptio.system.collector import uncollected

log = logging.getLogger(__name__)

COLUMNS = 600
"""Columns to which the points of a metric are reduced."""

FEW_COLUMNS = 128
"""The same of one of many runs, whose lines lie behind."""

MOST_POINTS = 8192
"""Points of a metric before they are reduced, as a run goes on."""

MOST_KNOWN = 400
"""Runs whose curves are kept."""

MOST_METRICS = 64
"""Metrics of a run that are read."""

_ENDLESS = float("inf")
_LONGEST = 64 << 20


@dataclass
class Curve:
    """Points of one metric of a run, in the order of their steps.

    Attributes
    ----------
    steps, seconds, values
        Of each point: after which step it was measured, and how long after the run began.
    count
        How many points there are, those included that are left out here.

    """

    steps: array[float] = field(default_factory=lambda: array("d"))
    seconds: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    count: int = 0

    def reduce(self, columns: int) -> None:
        """Leave out points that a chart of so many columns could not show."""
        kept = reduced(self.steps, self.values, columns)
        for name in ("steps", "seconds", "values"):
            have: array[float] = getattr(self, name)
            setattr(self, name, array("d", [have[place] for place in kept]))


Curves = dict[str, Curve]


def reduced(xs: Sequence[float], ys: Sequence[float], columns: int) -> list[int]:
    """Choose of each column of a chart the least and the greatest value; return the places, ordered by `xs`."""
    places = list(range(len(xs)))
    if list(xs) != sorted(xs):
        places.sort(key=xs.__getitem__)
        xs, ys = [xs[place] for place in places], [ys[place] for place in places]
    if len(places) <= 2 * columns:
        return places
    first, wide = xs[0], (xs[-1] - xs[0]) / columns
    if not wide:
        return [places[0], places[-1]]
    chosen = {0, len(places) - 1}
    begin = 0
    for column in range(1, columns + 1):
        end = bisect_left(xs, first + column * wide, begin) if column < columns else len(places)
        if end > begin:
            part = ys[begin:end]
            chosen.update((begin + part.index(min(part)), begin + part.index(max(part))))
        begin = end
    return [places[place] for place in sorted(chosen)]


def add_rows(curves: Curves, rows: Sequence[Mapping[str, Any]], begin: datetime, columns: int) -> None:
    """Add what was measured, as it stands in a file."""
    told = [(row.get("step"), values, row.get("time")) for row in rows if isinstance(values := row.get("values"), dict)]
    for name in dict.fromkeys(name for _, values, _ in told for name in values):
        if name not in curves and len(curves) >= MOST_METRICS:
            continue
        curve = curves.setdefault(name, Curve())
        # Most are plain numbers: among tens of thousands, a question more is felt.
        found = [
            (step, value if type(value) is float and -_ENDLESS < value < _ENDLESS else plain_number(value), moment)
            for step, values, moment in told
            if (value := values.get(name)) is not None
        ]
        drawn = [(step, value, moment) for step, value, moment in found if value is not None]
        xs = [float(one[0]) if type(one[0]) is int else float(curve.count + at) for at, one in enumerate(drawn)]
        ys: list[float] = [one[1] for one in drawn]
        curve.count += len(drawn)
        for place in reduced(xs, ys, columns):
            curve.steps.append(xs[place])
            curve.values.append(ys[place])
            curve.seconds.append(seconds_between(begin, drawn[place][2]))
        if len(curve.values) > MOST_POINTS:
            curve.reduce(columns)


def plain_number(value: Any) -> float | None:
    """Return a number of a file; None where it is none that can be drawn."""
    if isinstance(value, dict):
        value = value.get("$numberLong", value.get("$numberInt", value.get("$numberDouble")))
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def seconds_between(begin: datetime, moment: Any) -> float:
    """Tell how long after a beginning something was; 0 where nobody knows."""
    if isinstance(moment, dict):
        moment = moment.get("$date")
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return 0.0
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return 0.0
    return max((moment - begin).total_seconds(), 0.0)


@dataclass
class Followed:
    """Curves of a run as far as they were read, to go on from there."""

    curves: Curves = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    newest: list[Mapping[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    whole: bool = False


class Reader:
    """Reads the curves of the runs of a lake, those of one that has ended once.

    Parameters
    ----------
    lake
        Where they lie.

    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, int], Followed] = OrderedDict()
        self._waiting: list[tuple[str, datetime, int]] = []
        self._thread: threading.Thread | None = None
        self._ahead = 0

    @contextlib.contextmanager
    def ahead(self) -> Iterator[None]:
        """Let a page be made first, and what is read behind pages wait."""
        with self._lock:
            self._ahead += 1
        try:
            yield
        finally:
            with self._lock:
                self._ahead -= 1

    def of(self, run_id: str, begin: datetime, *, ended: bool, columns: int = COLUMNS) -> Curves:
        """Read the curves of a run; of one that goes on, what was added since, and what is not yet in a file."""
        with self._lock:
            known = self._known.get((run_id, columns))
        if known is not None and known.whole:
            return known.curves
        followed = self._read(run_id, begin, known or Followed(), columns)
        followed.whole = ended
        with self._lock:
            self._known[run_id, columns] = followed
            self._known.move_to_end((run_id, columns))
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        if not followed.waiting:
            return followed.curves
        shown = {name: Curve(one.steps[:], one.seconds[:], one.values[:], one.count)
                 for name, one in followed.curves.items()}  # fmt: skip
        add_rows(shown, followed.waiting, begin, columns)
        return shown

    def of_many(self, runs: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, Curves]:
        """Read the curves of many runs that have ended, as far as it goes in a time; the others are read behind."""
        until = time.monotonic() + seconds
        found: dict[str, Curves] = {}
        for run in runs:
            run_id, begin = str(run["_id"]), run.get("creation_time")
            if not isinstance(begin, datetime):
                found[run_id] = {}
                continue
            with self._lock:
                known = self._known.get((run_id, FEW_COLUMNS))
            if known is not None and known.whole:
                found[run_id] = known.curves
            elif time.monotonic() < until:
                found[run_id] = self.of(run_id, begin, ended=run.get("status") != "running", columns=FEW_COLUMNS)
            else:
                self._later(run_id, begin)
        return found

    @property
    def is_reading(self) -> bool:
        """Tell whether curves are still read behind the pages."""
        return self._thread is not None

    def _later(self, run_id: str, begin: datetime) -> None:
        with self._lock:
            one = (run_id, begin, FEW_COLUMNS)
            if one not in self._waiting:
                self._waiting.append(one)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="elliptio-ui-curves", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            while self._ahead:
                time.sleep(0.005)
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                run_id, begin, columns = self._waiting.pop(0)
                is_known = (run_id, columns) in self._known
            if not is_known:
                self.of(run_id, begin, ended=True, columns=columns)

    def _read(self, run_id: str, begin: datetime, before: Followed, columns: int) -> Followed:
        """Read on; what lies in no file yet is read first, as it may be written to one meanwhile."""
        try:
            waiting = run_points.read(self._lake, run_id)
            numbers = run_records.log_numbers(run_records.files(self._lake, run_id).get(run_id, set()))
        except ElliptioError as error:
            log.info("What %s measured cannot be read: %s", run_id, error)
            return before
        curves = {name: Curve(one.steps[:], one.seconds[:], one.values[:], one.count)
                  for name, one in before.curves.items()}  # fmt: skip
        seen: list[Mapping[str, Any]] = []
        new = [number for number in numbers if number not in before.numbers]
        with uncollected():
            for number in new:
                rows = self._rows(run_id, number)
                seen += rows if waiting else []
                add_rows(curves, rows, begin, columns)
        seen = seen if new else before.newest
        return Followed(curves, {*numbers}, seen, run_points.unwritten(waiting, seen))

    def _rows(self, run_id: str, number: int) -> list[Mapping[str, Any]]:
        """Read the rows of a file without what makes them exact: a chart is drawn of them, nothing is computed."""
        key = run_records.key(run_id, run_records.log_name(number))
        try:
            with self._lake.store.open(key, whole=True) as file:
                found = json.loads(file.read(_LONGEST + 1))
            rows = found["rows"]
            return [row for row in rows if isinstance(row, dict)]
        except (ElliptioError, ValueError, KeyError, TypeError, RecursionError) as error:
            log.info("%s of %s cannot be read: %s", key, run_id, error)
            return []
