"""A DataFrame that can be read where it is shown, and written as Parquet, whatever the labels in it are."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html import escape
from typing import Any

# Loaded only by who makes a DataFrame.
import pandas as pd  # noqa: TID253

from elliptio.finding.table_text import MOST_IN_PAGE, cell, said, table_text


class Table(pd.DataFrame):
    """A DataFrame of artifacts or runs; pickled, and saved by other libraries, as the plain one that it is.

    Where it is too wide it shows short texts of its values, and names the columns that it leaves out.

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
        width = shutil.get_terminal_size((pd.get_option("display.width") or 80, 24)).columns
        shown = _shown_rows(self)
        if shown is None or _fits_in(self, width):
            return repr(pd.DataFrame(self))
        return table_text(str(self.index.name or ""), list(self.columns), _rows(shown), width, total=len(self))

    def _repr_html_(self) -> str | None:
        shown, plain = _shown_rows(self), pd.DataFrame(self)
        if shown is None or not pd.get_option("display.notebook_repr_html"):
            return _page(plain)
        short = {column: [cell(column, value, MOST_IN_PAGE) for value in shown[column]] for column in shown.columns}
        held = [column for column in short if any(short[column])]
        frame = pd.DataFrame({column: short[column] for column in held}, index=shown.index, columns=held)
        if len(shown) < len(self):
            half, between = (len(shown) + 1) // 2, pd.DataFrame("…", index=["…"], columns=held)
            frame = pd.concat([frame.iloc[:half], between, frame.iloc[half:]]).rename_axis(
                index=str(self.index.name or "")
            )
        size = said(len(self), list(self.columns), held)
        return f"<div>{_page(frame)}<p>{escape(size)}</p></div>"

    def to_parquet(self, path: Any = None, *arguments: Any, **options: Any) -> Any:
        """Write a Parquet file, as every DataFrame does; a column that Parquet has no type for becomes JSON text.

        Such are dicts without any field, and dicts of which one has a text where another has a number.
        """
        plain = pd.DataFrame(self)
        unfit = {name: plain[name].map(_as_json) for name in plain.columns if not _fits(plain[name])}
        return plain.assign(**unfit).to_parquet(path, *arguments, **options)


def _page(frame: pd.DataFrame) -> str | None:
    shown: str | None = frame._repr_html_()  # type: ignore[operator,unused-ignore]
    # JupyterLab breaks lines in cells, at each hyphen of an identifier, unless each cell says that it does not.
    return shown and re.sub("<(th|td)>", r'<\1 style="white-space:nowrap">', shown)


def _shown_rows(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Choose the rows that are shown, of many the first and the last; None where pandas is to show it its own way."""
    most, least = pd.get_option("display.max_rows"), pd.get_option("display.min_rows")
    usual = frame.columns.is_unique and all(isinstance(name, str) for name in frame.columns) and len(frame.columns)
    own = pd.get_option("display.max_columns") is None or pd.get_option("display.large_repr") == "info"
    if not usual or own or isinstance(frame.index, pd.MultiIndex) or not len(frame):
        return None
    if not most or len(frame) <= most:
        return pd.DataFrame(frame)
    half = max(1, min(least or most, most) // 2)
    return pd.DataFrame(frame.iloc[[*range(half), *range(len(frame) - half, len(frame))]])


def _rows(frame: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    values = [frame[column].astype(object).tolist() for column in frame.columns]
    rows = zip(*values, strict=True)
    return [
        (str(name), dict(zip(frame.columns, row, strict=True))) for name, row in zip(frame.index, rows, strict=True)
    ]


def _fits_in(frame: pd.DataFrame, width: int) -> bool:
    """Tell whether pandas has room for all of its columns."""
    most = pd.get_option("display.max_colwidth")
    text = pd.DataFrame(frame.iloc[:100]).to_string(max_colwidth=most)
    return max(map(len, text.splitlines())) <= width


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
