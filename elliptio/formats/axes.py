"""Describe the labels of an axis of pandas, and make them again."""

from __future__ import annotations

from typing import Any

from elliptio.errors import ValueRefusedError
from elliptio.formats.cells import Spec, from_cells, index_of, to_cells, unwrapped
from elliptio.formats.columns import describe


def pack(labels: Any, where: str) -> Spec:
    """Describe the labels of an axis, whole, so that `unpack` gives them back.

    Raises
    ------
    ValueRefusedError
        If they would not come back as they are.

    """
    import pandas as pd

    if isinstance(labels, pd.RangeIndex):
        return {"range": [labels.start, labels.stop, labels.step]}
    if isinstance(labels, pd.MultiIndex):
        levels = [labels.get_level_values(level) for level in range(labels.nlevels)]
        return {"levels": [pack(level, where) for level in levels]}
    array = unwrapped(labels.array)
    spec = describe(array, where)
    return {"spec": spec, "cells": to_cells(array, spec), "freq": frequency(labels, where)}


def unpack(packed: Spec) -> Any:
    """Make the labels that `pack` described, without their names."""
    import pandas as pd

    if "range" in packed:
        return pd.RangeIndex(*packed["range"])
    if "levels" in packed:
        return pd.MultiIndex.from_arrays([unpack(level) for level in packed["levels"]])
    return index_of(from_cells(packed["cells"], packed["spec"]), packed["spec"], packed["freq"])


def frequency(labels: Any, where: str) -> str | None:
    """Name the frequency of an index.

    Raises
    ------
    ValueRefusedError
        If it has one that no name leads back to.

    """
    import pandas as pd

    freq = None if isinstance(labels.dtype, pd.PeriodDtype) else getattr(labels, "freq", None)
    if freq is None:
        return None
    try:
        same = pd.tseries.frequencies.to_offset(freq.freqstr) == freq
    except ValueError:
        same = False
    if not same:
        raise ValueRefusedError(
            f"{where} has the frequency {freq!r}, which no name leads back to: set {where}.freq = None."
        )
    return str(freq.freqstr)
