"""Times the main job side by side with its floors: python benchmarks/main_job.py [--artifacts 100000].

Every figure is the median of many rounds, elliptio and its floor in turn in one process (or, for imports, process by
process), because machines are noisy and only ratios of one run mean something.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import elliptio as eio
from elliptio.indexes.sqlite import SqliteIndex

Timed = Callable[[], object]


def seconds(action: Timed) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def side_by_side(ours: Timed, floor: Timed, rounds: int, *, at_once: int = 1) -> dict[str, float]:
    """Medians in milliseconds, and the median of the ratios round by round.

    Each round does one `at_once` times, then the other. In between everything is flushed: the floor leaves what it
    copied to the system, and whoever flushes next would pay for that.
    """

    def median_of(action: Timed) -> float:
        if at_once > 1:
            os.sync()
        return statistics.median(seconds(action) for _ in range(at_once))

    pairs = [(median_of(ours), median_of(floor)) for _ in range(rounds)]
    return {
        "ours_ms": round(statistics.median(pair[0] for pair in pairs) * 1e3, 3),
        "floor_ms": round(statistics.median(pair[1] for pair in pairs) * 1e3, 3),
        "ratio": round(statistics.median(pair[0] / pair[1] for pair in pairs), 2),
    }


def alone(ours: Timed, rounds: int) -> dict[str, float]:
    return {"ours_ms": round(statistics.median(seconds(ours) for _ in range(rounds)) * 1e3, 3)}


def imports() -> dict[str, float]:
    """Whole processes: what ``import`` adds to a Python that does nothing is in both."""

    def run(code: str) -> Timed:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    return side_by_side(run("import elliptio"), run("import pymongo"), 15)


def small_upload(folder: Path) -> dict[str, dict[str, float]]:
    """One file of 1 KB in an open session, against copying, hashing and one committed insert.

    Elliptio flushes the files, their folder and the index before it returns. The first floor flushes the insert only,
    the second one all that elliptio does.
    """
    source = folder / "small.bin"
    source.write_bytes(os.urandom(1024))
    h = eio.Handler(folder / "small-lake")
    found = {}
    for name, flushed in (("insert flushed", False), ("all flushed", True)):
        floor = copying(source, folder / name.replace(" ", "-"), flushed=flushed)
        for action in (floor, lambda: h.upload(source)) * 5:
            action()
        found[name] = side_by_side(lambda: h.upload(source), floor, 25, at_once=20)
    return found


def copying(source: Path, target: Path, *, flushed: bool) -> Timed:
    target.mkdir()
    connection = sqlite3.connect(target / "index.sqlite", isolation_level=None)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (id, body)")
    copies = iter(range(10**9))

    def copy_hash_insert() -> None:
        copy = target / f"copy-{next(copies)}"
        shutil.copyfile(source, copy)
        with open(copy, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if flushed:
                os.fsync(file.fileno())
        if flushed:
            folder = os.open(target, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        connection.execute("INSERT INTO t VALUES (?, ?)", (str(copy), digest))

    return copy_hash_insert


def fill(lake: Path, count: int) -> eio.Handler:
    """Fill an index with `count` artifacts like a real one; the files themselves are not needed to find them."""
    h = eio.Handler(lake)
    source = lake.parent / "one.txt"
    source.write_text("x")
    real = h.upload(source, labels=eio.Labels(project="p"))
    document = next(h.index.find("artifacts", {"_id": real.artifact_id}))
    start = datetime.now(tz=UTC) - timedelta(seconds=count)
    assert isinstance(h.index, SqliteIndex)
    h.index.insert_many(
        "artifacts",
        (
            {
                **document,
                "_id": f"artifact_{number:08}",
                "artifact_id": f"artifact_{number:08}",
                "username": f"user{number % 20}",
                "creation_time": start + timedelta(seconds=number),
                "labels": {**document["labels"], "project": f"p{number % 100}", "ticket": f"T-{number}"},
                "based_on": [f"artifact_{number - 1:08}"],
            }
            for number in range(count)
        ),
    )
    return h


def finding(folder: Path, count: int) -> dict[str, dict[str, float]]:
    h = fill(folder / "big-lake", count)
    ids = iter(f"artifact_{(number * 7919) % count:08}" for number in range(10**9))
    warnings.simplefilter("ignore", eio.TruncatedWarning)
    since = datetime.now(tz=UTC) - timedelta(hours=1)
    questions: dict[str, Timed] = {
        "find newest 7": lambda: h.find(max_docs=7),
        "find newest 7 of a user": lambda: h.find({"username": "user3"}, max_docs=7),
        "find by user and time": lambda: h.find({"username": "user3", "creation_time": {"$gte": since}}, max_docs=7),
        "find by label": lambda: h.find({"labels.ticket": "T-77"}),
        "find by based_on": lambda: h.find({"based_on": "artifact_00000077"}),
        "get by id": lambda: h.get(next(ids), track=False),
    }
    found = {}
    for name, question in questions.items():
        question()
        found[name] = alone(question, 50)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifacts", type=int, default=100_000)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="elliptio-bench-"))
    os.chdir(folder)
    try:
        results = {
            "import elliptio / import pymongo": imports(),
            "upload 1 KB / copy + sha256 + committed insert, of which": small_upload(folder),
            f"at {arguments.artifacts:,} artifacts": finding(folder, arguments.artifacts),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        }
        print(json.dumps(results, indent=1))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
