"""Open the index at a URL."""

from __future__ import annotations

import os
from pathlib import Path

from elliptio.errors import ConfigError
from elliptio.masking import hide_login
from elliptio.protocols import Index

SCHEMES = ("sqlite", "mongodb", "mongodb+srv")
"""The schemes of URLs that lead to an index."""


def open_index(url: str, *, durable: bool = True) -> Index:
    """Open the index at a URL: ``sqlite:///path`` or ``mongodb://host/db``.

    Raises
    ------
    ConfigError
        If there is no such kind of index.

    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ConfigError(
            f"The index {hide_login(url)!r} is not one elliptio knows: use one of {', '.join(SCHEMES)}://…."
        )
    if scheme == "sqlite":
        from elliptio.indexes.sqlite.index import SqliteIndex

        # As in SQLAlchemy, sqlite:///relative and sqlite:////absolute.
        path = os.path.expanduser(rest.removeprefix("/"))
        if path.startswith("~"):
            raise ConfigError(
                f"The index {url!r} is nowhere, as this user has no such home folder: write its path out."
            )
        return SqliteIndex(Path(path), durable=durable)
    from elliptio.indexes.mongo import MongoIndex

    return MongoIndex(url)
