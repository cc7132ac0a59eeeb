"""Know the versions of entries: which there are, and which of them is the current one.

A version is an artifact whose document has an `entry`. The current one of some keys is what was last saved, taken in or
taken up: the last of its versions that was not put aside, unless a move, a record of the lake, says another since.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from elliptio import naming
from elliptio.lake import records, spool
from elliptio.lake.lake import Lake
from elliptio.lake.view import view_of
from elliptio.pipelines.catalog.keys import NONE, Keys
from elliptio.protocols import Document

SAVED, BUILT, TAKEN_IN = "saved", "built", "taken in"
"""Origins of a version: a call of `save`, a craft, what somebody else wrote at the path."""

MOVE = "move"
"""Kind of the records that make an earlier version the current one again, or say that there is none any more."""

_AT_ONCE = 500


class Version(NamedTuple):
    """One version of an entry.

    Attributes
    ----------
    artifact_id, keys, fingerprint, creation_time
        Of its artifact.
    origin
        One of `SAVED`, `BUILT`, `TAKEN_IN`.
    step
        Key of the step that made it; None where no step did, or it cannot be known by its inputs.
    aside
        True where it never was the current one: somebody wrote over what a craft makes.
    sha256, size
        Of its file; None where it has no content of its own.
    key
        Of its file in the store; None where it has none, or a link leads elsewhere.
    loads
        Identifiers of what its craft loaded by itself, beside its inputs.
    holds
        Classes and functions of the project that its content refers to, as ``module:Class``.

    """

    artifact_id: str
    keys: Keys
    fingerprint: str
    creation_time: datetime
    origin: str
    step: str | None
    aside: bool
    sha256: str | None
    size: int | None = None
    key: str | None = None
    loads: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()

    @property
    def moment(self) -> str:
        """Time in the identifier, by which versions and moves are ordered."""
        return self.artifact_id.partition("_")[2]


class Move(NamedTuple):
    """A line of an entry's history: from now on this version is the current one, or, if None, there is none."""

    moment: str
    keys: Keys
    artifact_id: str | None
    creation_time: datetime
    username: str
    why: str


def version_of(document: Mapping[str, Any]) -> Version:
    """Read a version from the document of its artifact."""
    entry, files = document["entry"], document.get("files") or [{}]
    alone = document.get("file_count") == 1 and bool(files[0])
    in_lake = alone and not document.get("link")
    return Version(
        document["_id"],
        Keys(entry.get("keys")) if entry.get("keys") else NONE,
        document["fingerprint"],
        document["creation_time"],
        sys.intern(entry.get("origin", SAVED)),
        entry.get("step"),
        bool(entry.get("aside")),
        files[0].get("sha256") if alone else None,
        files[0].get("size") if alone else None,
        f"{document['remote_root']}/{naming.FILES}/{files[0]['relpath']}" if in_lake else None,
        tuple((document.get("recipe") or {}).get("loads", ())),
        tuple(entry.get("holds", ())),
    )


class History:
    """Versions and moves of one entry and one combination of its keys."""

    __slots__ = ("moves", "versions")

    def __init__(self) -> None:
        self.versions: list[Version] = []
        # There are hundreds of thousands of these, and few have any.
        self.moves: tuple[Move, ...] = ()

    def current(self, at: datetime | None = None) -> Version | None:
        """Tell which version is the current one, or was at some time."""
        if at is None and not self.moves and len(self.versions) == 1:
            return None if self.versions[0].aside else self.versions[0]
        known = {one.artifact_id: one for one in self.versions}
        newest = max((one for one in self.versions if not one.aside and _before(one, at)), default=None, key=_moment)
        # A move to what was deleted since does not count.
        moves = [
            one for one in self.moves if _before(one, at) and (one.artifact_id is None or one.artifact_id in known)
        ]
        last = max(moves, default=None, key=_moment)
        if last is None or (newest is not None and newest.moment > last.moment):
            return newest
        return None if last.artifact_id is None else known[last.artifact_id]

    def is_removed(self) -> bool:
        """Tell whether there were versions, and is no current one."""
        return bool(self.versions) and self.current() is None

    def with_content(self, sha256: str) -> Version | None:
        """Find the newest version whose file has this content."""
        found = [one for one in self.versions if one.sha256 == sha256]
        return max(found, default=None, key=_moment)


def _moment(one: Version | Move) -> str:
    return one.moment


def _order(pair: tuple[Keys, Any]) -> Any:
    return pair[0].order


def _before(one: Version | Move, at: datetime | None) -> bool:
    return at is None or one.creation_time <= at


Histories = dict[Keys, History]


