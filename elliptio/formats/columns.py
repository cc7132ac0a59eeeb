"""Describe a column of pandas so that it comes back as it was, or refuse it."""

from __future__ import annotations

import base64
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from elliptio.errors import ValueRefusedError
from elliptio.formats.cells import Spec, ends_of, to_cells, unwrapped
from elliptio.formats.plain import check_json

MAX_ODD = 10_000
"""Places of a column whose kind of missing value is not that of the others: more are not kept."""


def describe(array: Any, where: str) -> Spec:
    """Describe the array of a column.

    Raises
    ------
    ValueRefusedError
        If it would not come back as it is.

    """
    import numpy as np
    import pandas as pd

    dtype = array.dtype
    if isinstance(dtype, np.dtype):
        return _describe_numpy(array, where)
    if isinstance(dtype, pd.CategoricalDtype):
        labels = unwrapped(dtype.categories.array)
        spec = describe(labels, f"{where}.cat.categories")
        return {"kind": "categorical", "ordered": bool(dtype.ordered), "of": spec, "cells": to_cells(labels, spec)}
    if isinstance(dtype, pd.StringDtype):
        return {"kind": "string", "storage": dtype.storage, "na": "NA" if dtype.na_value is pd.NA else "nan"}
    if isinstance(dtype, pd.SparseDtype):
        fill = describe(np.array([dtype.fill_value], dtype.subtype), where)
        dense = describe(np.asarray(array), where)
        return {
            "kind": "sparse",
            "dense": dense,
            "fill": to_cells(np.array([dtype.fill_value], dtype.subtype), fill)[0],
        }
    if isinstance(dtype, pd.IntervalDtype):
        return {"kind": "interval", "closed": dtype.closed, "of": describe(ends_of(array)[0], where)}
    if isinstance(dtype, pd.PeriodDtype):
        return _period(array, where)
    if isinstance(dtype, pd.DatetimeTZDtype) or _is_masked(dtype):
        return _named(array, "masked" if _is_masked(dtype) else "datetime", where)
    if isinstance(dtype, pd.ArrowDtype):
        import pyarrow as pa

        schema = pa.schema([("value", dtype.pyarrow_dtype)])
        return {"kind": "arrow", "schema": base64.b64encode(schema.serialize()).decode()}
    raise ValueRefusedError(
        f"{where} has the dtype {dtype}, which is not kept: convert it, or save it with format='pickle'."
    )


def _is_masked(dtype: Any) -> bool:
    return any(kind.__name__ == "BaseMaskedDtype" for kind in type(dtype).__mro__)


def _period(array: Any, where: str) -> Spec:
    """Describe periods, which are kept as the times at which they begin."""
    spec = _named(array, "period", where)
    try:
        same = bool((array.to_timestamp(how="start").to_period(array.freq) == array)[~array.isna()].all())
    except (ValueError, OverflowError):
        same = False
    if not same:
        raise ValueRefusedError(f"{where} has periods that cannot be told by when they begin: use .astype('int64').")
    return spec


def _named(array: Any, kind: str, where: str) -> Spec:
    """Describe a dtype by its name, if it leads back to it."""
    import pandas as pd

    name = str(array.dtype)
    try:
        known = pd.api.types.pandas_dtype(name) == array.dtype
    except TypeError:
        known = False
    if not known:
        raise ValueRefusedError(f"{where} has the dtype {name}, which has no name that leads back to it: convert it.")
    return {"kind": kind, "dtype": name}


def _describe_numpy(array: Any, where: str) -> Spec:
    import numpy as np

    dtype = array.dtype
    if dtype.kind == "O":
        return _describe_objects(np.asarray(array, dtype=object), where)
    if dtype.kind in "Mm":
        return {"kind": "datetime" if dtype.kind == "M" else "timedelta", "dtype": dtype.name}
    if (
        dtype.kind in "biu"
        or (dtype.kind == "f" and dtype.itemsize <= 8)
        or (dtype.kind == "c" and dtype.itemsize <= 16)
    ):
        return {"kind": "complex" if dtype.kind == "c" else "numpy", "dtype": dtype.str}
    raise ValueRefusedError(f"{where} has the dtype {dtype}, which is not kept: use .astype(…).")


def _describe_objects(values: Any, where: str) -> Spec:
    import numpy as np
    import pandas as pd

    names: dict[type, str] = {type(None): "None", type(pd.NA): "NA", type(pd.NaT): "NaT"}
    kinds = set(map(type, values))
    held = kinds - names.keys()
    # NaN stands for a missing value among others, and is a value among floats.
    if float in held and held != {float} and all(value != value for value in values if type(value) is float):
        names[float] = "nan"
        held.discard(float)
    found = {names[kind] for kind in kinds if kind in names}
    spec: Spec = {
        "kind": "object",
        "of": _kind_of_objects(held, values, where),
        "missing": next(iter(sorted(found)), ""),
    }
    if spec["of"] == "ndarray":
        dtypes = {(value.dtype.str, value.ndim) for value in values if type(value) is np.ndarray}
        if len(dtypes) > 1 or not all(dtype[1] in "biuf" and dims == 1 for dtype, dims in dtypes):
            raise ValueRefusedError(f"{where} holds arrays of several kinds: give them one dtype and one dimension.")
        spec["dtype"] = next(iter(dtypes))[0]
    if len(found) > 1:
        spec["odd"] = _odd_places(values, spec["missing"], names, where)
    return spec


_OBJECTS = {str: "str", bytes: "bytes", bool: "bool", int: "int", float: "float", date: "date", time: "time",
            Decimal: "Decimal", UUID: "UUID", list: "json", dict: "json"}  # fmt: skip


def _kind_of_objects(held: set[type], values: Any, where: str) -> str:
    import numpy as np

    if not held:
        return "empty"
    known = {"ndarray" if kind is np.ndarray else _OBJECTS.get(kind, "") for kind in held}
    if len(known) > 1:
        shown = " and ".join(sorted(kind.__name__ for kind in held))
        raise ValueRefusedError(f"{where} holds {shown}: convert it to one type, such as .astype(str).")
    (name,) = known
    if not name:
        (kind,) = held
        raise ValueRefusedError(
            f"{where} holds objects of {kind.__module__}.{kind.__qualname__}: convert it, such as .astype(str)."
        )
    if name == "json":
        for number, value in enumerate(values):
            if isinstance(value, list | dict):
                check_json(value, f"{where}[{number}]")
    if name == "time" and any(value.tzinfo is not None or value.fold for value in values if type(value) is time):
        raise ValueRefusedError(f"{where} holds times with a zone: keep the zone in a column of its own.")
    return name


def _odd_places(values: Any, usual: str, names: dict[type, str], where: str) -> dict[str, list[int]]:
    odd: dict[str, list[int]] = {}
    for number, value in enumerate(values):
        name = names.get(type(value), usual)
        if name != usual:
            odd.setdefault(name, []).append(number)
    if sum(map(len, odd.values())) > MAX_ODD:
        kinds = " and ".join(sorted({usual, *odd}))
        raise ValueRefusedError(
            f"{where} holds {kinds} as missing values: use one, such as .where({where}.notna(), None)."
        )
    return odd
