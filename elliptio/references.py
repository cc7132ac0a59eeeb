"""What users call an artifact: its identifier, a beginning of it, or ``tag:NAME``."""

from __future__ import annotations

from elliptio import tags
from elliptio.errors import DocumentNotFoundError, MetadataError
from elliptio.lake import Lake

TAG = "tag:"


def is_name(reference: str) -> bool:
    """Whether this names an artifact by something else than its identifier."""
    return reference.startswith(TAG)


def resolve(lake: Lake, reference: str) -> str:
    """Identifier of the artifact that ``tag:NAME`` names now; anything else as it is.

    Raises
    ------
    DocumentNotFoundError
        If there is no such tag.

    """
    if reference.startswith(TAG):
        return tagged(lake, reference.removeprefix(TAG))
    return reference


def tagged(lake: Lake, name: str) -> str:
    """Identifier of the artifact that a tag names, by the files of the lake.

    Raises
    ------
    DocumentNotFoundError
        If there is no such tag; the message says if it was removed.

    """
    try:
        move = tags.last(lake, tags.check_name(name))
    except MetadataError as error:
        raise DocumentNotFoundError(str(error)) from error
    if move is None or move.artifact_id is None:
        raise tags.unknown(lake, name)
    return move.artifact_id
