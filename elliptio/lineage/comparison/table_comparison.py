"""Compare the values of two tables. DataFrames in, a summary out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elliptio.artifacts.showing import ShownAsText

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class TableComparison(ShownAsText):
    """The differences between two tables, row by row in the order in which they stand.

    Attributes
    ----------
    rows_a, rows_b
        How many rows each has. Those that only the longer one has are not compared.
    columns_added, columns_removed
        Names that only b, and only a has.
    compared, differing
        How many values both have, and how many of them differ. A missing value equals a missing value, 1 equals 1.0.
    columns
        DataFrame with a row for each column that differs: ``differing`` values, and of those that are numbers on both
        sides the ``largest`` and the ``mean`` absolute difference (NaN where there are none).

    Examples
    --------
    >>> import pandas as pd
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> for score in (1, 2):
    ...     with h.new(["scores.csv"]) as new:
    ...         pd.DataFrame({"score": [score]}).to_csv(new.file.local_path, index=False)
    >>> b, a = h.find().index
    >>> print(h.compare(a, b).table("scores.csv"))
    rows       1 and 1
    differing  1 of 1 values
             differing  largest  mean
    column
    'score'          1      1.0   1.0

    """

    rows_a: int
    rows_b: int
    columns_added: list[str]
    columns_removed: list[str]
    compared: int
    differing: int
    columns: pd.DataFrame

    @property
    def same(self) -> bool:
        """True if the tables hold the same columns with the same values."""
        return self.rows_a == self.rows_b and not (self.columns_added or self.columns_removed or self.differing)

    def __repr__(self) -> str:
        what = "same" if self.same else f"{self.differing:,} of {self.compared:,} values differ"
        return f"<TableComparison {what}; {self.rows_a:,} and {self.rows_b:,} rows>"

    def __str__(self) -> str:
        if self.same:
            return f"same: {self.rows_a:,} rows"
        lines = [f"rows       {self.rows_a:,} and {self.rows_b:,}"]
        if self.columns_added:
            lines.append(f"added      {', '.join(map(repr, self.columns_added))}")
        if self.columns_removed:
            lines.append(f"removed    {', '.join(map(repr, self.columns_removed))}")
        lines.append(f"differing  {self.differing:,} of {self.compared:,} values")
        if self.differing:
            # Names come from the file: their repr has no line breaks and nothing that would steer a terminal.
            lines.append(self.columns.rename(index=repr).to_string())
        return "\n".join(lines)


def compare_tables(a: pd.DataFrame, b: pd.DataFrame) -> TableComparison:
    """Compare two tables column by column, row by row."""
    import pandas as pd

    shared = [name for name in a.columns if name in b.columns]
    rows = min(len(a), len(b))
    found = {name: _column(a[name].iloc[:rows], b[name].iloc[:rows]) for name in shared}
    differing = {name: values for name, values in found.items() if values["differing"]}
    columns = pd.DataFrame(
        {
            "differing": pd.Series([values["differing"] for values in differing.values()], dtype="int64"),
            "largest": pd.Series([values["largest"] for values in differing.values()], dtype="float64"),
            "mean": pd.Series([values["mean"] for values in differing.values()], dtype="float64"),
        }
    )
    columns.index = pd.Index(list(differing), dtype="object", name="column")
    return TableComparison(
        rows_a=len(a),
        rows_b=len(b),
        columns_added=[str(name) for name in b.columns if name not in a.columns],
        columns_removed=[str(name) for name in a.columns if name not in b.columns],
        compared=rows * len(shared),
        differing=sum(values["differing"] for values in differing.values()),
        columns=columns,
    )


def _column(a: pd.Series[Any], b: pd.Series[Any]) -> dict[str, Any]:
    """Count the values that differ, and measure how far numbers are apart."""
    import numpy as np
    import pandas as pd

    missing = a.isna().to_numpy() & b.isna().to_numpy()
    if not _is_number(a) and not _is_number(b):
        differs = (a.astype(str).to_numpy() != b.astype(str).to_numpy()) & ~missing
        return {"differing": int(differs.sum()), "largest": np.nan, "mean": np.nan}
    # A column of numbers on one side may have become one of texts by a single value on the other.
    numbers = [side if _is_number(side) else pd.to_numeric(side.astype(str), errors="coerce") for side in (a, b)]
    differs = np.asarray(numbers[0].to_numpy() != numbers[1].to_numpy()) & ~missing
    floats = [side.to_numpy(dtype="float64", na_value=np.nan) for side in numbers]
    with np.errstate(invalid="ignore"):
        distances = np.abs(floats[0] - floats[1])[differs]
    distances = distances[~np.isnan(distances)]
    return {
        "differing": int(differs.sum()),
        "largest": float(distances.max()) if len(distances) else np.nan,
        "mean": float(distances.mean()) if len(distances) else np.nan,
    }


def _is_number(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
