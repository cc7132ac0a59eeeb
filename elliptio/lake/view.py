"""See a lake as it is, or as it was when the artifacts were made that this process makes again.

`Handler.reproduce` starts the command that made artifacts once more, and names them in a variable. Of what that process
saves, each artifact records which of them it reproduces. And what it asks the lake for by a query or a name is answered
as it would have been then: the newest data of today are not what the command was given. Nor does it move what others
see: the tags that it gives and takes are kept here.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from elliptio import naming
from elliptio.errors import DocumentNotFoundError, ElliptioError, IndexUnavailableError, TagTakenError
from elliptio.lake import spool, tags
from elliptio.lake.checks import lies_at
from elliptio.lake.lake import TOMBSTONE_FILE, Lake
from elliptio.protocols import Document, Query
from elliptio.system.forking import Lock

log = logging.getLogger(__name__)

REPRODUCES = "ELLIPTIO_REPRODUCES"
"""The variable: identifiers of the artifacts, separated by commas, in the order in which they were made."""

MOST_NAMED = 3
"""So many of them are named in a message."""


@dataclass
class View:
    """The present: this process sees all of a lake, and others see all that it does there."""

    lake: Lake

    def narrowed(self, wanted: Query) -> Query:
        """Narrow a query to what this process may find."""
        return wanted

    def newest(self, wanted: Query, *, made_again: bool) -> Query:
        """Narrow a query to what counts as the newest; unless `made_again`, nothing that was made to reproduce another.

        Made again today, the data of last year are not the newest.
        """
        return wanted if made_again else {"$and": [wanted, {"reproduces": None}]}

    @property
    def until(self) -> datetime | None:
        """Time of which the lake is seen; None: the present."""
        return None

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
        move = tags.last(self.lake, name)
        if move is None or move.artifact_id is None:
            raise tags.unknown(self.lake, name)
        return move.artifact_id

    def tag(self, artifact_id: str, name: str, *, overwrite: bool, username: str, seen: str | None = None) -> None:
        """Let a tag name an artifact: first in the files of the lake, then in the index.

        Raises
        ------
        TagTakenError
            If it names another artifact, unless `overwrite`; if it does not name what was `seen`.
        DocumentNotFoundError
            If there is no such artifact, or it is deleted meanwhile.

        """
        artifact_id, root = self._place_of(artifact_id)
        tags.point(self.lake, name, artifact_id, overwrite=overwrite, username=username, seen=seen)
        # Whoever deletes writes the tombstone first and takes the tags away then, so one of the two sees the other.
        if self.lake.store.stat(f"{root}/{TOMBSTONE_FILE}") is not None:
            tags.remove(self.lake, name, username=username, only=artifact_id)
            raise DocumentNotFoundError(f"{artifact_id} was deleted while it was being tagged.")
        self._tell_index(name)

    def untag(self, name: str, *, username: str, seen: str | None = None) -> None:
        """Let a tag name nothing: first in the files of the lake, then in the index.

        Raises
        ------
        DocumentNotFoundError
            If there is no such tag.
        TagTakenError
            If it does not name what was `seen`.

        """
        if not tags.remove(self.lake, name, username=username, only=seen):
            move = tags.last(self.lake, name)
            if seen is not None and move is not None and move.artifact_id not in (None, seen):
                raise TagTakenError(f"The tag {name!r} was moved meanwhile: look again, then decide.")
            raise tags.unknown(self.lake, name)
        self._tell_index(name)

    def _place_of(self, artifact_id: str) -> tuple[str, str]:
        """Find the whole identifier of an artifact, and where it lies; in the files, if the index cannot be reached."""
        try:
            spool.flush_if_any(self.lake)
            document = self.lake.get(artifact_id)
        except IndexUnavailableError:
            moment = naming.moment_of(artifact_id)
            for stored in self.lake.store.list(f"{moment:%Y/%m/%d}") if moment else ():
                folder, _, file = stored.key.rpartition("/")
                if file == naming.MANIFEST and lies_at(artifact_id, folder):
                    return artifact_id, folder
            raise
        return document["_id"], document["remote_root"]

    def _tell_index(self, name: str) -> None:
        # A note of its own: whoever delivers must not take away one that was written after it had looked.
        says = f"The tag {name!r} is changed, but h.find does not show it yet"
        with spool.telling(self.lake, note=f"{spool.TAGS}{secrets.token_hex(8)}", says=says, always=True):
            tags.sync(self.lake, changes=True)


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
    moves
        Those of tags that this process made, by tag.

    """

    def __init__(self, documents: Sequence[Document]) -> None:
        self.until: datetime = documents[0]["creation_time"]
        self._documents = list(documents)
        self._waiting = list(documents)
        self._made: list[str] = []
        self.moves: dict[str, tags.Move] = {}
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
        """Tell whether this process made an artifact itself."""
        with self._lock:
            return artifact_id in self._made

    def was_then(self, move: tags.Move) -> bool:
        """Tell whether others moved a tag before the artifact was made.

        What the same user moved after the first of several was made is taken for a deed of the command itself.
        """
        first = self._documents[0]
        return move.time < (first["creation_time"] if move.username == first.get("username") else self.until)


