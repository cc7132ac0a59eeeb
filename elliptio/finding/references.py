"""What users call an artifact: its identifier, a beginning of it, ``tag:NAME``, or ``NAME:latest``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elliptio.errors import DocumentNotFoundError, MetadataError
from elliptio.finding.search import newest, warn_if_index_is_lost
from elliptio.lake import tags
from elliptio.lake.lake import Lake
from elliptio.lake.replay import last_move, originals_of
from elliptio.protocols import Document

TAG = "tag:"
LATEST = ":latest"

MEANINGS = {"file_relpaths": "has a file of this name", "labels.dataset": "has it as label 'dataset'",
            "labels.project": "has it as label 'project'"}  # fmt: skip
"""What NAME can be in ``NAME:latest``."""


def is_name(reference: str) -> bool:
    """Whether this names an artifact by something else than its identifier."""
    return reference.startswith(TAG) or reference.endswith(LATEST)


def resolve(lake: Lake, reference: str) -> str:
    """Identifier of the artifact that ``tag:NAME`` or ``NAME:latest`` names now; anything else as it is.

    Raises
    ------
    DocumentNotFoundError
        If there is no such tag or artifact, or the name can mean several.

    """
    if reference.startswith(TAG):
        return tagged(lake, reference.removeprefix(TAG))
    if reference.endswith(LATEST):
        return _latest(lake, reference.removesuffix(LATEST))
    if reference.startswith("run_"):
        raise DocumentNotFoundError(f"{reference!r} names a run, not an artifact: h.run_tree, or elliptio runs --tree.")
    return reference


def tagged(lake: Lake, name: str) -> str:
    """Identifier of the artifact that a tag names, by the files of the lake.

    Raises
    ------
    DocumentNotFoundError
        If there is no such tag; the message says if it was removed.

    """
    try:
        move = last_move(lake, tags.check_name(name))
    except MetadataError as error:
        raise DocumentNotFoundError(str(error)) from error
    if move is None or move.artifact_id is None:
        originals = originals_of(lake)
        raise tags.unknown(lake, name) if originals is None else originals.unknown(name)
    return move.artifact_id


def latest(lake: Lake, query: Mapping[str, Any] | None) -> Document:
    """Find the newest artifact that matches a query.

    Raises
    ------
    DocumentNotFoundError
        If none does.

    """
    found = newest(lake, query)
    if found is None:
        warn_if_index_is_lost(lake)
        raise DocumentNotFoundError(f"No artifact in {lake.index.address} matches {dict(query or {})!r}.")
    return found


def _latest(lake: Lake, name: str) -> str:
    found = {path: str(document["_id"]) for path in MEANINGS if (document := newest(lake, {path: name}))}
    if not found:
        raise DocumentNotFoundError(
            f"{name}{LATEST}: no artifact has a file of exactly this name, or it as label 'dataset' or 'project'. "
            "h.latest(query) takes the newest of any query."
        )
    if len(set(found.values())) > 1:
        each = ", ".join(f"{artifact_id} {MEANINGS[path]}" for path, artifact_id in found.items())
        path = next(iter(found))
        raise DocumentNotFoundError(
            f"{name}{LATEST} can mean several artifacts: {each}. Say which: h.latest({{{path!r}: {name!r}}})."
        )
    return next(iter(found.values()))
