"""What data models need at least: the files of their formats, JSON, and one flush."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.place import Action, Place
from benchmarks.sides.floors import file_system_flusher, flush


def _values(place: Place) -> np.ndarray:
    return np.random.default_rng(0).random(place.size // 8)


def _rows(place: Place) -> pd.DataFrame:
    made = np.random.default_rng(0)
    return pd.DataFrame({"number": np.arange(place.size // 16), "value": made.random(place.size // 16)})


def _fields(number: int) -> dict[str, Any]:
    return {"number": number, "rate": number / 7, "text": "x" * 10, "layers": [number, 2, 3], "by": {"name": "brenda"}}


def _writing(place: Place, name: str, write: Callable[[Path], object]) -> Iterator[Action]:
    def action(path: Path) -> None:
        write(path)
        flush(path)

    for number in itertools.count():
        path = place.folder / f"{number}{name}"
        yield lambda path=path: action(path)
        path.unlink()


def write_npy(place: Place) -> Iterator[Action]:
    values = _values(place)
    return _writing(place, ".npy", lambda path: np.save(path, values))


def read_npy(place: Place) -> Iterator[Action]:
    np.save(place.folder / "x.npy", _values(place))
    yield from itertools.repeat(lambda: np.load(place.folder / "x.npy").sum())


def write_parquet(place: Place) -> Iterator[Action]:
    rows = _rows(place)
    return _writing(place, ".parquet", rows.to_parquet)


def read_parquet(place: Place) -> Iterator[Action]:
    _rows(place).to_parquet(place.folder / "x.parquet")
    yield from itertools.repeat(lambda: pd.read_parquet(place.folder / "x.parquet"))


def write_json(place: Place) -> Iterator[Action]:
    """Write all of them as one JSON, flushed once."""
    fields = [_fields(number) for number in range(place.count)]
    return _writing(place, ".json", lambda path: path.write_text(json.dumps(fields)))


def read_json(place: Place) -> Iterator[Action]:
    path = place.folder / "x.json"
    path.write_text(json.dumps([_fields(number) for number in range(place.count)]))
    yield from itertools.repeat(lambda: json.loads(path.read_text()))


def save_many_by_system_calls(place: Place) -> Iterator[Action]:
    """Make two folders and two files of each, published by a rename, flush once, and index 30 rows of each."""
    published, staging = place.folder / "published", place.folder / "staging"
    published.mkdir()
    staging.mkdir()
    flush_all = file_system_flusher(place.folder)
    connection = sqlite3.connect(place.folder / "index.sqlite", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE d (n INTEGER PRIMARY KEY, body);"
        "CREATE TABLE k (path, value, time, d, PRIMARY KEY (path, value, time, d)) WITHOUT ROWID"
    )

    def action(names: list[str]) -> None:
        for name in names:
            os.makedirs(staging / name / "files")
            (staging / name / "files" / "model.json").write_bytes(b"x" * 300)
            (staging / name / "metadata.json").write_bytes(b"x" * 2500)
        flush_all()
        for name in names:
            os.rename(staging / name, published / name)
        flush_all()
        connection.execute("BEGIN")
        for name in names:
            at = connection.execute("INSERT INTO d (body) VALUES (?)", (b"x" * 1200,)).lastrowid
            rows = [(path, name, 0, at) for path in range(30)]
            connection.executemany("INSERT INTO k VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")

    for round_ in itertools.count():
        names = [f"{round_}-{number}" for number in range(place.count)]
        yield lambda names=names: action(names)
