"""A run among others of its name: which of them is the best, and in what they differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elliptio.protocols import Document
from elliptio.ui import wording
from elliptio.ui.asked import as_dict
from elliptio.ui.pages import run_rows
from elliptio.ui.pages.narrowing import Narrowing
from elliptio.ui.pages.parallel import AXES, parallel
from elliptio.ui.view import View

MOST_SIBLINGS = 100
"""Runs of one name that are shown together: the newest, and this one."""

LEAST = ("loss", "error", "err", "mae", "mse", "rmse", "perplexity", "ppl", "latency", "cost", "wer", "cer", "seconds")
"""Words in the names of metrics that are better the smaller they are."""

QUALITY = (*LEAST, "acc", "auc", "f1", "r2", "score", "precision", "recall", "iou", "bleu", "reward")
HELD_OUT = ("val", "test", "eval", "dev")

SECONDS = "seconds"


@dataclass(frozen=True)
class Context:
    """A run and those it is compared with.

    Attributes
    ----------
    run
        Its document.
    siblings
        Others of its name, the newest first.
    more
        Whether there are others that were not read.
    by
        The metric that tells which is the best; empty where nothing was measured.
    best
        The document of the best; None where there is none.

    """

    run: Document
    siblings: Sequence[Document]
    more: bool
    by: str
    best: Document | None

    @property
    def every(self) -> list[Document]:
        """The run and its siblings."""
        return [self.run, *self.siblings]

    @property
    def is_best(self) -> bool:
        """Tell whether the run itself is the best."""
        return self.best is not None and self.best["_id"] == self.run["_id"]


def context_of(view: View, run: Document, by: str = "") -> Context:
    """Find the runs to compare a run with; none where it is handed on."""
    if view.exported:
        return renewed(Context(run, [], more=False, by=by, best=None), run)
    wanted = {"name": run.get("name"), "_id": {"$ne": run["_id"]}}
    found = list(view.h.lake.find_runs(wanted, sort=[("creation_time", -1)], limit=MOST_SIBLINGS))
    siblings = found[: MOST_SIBLINGS - 1]
    return renewed(Context(run, siblings, len(found) > len(siblings), by, None), run)


def renewed(context: Context, run: Document) -> Context:
    """Return the same with a newer document of the run."""
    every = [run, *context.siblings]
    by = context.by or chosen([name for one in every for name in as_dict(one.get("metrics"))])
    return Context(run, context.siblings, context.more, by, best_of(every, by))


def chosen(names: Sequence[str]) -> str:
    """Choose of the names of metrics the one that most likely tells which run is the best."""
    known = list(dict.fromkeys(names))
    good = [name for name in known if any(word in name.lower() for word in QUALITY)]
    held_out = [name for name in good if any(word in name.lower() for word in HELD_OUT)]
    return next(iter([*held_out, *good, *known]), "")


def is_least(name: str) -> bool:
    """Tell whether a metric is better the smaller it is; a ``-`` before its name says that it is not."""
    return any(word in name.lower() for word in LEAST)


def best_of(runs: Sequence[Document], by: str) -> Document | None:
    """Find the run with the best value of a metric."""
    measured = [(value, run) for run in runs if (value := finite(as_dict(run.get("metrics")).get(by))) is not None]
    if not measured:
        return None
    sign = 1 if is_least(by) else -1
    return min(measured, key=lambda one: sign * one[0])[1]


def finite(value: Any) -> float | None:
    """Return a number that can be compared."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def params_of(context: Context) -> list[dict[str, Any]]:
    """List the parameters of a run: those that differ from others first, and marked where the best has another."""
    names = set(run_rows.differing(context.every).get(str(context.run.get("name")), ())) if context.siblings else set()
    mine = dict(run_rows.flat(context.run.get("params")))
    other = dict(run_rows.flat(context.best.get("params"))) if context.best and not context.is_best else None
    found = [
        {
            "name": wording.plain(name, 60),
            "value": run_rows.number(value),
            "differs": name in names,
            "unlike": other is not None and repr(other.get(name)) != repr(value),
            "best": run_rows.number(other[name]) if other is not None and name in other else "none",
        }
        for name, value in mine.items()
    ]
    return sorted(found, key=lambda one: not one["differs"])


def label_of(run: Mapping[str, Any], context: Context) -> str:
    """Name a run by what tells it apart from those of its name."""
    names = run_rows.differing(context.every).get(str(run.get("name")), ())
    params = dict(run_rows.flat(run.get("params")))
    told = [f"{name}={run_rows.number(params[name])}" for name in names if name in params][:2]
    return wording.plain(" ".join([str(run.get("name")), *told]), 60)


def parallel_of(context: Context, now: datetime, narrowing: Narrowing | None = None) -> dict[str, Any] | None:
    """Draw parameters of the runs of a name against the metric that tells the best."""
    if not context.siblings or not context.by:
        return None
    differing = run_rows.differing(context.every).get(str(context.run.get("name")), [])
    few = [name for name in differing if name not in (context.by, SECONDS)][: AXES - 2]
    values = {run["_id"]: _values(run, few, context.by, now) for run in context.every}
    best = values[context.best["_id"]] if context.best else None
    return parallel(list(values.values()), values[context.run["_id"]], best, [*few, SECONDS, context.by], narrowing)


def _values(run: Document, names: Sequence[str], by: str, now: datetime) -> dict[str, Any]:
    params = dict(run_rows.flat(run.get("params")))
    seconds = run_rows.seconds_of(run, now)
    found = {name: params.get(name) for name in names}
    return {**found, SECONDS: seconds, by: finite(as_dict(run.get("metrics")).get(by))}
