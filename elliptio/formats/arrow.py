"""Turn columns of pandas into arrays of Arrow, and tables of Arrow into what they were made of."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from elliptio.errors import ValueRefusedError
from elliptio.formats.cells import (
    Spec,
    categorical,
    categories_of,
    ends_of,
    from_cells,
    interval,
    masked,
    objects_of,
    sparse,
    string_dtype,
    strings,
    to_cells,
    unwrapped,
)
from elliptio.formats.frames import fields_of, put_together, read_description, take_apart, write_description
from elliptio.formats.plain import name_of

KEY = b"elliptio"
"""Key under which the description lies in the metadata of a file's schema."""

_NATIVE = frozenset({"str", "bytes", "bool", "float", "date", "time", "ndarray"})
"""Objects that Arrow has a type for, of which they come back as they were."""


def to_arrow(array: Any, spec: Spec) -> Any:
    """Turn an array of pandas into one of Arrow."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    kind = spec["kind"]
    if kind == "numpy":
        return pa.array(np.asarray(array).astype(array.dtype.newbyteorder("="), copy=False), from_pandas=True)
    if kind == "complex":
        values = np.asarray(array)
        return pa.StructArray.from_arrays([pa.array(values.real), pa.array(values.imag)], ["real", "imag"])
    if kind in ("datetime", "timedelta"):
        return pa.array(pd.Series(array, copy=False), from_pandas=True)
    if kind == "period":
        return pa.array(pd.Series(array.to_timestamp(how="start")), from_pandas=True)
    if kind == "interval":
        ends = [to_arrow(end, spec["of"]) for end in ends_of(array)]
        return pa.StructArray.from_arrays(ends, ["left", "right"], mask=pa.array(array.isna()))
    if kind == "categorical":
        return _dictionary(array, spec)
    if kind == "sparse":
        return to_arrow(np.asarray(array), spec["dense"])
    if kind == "object":
        return _objects(array, spec)
    if kind == "masked":
        missing = array.isna()
        # NaN is a value there, beside what is missing.
        values = array.to_numpy(dtype=array.dtype.numpy_dtype, na_value=array.dtype.numpy_dtype.type())
        return pa.array(values, mask=missing, from_pandas=False)
    return pa.array(array)


def _dictionary(array: Any, spec: Spec) -> Any:
    """Say of each place which category it has; the categories themselves are in the description too."""
    import pyarrow as pa

    known = _known(array.dtype.categories, spec["of"])
    codes = pa.array(array.codes, mask=array.codes < 0)
    if pa.types.is_string(known.type) or pa.types.is_large_string(known.type):
        return pa.DictionaryArray.from_arrays(codes, known, ordered=spec["ordered"])
    return known.take(codes)


def _known(categories: Any, spec: Spec) -> Any:
    """Turn categories into an array of Arrow in which each can be looked up: intervals as texts.

    Raises
    ------
    ValueRefusedError
        If one is there twice then.

    """
    import pyarrow as pa

    found = to_arrow(unwrapped(categories.array), spec)
    if pa.types.is_struct(found.type):
        found = pa.array(list(map(str, categories)), pa.string())
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if _codes_of(found, found).tolist() != list(range(len(found))):
        raise ValueRefusedError("categories of a column look the same: convert it, or save it with format='pickle'.")
    return found


def _codes_of(column: Any, known: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(column, value_set=known)
    return pc.fill_null(found, pa.scalar(-1, found.type)).to_numpy()


def _objects(array: Any, spec: Spec) -> Any:
    import pyarrow as pa

    kind = spec["of"]
    types = {
        "str": pa.string(),
        "bytes": pa.binary(),
        "bool": pa.bool_(),
        "float": pa.float64(),
        "date": pa.date32(),
        "time": pa.time64("us"),
    }
    if kind == "empty":
        return pa.nulls(len(array), pa.string())
    if kind == "ndarray":
        return pa.array([None if cell is None else cell for cell in _present(array)])
    if kind in ("str", "bytes"):
        return pa.array(array, type=types[kind], from_pandas=True)
    if kind in _NATIVE:
        return pa.array(_present(array) if kind != "float" else to_cells(array, spec), type=types[kind])
    cells = to_cells(array, spec)
    if kind == "int" and all(cell is None or -(2**63) <= cell < 2**63 for cell in cells):
        return pa.array(cells, type=pa.int64())
    return pa.array([None if cell is None else str(cell) for cell in cells], type=pa.string())


def _present(array: Any) -> list[Any]:
    import numpy as np
    import pandas as pd

    return [value if isinstance(value, np.ndarray) or not pd.isna(value) else None for value in array]


def from_arrow(column: Any, spec: Spec) -> Any:
    """Turn a column of Arrow into the array that it was made of."""
    kind = spec["kind"]
    if kind == "numpy":
        return _numbers(column, spec)
    if kind == "complex":
        return _complex(column.combine_chunks(), spec)
    if kind in ("datetime", "timedelta", "period"):
        return _times(column, spec)
    if kind == "interval":
        left, right = (from_arrow(_chunked(end), spec["of"]) for end in column.combine_chunks().flatten())
        return interval(left, right, spec)
    if kind == "categorical":
        return _categories(column, spec)
    if kind == "sparse":
        return sparse(from_arrow(column, spec["dense"]), spec)
    if kind == "object":
        return _from_objects(column, spec)
    return _extended(column, spec)


def _complex(whole: Any, spec: Spec) -> Any:
    import numpy as np

    real, imaginary = (np.asarray(whole.field(part)) for part in ("real", "imag"))
    found = np.empty(len(real), dtype=spec["dtype"])
    found.real, found.imag = real, imaginary
    return found


def _times(column: Any, spec: Spec) -> Any:
    import numpy as np
    import pandas as pd

    dtype: Any = pd.api.types.pandas_dtype(spec["dtype"])
    series = column.to_pandas()
    if spec["kind"] == "period":
        return pd.DatetimeIndex(series).to_period(dtype.freq).array
    array = series.array if series.dtype == dtype else series.astype(dtype).array
    # It may lie in the file itself: a frame can be changed.
    array = array if array.asi8.flags.writeable else array.copy()
    return np.asarray(array) if isinstance(dtype, np.dtype) else array


def _extended(column: Any, spec: Spec) -> Any:
    """Make an array of a type that only pandas has: of Arrow, nullable, or of strings."""
    import pandas as pd

    if spec["kind"] == "arrow":
        held = schema_of(spec).field(0).type
        wrapped: Any = pd.ArrowDtype(held)
        return wrapped.__from_arrow__(column if column.type == held else column.cast(held))
    if spec["kind"] == "masked":
        missing = column.is_null().to_numpy()
        whole = column.fill_null(False if column.type == "bool" else 0)
        return masked(whole.to_numpy(), missing, spec)
    dtype = string_dtype(spec)
    return strings(column.to_pylist(), spec) if dtype is None else dtype.__from_arrow__(column)


def _chunked(array: Any) -> Any:
    import pyarrow as pa

    return pa.chunked_array([array])


def _numbers(column: Any, spec: Spec) -> Any:
    import numpy as np

    if column.null_count and np.dtype(spec["dtype"]).itemsize == 2:  # its conversion knows no missing ones
        return np.array([np.nan if value is None else value for value in column.to_pylist()], dtype=spec["dtype"])
    found = column.to_numpy()
    return found.astype(spec["dtype"], copy=not found.flags.writeable)


def _categories(column: Any, spec: Spec) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    known = _known(categories_of(spec), spec["of"])
    return categorical(_codes_of(column.cast(known.type), known), spec)


def _from_objects(column: Any, spec: Spec) -> Any:
    import numpy as np
    import pyarrow as pa

    kind = spec["of"]
    if kind == "empty":
        return objects_of([None] * len(column), spec)
    if kind == "ndarray":
        made = [None if item is None else np.array(item, dtype=spec["dtype"]) for item in column.to_pylist()]
        return objects_of(made, spec)
    if kind in ("str", "bytes"):
        found = column.to_numpy()
        as_it_is = not column.null_count or (spec["missing"] == "None" and "odd" not in spec)
        return found if as_it_is else objects_of(found.tolist(), spec)
    cells = column.to_pylist()
    if kind in _NATIVE or (kind == "int" and pa.types.is_integer(column.type)):
        return objects_of(cells, spec)
    return from_cells(cells, spec)


# --- tables ---


def table_of(value: Any) -> Any:
    """Make a table of Arrow of a frame of pandas, polars or Arrow, its description in its metadata.

    Raises
    ------
    ValueRefusedError
        If something of it would not come back.

    """
    import pyarrow as pa

    if type(value) is pa.Table:
        return _described(value, {"class": "pyarrow.Table", "schema": _schema_text(value.schema)})
    if type(value).__module__.partition(".")[0] == "polars":
        return _polars(value)
    names, arrays, specs, description = take_apart(value)
    made = []
    for name, array, spec in zip(names, arrays, specs, strict=True):
        try:
            made.append(to_arrow(array, spec))
        except (pa.ArrowException, ValueError, TypeError, OverflowError, NotImplementedError) as error:
            raise ValueRefusedError(f"the column {name!r} cannot be kept: {error}; convert it.") from error
    table = pa.table(made, names=names)
    return _described(table, description, _for_pandas(value))


def _polars(frame: Any) -> Any:
    import polars as pl

    if type(frame) not in (pl.DataFrame, pl.Series):
        raise ValueRefusedError(f"value is of type {name_of(frame)}: save what .collect() gives.")
    kind = type(frame).__name__
    whole = frame if isinstance(frame, pl.DataFrame) else frame.alias("value").to_frame()
    objects = [name for name, dtype in whole.schema.items() if dtype == pl.Object]
    if objects:
        raise ValueRefusedError(
            f"value[{objects[0]!r}] holds objects of Python: convert it, or save it with format='pickle'."
        )
    table = whole.to_arrow()
    name = frame.name if isinstance(frame, pl.Series) else None
    return _described(table, {"class": f"polars.{kind}", "name": name, "schema": _schema_text(table.schema)})


def _described(table: Any, description: dict[str, Any], more: dict[bytes, bytes] | None = None) -> Any:
    text = write_description(description).encode()
    return table.replace_schema_metadata({**(table.schema.metadata or {}), **(more or {}), KEY: text})


def _for_pandas(value: Any) -> dict[bytes, bytes]:
    """Tell pandas itself which columns are the index: others read the file too."""
    import pandas as pd
    import pyarrow as pa

    if (
        not isinstance(value, pd.DataFrame)
        or not all(type(name) is str for name in value.columns)
        or not value.columns.is_unique
    ):
        return {}
    try:
        found = pa.Schema.from_pandas(value.iloc[:0]).metadata
    except (pa.ArrowException, ValueError, TypeError, NotImplementedError):
        return {}
    about = json.loads(found[b"pandas"])
    about["index_columns"] = [name for name in about["index_columns"] if isinstance(name, str)]
    return {b"pandas": json.dumps(about).encode()}


def _schema_text(schema: Any) -> str:
    return base64.b64encode(schema.serialize()).decode()


def description_of(metadata: dict[bytes, bytes] | None) -> dict[str, Any] | None:
    """Read the description that lies in the metadata of a file; None where another program wrote it."""
    found = (metadata or {}).get(KEY)
    return None if found is None else read_description(found)


def value_of(table: Any, description: dict[str, Any]) -> Any:
    """Make the value that a table was made of; some columns may be missing."""
    kind = description["class"]
    if kind.startswith("pandas."):
        specs = {field["name"]: field["spec"] for field in description["fields"]}
        return put_together(description, {name: from_arrow(table[name], specs[name]) for name in table.column_names})
    return arrow_value_of(table, description)


def schema_of(description: dict[str, Any]) -> Any:
    """Read the schema that a table, or a column, had."""
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(description["schema"])))


def arrow_value_of(table: Any, description: dict[str, Any]) -> Any:
    """Make a table of Arrow or a frame of polars."""
    import pyarrow as pa

    schema = schema_of(description)
    if table.column_names != schema.names:
        schema = pa.schema([schema.field(name) for name in table.column_names], metadata=schema.metadata)
    table = table.replace_schema_metadata(schema.metadata)
    table = table if table.schema.equals(schema, check_metadata=True) else table.cast(schema)
    if description["class"] == "pyarrow.Table":
        return table
    import polars as pl

    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame if description["class"] == "polars.DataFrame" else frame.to_series().alias(description["name"])


def chosen(description: dict[str, Any], columns: Sequence[Any] | None, names: list[str]) -> list[str] | None:
    """Choose the columns of a file that have to be read; None: all of them.

    Raises
    ------
    FormatOptionError
        If there is no such column.

    """
    if columns is None:
        return None
    if description["class"] == "pandas.DataFrame":
        return fields_of(description, columns)
    return fields_of({"class": description["class"], "fields": [{"name": name} for name in names]}, columns)
