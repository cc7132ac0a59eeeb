"""Write moments and spans of pandas, which rows of tables are full of: as numpy's, and their zone."""

from __future__ import annotations

import sys
from typing import Any

from elliptio.flows.serializing.scalars import to_zone, zone_of

MOMENT = 23
"""Code of a ``Timestamp``, a ``Timedelta`` or ``NaT``."""

_KINDS = frozenset("mM")


def is_moment(value: Any) -> bool:
    """Tell whether a value is one of pandas' moments or spans, of that very class."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and type(value) in (pandas.Timestamp, pandas.Timedelta, type(pandas.NaT))


def write_moment(value: Any) -> tuple[int, Any]:
    """Make plain values of a moment or a span.

    Raises
    ------
    ValueError
        If it would not come back the same: its zone is of another library.

    """
    import pandas as pd

    if value is pd.NaT:
        return MOMENT, None
    number = value.asm8
    plain = [number.dtype.str, number.tobytes(), zone_of(value.tz) if isinstance(value, pd.Timestamp) else None]
    made = read_moment(plain)
    # Zones of pytz say themselves which of two hours it is.
    folds = [0 if hasattr(one.tzinfo, "localize") else one.fold for one in (made, value) if hasattr(one, "tzinfo")]
    if made != value or len({*folds}) > 1:
        raise ValueError("would come back as another moment")
    return MOMENT, plain


def read_moment(plain: Any) -> Any:
    """Make the moment or the span again."""
    import numpy as np
    import pandas as pd

    if plain is None:
        return pd.NaT
    text, content, zone = plain
    dtype = np.dtype(str(text))
    if dtype.kind not in _KINDS:
        raise ValueError(f"{dtype} is no moment")
    (number,) = np.frombuffer(content, dtype)
    unit: Any = np.datetime_data(dtype)[0]
    if dtype.kind == "m":
        return pd.Timedelta(number).as_unit(unit)
    made = pd.Timestamp(number).as_unit(unit)
    return made if zone is None else made.tz_localize("UTC").tz_convert(to_zone(zone))
