"""Turn tables into named columns of plain cells, for files that hold nothing else, and back."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from elliptio.errors import ValueRefusedError
from elliptio.formats.arrow import arrow_value_of, chosen, description_of, schema_of, table_of
from elliptio.formats.cells import Spec, from_cells, to_cells
from elliptio.formats.frames import changed, put_together, take_apart


class Grid(NamedTuple):
    """Columns of cells, or of numbers as numpy has them, by name, and what they were."""

    columns: dict[str, Any]
    description: dict[str, Any]


def grid_of(value: Any) -> Grid:
    """Turn a table into cells.

    Raises
    ------
    ValueRefusedError
        If something of it has no cells.

    """
    import pandas as pd

    if not isinstance(value, pd.DataFrame | pd.Series):
        return _grid_of_arrow(value)
    names, arrays, specs, description = take_apart(value)
    columns = {}
    for name, array, spec in zip(names, arrays, specs, strict=True):
        if spec["kind"] == "numpy":
            columns[name] = array
            continue
        cells = to_cells(array, spec)
        columns[name] = [json.dumps(cell) if isinstance(cell, list) else cell for cell in cells]
    return Grid(columns, {**description, "rows": len(value)})


def _grid_of_arrow(value: Any) -> Grid:
    import pyarrow as pa

    table = table_of(value)
    description = description_of(table.schema.metadata) or {}
    columns = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if field.name in columns:
            raise ValueRefusedError(f"value has two columns {field.name!r}: rename one.")
        try:
            columns[field.name] = (column if is_plain(field.type) else column.cast(pa.string())).to_pylist()
        except pa.ArrowException as error:
            raise ValueRefusedError(
                f"value[{field.name!r}] is of type {field.type}, which has no text: {error}."
            ) from None
    return Grid(columns, {**description, "rows": table.num_rows})


def is_plain(kind: Any) -> bool:
    """Tell whether values of a type of Arrow are cells as they are."""
    import pyarrow as pa

    types = pa.types
    return any(
        is_one(kind)
        for is_one in (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string)
    )


def value_of(columns: dict[str, Any], description: dict[str, Any]) -> Any:
    """Make the table that cells were made of; some columns may be missing."""
    if description["class"].startswith("pandas."):
        specs = {field["name"]: field["spec"] for field in description["fields"]}
        return put_together(description, {name: _array(cells, specs[name]) for name, cells in columns.items()})
    import pyarrow as pa

    schema = schema_of(description)
    arrays = []
    for name, cells in columns.items():
        kind = schema.field(name).type
        if is_plain(kind):
            arrays.append(pa.array([_typed(cell, kind) for cell in cells], kind))
        else:
            arrays.append(pa.array(cells, pa.string()).cast(kind))
    return arrow_value_of(pa.table(arrays, names=list(columns)), description)


def _array(cells: Any, spec: Spec) -> Any:
    if spec["kind"] == "interval" or (spec["kind"] == "categorical" and spec["of"]["kind"] == "interval"):
        cells = [None if cell is None else json.loads(cell) for cell in cells]
    return from_cells(cells, spec) if isinstance(cells, list) else cells.astype(spec["dtype"])


def _typed(cell: Any, kind: Any) -> Any:
    """Read a cell that is a text as the number or boolean that it says."""
    import pyarrow as pa

    if not isinstance(cell, str) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return cell
    if pa.types.is_boolean(kind):
        return cell == "True"
    return int(cell) if pa.types.is_integer(kind) else float(cell)


def names_of(description: dict[str, Any], columns: list[Any] | None = None) -> list[str]:
    """Name the columns that a file has, or those of them that have to be read.

    Raises
    ------
    FormatOptionError
        If there is no such column.

    """
    fields = (
        [field["name"] for field in description["fields"]] if "fields" in description else schema_of(description).names
    )
    return list(chosen(description, columns, fields) or fields)


def difference(value: Any, other: Any) -> str | None:
    """Say where two tables differ; None where they are the same."""
    import pandas as pd

    if isinstance(value, pd.DataFrame | pd.Series):
        return changed(value, other)
    mine, others = table_of(value), table_of(other)
    # Types of polars can be one in Arrow.
    kinds = [getattr(each, "schema", getattr(each, "dtype", None)) for each in (value, other)]
    if not mine.schema.equals(others.schema, check_metadata=True) or kinds[0] != kinds[1]:
        return "the types of its columns would change"
    pairs = zip(mine.column_names, mine.columns, others.columns, strict=True)
    found = next((name for name, one, another in pairs if not _same(one, another)), None)
    return None if found is None else f"value[{found!r}] would come back changed"


def _same(column: Any, other: Any) -> bool:
    # NaN is not equal to itself there.
    return bool(column.equals(other)) or repr(column.to_pylist()) == repr(other.to_pylist())
