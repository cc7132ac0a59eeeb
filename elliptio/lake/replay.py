"""What a process reproduces: the artifacts that it was started to make again, and what there was when they were made.

`Handler.reproduce` starts the command that made artifacts once more, and names them in a variable. Of what that process
saves, each artifact records which of them it reproduces. And what it asks the lake for by a query or a name is answered
as it would have been then: the newest data of today are not what the command was given. Nor does it move what others
see: the tags that it gives and takes are kept here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime

from elliptio.errors import DocumentNotFoundError, ElliptioError
from elliptio.lake import tags
from elliptio.lake.lake import Lake
from elliptio.protocols import Document, Query
from elliptio.system.forking import Lock

log = logging.getLogger(__name__)

REPRODUCES = "ELLIPTIO_REPRODUCES"
"""The variable: identifiers of the artifacts, separated by commas, in the order in which they were made."""

MOST_NAMED = 3
"""So many of them are named in a message."""


class Originals:
    """Artifacts that this process makes again.

    Parameters
    ----------
    documents
        Theirs, at least one, in the order in which they were made.

    Attributes
    ----------
    until
        When the next of them was made: what is younger was not there.

    """

    def __init__(self, documents: Sequence[Document]) -> None:
        self.until: datetime = documents[0]["creation_time"]
        self._documents = list(documents)
        self._waiting = list(documents)
        self._made: list[str] = []
        self._moves: dict[str, tags.Move] = {}
        self._lock = Lock()

    def __str__(self) -> str:
        names = [str(document["_id"]) for document in self._documents]
        more = [f"{len(names) - MOST_NAMED:,} more"] if len(names) > MOST_NAMED else []
        return ", ".join([*names[:MOST_NAMED], *more])

    def claim(self, relpaths: Sequence[str], artifact_id: str) -> str | None:
        """Tell which of them an artifact with these files reproduces; each is taken once.

        The first with the same files, else the first that shares one.
        """
        with self._lock:
            self._made.append(artifact_id)
            names = set(relpaths)
            fits = [document for document in self._waiting if _names(document) == names or _is_large(document, names)]
            fits += [document for document in self._waiting if _names(document) & names]
            if not fits:
                return None
            self._waiting.remove(fits[0])
            following = self._documents[self._documents.index(fits[0]) + 1 :] or self._documents
            self.until = max(self.until, following[0]["creation_time"])
            return str(fits[0]["_id"])

    def visible(self) -> Query:
        """Condition on what a query of this process may find: what was there then, and what it made itself."""
        with self._lock:
            return {"$or": [{"creation_time": {"$lt": self.until}}, {"_id": {"$in": list(self._made)}}]}

    def has_made(self, artifact_id: str) -> bool:
        """Whether this process made an artifact itself."""
        with self._lock:
            return artifact_id in self._made

    # --- tags ---

    def last_move(self, lake: Lake, name: str) -> tags.Move | None:
        """Last move of a tag: by this process, else by others before the artifact was made.

        Raises
        ------
        FormatError
            If it is damaged.

        """
        with self._lock:
            if name in self._moves:
                return self._moves[name]
        move = tags.last(lake, name)
        if move is None or self._was_then(move):
            return move
        return next((move for move in tags.history(lake, name) if self._was_then(move)), None)

    def point(self, lake: Lake, name: str, artifact_id: str, *, overwrite: bool, username: str) -> None:
        """Let a tag name an artifact, for this process only.

        Raises
        ------
        TagTakenError
            If it named another then, unless `overwrite`.
        FormatError
            If what it named cannot be read, unless `overwrite`.

        """
        move = None if overwrite else self.last_move(lake, name)
        if move is not None and move.artifact_id not in (None, artifact_id):
            raise tags.taken(move, artifact_id)
        self._move(name, artifact_id, username)
        log.warning("The tag %r is not set in the lake: this process only reproduces %s.", name, self)

    def remove(self, lake: Lake, name: str, *, username: str) -> None:
        """Let a tag name nothing, for this process only.

        Raises
        ------
        DocumentNotFoundError
            If there never was such a tag; one that was removed may have been so by the original of this process.

        """
        if self.last_move(lake, name) is None:
            raise self.unknown(name)
        self._move(name, None, username)
        log.warning("The tag %r is not taken away in the lake: this process only reproduces %s.", name, self)

    def unknown(self, name: str) -> DocumentNotFoundError:
        """Say that there is no such tag."""
        return DocumentNotFoundError(
            f"There is no tag {name!r} here: this process reproduces {self}, and sees its time."
        )

    def _was_then(self, move: tags.Move) -> bool:
        """Whether others moved a tag before the artifact was made.

        What the same user moved after the first of several was made is taken for a deed of the command itself.
        """
        first = self._documents[0]
        return move.time < (first["creation_time"] if move.username == first.get("username") else self.until)

    def _move(self, name: str, artifact_id: str | None, username: str) -> None:
        move = tags.Move(name, 0, artifact_id, datetime.now(tz=UTC), username)
        with self._lock:
            self._moves[name] = move


_known: dict[tuple[str, str], Originals] = {}
"""What this process reproduces, by the variable and the root of the lake: it may open a lake more than once."""


def originals_of(lake: Lake, *, strict: bool = False) -> Originals | None:
    """Look up what this process reproduces, if that is in this lake; None in all others.

    Raises
    ------
    IndexUnavailableError
        If the index cannot be reached, and `strict`: else a save goes on, and does not say what it reproduces.

    """
    named = os.environ.get(REPRODUCES)
    if not named:
        return None
    key = (named, lake.store.root)
    if key not in _known and lake.reproduces_nothing != named:
        try:
            documents = _look_up(lake, named.split(","))
        except ElliptioError:
            if strict:
                raise
            return None
        if documents:
            _known.setdefault(key, Originals(documents))
        else:
            lake.reproduces_nothing = named
    return _known.get(key)


def last_move(lake: Lake, name: str) -> tags.Move | None:
    """Last move of a tag, as this process sees it.

    Raises
    ------
    FormatError
        If it is damaged.

    """
    originals = originals_of(lake)
    return tags.last(lake, name) if originals is None else originals.last_move(lake, name)


def _look_up(lake: Lake, artifact_ids: list[str]) -> list[Document]:
    found = {document["_id"]: document for document in lake.find({"_id": {"$in": artifact_ids}}, sort=(), limit=0)}
    return sorted(found.values(), key=lambda document: (document["creation_time"], document["_id"]))


def _names(document: Document) -> set[str]:
    return set(document.get("file_relpaths") or ())


def _is_large(document: Document, names: set[str]) -> bool:
    """Whether the index does not list the files of an artifact, and their number is the same."""
    return not document.get("file_relpaths") and document.get("file_count") == len(names)
