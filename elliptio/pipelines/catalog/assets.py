"""Read and write the values of entries: by a format, by a class of a user, as a page, or as the result of a query."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from elliptio import naming
from elliptio.artifacts.files import files_of
from elliptio.errors import FormatError, ValueRefusedError, WriteOnlyError
from elliptio.formats import registry
from elliptio.formats.plain import name_of
from elliptio.metadata import ValueRecord
from elliptio.pipelines.catalog import pages, saving, types
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.interactors import ArtifactInteractor
from elliptio.pipelines.catalog.keys import Keys, named
from elliptio.pipelines.catalog.saving import Label, Staged
from elliptio.pipelines.catalog.syncing import Windows, taken
from elliptio.pipelines.catalog.versions import BUILT, TAKEN_IN, Version, Versions
from elliptio.pipelines.errors import EntryError, VersionNotFoundError
from elliptio.provenance.collecting import username

if TYPE_CHECKING:
    from elliptio.metadata import Metadata
    from elliptio.work import Work


class NewVersion(NamedTuple):
    """A version that is not published yet: of which entry, what is recorded of it, and what was written."""

    entry: Entry
    label: Label
    staged: Staged


class Assets:
    """The values of the entries of one project on one lake.

    Parameters
    ----------
    work
        The handler.
    project, root
        The project's slug, and its root.
    windows
        What puts them at their paths.
    session
        What classes of users are made with.

    """

    def __init__(self, work: Work, project: str, root: Path, windows: Windows, session: Any) -> None:
        self._work = work
        self._project = project
        self._root = root
        self._windows = windows
        self._session = session

    # --- loading ---

    def load(self, entry: Entry, version: Version, options: Mapping[str, Any] | None = None) -> Any:
        """Load the value of a version; it counts as loaded."""
        if entry.type == types.PAGE:
            raise WriteOnlyError(f"The entry {entry.name!r} is a page, of type {entry.type}: it cannot be loaded.")
        if entry.is_custom:
            return self.load_custom(entry, version.keys, {**version.keys, **(options or {})})
        known = self._windows.published.get(version.artifact_id)
        artifact = None if known is not None else self._work.get(version.artifact_id)
        if version.sha256 is None:
            raise VersionNotFoundError(f"{version.artifact_id} of {entry.name!r} has no content.")
        # The options of a query are for asking: what is kept is its result.
        more = {} if entry.is_query else {**entry.load_options, **(options or {})}
        if known is not None:
            self._work._scope.here().load(known.artifact_id)
            (file,) = files_of(self._work.lake, known, naming.FILES, track=True).values()
        else:
            assert artifact is not None
            file = artifact.file
        try:
            return file.load(format=types.format_of(entry.type), **more)
        except FormatError as error:
            raise FormatError(f"The entry {named(entry.name, version.keys)} cannot be loaded: {error}") from error

    def load_custom(self, entry: Entry, keys: Keys, more: Mapping[str, Any]) -> Any:
        """Load by a class of a user; its newest version counts as loaded, if it has one."""
        versions = Versions(self._work.lake, self._project)
        current = versions.current(entry.name, keys)
        if current is not None:
            self._work.get(current.artifact_id)
        return self.interactor(entry, more).load(**{**entry.load_options, **more})

    def interactor(self, entry: Entry, more: Mapping[str, Any]) -> ArtifactInteractor:
        """Make the object of a user's class for an entry, the keys filled in its path and its query."""
        cls: type[ArtifactInteractor] = types.CLASSES[entry.type]
        return cls(_filled(entry, more), session=self._session, **more)

    # --- saving ---

    def save(
        self,
        entry: Entry,
        keys: Keys,
        value: Any,
        origin: str,
        options: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> Version:
        """Save a value as a new version, and put it at its window; parameters as of `stage`."""
        return self.publish(self.stage(entry, keys, value, origin, options, **facts))

    def stage(
        self,
        entry: Entry,
        keys: Keys,
        value: Any,
        origin: str,
        options: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> NewVersion:
        """Write a value as a version that nobody sees yet.

        Parameters
        ----------
        entry, keys, value
            What, of which entry.
        origin
            How it came to be.
        options
            For its writer, beside those of the entry.
        facts
            Of the `Label`: ``step``, ``recipe``, ``based_on``, ``labels``, ``seen``.

        """
        label = Label(self._project, entry.name, keys, origin, **facts)
        if entry.is_query:
            raise EntryError(
                f"The entry {entry.name!r} is the result of a query, of type {entry.type}: it is only loaded."
            )
        if origin == BUILT:  # first: what is taken in is older than what is made
            self._windows.keep(entry, keys, lambda: Versions(self._work.lake, self._project))
        more = {**entry.save_options, **(options or {})}
        if entry.is_custom:
            return NewVersion(entry, label, self._staged_by_custom(entry, label, value, more))
        relpath = entry.relpath_of(keys)
        if entry.type == types.PAGE:
            staged = saving.stage_content(self._work, label, pages.page_of(value), relpath)
        elif not entry.history:
            staged = self._staged_at_path(entry, label, value, more)
        else:
            value, more = without_index(value, more)
            format = registry.get(types.format_of(entry.type))
            try:
                staged = saving.stage_value(self._work, label, value, relpath, format, more, self._root)
            except ValueRefusedError as error:
                raise ValueRefusedError(f"The entry {named(entry.name, keys)} cannot be saved: {error}") from error
        return NewVersion(entry, label, staged)

    def publish(self, new: NewVersion) -> Version:
        """Publish a version, and put it at its window."""
        root, label, entry = self._work.lake.store.root, new.label, new.entry
        metadata = new.staged.publish()
        self._windows.note(metadata)
        step = label.step if metadata.files else None
        version = taken(metadata, label.keys, label.origin, root, step=step)
        if entry.history:
            self._windows.put(entry, label.keys, version, self._source(metadata))
        elif version.sha256 is not None:
            self._remember(entry, label.keys, version)
        return version

    def _remember(self, entry: Entry, keys: Keys, version: Version) -> None:
        path = entry.path_of(keys)
        if path is not None and version.sha256 is not None:
            place = self._windows.places.of(path)
            address = place.address(path)
            self._windows.memory.set(address, version.artifact_id, version.sha256, place.stamp(address) or "")

    def _source(self, metadata: Metadata) -> Path | None:
        """Path of the file of an artifact, where it lies on this machine."""
        folder = self._work.lake.store.folder
        if folder is None or len(metadata.files) != 1 or metadata.link:
            return None
        return Path(metadata.remote_root, "files", metadata.files[0].relpath)

    def _staged_by_custom(self, entry: Entry, label: Label, value: Any, more: Mapping[str, Any]) -> Staged:
        made = self.interactor(entry, {**label.keys, **more}).save(value, **{**more, **label.keys})
        if made is None:
            return saving.stage_nothing(self._work, dataclasses.replace(label, step=None))
        if isinstance(made, bytes | bytearray | memoryview):
            return saving.stage_content(self._work, label, bytes(made), entry.relpath_of(label.keys))
        if isinstance(made, str | os.PathLike):
            return saving.stage_file(self._work, label, Path(made))
        raise EntryError(
            f"{entry.name}: `save` of the type {entry.type!r} gave a value of type {type(made).__name__}, not bytes, a "
            "path or None."
        )

    def _staged_at_path(self, entry: Entry, label: Label, value: Any, more: Mapping[str, Any]) -> Staged:
        """Write a value at its path, and record it as a link: the lake keeps no copy."""
        path = entry.path_of(label.keys)
        if path is None or "://" in path:
            raise EntryError(f"The entry {entry.name!r} has `history: false`: that needs a path of this machine.")
        place = self._windows.places.of(path)
        value, more = without_index(value, more)
        with tempfile.TemporaryDirectory(prefix="elliptio-value-") as folder:
            file = Path(folder, entry.relpath_of(label.keys))
            with open(file, "xb") as stream:
                kept = registry.get(types.format_of(entry.type)).write(value, stream, **more) or {}
            address = place.address(path)
            place.put(address, file, label.keys)
        record = ValueRecord(types.format_of(entry.type), name_of(value), kept)
        return saving.stage_link(self._work, label, Path(address), record)

    # --- queries ---

    def ask(self, entry: Entry, keys: Keys, versions: Versions, more: Mapping[str, Any]) -> Version:
        """Ask a database, and keep the result as a version if it is another one than the current."""
        from elliptio.pipelines.catalog import queries

        frame = queries.ask(entry, keys, {**entry.load_options, **more})
        sha256 = queries.hash_of(frame)
        history = versions.history(entry.name, keys)
        current, earlier = history.current(), history.with_content(sha256)
        if current is not None and current.sha256 == sha256:
            return current
        if earlier is not None:
            versions.take_up(entry.name, keys, earlier, username=username(), why="the query gives it again")
            return earlier
        label = Label(self._project, entry.name, keys, TAKEN_IN, based_on=[])
        format = registry.get("parquet")
        staged = saving.stage_value(self._work, label, frame, entry.relpath_of(keys), format, {}, self._root)
        metadata = staged.publish()
        version = taken(metadata, keys, TAKEN_IN, self._work.lake.store.root)
        versions.add(entry.name, version)
        return version


def _filled(entry: Entry, more: Mapping[str, Any]) -> Entry:
    """Fill the keys in the path and the query of an entry of a user's class."""
    found = {}
    for name, pattern in (("path", entry.pattern), ("query", entry.query)):
        if pattern is not None and pattern.keys:
            found[name] = pattern.fill(more)
    return with_extra(entry, **found)


def with_extra(entry: Entry, **found: Any) -> Entry:
    """Return an entry of a user's class with some of its `extra` replaced."""
    if not found:
        return entry
    if isinstance(entry.extra, Mapping):
        return dataclasses.replace(entry, extra={**entry.extra, **found})
    if dataclasses.is_dataclass(entry.extra) and not isinstance(entry.extra, type):
        return dataclasses.replace(entry, extra=dataclasses.replace(entry.extra, **found))
    return dataclasses.replace(entry, extra=entry.extra.model_copy(update=found))


def without_index(value: Any, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Leave out the index of a table where ``index: false`` says so, as pandas does."""
    more = dict(options)
    wanted = more.pop("index", True)
    if wanted is False and hasattr(value, "reset_index"):
        value = value.reset_index(drop=True)
    return value, more
