"""Write values of documents in JSON, in cells of a CSV and in columns of Parquet."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from elliptio.ui.wording import iso


def jsonable(value: Any) -> Any:
    """Make JSON's types of any value of a document: times as ISO 8601, bytes as base64, NaN and infinities as text."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [jsonable(item) for item in value]
    return str(value)


def cell(value: Any) -> str:
    """Write a value into a cell."""
    if value is None:
        return ""
    plain = jsonable(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def column(values: Sequence[Any]) -> list[Any]:
    """Make a column of one type."""
    kinds = {type(value) for value in values if value is not None}
    if (len(kinds) == 1 and kinds <= {str, int, float, bool}) or kinds == {datetime}:
        return list(values)
    return [None if value is None else cell(value) for value in values]
