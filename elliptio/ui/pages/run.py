"""``/runs/{id}``: how does it go, is it better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from elliptio import naming
from elliptio.errors import DocumentNotFoundError, ElliptioError
from elliptio.lake import dead_runs, run_output, run_records
from elliptio.protocols import Document
from elliptio.ui import wording
from elliptio.ui.answers import attached, csv_of
from elliptio.ui.asked import Answer, Asked, NotThereError, WrongError, as_dict, segment, written
from elliptio.ui.pages import belonging, charts, narrowing, pausing, rows, run_context, run_rows
from elliptio.ui.pages.artifact import short_row
from elliptio.ui.pages.run_context import Context
from elliptio.ui.view import View

SECONDS_TO_READ = 0.15
"""So long a page waits for the curves of others; those that take longer are read behind it."""

LINES = 24
"""Lines of output that are shown."""

NEAR = 8
"""Artifacts that are listed, and runs around the one that is shown."""

MOST_IN_TREE = 500
MOST_NOTES = 50


def show(view: View, asked: Asked) -> Answer:
    """Show a run."""
    with view.curves.ahead():
        return _shown(view, asked)


def _shown(view: View, asked: Asked) -> Answer:
    x, y = choice(asked, "x", (charts.STEP, charts.TIME)), choice(asked, "y", (charts.LINEAR, charts.LOG))
    context = run_context.context_of(view, found(view, asked.parts["id"]), asked.get("by")[:200])
    run, now = context.run, view.clock()
    view.keep(view.contexts, run["_id"], context)
    drawn, read = drawn_of(view, context, x, y)
    is_going = run.get("status") == run_records.RUNNING and not view.exported
    paused = pausing.is_paused(asked)
    return view.page(
        "run.html",
        asked,
        id=run["_id"],
        row=run_rows.row(run, run_rows.window([run], now), {}, now),
        host=wording.plain(run.get("hostname") or "", 60),
        argv=wording.plain(run.get("argv") or "", 200),
        error=_error(run),
        charts=drawn,
        more_metrics=len(as_dict(run.get("metrics"))) - charts.MOST,
        context=_compared(context, asked),
        waits=len(context.siblings) - read,
        axes=_choices(asked, "x", (charts.STEP, charts.TIME), x),
        scales=_choices(asked, "y", (charts.LINEAR, charts.LOG), y),
        parallel=run_context.parallel_of(context, now, narrowing.narrowing_of(asked)),
        besides=narrowing.others(asked),
        forget=written("", narrowing.others(asked)),
        params=run_context.params_of(context),
        going=is_going,
        live=is_going and not paused,
        follows=pausing.choices(asked) if is_going else [],
        events=_events(asked, run["_id"], x, y) if not paused and (is_going or read < len(context.siblings)) else "",
        **_beside(view, asked.up, run, now),
    )


def _beside(view: View, up: str, run: Document, now: datetime) -> dict[str, Any]:
    """Say what stands around what a run measured."""
    loaded = _texts(run.get("used"))
    return {
        "around": _around(view, run),
        "belongs": belonging.of_run(view, up, run),
        "output": output_of(view, run),
        "diff": run_records.LOGS[naming.DIFF_LOG] in _names(view, run),
        "tree": tree_of(view, run, now),
        "loaded": artifacts_of(view, {"_id": {"$in": loaded[:NEAR]}}),
        "loaded_count": len(loaded),
        "made": artifacts_of(view, {"run_id": run["_id"]}),
        "notes": [as_dict(one) for one in _listed(run.get("notes"))[:MOST_NOTES]],
        "facts": _facts(view, run),
    }


def _names(view: View, run: Document) -> set[str]:
    try:
        return run_records.files(view.h.lake, run["_id"]).get(run["_id"], set())
    except ElliptioError:
        return set()


def _choices(asked: Asked, name: str, known: Sequence[str], chosen: str) -> list[tuple[str, str, bool]]:
    """Link the same page with each of some words; without one where it is the first."""
    return [(word, asked.link(**{name: None if word == known[0] else word}), word == chosen) for word in known]


def choice(asked: Asked, name: str, known: Sequence[str]) -> str:
    """Read a word of the query; the first one without it.

    Raises
    ------
    WrongError
        If it is none of those.

    """
    value = asked.get(name, known[0])
    if value not in known:
        raise WrongError(f"{name} is one of {', '.join(known)}, not {value[:40]!r}.")
    return value


def found(view: View, identifier: str) -> Document:
    """Find a run by its whole identifier. Who died meanwhile is recorded first.

    Raises
    ------
    NotThereError
        If there is none.

    """
    dead_runs.bury(view.h.lake)
    try:
        run = run_records.get(view.h.lake, identifier)
    except DocumentNotFoundError:
        run = {"_id": ""}
    if run["_id"] != identifier:
        raise NotThereError(
            f"There is no run {identifier[:80]!r} that was begun with h.run(…). What a program saves outside of one "
            "has a run of its own, of which nothing else is recorded."
        )
    return run


def drawn_of(view: View, context: Context, x: str, y: str) -> tuple[list[dict[str, Any]], int]:
    """Draw the metrics of a run among those of its siblings; tell of how many of them the curves are read."""
    run = context.run
    begin = run_rows.moment_of(run.get("creation_time"))
    if begin is None:
        return [], len(context.siblings)
    ended = run.get("status") != run_records.RUNNING
    mine = view.curves.of(run["_id"], begin, ended=ended)
    best_id = context.best["_id"] if context.best is not None and not context.is_best else ""
    first = sorted(context.siblings, key=lambda one: one["_id"] != best_id)
    read = view.curves.of_many(first, SECONDS_TO_READ) if mine else {}
    others = [curves for run_id, curves in read.items() if run_id != best_id]
    return charts.charts(mine, read.get(best_id), others, x=x, y=y), len(read) if mine else len(context.siblings)


def _compared(context: Context, asked: Asked) -> dict[str, Any]:
    """Say what a run is compared with."""
    best = context.best
    return {
        "others": len(context.siblings),
        "more": context.more,
        "name": wording.plain(context.run.get("name") or "run", 60),
        "query": f'name:"{context.run.get("name")}"',
        "by": wording.plain(context.by, 60),
        "least": run_context.is_least(context.by),
        "is_best": context.is_best,
        "best": run_context.label_of(best, context) if best is not None else "",
        "best_id": best["_id"] if best is not None else "",
        "choices": [
            (wording.plain(name, 40), asked.link(by=name), name == context.by)
            for name in list(as_dict(context.run.get("metrics")))[: charts.MOST]
        ],
    }


def _events(asked: Asked, run_id: str, x: str, y: str) -> str:
    return f"{asked.up}events?run={segment(run_id)}&x={x}&y={y}"


def _error(run: Document) -> dict[str, str] | None:
    error = as_dict(run.get("error"))
    if not error:
        return None
    return {name: str(error.get(name) or "") for name in ("type", "message", "traceback")}


def _around(view: View, run: Document) -> list[tuple[str, str]]:
    """Name the outermost run and the one around this."""
    wanted = [one for one in dict.fromkeys((run.get("root"), run.get("parent"))) if one and one != run["_id"]]
    known = {one["_id"]: one for one in view.h.lake.find_runs({"_id": {"$in": wanted}})} if wanted else {}
    return [(one, wording.plain(known[one].get("name"), 60)) for one in wanted if one in known]


def tree_of(view: View, run: Document, now: datetime) -> dict[str, Any]:
    """Show the runs around a run and in it: the nearest ones."""
    root = str(run.get("root") or run["_id"])
    every = list(view.h.lake.find_runs({"root": root}, sort=[("creation_time", -1)], limit=MOST_IN_TREE))
    view.keep(view.trees, run["_id"], {one["_id"]: one for one in every})
    return tree_among(every, run, now)


def tree_among(every: Sequence[Document], run: Document, now: datetime) -> dict[str, Any]:
    """Show of runs those that are around one and in it."""
    root = str(run.get("root") or run["_id"])
    known = {one["_id"]: one for one in every} | {run["_id"]: run}
    top = root if root in known else run["_id"]
    ordered = run_rows.nested(list(known.values()), [top], MOST_IN_TREE)
    if all(one["_id"] != run["_id"] for one, _, _ in ordered):
        ordered = run_rows.nested(list(known.values()), [run["_id"]], MOST_IN_TREE)
    kept = nearest(ordered, run["_id"])
    shown, names = run_rows.window([one for one, _ in kept], now), run_rows.differing(known.values())
    return {
        "rows": [
            {**run_rows.row(one, shown, names, now, depth), "here": one["_id"] == run["_id"]} for one, depth in kept
        ],
        "left_out": len(ordered) - len(kept),
        "count": f"{len(ordered):,}{'+' if len(every) >= MOST_IN_TREE else ''}",
        "query": f"root:{root}",
    }


def nearest(ordered: Sequence[tuple[Mapping[str, Any], int, int]], here: str) -> list[tuple[Mapping[str, Any], int]]:
    """Keep of a tree the runs around one, some beside it, and some in it."""
    place = next(place for place, (one, _, _) in enumerate(ordered) if one["_id"] == here)
    depth = ordered[place][1]
    kept, level = {place}, depth
    for before in range(place - 1, -1, -1):
        if ordered[before][1] < level:
            kept.add(before)
            level = ordered[before][1]
    beside = [
        other for other, (one, deep, _) in enumerate(ordered)
        if deep == depth and other != place and one.get("parent") == ordered[place][0].get("parent")
    ]  # fmt: skip
    beside.sort(key=lambda other: abs(other - place))
    inside = []
    for after in range(place + 1, len(ordered)):
        if ordered[after][1] <= depth:
            break
        inside.append(after)
    kept.update(beside[:NEAR], inside[:NEAR])
    return [ordered[one][:2] for one in sorted(kept)]


def output_of(view: View, run: Document) -> dict[str, Any] | None:
    """Return the end of what a run printed, secrets masked."""
    lake, is_live = view.h.lake, run.get("status") == run_records.RUNNING
    try:
        text = run_output.read_end(lake, run["_id"]) if is_live else None
        if text is None:
            text = run_output.read_logs(lake, run["_id"]).get(naming.OUTPUT_LOG)
    except ElliptioError as error:
        return {"lines": [f"It cannot be read: {error}"], "count": 0, "says": ""}
    if not text:
        return None
    lines = text.rstrip("\n").split("\n")
    return {
        "lines": [line[:1000] for line in lines[-LINES:]],
        "count": len(lines),
        "says": "follows" if is_live else "",
    }


def artifacts_of(view: View, query: Mapping[str, Any]) -> dict[str, Any]:
    """Say which artifacts a run loaded or made: the first few."""
    options: dict[str, Any] = {"columns": [*rows.FIELDS, "deleted"], "deleted": True, "sort": "-creation_time"}
    every = view.h.search(query, max_docs=NEAR, **options)
    now = view.clock()
    return {
        "rows": [{**short_row(row, now), "size": wording.size(row.get("total_size"))} for row in every.rows()],
        "total": f"{every.total:,}{'' if every.exact else '+'}",
        "more": every.total > len(every.ids),
    }


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _facts(view: View, run: Document) -> list[tuple[str, str, str]]:
    """List what is known of its code and its machine in a line each: name, text, and whether it is code."""
    git = as_dict(run.get("git"))
    try:
        environment = view.h.lake.environment(run.get("environment_id"))
    except ElliptioError:
        environment = {}
    packages = as_dict(environment.get("python_packages"))
    version = as_dict(environment.get("python")).get("version")
    commit = str(git.get("commit") or "")[:12]
    given: list[tuple[str, Any, str]] = [
        ("Began", wording.exact(run.get("creation_time")), ""),
        ("Ended", wording.exact(run.get("end_time")), ""),
        ("Command", run.get("argv"), "code"),
        ("Notebook", run.get("notebook"), "code"),
        ("Commit", f"{commit}{' ' + str(git['branch']) if git.get('branch') else ''}" if commit else "", "code"),
        ("Changed", "not all was committed" if git.get("dirty") else "", ""),
        ("Remote", git.get("remote"), "code"),
        ("Folder", run.get("working_directory"), "code"),
        ("Machine", run.get("hostname"), ""),
        ("Python", f"{version}, {len(packages):,} packages" if version else "", ""),
        ("Masked", naming.several(len(_listed(run["redactions"])), "secret") if run.get("redactions") else "", ""),
    ]
    return [(name, wording.plain(text), kind) for name, text, kind in given if text]


# --- files ---


def metrics_csv(view: View, asked: Asked) -> Answer:
    """Answer with all that was measured in a run as CSV."""
    run = found(view, asked.parts["id"])
    measured = run_records.history(view.h.lake, run["_id"])
    names = list(dict.fromkeys(name for row in measured for name in row["values"]))
    rows = ([naming.iso(row["time"]), row["step"], *(row["values"].get(name) for name in names)] for row in measured)
    return csv_of(["time", "step", *names], rows, "metrics.csv")


def log(view: View, asked: Asked) -> Answer:
    """Answer with a log of a run, secrets masked.

    Raises
    ------
    NotThereError
        If it has no such log.

    """
    run = found(view, asked.parts["id"])
    name = {"output": naming.OUTPUT_LOG, "diff": naming.DIFF_LOG}.get(asked.parts["name"], "")
    text = run_output.read_logs(view.h.lake, run["_id"]).get(name)
    if text is None:
        raise NotThereError("It has no such log.")
    return attached(text.encode("utf-8", "replace"), "text/plain; charset=utf-8", name)
