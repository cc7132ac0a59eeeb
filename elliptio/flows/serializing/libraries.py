"""Write arrays of numpy as they lie in memory, tables as Arrow, and what else a format of `elliptio.formats` takes."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable
from typing import Any

from elliptio import formats
from elliptio.errors import ElliptioError, UnknownFormatError, ValueRefusedError
from elliptio.flows.serializing.moments import MOMENT, is_moment, read_moment, write_moment
from elliptio.formats.registry import of_value, takes

ARRAY, SCALAR, FORMAT = 20, 21, 22
"""Codes of arrays, of numpy's numbers, and of what a format wrote."""

_RAW = frozenset("biufcmM")
"""Kinds of numpy's types that are nothing but their bytes."""

_NOT = frozenset({"text", "binary", "json", "yaml", "figure"})
"""Formats of values that are written here by themselves, or that cannot be read."""


def write(value: Any) -> tuple[int, Any] | None:
    """Make plain values of one of a library: its code and these, or None if nothing is known of its class.

    Raises
    ------
    ValueError
        If it would not come back the same.

    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(value) is numpy.ndarray and _is_raw(value.dtype):
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        return ARRAY, [value.dtype.str, list(value.shape), order, value.tobytes(order)]
    if numpy is not None and type(value).__module__ == "numpy" and isinstance(value, numpy.generic):
        return _number(value)
    if is_moment(value):
        return write_moment(value)
    return _by_format(value)


def _is_raw(dtype: Any) -> bool:
    return dtype.kind in _RAW and dtype.metadata is None


def _number(value: Any) -> tuple[int, Any] | None:
    import numpy as np

    dtype = np.asarray(value).dtype
    if _is_raw(dtype):
        return SCALAR, [dtype.str, value.tobytes()]
    if type(value) is np.str_:
        return SCALAR, ["U", str(value).encode("utf-8", "surrogatepass")]
    return (SCALAR, ["S", bytes(value)]) if type(value) is np.bytes_ else None


def _by_format(value: Any) -> tuple[int, Any] | None:
    if type(value).__module__ == "builtins":
        return None
    table = formats.get("feather")
    if takes(table, value):
        return FORMAT, [table.name, {}, _written(table, value, compression="uncompressed")[0]]
    refusal = None
    for format in of_value(value):
        if format.name in _NOT or getattr(format, "runs_code", False):
            continue
        try:
            content, options = _written(format, value)
        except ValueError as error:
            refusal = refusal or error
            continue
        return FORMAT, [format.name, options, content]
    if refusal is not None:
        raise refusal
    return None


def _written(format: formats.Format, value: Any, **options: Any) -> tuple[bytes, dict[str, Any]]:
    file = io.BytesIO()
    try:
        recorded = format.write(value, file, **options)
    except ValueRefusedError as error:
        raise ValueError(str(error)) from error
    except ElliptioError as error:  # a library that is missing, say
        raise ValueError(f"cannot be written as {format.name}: {error}") from error
    return file.getvalue(), dict(recorded or {})


def _to_array(plain: Any) -> Any:
    import numpy as np

    dtype, shape, order, content = plain
    kind = _dtype(dtype)
    if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != len(content):
        raise ValueError(f"{len(content):,} bytes are no array of {shape}")
    flat = np.frombuffer(bytearray(content), kind) if content else np.empty(0, kind)
    return flat.reshape(shape, order=order)


def _to_number(plain: Any) -> Any:
    import numpy as np

    dtype, content = plain
    if dtype == "U":
        return np.str_(content.decode("utf-8", "surrogatepass"))
    if dtype == "S":
        return np.bytes_(content)
    (found,) = np.frombuffer(content, _dtype(dtype))
    return found


def _dtype(text: Any) -> Any:
    import numpy as np

    dtype = np.dtype(str(text))
    if dtype.kind not in _RAW:
        raise ValueError(f"an array of {dtype} is not kept as bytes")
    return dtype


def _read(plain: Any) -> Any:
    name, options, content = plain
    format = formats.get(name)
    if getattr(format, "runs_code", False):
        raise UnknownFormatError(f"the format {name!r} may run code: it is not read from a broker")
    return format.read(io.BytesIO(content), **options)


READ: dict[int, Callable[[Any], Any]] = {ARRAY: _to_array, SCALAR: _to_number, FORMAT: _read, MOMENT: read_moment}
"""By code: a function that makes the value of the plain ones."""
