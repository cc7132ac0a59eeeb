"""Publish several artifacts of one lake together: they are flushed once, and recorded in one go."""

from __future__ import annotations

import contextlib
from typing import Any

from elliptio.errors import ElliptioError
from elliptio.lake import spool
from elliptio.lake.lake import Lake
from elliptio.lake.parents import warn_of_deleted
from elliptio.metadata import Metadata
from elliptio.saving.publication import SAYS, Batch


def publish_all(lake: Lake, batch: Batch) -> None:
    """Make artifacts visible and record them; an error leaves none of them.

    Raises
    ------
    StoreError
        If the store fails.

    """
    if not batch:
        return
    first, *others = (publication.staging for publication, _, _ in batch)
    first.publish(*others)
    failure = _recorded(lake, batch)
    if failure is None:
        _warn(lake, [metadata for _, _, metadata in batch if metadata.based_on])
        return
    for publication, _, _ in batch:
        note, content = publication.artifact_id, publication.root_key
        with contextlib.suppress(type(failure)), spool.telling(lake, note=note, content=content, says=SAYS):
            raise failure
    if not isinstance(failure, ElliptioError):
        raise failure  # what interrupts, once all are noted


def _warn(lake: Lake, made: list[Metadata]) -> None:
    """Warn of those that are based on what is deleted; what several are based on is looked up once."""
    first: dict[tuple[str, ...], str] = {}
    for metadata in made:
        first.setdefault(tuple(metadata.based_on), metadata.artifact_id)
    for based_on, artifact_id in first.items():
        warn_of_deleted(lake, artifact_id, based_on)


def _recorded(lake: Lake, batch: Batch) -> BaseException | None:
    """Tell the index of them; return why that failed."""
    environments = {metadata.environment["_id"]: metadata.environment for _, _, metadata in batch}
    documents: dict[str, list[dict[str, Any]]] = {}
    for _, document, metadata in batch:
        documents.setdefault(metadata.environment["_id"], []).append(document)
    try:
        for identifier, found in documents.items():
            lake.add(environments[identifier], *found)
    except BaseException as error:
        return error
    return None
