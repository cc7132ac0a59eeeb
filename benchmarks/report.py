"""Writes docs/performance.md and its picture from benchmarks/results: python -m benchmarks.report [--check]."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.chart import chart

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).with_name("results")
PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "performance.svg"

INTRODUCTION = """# Performance

How long each job takes with elliptio, with its peers, and with the least that the machine needs for it (the floor).
This page is made from `benchmarks/results/` by `python -m benchmarks.report`.

![Times as a multiple of elliptio's]({picture})

All sides of a job ran in turn, round by round, on the same machine; figures are medians of the rounds. Compare figures
within a table: those of another day or machine differ. elliptio hashes (sha256) and flushes everything it saves
before it returns, and checks what it reads, unless a row says otherwise. What the others leave out is said beside
their figures.
"""

HOW = """
## How it was measured

Every side is a process of its own, in an environment of its own, which does the job once before it is timed; so
imports count only in the jobs about them. Between the sides of a job that writes, everything is flushed (untimed), so
that nobody pays for what another left to the system. Each save is of new content. S3 is SeaweedFS on the same
machine, so no network hides what a client costs. s5cmd is a new process each time.

- **MLflow**: its SQLite store; a run with `log_artifact` or `log_artifacts`; `search_runs` to find.
- **DVC**: without git; `add` to save, and `push` to S3; `dvc.api.read`, and `pull` into an empty cache.
- **LaminDB**: a local SQLite instance; `Artifact(...).save()`, `.cache()` into an empty cache; ancestors with the
  function that its `view_lineage` draws from. Before it saves it asks its hub on the network whether the instance is
  registered there. Here the answer (it is not) is given at once by a line in `benchmarks/sides/lamindb.py`, so it is
  timed as if the hub took no time.
- **FastStream, taskiq**: in one process with their subscribers and tasks, each with the newest Redis client that they
  bring; a value goes through two of them, as it does through two streams of a flow.
- **Celery**: a worker of threads in the same process, whose start is not timed; each value is a chain of three tasks.
- **W&B**: offline, only where that does the job: artifacts are staged and never uploaded.

To run it: `make bench`. `ARGS=--quick` takes two minutes, without peers; `ARGS=--large` adds 1,000,000 artifacts,
100,000 files and 2 GiB; `ARGS="--jobs s3"` runs the jobs whose name matches. Then `python -m benchmarks.report`
writes this page. That nothing gets slower unseen is checked by counts that do not flake, in `tests/performance/`.
"""


def load() -> list[dict[str, Any]]:
    """Jobs of the largest run that has each, in order."""
    found: dict[str, dict[str, Any]] = {}
    for name in ("default", "large"):
        path = RESULTS / f"{name}.json"
        if path.exists():
            found |= {job["name"]: job for job in json.loads(path.read_text())["jobs"]}
    return list(found.values())


def page(jobs: list[dict[str, Any]]) -> str:
    parts = [INTRODUCTION.format(picture=PICTURE.name), "\n## Aims\n\n", *aims(jobs), *limits(jobs), "\n## Jobs\n"]
    for job in jobs:
        parts += [f"\n### {sentence(job['title'])}\n\n", *table(job)]
    return "".join([*parts, HOW, *machines(jobs)])


def aims(jobs: list[dict[str, Any]]) -> Iterator[str]:
    """What elliptio is to reach, job by job, and whether it does."""
    yield "What elliptio is to reach with full hashing and default durability. A share below 1 is reached.\n\n"
    yield "| job | at most | share of that | |\n|---|---|---:|---|\n"
    for job in jobs:
        for bar in job["bars"]:
            verdict = "reached" if bar["share"] <= 1 else "**not reached**"
            yield f"| {job['title']} | {bar['text']} | {number(bar['share'])} | {verdict} |\n"


def limits(jobs: list[dict[str, Any]]) -> Iterator[str]:
    """Of each aim that is not reached, what it would take at least to do what elliptio promises."""
    missed = [(job, bar) for job in jobs if "limit" in job for bar in job["bars"] if bar["share"] > 1]
    if not missed:
        return
    yield "\n## Where an aim is not reached\n\nWhat stands in the way was timed beside it, in the same rounds. Then a "
    yield "profile by\nthe clock told in which of its functions elliptio spent its time.\n\n"
    yield "| job | at most | elliptio | what it cannot do without | |\n|---|---:|---:|---|---:|\n"
    for job, bar in missed:
        side = job["limit"]["side"]
        least = next((duration(each["seconds"]) for each in job["sides"] if each["name"] == side), "")
        took = f"{duration(bar['allowed'])} | {duration(bar['seconds'])}"
        yield f"| {job['title']}: {bar['text']} | {took} | {side} | {least} |\n"
    yield "\n"
    for job in {job["name"]: job for job, _ in missed}.values():
        yield f"- **{sentence(job['title'])}.** {job['limit']['because']}{profiled(job)}\n"


def profiled(job: dict[str, Any]) -> str:
    """Who takes how much of the time, in words."""
    found = next((side["profile"] for side in job["sides"] if "profile" in side), {})
    shares = [f"`{place}` {share:.0%}" for place, share in found.items() if share >= 0.01]
    return f" Of elliptio's time: {', '.join(shares)}." if shares else ""


def table(job: dict[str, Any]) -> Iterator[str]:
    if "remark" in job:
        yield f"{job['remark']}\n\n"
    mine = next((side.get("seconds") for side in job["sides"] if side["name"] == "elliptio"), None)
    yield "| | time | × elliptio | memory | leaves out |\n|---|---:|---:|---:|---|\n"
    for side in job["sides"]:
        name = f"**{side['name']}**" if side["kind"] == "ours" else side["name"]
        if "error" in side:
            yield f"| {name} | | | | did not run: {cell(side['error'])} |\n"
            continue
        ratio = number(side["seconds"] / mine) if mine else ""
        left = "; ".join(filter(None, [side.get("leaves_out", ""), *notes(side)]))
        yield f"| {name} | {duration(side['seconds'])} | {ratio} | {side['peak_mb']} MB | {left} |\n"


def notes(side: dict[str, Any]) -> Iterator[str]:
    """What was counted besides."""
    found = side.get("notes", {})
    if "added_mb" in found:
        yield f"adds {found['added_mb']:,.0f} MB to the disk"
    if "ancestors" in found:
        yield f"{found['ancestors']:,} ancestors"


def machines(jobs: list[dict[str, Any]]) -> Iterator[str]:
    yield "\n## Machines and versions\n\n"
    seen: dict[str, list[dict[str, Any]]] = {}
    versions: dict[str, str] = {}
    for job in jobs:
        facts = job["machine"]
        shown = f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gb']} GB, {facts['system']}"
        seen.setdefault(shown, []).append(facts)
        versions |= job["versions"]
    for shown, several in seen.items():
        dates = sorted({facts["date"] for facts in several})
        loads = sorted({facts["load"] for facts in several}, key=lambda load: (len(load), load))
        yield f"- {shown}; {' to '.join(dict.fromkeys((dates[0], dates[-1])))}\n"
        yield f"- load when a job began (more than 1 is other work on the machine, so noise): {', '.join(loads)}\n"
    yield f"- {', '.join(f'{name} {version}' for name, version in versions.items())}\n"


def sentence(title: str) -> str:
    return title if title.startswith("elliptio") else title[0].upper() + title[1:]


def cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")[:160]


def duration(seconds: float) -> str:
    return f"{number(seconds)} s" if seconds >= 1 else f"{number(seconds * 1e3)} ms"


def number(value: float) -> str:
    """Three digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def main() -> None:
    jobs = load()
    made = {PAGE: page(jobs), PICTURE: chart(jobs)}
    if "--check" in sys.argv:
        stale = [path.name for path, text in made.items() if not path.exists() or path.read_text() != text]
        sys.exit(f"out of date: {', '.join(stale)}; run python -m benchmarks.report" if stale else 0)
    for path, text in made.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
