"""The content of a stored file as what can be compared: a text, or a table; verified, and never too large."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from elliptio.artifacts.file import RemoteFile
from elliptio.errors import MissingExtraError, QueryError

if TYPE_CHECKING:
    import pandas as pd

MAX_TEXT = 1 << 20
"""Bytes of a file whose lines are compared."""

MAX_LINES = 10_000
"""Lines of it: where they repeat, the time that comparing takes grows with their square."""

MAX_TABLE = 1 << 28
"""Bytes of a file whose values are compared: it is read into memory."""


def text_of(file: RemoteFile) -> str:
    """Read a text in UTF-8.

    Raises
    ------
    QueryError
        If it is larger than `MAX_TEXT` and `MAX_LINES` allow, or no such text.

    """
    if (file.size or 0) > MAX_TEXT:
        raise QueryError(f"{file.remote_url} has {file.size:,} bytes: lines of up to {MAX_TEXT:,} bytes are compared.")
    try:
        text = file.unread().download_string()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise QueryError(f"{file.remote_url} is no text in UTF-8, so it has no lines to compare.")
    if text.count("\n") >= MAX_LINES:
        raise QueryError(f"{file.remote_url} has more than {MAX_LINES:,} lines, too many to compare.")
    return text


def table_of(file: RemoteFile) -> pd.DataFrame:
    """Read a table in CSV, TSV or Parquet.

    Raises
    ------
    QueryError
        If it is larger than `MAX_TABLE`, or no such table.
    MissingExtraError
        If pyarrow is needed and not installed.

    """
    _reader_of(file.relpath)
    if (file.size or 0) > MAX_TABLE:
        raise QueryError(
            f"{file.remote_url} has {file.size:,} bytes: values of up to {MAX_TABLE:,} bytes are compared."
        )
    # Whole: a reader that seeks gets no check of the content.
    with file.unread().open("rb") as source:
        return parse_table(file.relpath, source.read(), file.remote_url)


def is_table(relpath: str) -> bool:
    """Tell by the name of a file whether its values can be compared."""
    return relpath.lower().endswith(tuple(_READERS))


def parse_table(relpath: str, content: bytes, where: str) -> pd.DataFrame:
    """Read the content of a table; errors as of `table_of`."""
    read = _reader_of(relpath)
    try:
        frame = read(io.BytesIO(content))
        # What pandas takes for labels of rows are values too.
        return frame if type(frame.index).__name__ == "RangeIndex" else frame.reset_index()
    except ImportError as error:
        raise MissingExtraError(f"To compare Parquet, pyarrow is needed. Run: pip install pyarrow ({error})") from error
    except Exception as error:  # a damaged table can fail in as many ways as there are parsers below
        raise QueryError(f"{where} cannot be read as a table: {error}") from error


def _reader_of(relpath: str) -> Callable[[io.BytesIO], pd.DataFrame]:
    read = next((read for suffix, read in _READERS.items() if relpath.lower().endswith(suffix)), None)
    if read is None:
        raise QueryError(f"{relpath!r} is no table: the values of {', '.join(_READERS)} can be compared.")
    return read


def _read_csv(content: io.BytesIO, separator: str = ",") -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(content, sep=separator, low_memory=False)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def _read_parquet(content: io.BytesIO) -> pd.DataFrame:
    import pandas as pd

    return pd.read_parquet(content)


_READERS: dict[str, Callable[[io.BytesIO], pd.DataFrame]] = {
    ".csv": _read_csv,
    ".tsv": lambda content: _read_csv(content, "\t"),
    ".parquet": _read_parquet,
}
