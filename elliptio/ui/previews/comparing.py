"""Compare two tables in a process of its own, as `apart` reads one: a damaged one may end the process that reads it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from typing import Any

from elliptio.artifacts.contents import parse_table
from elliptio.errors import ElliptioError
from elliptio.ui.previews.apart import SECONDS, limit
from elliptio.ui.previews.reading import UnfitError

MOST_COLUMNS = 100
"""Columns that are told of."""


def compare_apart(relpath: str, a: bytes, b: bytes) -> dict[str, Any]:
    """Compare the values of two tables of this name.

    Returns
    -------
    dict
        The fields of `TableComparison`; ``columns`` is a list of rows, of which ``more`` are left out.

    Raises
    ------
    UnfitError
        If one is no such table, or it takes too long.

    """
    head = json.dumps({"relpath": relpath, "sizes": [len(a), len(b)]}).encode() + b"\n"
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "elliptio.ui.previews.comparing"],
            input=head + a + b,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise UnfitError(f"comparing its values takes more than {SECONDS} seconds") from None
    except ValueError:
        raise UnfitError("it is damaged: the process that read it came to its end") from None
    if "unfit" in found:
        raise UnfitError(str(found["unfit"]))
    return found


def main() -> None:
    """Be the process: compare what is given, and answer."""
    limit()
    source = sys.stdin.buffer
    asked = json.loads(source.readline())
    contents = [source.read(size) for size in asked["sizes"]]
    try:
        answer = _compared(asked["relpath"], *contents)
    except (ElliptioError, MemoryError) as error:
        answer = {"unfit": str(error) or type(error).__name__}
    sys.stdout.buffer.write(json.dumps(answer).encode())


def _compared(relpath: str, a: bytes, b: bytes) -> dict[str, Any]:
    from elliptio.lineage.comparison.table_comparison import compare_tables

    found = compare_tables(parse_table(relpath, a, f"a/{relpath}"), parse_table(relpath, b, f"b/{relpath}"))
    frame = found.columns.iloc[:MOST_COLUMNS]
    rows = zip(frame.index, frame["differing"], frame["largest"], frame["mean"], strict=True)
    return {
        "same": found.same,
        "rows": [found.rows_a, found.rows_b],
        "added": found.columns_added[:MOST_COLUMNS],
        "removed": found.columns_removed[:MOST_COLUMNS],
        "compared": found.compared,
        "differing": found.differing,
        "columns": [
            {"name": str(name), "differing": int(count), "largest": _number(largest), "mean": _number(mean)}
            for name, count, largest, mean in rows
        ],
        "more": max(len(found.columns) - MOST_COLUMNS, 0),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


if __name__ == "__main__":
    main()
