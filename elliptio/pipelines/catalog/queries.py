"""Ask databases: the result of a query is the value of an entry."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from elliptio.errors import MissingExtraError
from elliptio.formats import registry
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.errors import EntryError

if TYPE_CHECKING:
    import pandas as pd


class Content(NamedTuple):
    """Hash of a table as Parquet, which tells whether it is the same as before."""

    sha256: str


def content_of(frame: pd.DataFrame) -> Content:
    """Hash a table as it would be kept."""
    file = io.BytesIO()
    registry.get("parquet").write(frame, file)
    return Content(hashlib.sha256(file.getvalue()).hexdigest())


def ask(entry: Entry, keys: Keys, options: Mapping[str, Any]) -> pd.DataFrame:
    """Ask the query of an entry; options are those of ``pandas.read_sql``.

    Raises
    ------
    EntryError
        If the database refuses; the message does not hold the connection string.

    """
    assert entry.query is not None
    query = entry.query.fill(keys)
    address = str(entry._extra("connection_string"))
    try:
        return _ask_odbc(query, address, options) if entry.type == "odbc" else _ask_sql(query, address, options)
    except ImportError:
        raise
    except Exception as error:  # each driver has errors of its own
        said = str(error).replace(address, "…")
        raise EntryError(f"{entry.place or entry.name}: the query of {entry.name!r} failed: {said}") from None


def _ask_odbc(query: str, address: str, options: Mapping[str, Any]) -> pd.DataFrame:
    import warnings

    import pandas as pd

    try:
        import pyodbc
    except ImportError as error:
        raise MissingExtraError(
            f"The type odbc needs pyodbc and a driver manager. Run: pip install 'elliptio[odbc]' ({error})"
        ) from error
    connection = pyodbc.connect(address)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "pandas only supports SQLAlchemy", UserWarning)
            frame: pd.DataFrame = pd.read_sql(query, connection, **options)
            return frame
    finally:
        connection.close()


def _ask_sql(query: str, address: str, options: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    try:
        import sqlalchemy
    except ImportError as error:
        raise MissingExtraError("The type sql needs SQLAlchemy. Run: pip install 'elliptio[sql]'") from error
    engine = sqlalchemy.create_engine(address)
    try:
        with engine.connect() as connection:
            frame: pd.DataFrame = pd.read_sql(sqlalchemy.text(query.replace(":", "\\:")), connection, **options)
            return frame
    finally:
        engine.dispose()
