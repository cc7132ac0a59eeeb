"""Rows of runs: from documents to what is shown of each. Values in, values out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from elliptio.ui import wording
from elliptio.ui.asked import as_dict

FIELDS = ("name", "status", "creation_time", "end_time", "username", "hostname", "parent", "root", "params", "metrics",
          "error", "heartbeat")  # fmt: skip
"""Fields that rows are made of."""

WIDE = 1000.0
"""Width of the window of bars."""

THIN = 6.0
"""Width that a bar has at least."""

MOST_VALUES = 3
"""Parameters, and metrics, of a run in a row."""

CLASSES = {"running": "live", "finished": "done", "failed": "lost", "killed": "lost", "recorded": "noted"}
"""Classes of the colours of states."""


def moment_of(value: Any) -> datetime | None:
    """Return a moment in UTC; None where a document has something else."""
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def status_of(run: Mapping[str, Any]) -> str:
    """Say how a run is."""
    return wording.plain(run.get("status") or "recorded", 20)


def seconds_of(run: Mapping[str, Any], now: datetime) -> float | None:
    """Tell how long a run took, or has taken so far; None where nobody knows."""
    begin, end = moment_of(run.get("creation_time")), moment_of(run.get("end_time"))
    if begin is None or (end is None and run.get("status") != "running"):
        return None
    return max(((end or now) - begin).total_seconds(), 0.0)


def took(run: Mapping[str, Any]) -> str:
    """Say how long a run took; empty if it has not ended."""
    begin, end = moment_of(run.get("creation_time")), moment_of(run.get("end_time"))
    return "" if begin is None or end is None else lasting(max((end - begin).total_seconds(), 0.0))


def lasting(seconds: float | None) -> str:
    """Say so many seconds: ``20 ms``, ``2.5 s``, ``4:32`` or ``1:02:30``."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if not hours:
        return f"{minutes}:{rest:02}"
    return f"{hours}:{minutes:02}:{rest:02}" if hours < 100 else f"{hours // 24:,} days"


def number(value: Any) -> str:
    """Write a number with as many digits as tell it apart."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return wording.plain(value, 40)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else f"{value:.4g}"
    if not math.isfinite(value):
        return str(value)
    return f"{value:.4g}" if 1e-4 <= abs(value) < 1e6 or value == 0 else f"{value:.3g}"


def flat(values: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield parameters, those inside of others as ``optimizer.rate``."""
    for name, value in values.items() if isinstance(values, Mapping) else ():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def differing(runs: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Name for each name of runs the parameters in which those differ; where there is one run, all that it has."""
    alike: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        alike.setdefault(str(run.get("name")), []).append(dict(flat(run.get("params"))))
    found = {}
    for name, given in alike.items():
        names = dict.fromkeys(each for params in given for each in params)
        found[name] = [
            each
            for each in names
            if len(given) == 1 or len({repr(params[each]) if each in params else "" for params in given}) > 1
        ]
    return found


def window(runs: Sequence[Mapping[str, Any]], now: datetime) -> tuple[datetime, datetime]:
    """Return from when till when all of these runs were."""
    begins = [begin for run in runs if (begin := moment_of(run.get("creation_time"))) is not None]
    ends = [moment_of(run.get("end_time")) or (now if run.get("status") == "running" else None) for run in runs]
    first = min(begins, default=now)
    return first, max([*begins, *(end for end in ends if end is not None)], default=now)


def bar(run: Mapping[str, Any], shown: tuple[datetime, datetime], now: datetime) -> dict[str, float] | None:
    """Place the time of a run in a window."""
    begin, seconds = moment_of(run.get("creation_time")), seconds_of(run, now)
    if begin is None:
        return None
    whole = (shown[1] - shown[0]).total_seconds() or 1.0
    width = min(max((seconds or 0.0) / whole * WIDE, THIN), WIDE)
    left = (begin - shown[0]).total_seconds() / whole * WIDE
    return {"x": round(min(max(left, 0.0), WIDE - width), 1), "width": round(width, 1)}


def row(
    run: Mapping[str, Any],
    shown: tuple[datetime, datetime],
    names: Mapping[str, Sequence[str]],
    now: datetime,
    depth: int = 0,
) -> dict[str, Any]:
    """Say of a run what stands in a row."""
    status, params = status_of(run), dict(flat(run.get("params")))
    begin, seconds = moment_of(run.get("creation_time")), seconds_of(run, now)
    told = [(name, number(params[name])) for name in names.get(str(run.get("name")), ()) if name in params]
    measured = [(wording.plain(name, 40), number(value)) for name, value in as_dict(run.get("metrics")).items()]
    error = as_dict(run.get("error"))
    return {
        "id": str(run.get("run_id") or run.get("_id")),
        "name": wording.plain(run.get("name") or "run", 80),
        "depth": min(depth, 8),
        "status": status,
        "class": CLASSES.get(status, ""),
        "who": wording.person(run.get("username")),
        "when": wording.when(begin, now),
        "exact": wording.exact(begin),
        "lasting": lasting(seconds),
        "bar": bar(run, shown, now),
        "params": [(wording.plain(name, 40), value) for name, value in told[:MOST_VALUES]],
        "more_params": len(told) - MOST_VALUES,
        "metrics": measured[:MOST_VALUES],
        "more_metrics": len(measured) - MOST_VALUES,
        "error": wording.plain(str(error.get("type") or "").rpartition(".")[2], 60),
        "says": wording.plain(error.get("message") or "", 200),
    }


def nested(
    runs: Sequence[Mapping[str, Any]], tops: Sequence[str], most: int
) -> list[tuple[Mapping[str, Any], int, int]]:
    """Order runs as a tree shows them: each with its depth, and how many in it are left out there.

    Parameters
    ----------
    runs
        Those to show, tops included, in any order.
    tops
        Identifiers of the outermost, in their order.
    most
        So many are shown in each top.

    """
    known = {_id(run): run for run in runs}
    children: dict[str, list[Mapping[str, Any]]] = {}
    for run in sorted(known.values(), key=lambda run: str(run.get("creation_time"))):
        children.setdefault(str(run.get("parent")), []).append(run)
    found: list[tuple[Mapping[str, Any], int, int]] = []
    for top in tops:
        inside: list[tuple[Mapping[str, Any], int]] = []
        waiting, seen = [(known[top], 0)], {top}
        while waiting:
            one, depth = waiting.pop()
            inside.append((one, depth))
            for child in reversed(children.get(_id(one), [])):
                if _id(child) not in seen:
                    seen.add(_id(child))
                    waiting.append((child, depth + 1))
        shown = inside[: most + 1]
        found += [(one, depth, len(inside) - len(shown) if not depth else 0) for one, depth in shown]
    return found


def _id(run: Mapping[str, Any]) -> str:
    return str(run.get("run_id") or run.get("_id"))
