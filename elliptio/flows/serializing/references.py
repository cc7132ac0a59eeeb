"""Write artifacts, and files of them, by name: their content goes through no broker."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.file import RemoteFile


def name_in_lake(value: Any) -> list[str] | None:
    """Name an artifact or a file of one: the root of its lake, its identifier, and its relpath; None if it is neither.

    Files that are being made, and logs, have no such name.
    """
    file = next(iter(value.files.values()), None) if isinstance(value, Artifact) else value
    if not isinstance(file, RemoteFile) or file._artifact_id is None or file._block is not None:
        return None
    name = [file._store.root, file._artifact_id]
    return name if file is not value else [*name, file.relpath]


def in_lake(name: list[str]) -> Artifact | RemoteFile:
    """Give what has this name; reading it counts, as reading it where it was named would have.

    Raises
    ------
    DocumentNotFoundError
        If the index of that lake, as it is configured here, does not know it.

    """
    artifact = _artifact(*name[:2])
    return artifact.files[name[2]] if name[2:] else artifact


@lru_cache(maxsize=1000)
def _artifact(root: str, artifact_id: str) -> Artifact:
    from elliptio.finding.loading import artifact_of, metadata_of
    from elliptio.handler import Handler

    lake = Handler(root).lake
    return artifact_of(lake, metadata_of(lake, lake.get(artifact_id)), track=True)
