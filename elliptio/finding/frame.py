"""An answer as a pandas DataFrame."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elliptio.finding.search import Found
from elliptio.lake.tags import Move
from elliptio.metadata import Metadata

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_TYPES = dict.fromkeys(("creation_time", "deleted.time", "end_time", "heartbeat"), "datetime64[ms, UTC]")
_TYPES["duration"] = "timedelta64[ms]"
_DEFAULTS = {entry.name: entry.default for entry in dataclasses.fields(Metadata) if isinstance(entry.default, int)}
"""Values of `Metadata` where an older elliptio, or somebody else, wrote no such field."""

_TYPES |= dict.fromkeys(_DEFAULTS, "int64")

_MANY = 20_000
"""Rows beyond which a block of all columns beside their values would take much memory."""

MOVE = ("tag", "artifact_id", "time", "username")
"""Columns of a move of a tag."""


def to_frame(found: Found) -> pd.DataFrame:
    """Shape an answer into a DataFrame indexed by identifier; its types do not depend on how many rows it has.

    The values are taken out of the answer, so that those of very many rows are not there twice.
    """
    import pandas as pd

    from elliptio.finding.table import Table

    index = pd.Index(found.ids, dtype="object", name=found.name)
    columns, values = list(found.columns), found.columns
    alone = [column for column in columns if column in _TYPES or len(index) > _MANY]
    typed = {column: _typed(column, values.pop(column), index) for column in alone}
    # One block of all that are plain objects: pandas would look at each column by itself.
    frame = Table(_block(values, len(index)), index, list(values), dtype="object", copy=False)
    for place, column in enumerate(columns):
        if column in typed:
            frame.insert(place, column, typed[column])
    return frame


def moves_frame(moves: Sequence[Move]) -> pd.DataFrame:
    """Shape moves of tags into a DataFrame, in their order."""
    import pandas as pd

    data = {name: pd.Series([getattr(move, name) for move in moves], dtype="object") for name in MOVE}
    return pd.DataFrame(data | {"time": data["time"].astype("datetime64[ms, UTC]")})


def metrics_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Shape what a run measured into a DataFrame, a column for each metric."""
    import pandas as pd

    names = list(dict.fromkeys(name for row in rows for name in row["values"]))
    data: dict[str, Any] = {
        "time": pd.Series([row["time"] for row in rows], dtype="datetime64[ms, UTC]"),
        "step": pd.Series([row["step"] for row in rows], dtype="Int64"),
    }
    # A metric that is called like one of these two would take its place.
    shown = {name: name if name not in data else f"metrics.{name}" for name in names}
    data |= {shown[name]: pd.Series([row["values"].get(name) for row in rows], dtype="float64") for name in names}
    return pd.DataFrame(data)


def _block(columns: Mapping[str, list[Any]], rows: int) -> np.ndarray[Any, Any]:
    import numpy as np

    block = np.empty((len(columns), rows), dtype="object")
    for row, values in zip(block, columns.values(), strict=True):
        row[:] = np.fromiter(values, dtype="object", count=rows)
    return block.T


def _typed(name: str, values: list[Any], index: pd.Index[Any]) -> Any:
    import numpy as np
    import pandas as pd

    try:
        if name not in _DEFAULTS:
            return pd.Series(values, index, dtype=_TYPES.get(name, "object"))
        return np.array([_DEFAULTS[name] if value is None else value for value in values], dtype=_TYPES[name])
    except (TypeError, ValueError, OverflowError):  # a document of which somebody else made something else
        return pd.Series(values, index, dtype="object")