class Versions:
    """The versions that a lake has of the entries of one project.

    What was looked up is remembered: make a new one for each call of a user, one for a whole build.

    Parameters
    ----------
    lake, project
        Where, and the project's slug.

    """

    def __init__(self, lake: Lake, project: str) -> None:
        self._lake = lake
        self.project = project
        self._looked = False
        self._known: dict[str, Histories] = {}
        self._built: set[str] = set()
        # Of each step a tuple, mostly of one: there may be hundreds of thousands.
        self._steps: dict[str, tuple[tuple[str, Version], ...]] = {}

    def load(self, names: Iterable[str]) -> None:
        """Look up all versions of some entries, with few questions, and those of an interrupted build too."""
        if not self._looked:
            spool.flush_if_any(self._lake)
            self._looked = True
        wanted = [name for name in dict.fromkeys(names) if name not in self._known]
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            self._known.update({name: {} for name in some})
            for name, version in self._find({"entry.name": {"$in": some} if len(some) > 1 else some[0]}):
                self._add(name, version)
            for name, move in self._moves(some):
                self._known[name].setdefault(move.keys, History()).moves += (move,)

    def of(self, name: str) -> Histories:
        """Return all versions of an entry by their keys."""
        if name not in self._known:
            self.load([name])
        return self._known[name]

    def history(self, name: str, keys: Keys) -> History:
        """Return the versions of one combination of keys."""
        return self.of(name).get(keys) or History()

    def current(self, name: str, keys: Keys) -> Version | None:
        """Return the current version of one combination of keys."""
        return self.history(name, keys).current()

    def partitions(self, name: str) -> dict[Keys, Version]:
        """Return the current version of each combination of keys that has one, in their order."""
        found = {keys: history.current() for keys, history in self.of(name).items()}
        return {keys: version for keys, version in sorted(found.items(), key=_order) if version is not None}

    def is_made(self, name: str) -> bool:
        """Tell whether a craft makes this entry."""
        self.of(name)
        return name in self._built

    def made_by(self, step: str, *, fresh: bool = False) -> dict[str, Version]:
        """Find what a step made, by the names of entries; the newest of each.

        `fresh`: ask the lake, whatever is remembered; another process may have made it.
        """
        if fresh:
            for name, version in self._find({"entry.step": step}):
                if name in self._known:
                    self._add(name, version)
                else:
                    self._index(name, version)
        return dict(self._steps.get(step, ()))

    def forget(self, name: str) -> None:
        """Look up the versions of an entry anew when they are asked for."""
        self._known.pop(name, None)

    def add(self, name: str, version: Version) -> None:
        """Remember a version that was just made."""
        if name in self._known:
            self._add(name, version)
        else:
            self._index(name, version)

    def take_up(
        self, name: str, keys: Keys, version: Version | None, *, username: str, why: str, run_id: str | None = None
    ) -> None:
        """Make a version the current one; None: there is none any more. One line of history, no copy."""
        artifact_id = version.artifact_id if version else None
        if view_of(self._lake).until is None:
            about = {"project": self.project, "entry": name}
            content = {"keys": dict(keys), "artifact_id": artifact_id, "why": why, "run_id": run_id}
            document, _ = records.add(self._lake, MOVE, about, content, username=username)
            move = move_of(document)
        else:  # whoever makes an artifact again moves nothing that others see
            identifier, moment = naming.new_id("record")
            move = Move(identifier.partition("_")[2], keys, artifact_id, moment, username, why)
        if name in self._known:
            self._known[name].setdefault(keys, History()).moves += (move,)

    def _add(self, name: str, version: Version) -> None:
        history = self._known[name].setdefault(version.keys, History())
        if all(one.artifact_id != version.artifact_id for one in history.versions):
            history.versions.append(version)
            if version.origin == BUILT:
                self._built.add(name)
            self._index(name, version)

    def _index(self, name: str, version: Version) -> None:
        if version.step is not None and not version.aside:
            made = self._steps.get(version.step, ())
            known = next((one for each, one in made if each == name), None)
            if known is None:
                self._steps[version.step] = (*made, (name, version))
            elif known.moment < version.moment:
                self._steps[version.step] = (*(one for one in made if one[0] != name), (name, version))

    def _find(self, query: Mapping[str, Any]) -> Iterator[tuple[str, Version]]:
        # What was made to reproduce a version is none itself; a process that does so sees the lake as it was then.
        asked = view_of(self._lake).newest({**query, "entry.project": self.project}, made_again=False)
        for document in self._lake.find(asked, sort=(), limit=0):
            yield document["entry"]["name"], version_of(document)

    def _moves(self, names: Sequence[str]) -> Iterator[tuple[str, Move]]:
        query = {"about.entry": {"$in": list(names)} if len(names) > 1 else names[0], "about.project": self.project}
        until = view_of(self._lake).until
        then = {} if until is None else {"creation_time": {"$lt": until}}
        for document in records.find(self._lake, MOVE, {**query, **then}):
            yield document["about"]["entry"], move_of(document)


def move_of(document: Document) -> Move:
    """Read a move from its record."""
    content = document["content"]
    return Move(
        document["record_id"].partition("_")[2],
        Keys(content.get("keys")),
        content.get("artifact_id"),
        document["creation_time"],
        document["username"],
        content.get("why", ""),
    )
