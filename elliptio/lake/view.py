"""See a lake as it is, and change it for all: what `replay` does otherwise for a process that makes artifacts again."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from elliptio import naming
from elliptio.errors import DocumentNotFoundError, IndexUnavailableError
from elliptio.lake import spool, tags
from elliptio.lake.checks import lies_at
from elliptio.lake.lake import TOMBSTONE_FILE, Lake
from elliptio.protocols import Query


class View:
    """What this process sees of a lake, and what others see of what it does there: the present, and all.

    Parameters
    ----------
    lake
        The lake.

    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def narrowed(self, wanted: Query) -> Query:
        """Narrow a query to what this process may find."""
        return wanted

    def newest(self, wanted: Query, *, made_again: bool) -> Query:
        """Narrow a query to what counts as the newest; unless `made_again`, nothing that was made to reproduce another.

        Made again today, the data of last year are not the newest.
        """
        return wanted if made_again else {"$and": [wanted, {"reproduces": None}]}

    def claim(self, relpaths: Sequence[str], artifact_id: str) -> str | None:
        """Tell which artifact one with these files was made to reproduce."""
        return None

    def keeps(self, artifact_id: str) -> str | None:
        """Tell why an artifact must not be deleted here; None if it may."""
        return None

    def named(self, name: str) -> str:
        """Identifier of the artifact that a tag names.

        Raises
        ------
        DocumentNotFoundError
            If it names none.
        FormatError
            If what it names cannot be read.

        """
        move = tags.last(self._lake, name)
        if move is None or move.artifact_id is None:
            raise tags.unknown(self._lake, name)
        return move.artifact_id

    def tag(self, artifact_id: str, name: str, *, overwrite: bool, username: str) -> None:
        """Let a tag name an artifact: first in the files of the lake, then in the index.

        Raises
        ------
        TagTakenError
            If it names another artifact, unless `overwrite`.
        DocumentNotFoundError
            If there is no such artifact, or it is deleted meanwhile.

        """
        artifact_id, root = self._place_of(artifact_id)
        tags.point(self._lake, name, artifact_id, overwrite=overwrite, username=username)
        # Whoever deletes writes the tombstone first and takes the tags away then, so one of the two sees the other.
        if self._lake.store.stat(f"{root}/{TOMBSTONE_FILE}") is not None:
            tags.remove(self._lake, name, username=username, only=artifact_id)
            raise DocumentNotFoundError(f"{artifact_id} was deleted while it was being tagged.")
        self._tell_index(name)

    def untag(self, name: str, *, username: str) -> None:
        """Let a tag name nothing: first in the files of the lake, then in the index.

        Raises
        ------
        DocumentNotFoundError
            If there is no such tag.

        """
        if not tags.remove(self._lake, name, username=username):
            raise tags.unknown(self._lake, name)
        self._tell_index(name)

    def _place_of(self, artifact_id: str) -> tuple[str, str]:
        """Find the whole identifier of an artifact, and where it lies; in the files, if the index cannot be reached."""
        try:
            spool.flush_if_any(self._lake)
            document = self._lake.get(artifact_id)
        except IndexUnavailableError:
            moment = naming.moment_of(artifact_id)
            for stored in self._lake.store.list(f"{moment:%Y/%m/%d}") if moment else ():
                folder, _, file = stored.key.rpartition("/")
                if file == naming.MANIFEST and lies_at(artifact_id, folder):
                    return artifact_id, folder
            raise
        return document["_id"], document["remote_root"]

    def _tell_index(self, name: str) -> None:
        # A note of its own: whoever delivers must not take away one that was written after it had looked.
        says = f"The tag {name!r} is changed, but h.find does not show it yet"
        with spool.telling(self._lake, note=f"{spool.TAGS}{secrets.token_hex(8)}", says=says, always=True):
            tags.sync(self._lake, changes=True)