@dataclass
class Replay(View):
    """The past, as a process sees it that makes artifacts again: what there was then, and what it made itself.

    Nor does it move what others see: the tags that it gives and takes are kept here.
    """

    originals: Originals

    def narrowed(self, wanted: Query) -> Query:
        """Narrow a query to what there was when the artifact was made, and what this process made itself."""
        return {"$and": [wanted, self.originals.visible()]}

    def newest(self, wanted: Query, *, made_again: bool) -> Query:
        """Narrow a query in the same way: what this process made again counts."""
        return self.narrowed(wanted)

    @property
    def until(self) -> datetime | None:
        """Time at which the next of the originals was made."""
        return self.originals.until

    def claim(self, relpaths: Sequence[str], artifact_id: str) -> str | None:
        """Tell which artifact one with these files was made to reproduce; each is taken once."""
        return self.originals.claim(relpaths, artifact_id)

    def keeps(self, artifact_id: str) -> str | None:
        """Tell why an artifact must not be deleted here; None if this process made it itself."""
        return None if self.originals.has_made(artifact_id) else f"this process only reproduces {self.originals}"

    def named(self, name: str) -> str:
        """Identifier of the artifact that a tag names as this process sees it."""
        move = self._last_move(name)
        if move is None or move.artifact_id is None:
            raise self._unknown(name)
        return move.artifact_id

    def tag(self, artifact_id: str, name: str, *, overwrite: bool, username: str, seen: str | None = None) -> None:
        """Let a tag name an artifact, for this process only."""
        artifact_id, _ = self._place_of(artifact_id)
        move = None if overwrite else self._last_move(name)
        if move is not None and move.artifact_id not in (None, artifact_id):
            raise tags.taken(move, artifact_id)
        self._move(name, artifact_id, username)
        log.warning("The tag %r is not set in the lake: this process only reproduces %s.", name, self.originals)

    def untag(self, name: str, *, username: str, seen: str | None = None) -> None:
        """Let a tag name nothing, for this process only; one that was removed may have been so by the original."""
        if self._last_move(name) is None:
            raise self._unknown(name)
        self._move(name, None, username)
        log.warning("The tag %r is not taken away in the lake: this process only reproduces %s.", name, self.originals)

    def _last_move(self, name: str) -> tags.Move | None:
        """Find the last move of a tag: by this process, else by others before the artifact was made."""
        if name in self.originals.moves:
            return self.originals.moves[name]
        move = tags.last(self.lake, name)
        if move is None or self.originals.was_then(move):
            return move
        return next((move for move in tags.history(self.lake, name) if self.originals.was_then(move)), None)

    def _move(self, name: str, artifact_id: str | None, username: str) -> None:
        self.originals.moves[name] = tags.Move(name, 0, artifact_id, datetime.now(tz=UTC), username)

    def _unknown(self, name: str) -> DocumentNotFoundError:
        return DocumentNotFoundError(
            f"There is no tag {name!r} here: this process reproduces {self.originals}, and sees its time."
        )


_known: dict[tuple[str, str], Originals] = {}
"""Originals by the variable and the root of the lake: a process may open a lake more than once."""


class _Elsewhere:
    """Artifacts that are known not to be in a lake."""

    named = ""


def view_of(lake: Lake, *, strict: bool = False) -> View:
    """Choose how this process sees a lake: as of then if it makes artifacts of this lake again, else as it is.

    Raises
    ------
    IndexUnavailableError
        If the index does not tell which, and `strict`: else a save goes on, and does not say what it reproduces.

    """
    named = os.environ.get(REPRODUCES)
    if not named:
        return View(lake)
    key, elsewhere = (named, lake.store.root), lake.own(_Elsewhere)
    if key not in _known and elsewhere.named != named:
        try:
            documents = _look_up(lake, named.split(","))
        except ElliptioError:
            if strict:
                raise
            return View(lake)
        if documents:
            _known.setdefault(key, Originals(documents))
        else:
            elsewhere.named = named
    return Replay(lake, _known[key]) if key in _known else View(lake)


def _look_up(lake: Lake, artifact_ids: list[str]) -> list[Document]:
    found = {document["_id"]: document for document in lake.find({"_id": {"$in": artifact_ids}}, sort=(), limit=0)}
    return sorted(found.values(), key=lambda document: (document["creation_time"], document["_id"]))


def _names(document: Document) -> set[str]:
    return set(document.get("file_relpaths") or ())


def _is_large(document: Document, names: set[str]) -> bool:
    """Tell whether the index does not list the files of an artifact, and their number is the same."""
    return not document.get("file_relpaths") and document.get("file_count") == len(names)
