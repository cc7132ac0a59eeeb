"""Writes a file of each format: ``python -m tests.formats.golden.make``.

They were written once, by the first elliptio that had the format, and are never written again: they must open for ever.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from elliptio import formats

FOLDER = Path(__file__).parent


def frame() -> pd.DataFrame:
    """A table that has a little of all."""
    index = pd.date_range("2026-10-25", periods=3, freq="h", tz="Europe/Berlin", name="hour", unit="us")
    made = pd.DataFrame(
        {
            "number": np.array([1, 2, 3], "i8"),
            "part": [0.1, None, 5e-324],
            "text": pd.Series(["x", None, ""], dtype=object, index=index),
            "size": pd.Categorical(["s", None, "l"], categories=["s", "m", "l"], ordered=True),
            "count": pd.array([1, None, 3], dtype="Int64"),
            "month": pd.period_range("2026-01", periods=3, freq="M"),
            7: [True, False, True],
        },
        index=index,
    )
    made.columns = pd.MultiIndex.from_tuples([(str(name), "") for name in made.columns], names=["name", None])
    made.attrs["unit"] = "g"
    return made


def values() -> dict[str, tuple[str, Any]]:
    """A value for each format that gives it back, with the name of its file."""
    table = frame()
    plain = {"b": [1, 0.5, None, True, "Zoë"], "a": {"": {}}}
    excel = table.drop(columns="text", level=0)
    excel.attrs = table.attrs
    return {
        "parquet": ("table.parquet", table),
        "feather": ("table.feather", table),
        "csv": ("table.csv", table),
        "tsv": ("table.tsv", table),
        "jsonl": ("table.jsonl", table),
        "excel": ("table.xlsx", excel),
        "npy": ("array.npy", np.array([[1, 2], [3, 4]], ">i4", order="F")),
        "npz": ("arrays.npz", {"b": np.arange(2), "a": np.array(["é"])}),
        "text": ("text.txt", "Zoë\r\n"),
        "binary": ("bytes.bin", b"\x00\xff"),
        "json": ("plain.json", plain),
        "yaml": ("plain.yaml", {**plain, 1: {2, 3}}),
        "joblib": ("object.joblib", {"a": (1, 2)}),
        "pickle": ("object.pickle", {"a": (1, 2)}),
    }


def main() -> None:
    """Write the files that are not there, and ``options.json`` with what they are read with."""
    path = FOLDER / "options.json"
    options = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name, (file, value) in values().items():
        if not (FOLDER / file).exists():
            with (FOLDER / file).open("wb") as target:
                options[file] = formats.get(name).write(value, target) or {}
    path.write_text(json.dumps(options, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
