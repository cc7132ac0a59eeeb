"""Write values of documents in JSON, in cells of a CSV and in columns of Parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from elliptio.documents import jsonable


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
