"""What a process reproduces: the artifacts that it was started to make again, and what there was when they were made.

`Handler.reproduce` starts the command that made artifacts once more, and names them in a variable. Of what that process
saves, each artifact records which of them it reproduces. And what it asks the lake for by a query or a name is answered
as it would have been then: the newest data of today are not what the command was given.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from elliptio.errors import ElliptioError
from elliptio.forking import Lock
from elliptio.lake import Lake
from elliptio.protocols import Document, Query

REPRODUCES = "ELLIPTIO_REPRODUCES"
"""The variable: identifiers of the artifacts, separated by commas, in the order in which they were made."""


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
        self._lock = Lock()

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


def originals_of(lake: Lake) -> Originals | None:
    """Look up what this process reproduces, if that is in this lake; None in all others."""
    named = os.environ.get(REPRODUCES)
    if not named:
        return None
    known = lake.originals
    if known is None or known[0] != named:
        known = lake.originals = (named, _look_up(lake, named.split(",")))
    found: Originals | None = known[1]
    return found


def _look_up(lake: Lake, artifact_ids: list[str]) -> Any:
    try:
        found = {document["_id"]: document for document in lake.find({"_id": {"$in": artifact_ids}}, sort=(), limit=0)}
    except ElliptioError:
        # An index that is down costs no work: what is saved now does not say what it reproduces.
        return None
    documents = sorted(found.values(), key=lambda document: (document["creation_time"], document["_id"]))
    return Originals(documents) if documents else None


def _names(document: Document) -> set[str]:
    return set(document.get("file_relpaths") or ())


def _is_large(document: Document, names: set[str]) -> bool:
    """Whether the index does not list the files of an artifact, and their number is the same."""
    return not document.get("file_relpaths") and document.get("file_count") == len(names)
