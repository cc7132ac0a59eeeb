"""Jobs about pipelines: whole processes, imports and all, as somebody types them."""

from __future__ import annotations

from benchmarks.model import Bar, Job, Limit, Scale, Side

DOIT = "files named by hand, md5, no flush, no lineage"
HAMILTON = "only a function's own code counts; no flush, no lineage"
KEDRO = "only whether a file exists counts; no hash, no flush, no lineage"
BARE = "results in memory: no key, no hash, no flush, no lineage"
KEPT = "each result in a flushed file: no key, no hash, no lineage, no index"
WHOLE = "the whole folder is made again"
PART = "its months are one step"
PANDAS = Limit(
    "pandas",
    "The tables are DataFrames: so long takes a program that imports pandas, reads them, and keeps the same results, "
    "flushed. No hash, no lineage, nothing that is known the next time.",
    is_profiled=False,
)


def pipelines(scale: Scale) -> list[Job]:
    return [*skipping(scale), *making(scale), *of_days(scale), *reading(scale)]


def sides(function: str, *peers: str, part: str = "") -> tuple[Side, ...]:
    """Sides of a job; who does only a part of it is no bar for elliptio."""
    said = {"doit": DOIT, "Hamilton": HAMILTON, "Kedro": KEDRO}
    found = [Side("elliptio", "pipelines", function, "ours")]
    for name in peers:
        more = {"Hamilton": PART, "Kedro": WHOLE}.get(name, "") if part else ""
        partial = name in ("doit", "Kedro") or (name == "Hamilton" and bool(part))
        kind = "partial" if partial else "peer"
        found.append(Side(name, name.lower(), function, kind, "; ".join(filter(None, [said[name], more]))))
    return tuple(found)


def asked(seconds: float, peer: str = "", then: float = 0.0) -> tuple[Bar, ...]:
    """Bars of what was asked in seconds: as such, and as times of a peer by what that one took where it was asked."""
    found = Bar(f"{seconds:g} s", plus=seconds)
    return (found, Bar(f"{seconds / then:.2g} × {peer}", seconds / then, (peer,))) if peer else (found,)


def skipping(scale: Scale) -> list[Job]:
    bars = {100: asked(0.25, "doit", 0.12), 1000: asked(0.35, "doit", 0.17), 10_000: asked(1.5)}
    return [
        Job(
            f"pipeline-skip-{steps}",
            f"a chain of {steps:,} steps, nothing to do",
            sides("skip_chain", *(("doit", "Hamilton", "Kedro") if steps <= 1000 else ("doit",))),
            bars.get(steps, ()),
            count=steps, rounds=scale.rounds,
        )
        for steps in scale.steps
    ]  # fmt: skip


def making(scale: Scale) -> list[Job]:
    steps, tiny = scale.steps[0], max(one for one in scale.steps if one <= 1000)
    return [
        Job(
            f"pipeline-make-{steps}",
            f"a chain of {steps:,} steps for the first time, all kept",
            sides("make_chain", "doit", "Hamilton", "Kedro"),
            asked(0.7) if steps == 100 else (),
            count=steps, rounds=scale.rounds, synced=True,
        ),
        Job(
            f"pipeline-pass-{steps}",
            f"a chain of {steps:,} steps that only pass values on",
            sides("pass_on", "Hamilton", "Kedro"),
            count=steps, rounds=scale.rounds,
        ),
        Job(
            "pipeline-processes",
            f"{scale.busy} steps of half a second on 2 processes",
            sides("two_processes", "doit", "Hamilton", "Kedro"),
            (Bar("1.1 × doit", 1.1, ("doit",)),),
            count=scale.busy, rounds=min(3, scale.rounds),
        ),
        Job(
            f"pipeline-dask-{tiny}",
            f"{tiny:,} tiny steps on 2 workers of Dask, all kept",
            (
                Side("elliptio", "pipelines", "on_dask", "ours"),
                Side("Dask", "pipelines", "bare_dask", "floor", BARE),
                Side("Dask, a file each", "pipelines", "kept_dask", "floor", KEPT),
            ),
            (Bar("2.5 × Dask", 2.5, ("Dask",)),),
            count=tiny, rounds=min(3, scale.rounds), synced=True,
        ),
    ]  # fmt: skip


def of_days(scale: Scale) -> list[Job]:
    found = []
    for name, what, function, peers, bars, least in (
        ("first", "for the first time", "make_days", ("doit", "Hamilton", "Kedro"), (1.5, "doit", 0.22), "read_days"),
        ("skip", "nothing to do", "skip_days", ("doit", "Hamilton"), (0.35, "doit", 0.17), ""),
        ("change", "one day changed", "change_a_day", ("doit", "Hamilton", "Kedro"), (0.4, "doit", 0.17), "read_a_day"),
    ):
        floor = Side("pandas", "pipelines", least, "floor", "no hash, no lineage, nothing is skipped")
        found.append(
            Job(
                f"pipeline-days-{name}",
                f"a table a day of {scale.days} days → a result a day → months, {what}",
                (*sides(function, *peers, part="months"), *((floor,) if least else ())),
                asked(*bars) if scale.days == 365 else (),
                count=scale.days, rounds=scale.rounds, synced=name != "skip", limit=PANDAS if least else None,
            )
        )  # fmt: skip
    return found


def reading(scale: Scale) -> list[Job]:
    bars = {1000: asked(0.15, "Kedro", 1.0), 10_000: asked(1.0, "Kedro", 8.4)}
    return [
        Job(
            f"pipeline-catalog-{entries}",
            f"a catalog of {entries:,} entries, usable",
            (
                Side("elliptio", "pipelines", "read_catalog", "ours"),
                Side("Kedro", "kedro", "read_catalog"),
            ),
            bars.get(entries, ()),
            count=entries, rounds=scale.rounds,
        )
        for entries in scale.entries
    ]  # fmt: skip
