"""Declare the tables of the embedded index, and tell their version."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from elliptio.errors import FormatError

SCHEMA_VERSION = 1
"""Version of the tables, which a file says it has."""

SCHEMA = """
CREATE TABLE collections (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, documents INTEGER NOT NULL DEFAULT 0);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, collection INTEGER NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
    UNIQUE (collection, id));
CREATE TABLE paths (
    number INTEGER PRIMARY KEY, collection INTEGER NOT NULL, path TEXT NOT NULL, multikey INTEGER NOT NULL DEFAULT 0,
    UNIQUE (collection, path));
CREATE TABLE keys (
    path INTEGER NOT NULL, value BLOB NOT NULL, time BLOB NOT NULL, document INTEGER NOT NULL,
    PRIMARY KEY (path, value, time, document)
) WITHOUT ROWID;
CREATE TABLE nodes (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE links (
    child INTEGER NOT NULL, parent INTEGER NOT NULL, collection INTEGER NOT NULL,
    PRIMARY KEY (child, parent, collection)
) WITHOUT ROWID;
CREATE INDEX links_by_parent ON links (parent, child);
"""
"""SQL that makes the tables, a statement after each semicolon."""


def schema_version(connection: sqlite3.Connection, path: Path) -> int:
    """Read the version of the tables, 0 where there are none yet; refuse those of a newer elliptio."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise FormatError(
            f"The index {path} has schema version {version}, written by a newer elliptio; this one reads up to "
            f"{SCHEMA_VERSION}. Run: pip install --upgrade elliptio"
        )
    return int(version)
