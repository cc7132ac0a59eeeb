"""Bring windows and versions together: look at what lies at a path, and do what `windows` decides."""

from __future__ import annotations

import functools
import logging
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from elliptio import naming
from elliptio.artifacts.hashing import sha256_of
from elliptio.pipelines.catalog import wholeness, windows
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.memory import Memory
from elliptio.pipelines.catalog.places import Place, Places
from elliptio.pipelines.catalog.together import Together, together
from elliptio.pipelines.catalog.versions import TAKEN_IN, Version, Versions
from elliptio.pipelines.catalog.windows import Decision, Deed
from elliptio.provenance.collecting import username
from elliptio.system.os_errors import explained

if TYPE_CHECKING:
    from elliptio.metadata import Metadata
    from elliptio.work import Work

log = logging.getLogger(__name__)

NEWS = "its path was overwritten by somebody: kept as a version, and put right"

_NEW = (Deed.TAKE_IN, Deed.KEEP_ASIDE)
"""Deeds by which a version is made of what lies at a window."""


MOST_PUBLISHED = 1000
"""Versions that were published last, of which is remembered what there is to know to load them."""


class Windows:
    """The windows of one project on one lake.

    Parameters
    ----------
    work
        The handler.
    project
        The project's slug.
    places, memory
        Where windows lie, and what is remembered of them.

    Attributes
    ----------
    published
        What was just published, each of one file, by identifier. It is mostly loaded next, and nobody changes it: the
        index need not be asked for it.

    """

    def __init__(self, work: Work, project: str, places: Places, memory: Memory) -> None:
        self._work = work
        self._project = project
        self.places = places
        self.memory = memory
        self.published: dict[str, Metadata] = {}

    def note(self, metadata: Metadata) -> None:
        """Note what was just published."""
        if len(metadata.files) == 1:
            self.published[metadata.artifact_id] = metadata
            if len(self.published) > MOST_PUBLISHED:
                del self.published[next(iter(self.published))]

    def sync(
        self,
        entry: Entry,
        keys: Keys,
        versions: Versions,
        *,
        made: bool = False,
        dry: bool = False,
        batch: Together | None = None,
    ) -> str | None:
        """Take in what somebody wrote at a window, and put back what is missing or stale there.

        Parameters
        ----------
        entry, keys
            Whose window.
        versions
            What is known of its versions; what is taken in is added.
        made
            Whether a craft of a pipeline makes it; else that is told by its versions.
        dry
            True: put nothing; what is new is taken in all the same.
        batch
            With what else it is taken in, and known from then on.

        Returns
        -------
        str or None
            What a user should know of it.

        """
        path = entry.path_of(keys)
        if path is None or entry.is_query or entry.is_custom:
            return None
        place = self.places.of(path)
        address = place.address(path)
        history = versions.history(entry.name, keys)
        known = self.memory.get(address)
        crafted, made = made, bool(history.versions) and (made or versions.is_made(entry.name))
        stamp = place.stamp(address)
        decision = windows.at_a_glance(stamp, known, history, made=made, keyed=bool(entry.keys))
        do = functools.partial(self._do, entry, keys, versions, address, dry=dry)
        if decision is not None:
            return do(decision)

        def by_content(copy: Path) -> str | None:
            content = _content(copy, address)
            decision = windows.by_content(content, known, history, made=made)
            if crafted and decision[0] in _NEW:
                decision = self._again(entry, keys, versions, address, content)
            return do(decision, copy=copy, stamp=stamp or "", batch=batch)

        local, name = place.local(address), entry.relpath_of(keys)
        if local is not None and local.name == name:
            return by_content(local)
        with tempfile.TemporaryDirectory(prefix="elliptio-window-") as folder:
            copy = Path(folder, name)
            if not place.fetch(address, copy, keys):
                gone = windows.at_a_glance(None, known, history, made=made, keyed=bool(entry.keys) and place.tells)
                return None if gone is None else do(gone)
            return by_content(copy)

    def _again(self, entry: Entry, keys: Keys, versions: Versions, address: str, content: str) -> Decision:
        """Decide once more by what the lake knows now: another build may have put there what it made meanwhile."""
        versions.forget(entry.name)
        history = versions.history(entry.name, keys)
        return windows.by_content(content, self.memory.get(address), history, made=bool(history.versions))

    def keep(self, entry: Entry, keys: Keys, versions: Callable[[], Versions]) -> str | None:
        """Keep what somebody wrote at a window, before a craft puts there what it makes.

        A glance tells in nearly all cases that nobody did; only else are `versions` looked up.
        """
        path = entry.path_of(keys)
        if path is None or entry.is_query or entry.is_custom or not entry.history:
            return None
        place = self.places.of(path)
        if not place.tells:
            return None
        address = place.address(path)
        known, stamp = self.memory.get(address), place.stamp(address)
        if stamp is None or (known is not None and known.stamp == stamp):
            return None
        return self.sync(entry, keys, versions(), made=True, dry=True)

    def withdraw(self, entry: Entry, keys: Keys) -> None:
        """Remove what lies at the window of a partition that is gone, if it is what was put there."""
        path = entry.path_of(keys)
        if path is None or entry.is_query or entry.is_custom or not entry.history:
            return
        place = self.places.of(path)
        address = place.address(path)
        known = self.memory.get(address)
        if known is not None and place.tells and place.stamp(address) == known.stamp:
            place.remove(address)
            self.memory.drop(address)

    def sync_all(self, entry: Entry, versions: Versions, others: Iterable[Entry], *, made: bool = False) -> list[str]:
        """Do so for all partitions of an entry that lie at its path, or did so when the project last looked."""
        if entry.pattern is None or not entry.keys or entry.is_query or entry.is_custom:
            return []
        place = self.places.of(entry.pattern.text)
        rivals = [one for one in others if one.name != entry.name and one.pattern is not None and not one.keys]
        taken = {place.address(one.pattern.text) for one in rivals if one.pattern and "://" not in one.pattern.text}
        found = {keys for path, keys in place.matching(entry.pattern) if place.address(path) not in taken}
        news = []
        with together(self._work.lake) as batch:
            for keys in sorted(found | set(versions.of(entry.name)), key=lambda keys: keys.order):
                told = self.sync(entry, keys, versions, made=made, batch=batch)
                if told:
                    news.append(f"{entry.name} ({keys}): {told}")
        return news

    def fault_of(self, entry: Entry | None, version: Version) -> str:
        """Say what is wrong with what a version holds, in the lake or at its path; nothing if it is as it was saved."""
        if entry is None or entry.history:
            return wholeness.fault_of(self._work.lake, version, self.memory)
        return "" if self._holds(entry, version) else wholeness.ELSEWHERE

    def _holds(self, entry: Entry, version: Version) -> bool:
        """Tell whether a window holds a version: by what is remembered, else by its content."""
        path = entry.path_of(version.keys)
        if path is None:
            return False
        place = self.places.of(path)
        address = place.address(path)
        stamp, known = place.stamp(address), self.memory.get(address)
        if stamp is None:
            return False
        if known is not None and place.tells and known.stamp == stamp:
            return known.sha256 == version.sha256
        local = place.local(address)
        return local is not None and sha256_of(local) == version.sha256

    def put(self, entry: Entry, keys: Keys, version: Version, source: Path | None = None) -> None:
        """Put a version at its window; `source` is a file with its content, if one is at hand."""
        path = entry.path_of(keys)
        if path is None or entry.is_query or entry.is_custom or version.sha256 is None:
            return
        place = self.places.of(path)
        address = place.address(path)
        known = self.memory.get(address)
        is_there = known is not None and known.sha256 == version.sha256 and known.stamp != ""
        if known is not None and is_there and place.stamp(address) == known.stamp:
            self.memory.set(address, version.artifact_id, version.sha256, known.stamp)
            return
        self._put(place, address, keys, version, source)

    def _put(self, place: Place, address: str, keys: Keys, version: Version, source: Path | None) -> None:
        if source is None:
            with tempfile.TemporaryDirectory(prefix="elliptio-window-") as folder:
                found = self._work.show(version.artifact_id).file.download(Path(folder))
                stamp = place.put(address, found, keys)
        else:
            stamp = place.put(address, source, keys)
        assert version.sha256 is not None
        self.memory.set(address, version.artifact_id, version.sha256, stamp)

    def _do(
        self,
        entry: Entry,
        keys: Keys,
        versions: Versions,
        address: str,
        decision: Decision,
        *,
        dry: bool,
        copy: Path | None = None,
        stamp: str = "",
        batch: Together | None = None,
    ) -> str | None:
        deed, version = decision
        place = self.places.of(address)
        if deed is Deed.PUT and version is not None and version.sha256 is not None and entry.history:
            before = None if copy or self.memory.get(address) else self.memory.address_of(version.artifact_id)
            if not dry:
                self._put(place, address, keys, version, None)
            # The path of the entry is another than it was: perhaps it is mistyped.
            return before and f"there was no file {address}: its version from {before} is used and put there"
        if deed is Deed.REMEMBER and version is not None and version.sha256 is not None:
            self.memory.set(address, version.artifact_id, version.sha256, stamp)
        elif deed is Deed.TAKE_UP and version is not None and version.sha256 is not None:
            versions.take_up(entry.name, keys, version, username=username(), why="found at its path again")
            self.memory.set(address, version.artifact_id, version.sha256, stamp)
        elif deed is Deed.REMOVE:
            versions.take_up(entry.name, keys, None, username=username(), why="removed at its path")
            self.memory.drop(address)
        elif deed is Deed.TAKE_IN and copy is not None:
            self._take_in(entry, keys, versions, address, copy, stamp, batch=batch)
        elif deed is Deed.PUT_RIGHT or (deed is Deed.KEEP_ASIDE and copy is not None):
            if deed is Deed.KEEP_ASIDE and copy is not None:
                self._take_in(entry, keys, versions, address, copy, stamp, aside=True)
            if version is not None and not dry:
                self._put(place, address, keys, version, None)
            return NEWS
        return None

    def _take_in(
        self,
        entry: Entry,
        keys: Keys,
        versions: Versions,
        address: str,
        copy: Path,
        stamp: str,
        *,
        aside: bool = False,
        batch: Together | None = None,
    ) -> None:
        from elliptio.pipelines.catalog import saving

        label = saving.Label(self._project, entry.name, keys, TAKEN_IN, aside=aside, based_on=[])
        beside = None if batch is None else batch.first
        if entry.history:
            staged = saving.stage_file(self._work, label, copy, beside)
        else:
            staged = saving.stage_link(self._work, label, Path(address))

        def note(metadata: Metadata) -> None:
            self.note(metadata)
            version = taken(metadata, keys, TAKEN_IN, self._work.lake.store.root, aside=aside)
            versions.add(entry.name, version)
            log.info("%s was taken in as a version of %r.", address, entry.name)
            if not aside and version.sha256 is not None:
                self.memory.set(address, version.artifact_id, version.sha256, stamp)

        if batch is None:
            note(staged.publish())
        else:
            batch.add(staged, note)


def taken(
    metadata: Metadata, keys: Keys, origin: str, root: str, *, step: str | None = None, aside: bool = False
) -> Version:
    """Tell what version an artifact is that was just published in the lake of a root."""
    file = metadata.files[0] if len(metadata.files) == 1 else None
    key = None
    if file is not None and metadata.link is None:
        key = f"{metadata.remote_root.removeprefix(root.rstrip('/') + '/')}/{naming.FILES}/{file.relpath}"
    return Version(
        metadata.artifact_id,
        keys,
        metadata.fingerprint,
        metadata.creation_time,
        origin,
        step,
        aside,
        file.sha256 if file else None,
        file.size if file else None,
        key,
        holds=tuple((metadata.entry or {}).get("holds", ())),
    )


def _content(copy: Path, address: str) -> str:
    with explained("read", address):
        return sha256_of(copy)
