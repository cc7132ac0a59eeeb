"""Summarize a big value when it is written, so that it can be described without a byte of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from elliptio.formats.libraries import is_a

MOST_COLUMNS = 200
"""Columns that are listed: a summary is recorded with each value."""
MOST_LETTERS = 200
"""Letters of a name that are kept."""


def summary(value: Any) -> dict[str, Any]:
    """Say what a value is in a bounded JSON: ``shape``, ``columns``, ``dtypes``, as far as it has them.

    Examples
    --------
    >>> import numpy as np
    >>> summary(np.zeros((2, 3), "f4"))
    {'shape': [2, 3], 'dtypes': ['float32']}

    """
    return next((say(value) for name, say in _SAY.items() if is_a(value, name)), {})


def _columns(names: Iterable[Any], dtypes: Iterable[Any], count: int) -> dict[str, Any]:
    shown = [label(name) for name, _ in zip(names, range(MOST_COLUMNS), strict=False)]
    kinds = [_short(str(dtype)) for dtype, _ in zip(dtypes, range(MOST_COLUMNS), strict=False)]
    more = {"more_columns": count - MOST_COLUMNS} if count > MOST_COLUMNS else {}
    return {"columns": shown, "dtypes": kinds, **more}


def label(name: Any) -> Any:
    """Give a label of a column in a form that JSON and every index can hold."""
    if isinstance(name, tuple):
        return [label(part) for part in name[:8]]
    if name is None or type(name) is bool or (type(name) is int and -(2**63) <= name < 2**63):
        return name
    if type(name) is float and math.isfinite(name):
        return name
    return _short(str(name))


def _short(text: str) -> str:
    text = text.encode("utf-8", "replace").decode().replace("\0", "�")
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _frame(value: Any) -> dict[str, Any]:
    return {"shape": list(value.shape), **_columns(value.columns, value.dtypes, value.shape[1])}


def _series(value: Any) -> dict[str, Any]:
    return {"shape": [len(value)], **_columns([value.name], [value.dtype], 1)}


def _table(value: Any) -> dict[str, Any]:
    return {"shape": list(value.shape), **_columns(value.column_names, value.schema.types, value.num_columns)}


def _array(value: Any) -> dict[str, Any]:
    names = value.dtype.names
    if not names:
        return {"shape": list(value.shape), "dtypes": [_short(str(value.dtype))]}
    return {
        "shape": list(value.shape),
        **_columns(names, (value.dtype[number] for number in range(len(names))), len(names)),
    }


def _image(value: Any) -> dict[str, Any]:
    return {"shape": [value.height, value.width, len(value.getbands())], "dtypes": [value.mode]}


def _sized(value: Any) -> dict[str, Any]:
    return {"shape": [len(value)]}


_SAY: dict[str, Callable[[Any], dict[str, Any]]] = {
    "pandas.DataFrame": _frame,
    "pandas.Series": _series,
    "pandas.Index": _series,
    "polars.DataFrame": _frame,
    "polars.Series": _series,
    "pyarrow.Table": _table,
    "numpy.ndarray": _array,
    "PIL.Image.Image": _image,
    "builtins.bytes": _sized,
    "builtins.str": _sized,
    "builtins.list": _sized,
    "builtins.dict": _sized,
}
"""Summaries of values of some classes, by the names of these: no library is imported for that."""
