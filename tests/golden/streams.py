"""Writes the golden lake of sealed streams: ``python -m tests.golden.streams tests/golden/streams-v1``.

It was written once, and is never written again: whatever an older elliptio has sealed must be read for ever. A new
version of what is sealed gets a folder of its own.
"""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

import elliptio as eio
from elliptio.flows.brokers.defining import CANCELLED, DONE
from elliptio.flows.sealing.writing import About, StreamWriter
from tests.golden.make import PLAIN, _facts, _fixed

BERLIN = ZoneInfo("Europe/Berlin")

STREAMS: dict[str, list[Any]] = {
    "numbers": [0, -1, 2**53, 0.5, True, None, "Zo\u00eb \U0001f427", [1, [2]], {"a": {"b": 1}}],
    "exact": [
        (1, ("a",)), {1, 2}, frozenset({"x"}), b"\x00\xff", bytearray(b"b"), 2**70, 1 + 2j, {1: 2, (3,): 4},
        date(2026, 11, 3), time(9, 12, 44, 505), timedelta(days=-1, microseconds=3), Decimal("1.10"),
        datetime(2026, 11, 3, 9, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
        UUID(int=7), PurePosixPath("/a/b"), np.float32(0.5), np.datetime64("2026-11-03", "D"),
        pd.Timestamp("2026-11-03 00:00:00.123456789", tz=BERLIN), pd.Timedelta("3 s"), pd.NaT,
    ],
    "arrays": [np.arange(6, dtype="<i4").reshape(2, 3), np.array([1.5, np.nan])],
    "tables": [pd.DataFrame({"n": [1, 2], "x": [0.5, np.nan]}), pd.DataFrame({"n": [3], "x": [1.5]})],
    "table": [pd.DataFrame({"n": [True]})],
    "not an identifier": ["a"],
    "empty": [],
    "failed": [1, 2],
    "cancelled": [3],
}  # fmt: skip
"""Values by stream."""

FAILED = {
    "status": "failed",
    "cause": {"step": "boom", "kind": "KeyError", "text": "'x'", "worker": "laptop (process 7)", "traceback": "…"},
}
OUTCOMES = {"failed": FAILED, "cancelled": CANCELLED}


def write(folder: Path) -> None:
    """Write the lake into a folder."""
    with _fixed(), _facts(PLAIN), eio.mock_username("andy"), eio.Handler(folder) as h:
        for stream, values in STREAMS.items():
            writer = StreamWriter(h, About(stream, "run_golden", {"stream": stream}, PLAIN))
            writer.add(values)
            writer.publish([], OUTCOMES.get(stream, DONE))
    for path in (folder / ".elliptio").iterdir():
        if path.name != "lake.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
