"""Giving and taking tags: first in the files of the lake, then in the index.

A process that reproduces an artifact keeps the tags that it gives and takes to itself.
"""

from __future__ import annotations

from elliptio import naming
from elliptio.errors import DocumentNotFoundError, ElliptioError, IndexUnavailableError, StoreError
from elliptio.lake import spool, tags
from elliptio.lake.checks import lies_at
from elliptio.lake.lake import TOMBSTONE_FILE, Lake
from elliptio.lake.replay import originals_of
from elliptio.system.warn import warn


def tag(lake: Lake, artifact_id: str, name: str, *, overwrite: bool, username: str) -> None:
    """Let a tag name an artifact.

    Raises
    ------
    MetadataError
        If it cannot be the name of a tag.
    TagTakenError
        If it names another artifact, unless `overwrite`.
    DocumentNotFoundError
        If there is no such artifact, or it is deleted meanwhile.
    IndexUnavailableError
        If this process reproduces an artifact, and the index does not tell which.

    """
    tags.check_name(name)
    artifact_id, root = _place_of(lake, artifact_id)
    originals = originals_of(lake, strict=True)
    if originals is not None:
        originals.point(lake, name, artifact_id, overwrite=overwrite, username=username)
        return
    tags.point(lake, name, artifact_id, overwrite=overwrite, username=username)
    # Whoever deletes writes the tombstone first and takes the tags away then, so one of the two sees the other.
    if lake.store.stat(f"{root}/{TOMBSTONE_FILE}") is not None:
        tags.remove(lake, name, username=username, only=artifact_id)
        raise DocumentNotFoundError(f"{artifact_id} was deleted while it was being tagged.")
    _tell_index(lake, name)


def untag(lake: Lake, name: str, *, username: str) -> None:
    """Let a tag name nothing.

    Raises
    ------
    DocumentNotFoundError
        If there is no such tag.
    IndexUnavailableError
        If this process reproduces an artifact, and the index does not tell which.

    """
    originals = originals_of(lake, strict=True)
    if originals is not None:
        originals.remove(lake, tags.check_name(name), username=username)
        return
    if not tags.remove(lake, tags.check_name(name), username=username):
        raise tags.unknown(lake, name)
    _tell_index(lake, name)


def _place_of(lake: Lake, artifact_id: str) -> tuple[str, str]:
    """Whole identifier of an artifact, and where it lies; by the files of the lake if the index cannot be reached."""
    try:
        spool.flush_if_any(lake)
        document = lake.get(artifact_id)
    except IndexUnavailableError:
        moment = naming.moment_of(artifact_id)
        for stored in lake.store.list(f"{moment:%Y/%m/%d}") if moment else ():
            folder, _, file = stored.key.rpartition("/")
            if file == naming.MANIFEST and lies_at(artifact_id, folder):
                return artifact_id, folder
        raise
    return document["_id"], document["remote_root"]


def _tell_index(lake: Lake, name: str) -> None:
    """Bring the index up to date; if that fails the tag holds all the same, and a note says that it is behind."""
    try:
        tags.sync(lake)
    except ElliptioError as error:
        how = "It will at the next call that reaches the index, or with `elliptio flush`."
        try:
            spool.note_tags(lake)
        except StoreError:
            how = "It will after `elliptio reindex`."
        warn(f"The tag {name!r} is changed, but h.find does not show it yet: {error} {how}", spool.SpooledWarning)
