"""Tell whether two values are the same: of the same types, NaN like NaN, arrays and frames as a whole."""

from __future__ import annotations

import enum
import math
import sys
from datetime import datetime, time, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from elliptio.models.types import kinds, scalars


def same(a: Any, b: Any) -> bool:
    """Tell whether two values are the same: what was read, and what was written.

    Their types are exactly the same, and so is all that they hold: NaN is NaN, -0.0 is not 0.0, times have the same
    zone and fold, arrays the same dtype and byte order, frames the same types, index, names and attributes. Dicts and
    sets may be in another order. Nothing is imported for that. Values that hold themselves are compared, too.

    Examples
    --------
    >>> from elliptio.models.types import same
    >>> same([1, float("nan")], [1, float("nan")]), same([1], [True]), same((1,), [1])
    (True, False, False)

    """
    try:
        return _same(a, b, set())
    except RecursionError:
        return False


def _same(a: Any, b: Any, seen: set[tuple[int, int]]) -> bool:
    if a is b:
        return True
    cls = type(a)
    if cls is not type(b):
        return False
    exact = _EXACT.get(cls)
    if exact is not None:
        return bool(exact(a, b))
    if (id(a), id(b)) in seen:
        return True
    seen.add((id(a), id(b)))
    if isinstance(a, enum.Enum):
        return False
    if isinstance(a, dict):
        return _same_dicts(a, b, seen)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(_same(x, y, seen) for x, y in zip(a, b, strict=True))
    if isinstance(a, set | frozenset):
        return _same_sets(a, b, seen)
    kind = kinds.kind_of(cls)
    if kind is not None:
        return _same_objects(a, b, kind, seen)
    return _same_others(a, b, seen)


def _same_floats(a: float, b: float) -> bool:
    return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)


def _same_times(a: Any, b: Any) -> bool:
    if a.fold != b.fold or a.replace(tzinfo=None) != b.replace(tzinfo=None):
        return False
    return _same_zones(a.tzinfo, b.tzinfo)


