"""List the tags of a lake, their histories, and take tags away: what ``h.tags`` is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.display import printable
from elliptio.artifacts.showing import ShownAsText
from elliptio.errors import ElliptioError
from elliptio.finding.frame import moves_frame
from elliptio.finding.references import resolve
from elliptio.finding.search import warn_if_index_is_lost
from elliptio.lake import tags
from elliptio.lake.lake import Lake
from elliptio.lake.tags import Move
from elliptio.lake.view import view_of
from elliptio.provenance.process import username

if TYPE_CHECKING:
    import pandas as pd


MOST_NAMED = 20


@dataclass(frozen=True)
class Tags(ShownAsText):
    """The tags of a lake; ``h.tag(artifact, "prod")`` gives one, ``h.get("tag:prod")`` loads what it names.

    Examples
    --------
    >>> from pathlib import Path
    >>> import elliptio as eio
    >>> written = Path("model.json").write_text("{}")
    >>> h = eio.Handler("lake")
    >>> h.tag(h.upload("model.json"), "prod")
    >>> list(h.tags().tag)
    ['prod']
    >>> h.tags.remove("prod")
    >>> len(h.tags()), len(h.tags.history("prod"))
    (0, 2)

    """

    lake: Lake = field(repr=False)

    def __str__(self) -> str:
        try:
            found = self.moves()
        except ElliptioError as error:  # showing must never fail
            return f"Tags: {error}"
        lines = [f"{move.tag}  {move.artifact_id}" for move in found[:MOST_NAMED]]
        lines += [f"… and {len(found) - MOST_NAMED:,} more"] if len(found) > MOST_NAMED else []
        return "\n".join(map(printable, lines)) or "There are no tags."

    def __call__(self, history: str | None = None) -> pd.DataFrame:
        """List the tags, or all moves of one: `list`, or `history` where a name is given."""
        return moves_frame(self.moves(history))

    def list(self) -> pd.DataFrame:
        """List what each tag names.

        Returns
        -------
        pandas.DataFrame
            One row a tag, in the order of their names; columns ``tag``, ``artifact_id``, ``time`` (UTC) and
            ``username``: when it was set, and by whom.

        Raises
        ------
        StoreError
            If the store cannot be read.

        """
        return moves_frame(self.moves())

    def history(self, name: str) -> pd.DataFrame:
        """List all moves of a tag: what it named since when, and who moved it.

        Returns
        -------
        pandas.DataFrame
            One row a move, the last one first; columns as of `list`. ``artifact_id`` is None where the tag was taken
            away.

        Raises
        ------
        DocumentNotFoundError
            If there never was such a tag.
        FormatError
            If a move in its history is damaged.
        StoreError
            If the store cannot be read.

        """
        return moves_frame(self.moves(name))

    def moves(self, history: str | None = None) -> Sequence[Move]:
        """List what each tag names, or all moves of one, without pandas; errors as of `history`."""
        if history is not None:
            return tags.history(self.lake, history)
        found = [*tags.current(self.lake).values()]
        if not found:
            warn_if_index_is_lost(self.lake)
        return found

    def give(self, artifact: str | Artifact, name: str, *, overwrite: bool = False, seen: str | None = None) -> None:
        """Give an artifact a name that can move to another one later: ``h.get("tag:prod")``.

        An artifact can have several tags, a tag names one artifact. Of several who set it at once, one succeeds.

        Parameters
        ----------
        artifact
            An artifact, or whatever `get` takes.
        name
            Any text of up to 80 bytes without ``/``, ``:`` and characters that cannot be printed.
        overwrite
            True: move the tag if it names another artifact.
        seen
            Identifier of the artifact that it was seen to name, empty for none: it is moved only if that is so still.

        Raises
        ------
        TagTakenError
            If it names another artifact, unless `overwrite`; the message says which, and who set it when. If it
            names another one than was `seen`.
        MetadataError
            If this cannot be the name of a tag.
        DocumentNotFoundError
            If there is no such artifact.
        StoreError
            If the store cannot be written.

        Notes
        -----
        If the index cannot be reached the tag is set all the same, and `get` knows it. A `SpooledWarning` says that
        `find` does not know it yet.

        In a command that `reproduce` runs the lake's tags stay as they are: this process alone sees what it tags.

        """
        tags.check_name(name)
        view = view_of(self.lake, strict=True)
        view.tag(resolve(self.lake, artifact), name, overwrite=overwrite, username=username(), seen=seen)

    def remove(self, name: str, *, seen: str | None = None) -> None:
        """Take a tag away. Its history stays. In a command that `reproduce` runs, it is gone for this process alone.

        With `seen`, the identifier of the artifact that it was seen to name, only if that is so still.

        Raises
        ------
        DocumentNotFoundError
            If there is no such tag.
        TagTakenError
            If it does not name what was `seen`.
        StoreError
            If the store cannot be written.

        """
        view_of(self.lake, strict=True).untag(tags.check_name(name), username=username(), seen=seen)
