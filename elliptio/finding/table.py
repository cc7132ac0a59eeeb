"""A DataFrame that is read at a glance, and can be written as Parquet, whatever the labels in it are."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

# Loaded only by who makes a DataFrame.
import pandas as pd  # noqa: TID253

from elliptio.artifacts.display import printable
from elliptio.naming import shorten

LEAST = 12
"""So many letters a column has at least; what does not fit into its cells is cut off."""

MOST_OF_IDENTIFIER = {"artifact_id": len("artifact_01a2005f-92a0-7001"), "run_id": len("run_01a2005f-92a0-7001")}
"""Letters of those that are shown where a frame is too wide: the moment, and what tells those of a moment apart."""


class Table(pd.DataFrame):
    """A DataFrame of artifacts or runs; pickled, and saved by other libraries, as the plain one that it is.

    Where it is too wide for a terminal it shows its first columns, and in a notebook each row on a line.

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

    def __repr__(self) -> str:
        text = super().__repr__()
        elided = "..." in text.partition("\n")[0].split()
        return _leading_columns(pd.DataFrame(self)) if elided else text

    def _repr_html_(self) -> str | None:
        # pandas's stubs do not know it.
        html: str | None = pd.DataFrame._repr_html_(self)  # type: ignore[attr-defined]
        # JupyterLab breaks lines in cells, at each hyphen of an identifier, unless each cell says that it does not.
        return html and re.sub("<(th|td)>", r'<\1 style="white-space:nowrap">', html)

    def to_parquet(self, path: Any = None, *arguments: Any, **options: Any) -> Any:
        """Write a Parquet file, as every DataFrame does; a column that Parquet has no type for becomes JSON text.

        Such are dicts without any field, and dicts of which one has a text where another has a number.
        """
        plain = pd.DataFrame(self)
        unfit = {name: plain[name].map(_as_json) for name in plain.columns if not _fits(plain[name])}
        return plain.assign(**unfit).to_parquet(path, *arguments, **options)


def _leading_columns(table: pd.DataFrame) -> str:
    """Write the first columns, as many as stand side by side; pandas would show some of the first and of the last."""
    names = list(table.columns)
    shown = _with_short_identifiers(table)
    times = [name for name in names if isinstance(table.dtypes[name], pd.DatetimeTZDtype)]
    formats: dict[Any, Callable[[Any], str]] = dict.fromkeys(times, _minutes)
    width = pd.get_option("display.width") or shutil.get_terminal_size().columns
    text, count = _written(shown[names[:1]], formats), 1
    for count in range(1, len(names)):
        name, room = names[count], width - _width(text) - 1
        if name not in formats and room >= max(len(str(name)), LEAST):
            formats[name] = partial(_cut, room)
        wider = _written(shown[names[: count + 1]], formats)
        if _width(wider) > width:
            break
        text = wider
    else:
        count = len(names)
    notes = [f"{len(table):,} rows x {len(names)} columns", f"not shown: {', '.join(names[count:])}"]
    notes[1:1] = ["identifiers are shortened, and can be given so"] if shown is not table else []
    below = textwrap.fill(f"[{'; '.join(notes[: None if names[count:] else -1])}]", max(width, LEAST))
    return f"{text}\n\n{below}"


def _written(table: pd.DataFrame, formats: Mapping[Any, Callable[[Any], str]]) -> str:
    chosen: dict[str, Any] = {
        name: pd.get_option(f"display.{name}") for name in ("max_rows", "min_rows", "max_colwidth")
    }
    chosen["formatters"] = {name: formats[name] for name in table if name in formats}
    return str(table.to_string(**chosen))


def _width(text: str) -> int:
    return max(map(len, text.splitlines()))


def _with_short_identifiers(table: pd.DataFrame) -> pd.DataFrame:
    """Leave the beginning of identifiers, which finds an artifact as well, where that tells all apart."""
    short = [
        str(value)[: MOST_OF_IDENTIFIER[table.index.name]]
        for value in table.index
        if table.index.name in MOST_OF_IDENTIFIER
    ]
    return table.set_axis(pd.Index(short, name=table.index.name)) if short and len(set(short)) == len(short) else table


def _cut(most: int, value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return shorten(printable(text), most)


def _minutes(time: Any) -> str:
    return "" if time is pd.NaT else f"{time:%Y-%m-%d %H:%M}"


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
