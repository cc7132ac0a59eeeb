"""Ask databases: the result of a query is the value of an entry."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from elliptio.errors import MissingExtraError
from elliptio.formats import registry
from elliptio.masking import hide_password
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.errors import EntryError

if TYPE_CHECKING:
    import pandas as pd


HIDDEN = "…"
"""Text that stands in messages for a secret."""

_SECRET = re.compile(
    r"(?i)(?:^|;)\s*(?:pwd|password|uid|user id|user|accesstoken|token|secret)\s*=\s*(\{[^}]*\}|[^;]*)"
)


def hash_of(frame: pd.DataFrame) -> str:
    """Hash a table as it would be kept: that tells whether it is the same as before."""
    file = io.BytesIO()
    registry.get("parquet").write(frame, file)
    return hashlib.sha256(file.getvalue()).hexdigest()


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
    where = f"{entry.place or entry.name}: the query of {entry.name!r}"
    if options.get("chunksize") is not None:
        raise EntryError(f"{where} is kept as one table: leave out chunksize.")
    try:
        frame = _ask_odbc(query, address, options) if entry.type == "odbc" else _ask_sql(query, address, options)
    except MissingExtraError:
        raise
    except Exception as error:  # each driver has errors of its own
        said = f"{type(error).__name__}: {without_secrets(str(error), address)}"
    else:
        return _checked(frame, where)
    # Not below the error of the driver: that may hold the connection string, and who shows this one shows its causes.
    raise EntryError(f"{where} failed: {said}")


def without_secrets(text: str, address: str) -> str:
    """Hide a connection string in a text, and what of it is a secret."""
    _, _, login = address.partition("://")[2].rpartition("@")[0].partition(":")
    secrets = [address, login, unquote(login), *(found[1].strip("{} ") for found in _SECRET.finditer(address))]
    for secret in sorted(set(secrets), key=len, reverse=True):
        if secret:
            text = text.replace(secret, HIDDEN)
    return hide_password(text)


def _checked(frame: Any, where: str) -> pd.DataFrame:
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise EntryError(f"{where} gives two columns {doubled[0]!r}: name one of them otherwise (… AS other).")
    table: pd.DataFrame = frame
    return table


def _ask_odbc(query: str, address: str, options: Mapping[str, Any]) -> pd.DataFrame:
    import warnings

    import pandas as pd

    try:
        import pyodbc
    except ImportError as error:
        raise MissingExtraError(
            "The type odbc needs pyodbc, and a driver manager such as unixODBC with the driver of the database. "
            f"Run: pip install 'elliptio[odbc]' ({error})"
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
            # A colon begins no parameter: those are filled already.
            frame: pd.DataFrame = pd.read_sql(sqlalchemy.text(query.replace(":", "\\:")), connection, **options)
            return frame
    finally:
        engine.dispose()