def _same_zones(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if type(a) is ZoneInfo:
        return bool(a.key is not None and a.key == b.key)
    if type(a) is timezone:
        return (a.utcoffset(None), a.tzname(None)) == (b.utcoffset(None), b.tzname(None))
    return bool(repr(a) == repr(b) and a == b)


_EXACT: dict[type, Any] = {
    int: int.__eq__,
    str: str.__eq__,
    bool: lambda a, b: a is b,
    bytes: bytes.__eq__,
    float: _same_floats,
    complex: lambda a, b: _same_floats(a.real, b.real) and _same_floats(a.imag, b.imag),
    Decimal: lambda a, b: str(a) == str(b),
    datetime: _same_times,
    time: _same_times,
    **{kind: lambda a, b: a == b and a.is_safe == b.is_safe for kind, name in scalars.NAMES.items() if name == "uuid"},
}


def _same_dicts(a: dict[Any, Any], b: dict[Any, Any], seen: Any) -> bool:
    if len(a) != len(b):
        return False
    if all(type(key) is str for key in a):
        return all(key in b and _same(each, b[key], seen) for key, each in a.items()) and set(map(type, b)) <= {str}
    left = list(b.items())
    for pair in a.items():
        found = next((number for number, other in enumerate(left) if _same(pair[0], other[0], seen)), None)
        if found is None or not _same(pair[1], left.pop(found)[1], seen):
            return False
    return True


def _same_sets(a: Any, b: Any, seen: Any) -> bool:
    if len(a) != len(b):
        return False
    if a == b and {type(each) for each in a} <= {int} and {type(each) for each in b} <= {int}:
        return True
    left = list(b)
    for each in a:
        found = next((number for number, other in enumerate(left) if _same(each, other, seen)), None)
        if found is None:
            return False
        left.pop(found)
    return True


def _same_objects(a: Any, b: Any, kind: str, seen: Any) -> bool:
    if kind == "pydantic":
        parts = ("__pydantic_fields_set__", "__pydantic_extra__")
        if any(getattr(a, part) != getattr(b, part) for part in parts):
            return False
        names = list(type(a).__pydantic_fields__)
    else:
        names = kinds.names_of(type(a), kind)
    missing = object()
    return all(_same(getattr(a, name, missing), getattr(b, name, missing), seen) for name in names)


def _same_others(a: Any, b: Any, seen: Any) -> bool:
    for module, compare in _LIBRARIES.items():
        if module in sys.modules and any(each.__module__.partition(".")[0] == module for each in type(a).__mro__):
            found = compare(a, b, seen)
            if found is not None:
                return bool(found)
    try:
        return bool(a == b)
    except Exception:  # what others wrote compares in any way
        return False


def _same_numpy(a: Any, b: Any, seen: Any) -> bool | None:
    import numpy as np

    if isinstance(a, np.generic):
        if a.dtype == b.dtype and a.dtype.kind in "fc":
            return all(_same_floats(float(x), float(y)) for x, y in ((a.real, b.real), (a.imag, b.imag)))
        return bool(a.dtype == b.dtype and a.tobytes() == b.tobytes())
    if not isinstance(a, np.ndarray):
        return None
    if a.dtype != b.dtype or a.dtype.names != b.dtype.names or a.shape != b.shape:
        return False
    if isinstance(a, np.ma.MaskedArray):
        masks = np.array_equal(np.ma.getmaskarray(a), np.ma.getmaskarray(b))
        return bool(masks and _same_numpy(np.asarray(a.filled()), np.asarray(b.filled()), seen))
    if a.dtype.hasobject:
        return bool(_same(a.tolist(), b.tolist(), seen))
    if a.dtype.kind == "f" or a.dtype.kind == "c":
        parts = (np.real, np.imag) if a.dtype.kind == "c" else (np.asarray,)
        return all(_same_real(part(a), part(b)) for part in parts)
    return bool(a.tobytes() == b.tobytes())


def _same_real(a: Any, b: Any) -> bool:
    import numpy as np

    return bool(np.array_equal(a, b, equal_nan=True) and np.array_equal(np.signbit(a)[a == 0], np.signbit(b)[b == 0]))


def _same_pandas(a: Any, b: Any, seen: Any) -> bool | None:
    import pandas as pd
    from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

    if isinstance(a, pd.DataFrame):
        check: Any = assert_frame_equal
    elif isinstance(a, pd.Series):
        check = assert_series_equal
    elif isinstance(a, pd.Index):
        check = assert_index_equal
    else:
        return None
    try:
        exactly = {"exact": True} if check is assert_index_equal else {"check_exact": True, "check_freq": True}
        check(a, b, **exactly)
    except (AssertionError, TypeError, ValueError):
        return False
    if check is assert_index_equal:
        return True
    cells = all(_same(x, y, seen) for x, y in zip(_objects(a), _objects(b), strict=True))
    return cells and _same(dict(a.attrs), dict(b.attrs), seen)


def _objects(table: Any) -> list[list[Any]]:
    """Give the columns of Python objects: pandas takes 1 for True and None for NaN in those."""
    columns = [table.iloc[:, n] for n in range(table.shape[1])] if table.ndim == 2 else [table]
    return [list(column) for column in columns if column.dtype == object]


def _same_polars(a: Any, b: Any, seen: Any) -> bool | None:
    import polars as pl

    if isinstance(a, pl.LazyFrame):
        return _same_polars(a.collect(), b.collect(), seen)
    if isinstance(a, pl.DataFrame):
        return a.schema == b.schema and bool(a.equals(b, null_equal=True))
    if isinstance(a, pl.Series):
        return a.dtype == b.dtype and a.name == b.name and bool(a.equals(b, null_equal=True))
    return None


def _same_pyarrow(a: Any, b: Any, seen: Any) -> bool | None:
    import pyarrow as pa

    if isinstance(a, pa.Table | pa.RecordBatch):
        if not a.schema.equals(b.schema, check_metadata=True) or a.num_rows != b.num_rows:
            return False
        return _same(a.to_pydict(), b.to_pydict(), seen) if len(set(a.column_names)) == a.num_columns else a.equals(b)
    if isinstance(a, pa.Array | pa.ChunkedArray):
        return a.type == b.type and _same(a.to_pylist(), b.to_pylist(), seen)
    return None


def _same_images(a: Any, b: Any, seen: Any) -> bool | None:
    if not hasattr(a, "tobytes") or not hasattr(a, "mode"):
        return None
    return bool(
        a.mode == b.mode and a.size == b.size and a.tobytes() == b.tobytes() and a.getpalette() == b.getpalette()
    )


def _same_figures(a: Any, b: Any, seen: Any) -> bool | None:
    import io

    if not hasattr(a, "savefig"):
        return None
    drawn = []
    for figure in (a, b):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="raw", dpi=50)
        drawn.append(buffer.getvalue())
    return drawn[0] == drawn[1]


_LIBRARIES: dict[str, Any] = {
    "numpy": _same_numpy,
    "pandas": _same_pandas,
    "polars": _same_polars,
    "pyarrow": _same_pyarrow,
    "PIL": _same_images,
    "matplotlib": _same_figures,
}
