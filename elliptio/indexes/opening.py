"""Indexes by URL scheme, and which paths every index serves without reading all documents."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from elliptio.errors import ConfigError
from elliptio.protocols import Index

SCHEMES = {
    "sqlite": "elliptio.indexes.sqlite.index:SqliteIndex",
    "mongodb": "elliptio.indexes.mongo:MongoIndex",
    "mongodb+srv": "elliptio.indexes.mongo:MongoIndex",
}
"""URL scheme → "module:Class"."""

INDEXED_PATHS: dict[str, tuple[str, ...]] = {
    "artifacts": (
        "creation_time",
        "username",
        "run_id",
        "based_on",
        "environment_id",
        "fingerprint",
        "file_relpaths",
        "files.sha256",
        "files.size",
        "git.commit",
        "lake_id",
        "tags",
        "labels.*",
    ),
    "runs": (
        "creation_time",
        "name",
        "parent",
        "root",
        "status",
        "username",
        "lake_id",
        "labels.*",
        "params.*",
        "metrics.*",
    ),
}
"""Indexed paths of each collection; ``labels.*`` stands for every path below ``labels``, and so on.

Documents that are in an SQLite index already have no rows of a path that is added here, so they would not be found by
it: adding one takes a new `sqlite_schema.SCHEMA_VERSION`.
"""


def open_index(url: str, *, durable: bool = True) -> Index:
    """Open the index at a URL: ``sqlite:///path`` or ``mongodb://host/db``.

    Raises
    ------
    ConfigError
        If there is no such kind of index.

    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ConfigError(f"The index {url!r} is not one elliptio knows: use one of {', '.join(SCHEMES)}://….")
    module, name = SCHEMES[scheme].split(":")
    kind = getattr(import_module(module), name)
    if scheme == "sqlite":
        # As in SQLAlchemy, sqlite:///relative and sqlite:////absolute.
        return cast("Index", kind(Path(rest.removeprefix("/")).expanduser(), durable=durable))
    return cast("Index", kind(url))
