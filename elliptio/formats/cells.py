"""Turn a column of pandas into plain cells (texts, numbers, booleans and None) and back, by its description."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from elliptio.errors import ValueRefusedError

Spec = dict[str, Any]
"""Description of a column: what JSON can say of it."""

Cells = list[Any]


def missing_of(spec: Spec) -> Any:
    """Give the missing value of an object column."""
    return _missing(spec["missing"])


def _missing(name: str) -> Any:
    import pandas as pd

    return {"NA": pd.NA, "NaT": pd.NaT, "nan": float("nan")}.get(name)


def objects_of(cells: Cells, spec: Spec) -> Any:
    """Make an object array of values, of which those that are None are missing."""
    import numpy as np

    found = np.empty(len(cells), dtype=object)
    missing = missing_of(spec)
    found[:] = cells if missing is None else [missing if cell is None else cell for cell in cells]
    for name, places in spec.get("odd", {}).items():
        for place in places:
            found[place] = _missing(name)
    return found


_TO_TEXT: dict[str, Callable[[Any], Any]] = {
    "bytes": lambda value: base64.b64encode(value).decode(),
    "date": date.isoformat,
    "time": time.isoformat,
    "Decimal": str,
    "UUID": str,
    "json": lambda value: json.dumps(value, ensure_ascii=False),
    "ndarray": lambda value: json.dumps(value.tolist()),
}
_FROM_TEXT: dict[str, Callable[[Any], Any]] = {
    "str": str,
    "bytes": base64.b64decode,
    "bool": lambda cell: cell if isinstance(cell, bool) else cell == "True",
    "int": int,
    "float": float,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "Decimal": Decimal,
    "UUID": UUID,
    "json": json.loads,
}


def to_cells(array: Any, spec: Spec) -> Cells:
    """Turn an array into cells; what is missing is None, but NaN in floats."""
    import numpy as np
    import pandas as pd

    kind = spec["kind"]
    if kind == "arrow":
        raise ValueRefusedError(f"a column of {array.dtype} has no cells: save it as .parquet.")
    if kind == "object":
        convert = _TO_TEXT.get(spec["of"])
        plain = [None if _is_missing(value, spec) else value for value in array]
        return plain if convert is None else [None if value is None else convert(value) for value in plain]
    if kind == "categorical":
        cells = spec["cells"]
        return [None if code < 0 else cells[code] for code in array.codes.tolist()]
    if kind == "interval":
        ends = zip(*(to_cells(end, spec["of"]) for end in ends_of(array)), strict=True)
        return [None if missing else list(pair) for pair, missing in zip(ends, array.isna().tolist(), strict=True)]
    if kind == "period":
        return _times(array.to_timestamp(how="start").to_numpy())
    if kind == "datetime":
        aware = isinstance(array.dtype, pd.DatetimeTZDtype)
        cells = _times(array.tz_convert("UTC").tz_localize(None).to_numpy() if aware else np.asarray(array))
        return [cell and f"{cell}Z" for cell in cells] if aware else cells
    if kind == "timedelta":
        counts = np.asarray(array).view("i8").tolist()
        return [None if missing else count for count, missing in zip(counts, pd.isna(array).tolist(), strict=True)]
    if kind in ("string", "masked"):
        missing = pd.isna(array).tolist()
        return [None if absent else value for value, absent in zip(array.tolist(), missing, strict=True)]
    cells = np.asarray(array).tolist()
    return [str(cell) for cell in cells] if kind == "complex" else cells


def _is_missing(value: Any, spec: Spec) -> bool:
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return type(value) is float and value != value and spec["of"] != "float"


def _times(values: Any) -> Cells:
    import numpy as np

    cells = np.datetime_as_string(values).tolist()
    return [None if cell == "NaT" else cell for cell in cells]


def from_cells(cells: Cells, spec: Spec) -> Any:
    """Turn cells into the array that they were, or an equal one that an index or a column can be made of."""
    import numpy as np
    import pandas as pd

    kind = spec["kind"]
    if kind == "object":
        if spec["of"] == "ndarray":
            made = [None if cell is None else np.array(json.loads(cell), dtype=spec["dtype"]) for cell in cells]
            return objects_of(made, spec)
        convert = _FROM_TEXT.get(spec["of"], str)
        return objects_of([None if cell is None else convert(cell) for cell in cells], spec)
    if kind == "categorical":
        known = {cell: code for code, cell in enumerate(map(_hashable, spec["cells"]))}
        codes = [-1 if cell is None else known[_hashable(cell)] for cell in cells]
        return categorical(np.array(codes, dtype="i8"), spec)
    if kind == "interval":
        left, right = ([cell and cell[end] for cell in cells] for end in (0, 1))
        return interval(from_cells(left, spec["of"]), from_cells(right, spec["of"]), spec)
    if kind in ("datetime", "period"):
        return _datetimes(cells, spec)
    if kind == "timedelta":
        return np.array([np.iinfo("i8").min if cell is None else int(cell) for cell in cells], dtype="i8").view(
            spec["dtype"]
        )
    if kind == "string":
        return strings([None if cell is None else str(cell) for cell in cells], spec)
    if kind == "masked":
        convert = {"b": _FROM_TEXT["bool"], "f": float}.get(pd.api.types.pandas_dtype(spec["dtype"]).kind, int)
        values = [0 if cell is None else convert(cell) for cell in cells]
        return masked(np.array(values), np.array([cell is None for cell in cells], dtype=bool), spec)
    if kind == "sparse":
        return sparse(from_cells(cells, spec["dense"]), spec)
    if kind == "complex":
        return np.array([complex(cell) for cell in cells], dtype=spec["dtype"])
    plain = [float("nan") if cell is None else cell for cell in cells]
    return np.array(plain, dtype=spec["dtype"])


def _hashable(cell: Any) -> Any:
    return tuple(cell) if isinstance(cell, list) else cell if isinstance(cell, str) else str(cell)


def _datetimes(cells: Cells, spec: Spec) -> Any:
    import numpy as np
    import pandas as pd

    texts = ["NaT" if cell is None else cell.removesuffix("Z") for cell in cells]
    dtype: Any = pd.api.types.pandas_dtype(spec["dtype"])
    if spec["kind"] == "period":
        return pd.DatetimeIndex(np.array(texts, dtype="M8[ns]")).to_period(dtype.freq).array
    if isinstance(dtype, np.dtype):
        return np.array(texts, dtype=dtype)
    return pd.DatetimeIndex(np.array(texts, dtype=f"M8[{dtype.unit}]")).tz_localize("UTC").tz_convert(dtype.tz).array


# --- arrays of their parts ---


def categorical(codes: Any, spec: Spec) -> Any:
    """Make a categorical array of codes."""
    import pandas as pd

    dtype = pd.CategoricalDtype(categories_of(spec), ordered=spec["ordered"])
    return pd.Categorical.from_codes(codes, dtype=dtype)


def categories_of(spec: Spec) -> Any:
    """Make the categories of a categorical column."""
    return index_of(from_cells(spec["cells"], spec["of"]), spec["of"])


def index_of(array: Any, spec: Spec, freq: str | None = None) -> Any:
    """Make an index of an array."""
    import pandas as pd

    found = pd.Index(array, dtype=object) if spec["kind"] == "object" else pd.Index(array)
    if freq is not None:
        found.freq = freq
    return found


def unwrapped(array: Any) -> Any:
    """Give an array as numpy has it, where it is one that pandas only wraps."""
    import numpy as np

    if type(array).__name__ == "NumpyExtensionArray" or isinstance(array.dtype, np.dtype):
        return np.asarray(array)
    return array


def ends_of(array: Any) -> tuple[Any, Any]:
    """Give the left and the right ends of intervals."""
    return unwrapped(array.left.array), unwrapped(array.right.array)


def interval(left: Any, right: Any, spec: Spec) -> Any:
    """Make an array of intervals of their ends."""
    import pandas as pd

    return pd.arrays.IntervalArray.from_arrays(left, right, closed=spec["closed"])


def masked(values: Any, missing: Any, spec: Spec) -> Any:
    """Make a nullable array of values and of what is missing: NaN stays a value."""
    import numpy as np
    import pandas as pd

    dtype: Any = pd.api.types.pandas_dtype(spec["dtype"])
    return dtype.construct_array_type()(np.array(values, dtype=dtype.numpy_dtype), np.array(missing))


def sparse(dense: Any, spec: Spec) -> Any:
    """Make a sparse array of a dense one."""
    import numpy as np
    import pandas as pd

    fill = np.array([spec["fill"]], dtype=dense.dtype)[0]
    return pd.arrays.SparseArray(dense, fill_value=fill, dtype=pd.SparseDtype(dense.dtype, fill))


def string_dtype(spec: Spec) -> Any:
    """Make the dtype of a column of strings; None for those of pandas 3 in an older one, where they are objects."""
    import pandas as pd

    if spec["na"] == "NA":
        return pd.StringDtype(spec["storage"])
    older = spec["storage"] == "pyarrow_numpy"  # what pandas 2 called it
    try:
        return pd.StringDtype("pyarrow" if older else spec["storage"], na_value=float("nan"))
    except TypeError:
        return pd.StringDtype("pyarrow_numpy") if older else None


def strings(values: Cells, spec: Spec) -> Any:
    """Make a column of strings, of which those that are None are missing."""
    import pandas as pd

    dtype = string_dtype(spec)
    if dtype is None:
        return objects_of(values, {"missing": "nan"})
    return pd.array([pd.NA if value is None else value for value in values], dtype=dtype)
