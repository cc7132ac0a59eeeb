"""Tell whether a version is in the lake as it was saved: by a glance, and by reading only what was written since."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from elliptio import naming
from elliptio.artifacts.hashing import sha256_of
from elliptio.pipelines.catalog.places import stamp_of
from elliptio.pipelines.catalog.versions import Version

if TYPE_CHECKING:
    from elliptio.lake.lake import Lake
    from elliptio.pipelines.catalog.memory import Memory

GONE = "not in the lake any more"
DAMAGED = "damaged in the lake"
ELSEWHERE = "not at its path any more"

LINGER = 10_000_000_000
"""Nanoseconds by which modes and owners of files may be set after those of their manifest: who copies does so later."""


def fault_of(lake: Lake, version: Version, memory: Memory) -> str:
    """Say what is wrong with the file of a version: it is gone, or damaged; nothing if it is as it was saved.

    A manifest is written after its files. So a file is read, once, if it is the younger one; what was found then is
    remembered. Where a look takes a request, there is none: whoever reads a file verifies it.
    """
    folder = lake.store.folder
    if version.key is None or folder is None:
        return "" if version.sha256 is not None else GONE
    path = f"{folder}/{version.key}"
    try:
        found = os.stat(path)
        if found.st_size != version.size:
            return DAMAGED
        root = path[: path.index(version.artifact_id)] + version.artifact_id
        is_fine = not _is_younger(found, f"{root}/{naming.MANIFEST}") or _is_verified(path, found, version, memory)
        return "" if is_fine else DAMAGED
    except FileNotFoundError:
        return GONE
    except OSError:
        return DAMAGED


def _is_younger(found: os.stat_result, manifest: str) -> bool:
    try:
        described = os.stat(manifest)
    except OSError:
        return True
    if found.st_mtime_ns > described.st_mtime_ns:
        return True
    # Times of writing can be set back, these cannot; but a link for an equal file of another artifact sets them, too.
    return found.st_nlink == 1 and found.st_ctime_ns > described.st_ctime_ns + LINGER


def _is_verified(path: str, found: os.stat_result, version: Version, memory: Memory) -> bool:
    stamp = stamp_of(found)
    if memory.is_verified(path, str(version.sha256), stamp):
        return True
    if sha256_of(path) != version.sha256:
        return False
    memory.verified(path, str(version.sha256), stamp)
    return True
