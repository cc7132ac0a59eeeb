"""Declare the paths that every index serves without reading all documents."""

from __future__ import annotations

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
        "entry.*",
        "model.*",
    ),
    "records": (
        "creation_time",
        "kind",
        "lake_id",
        "about.*",
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
"""The indexed paths of each collection; ``labels.*`` stands for every path below ``labels``, and so on.

Documents that are in an SQLite index already have no rows of a path that is added here, so they would not be found by
it: adding one takes a new `indexes.sqlite.schema.SCHEMA_VERSION`.
"""
