"""A DataFrame that can be written as Parquet, whatever the labels in it are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

# Loaded only by who makes a DataFrame.
import pandas as pd  # noqa: TID253


class Table(pd.DataFrame):
    """A DataFrame of artifacts or runs; pickled, and saved by other libraries, as the plain one that it is.

    Examples
    --------
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> import elliptio as eio
    >>> written = Path("data.csv").write_text("1,2")
    >>> h = eio.Handler("lake")
    >>> artifact = h.upload("data.csv", eio.Labels(project="penguins"))
    >>> h.find().to_parquet("found.parquet")
    >>> pd.read_parquet("found.parquet").index[0] == artifact.artifact_id
    True

    """

    @property
    def _constructor(self) -> Callable[..., Table]:
        return Table

    def __reduce__(self) -> Any:
        return pd.DataFrame(self).__reduce__()

    def to_parquet(self, path: Any = None, *arguments: Any, **options: Any) -> Any:
        """Write a Parquet file, as every DataFrame does; a column that Parquet has no type for becomes JSON text.

        Such are dicts without any field, and dicts of which one has a text where another has a number.
        """
        plain = pd.DataFrame(self)
        unfit = {name: plain[name].map(_as_json) for name in plain.columns if not _fits(plain[name])}
        return plain.assign(**unfit).to_parquet(path, *arguments, **options)


def _fits(column: pd.Series[Any]) -> bool:
    """Tell whether Parquet has a type for all values of a column."""
    if column.dtype != object:
        return True
    try:
        import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]

        return _is_whole(pa.array(column, from_pandas=True).type)
    except ImportError:  # pandas says what to install
        return True
    except (ValueError, TypeError, OverflowError):
        return False


def _is_whole(kind: Any) -> bool:
    """Tell whether a type has a field wherever it must have one."""
    import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]

    if pa.types.is_struct(kind):
        return kind.num_fields > 0 and all(_is_whole(kind.field(place).type) for place in range(kind.num_fields))
    return not pa.types.is_nested(kind) or _is_whole(kind.value_type)


def _as_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)
