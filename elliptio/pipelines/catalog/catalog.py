"""A catalog: data sets by name, loaded and saved without a path in the code."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio.errors import FormatOptionError
from elliptio.pipelines.arguments import check_all, keys_in, shown
from elliptio.pipelines.catalog import keywords, reading
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import Keys, named
from elliptio.pipelines.catalog.patterns import Pattern
from elliptio.pipelines.catalog.places import Places
from elliptio.pipelines.errors import DuplicateNameError, EntryError, UnknownNameError, VersionNotFoundError
from elliptio.pipelines.project.yaml_files import Reader
from elliptio.provenance.git import data_files
from elliptio.system.warn import warn

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.artifacts.artifact import Artifact
    from elliptio.handler import Handler
    from elliptio.pipelines.catalog.assets import Assets
    from elliptio.pipelines.catalog.syncing import Windows
    from elliptio.pipelines.catalog.versions import Version, Versions

DEFAULT_PROJECT = "default"
"""Slug of the versions of a catalog that belongs to no project."""


class Catalog:
    """Data sets by name: each entry says what it is, and where.

    Parameters
    ----------
    source
        A file or a folder of YAML, or entries.
    settings
        Values for the templates in it, ``{{ name }}``.
    handler
        The lake that keeps the versions; a `Handler` of the default lake without it.
    project
        Slug of the project: versions of different projects do not mix.
    root
        What relative paths begin at: the working directory without it.
    session
        What classes of users are made with.

    Raises
    ------
    EntryError
        If an entry is wrong; the message names file, line and entry.
    DuplicateNameError
        If a name is there twice; the message names both places.

    Examples
    --------
    >>> from pathlib import Path
    >>> import elliptio as eio
    >>> from elliptio.pipelines import Catalog
    >>> written = Path("catalog.yaml").write_text("- {name: rates, type: json, extra: {path: out/rates.json}}")
    >>> catalog = Catalog("catalog.yaml", handler=eio.Handler("lake"))
    >>> saved = catalog.save("rates", {"a": 0.1})
    >>> catalog.load("rates"), Path("out/rates.json").exists()
    ({'a': 0.1}, True)

    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Iterable[Entry] = (),
        *,
        settings: Mapping[str, Any] | None = None,
        handler: Handler | None = None,
        project: str = DEFAULT_PROJECT,
        root: str | os.PathLike[str] | None = None,
        session: Any = None,
    ) -> None:
        self.root = Path(root) if root is not None else Path.cwd()
        self._handler = handler
        self._session = session
        self.project = project
        if isinstance(source, str | os.PathLike):
            source = reading.read_entries(self.root / source, Reader(self.root, settings or {}, remember=False))
        self._entries: dict[str, Entry] = {}
        for entry in check_all("source", source, Entry, "a path, or entries"):
            self._add(entry)
        self._places = Places(self.root, session, settings)
        self._windows: Windows | None = None
        self._assets: Assets | None = None

    def _add(self, entry: Entry) -> None:
        other = self._entries.setdefault(entry.name, entry)
        if other is not entry:
            raise _twice(entry.name, other.place, entry.place)

    # --- what there is ---

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __getitem__(self, name: str) -> Entry:
        found = self._entries.get(name)
        if found is None:
            from elliptio.formats.libraries import meant

            hint = meant(str(name), self._entries)[: 200 if len(self) >= 30 else None]
            raise UnknownNameError(f"There is no entry {shown(name)} in the catalog; {hint}")
        # What takes an entry by itself, such as a flow, asks this catalog for its current version.
        vars(found)["_catalog"] = weakref.ref(self)
        return found

    def __add__(self, other: Catalog) -> Catalog:
        """Return a catalog with the entries of both, at the lake of the left one.

        Raises
        ------
        DuplicateNameError
            If a name is in both.

        """
        if not isinstance(other, Catalog):
            return NotImplemented
        both = Catalog((), handler=self._handler, project=self.project, root=self.root, session=self._session)
        both._places = self._places
        for name in sorted(self._entries.keys() & other._entries.keys()):
            # Two projects have files of the same names.
            raise _twice(name, *(one.root / one[name].place if one[name].place else "" for one in (self, other)))
        both._entries = {**self._entries, **other._entries}
        return both

    def __repr__(self) -> str:
        return f"Catalog({len(self)} entries, project={self.project!r})"

    def __str__(self) -> str:
        return "\n".join(f"{name}: {self._entries[name].type}" for name in self)

    @property
    def handler(self) -> Handler:
        """Handler of the lake that keeps the versions."""
        if self._handler is None:
            from elliptio.handler import Handler

            self._handler = Handler()
        return self._handler

    @property
    def windows(self) -> Windows:
        """Windows of its entries."""
        if self._windows is None:
            from elliptio.pipelines.catalog.memory import Memory
            from elliptio.pipelines.catalog.syncing import Windows

            memory = Memory(self.root, self.handler.lake.lake_id)
            self._windows = Windows(self.handler, self.project, self._places, memory)
            data_files.register(self)
        return self._windows

    def keeps(self, path: str) -> bool:
        """Tell whether an absolute path of this machine is that of an entry."""
        paths, patterns = self._places_of_entries
        return path in paths or any(pattern.fullmatch(path) for pattern in patterns)

    @functools.cached_property
    def _places_of_entries(self) -> tuple[set[str], list[re.Pattern[str]]]:
        paths, patterns = set(), []
        for entry in self._entries.values():
            pattern = entry.pattern
            if pattern is None or "://" in pattern.text.removeprefix("file://"):
                continue
            address = self._places.of(pattern.text).address
            if pattern.keys:
                patterns.append(Pattern(address(pattern.text)).regex)
            else:
                paths.add(address(pattern.fill({})))
        return paths, patterns

    @property
    def assets(self) -> Assets:
        """Values of its entries, as they are read and written."""
        if self._assets is None:
            from elliptio.pipelines.catalog.assets import Assets

            self._assets = Assets(self.handler, self.project, self.root, self.windows, self._session)
        return self._assets

    def fault_of(self, name: str, version: Version) -> str:
        """Say what is wrong with what a version holds, in the lake or at its path; nothing if it is as it was saved."""
        return self.windows.fault_of(self._entries.get(name), version)

    def new_versions(self) -> Versions:
        """Begin to look up versions: what it says is of this moment."""
        from elliptio.pipelines.catalog.versions import Versions

        return Versions(self.handler.lake, self.project)

    # --- values ---

    def load(self, name: str, *, version: Any = None, keys: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Load the value of an entry; it counts as loaded, as with `Handler.get`.

        Parameters
        ----------
        name
            The entry.
        version
            An identifier of an artifact, ``"tag:NAME"`` or the name of a tag, or a time: the version that was the
            current one then. The current one without it.
        keys, more
            Values of its keys; what is none is an option for its reader.

        Raises
        ------
        UnknownNameError
            If there is no such entry.
        MissingKeysError
            If a value of a key is not given.
        VersionNotFoundError
            If there is no version.

        """
        entry = self[name]
        found, rest = self._keys(entry, keys, more)
        if entry.is_custom and version is None:
            return self.assets.load_custom(entry, found, {**more, **(keys or {})})
        versions = self.new_versions()
        if version is not None:
            from elliptio.pipelines.catalog.pointing import pointed_at

            wanted = pointed_at(self.handler.lake, entry, found, versions.history(entry.name, found), version)
        else:
            with keywords.giving(rest):
                wanted = self._synced(entry, found, versions, rest)
        with _options(entry, rest) as options:
            return self.assets.load(entry, wanted, options)

    def save(self, name: str, value: Any, *, keys: Mapping[str, Any] | None = None, **more: Any) -> Artifact:
        """Save a value as a new version of an entry, and put it at its path; nothing is overwritten in the lake.

        Parameters
        ----------
        name, value
            The entry, and its value.
        keys, more
            Values of its keys; what is none is an option for its writer.

        Raises
        ------
        UnknownNameError
            If there is no such entry.
        MissingKeysError
            If a value of a key is not given.
        ValueRefusedError
            If its type cannot keep the value as it is.
        EntryError
            If entries of its type cannot be saved.

        """
        entry = self[name]
        found, rest = self._keys(entry, keys, more)
        from elliptio.pipelines.catalog.versions import SAVED

        versions = self.new_versions()
        with keywords.giving(rest), _options(entry, rest) as options:
            # What somebody wrote at the path is not lost.
            self.windows.sync(entry, found, versions, dry=True)
            version = self.assets.save(entry, found, value, SAVED, options)
        self.windows.memory.write()
        return self.handler.show(version.artifact_id)

    def _keys(self, entry: Entry, keys: Mapping[str, Any] | None, more: dict[str, Any]) -> tuple[Keys, dict[str, Any]]:
        known = {name.lower() for name in entry.keys}
        self._refuse(entry, [name for name in keys_in("keys=", keys) if name.lower() not in known])
        rest = {name: value for name, value in more.items() if name.lower() not in known}
        return entry.keys_of({**more, **(keys or {})}), rest

    def _synced(self, entry: Entry, keys: Keys, versions: Versions, more: Mapping[str, Any]) -> Version:
        """Bring an entry's window and its versions together, and return the current one."""
        if entry.is_query:
            self.assets.ask(entry, keys, versions, more)
        if told := self.windows.sync(entry, keys, versions):
            warn(f"{named(entry.name, keys)}: {told}.", UserWarning)
        self.windows.memory.write()
        found = versions.current(entry.name, keys)
        if found is None:
            raise self._nothing(entry, keys, versions)
        return found

    def _nothing(self, entry: Entry, keys: Keys, versions: Versions) -> VersionNotFoundError:
        path = entry.path_of(keys)
        where = f", and there is no file {self._places.of(path).address(path)}" if path else ""
        was = " any more: it was removed" if versions.history(entry.name, keys).is_removed() else ""
        return VersionNotFoundError(
            f"No data found for {named(entry.name, keys)}: it has no version{was} in {self.handler.store.root}{where}."
        )

    # --- versions ---

    def current(self, name: str, *, keys: Mapping[str, Any] | None = None, **more: Any) -> Artifact:
        """Show the artifact of the current version of an entry, of some keys; looking does not count as loading.

        Raises
        ------
        UnknownNameError, MissingKeysError, VersionNotFoundError
            As for `load`.

        """
        entry = self[name]
        found, rest = self._keys(entry, keys, more)
        self._refuse(entry, rest)
        return self.handler.show(self._synced(entry, found, self.new_versions(), {}).artifact_id)

    latest = current

    def versions(self, name: str, *, keys: Mapping[str, Any] | None = None, **more: Any) -> pd.DataFrame:
        """List the versions of an entry, the newest first, of some keys or of all.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``artifact_id``; a column for each key, ``current``, ``origin`` (saved, built, taken in),
            ``creation_time`` (UTC), ``fingerprint``.

        """
        entry = self[name]
        from elliptio.pipelines.catalog import frames

        wanted = self._some_keys(entry, {**more, **keys_in("keys=", keys)})
        versions = self._looked(entry, wanted)
        found = versions.of(name).items()
        return frames.of_versions(entry, {each: one for each, one in found if wanted.items() <= each.items()})

    def partitions(self, name: str) -> pd.DataFrame:
        """List the combinations of keys that an entry has data for.

        Returns
        -------
        pandas.DataFrame
            A row each; a column for each key; ``artifact_id``, ``fingerprint``, ``creation_time`` of what is current.

        """
        from elliptio.pipelines.catalog import frames

        entry = self[name]
        return frames.of_partitions(entry, self._looked(entry, Keys()).partitions(name))

    def _looked(self, entry: Entry, wanted: Keys) -> Versions:
        versions = self.new_versions()
        if len(wanted) == len(entry.keys):
            self.windows.sync(entry, wanted, versions)
        else:
            self.windows.sync_all(entry, versions, self._entries.values())
        self.windows.memory.write()
        return versions

    def _some_keys(self, entry: Entry, keys: Mapping[str, Any]) -> Keys:
        names = {name.lower(): name for name in entry.keys}
        self._refuse(entry, [name for name in keys if name.lower() not in names])
        return Keys({names[name.lower()]: value for name, value in keys.items()})

    def _refuse(self, entry: Entry, unknown: Iterable[str]) -> None:
        for name in unknown:
            raise EntryError(_no_key(entry, name))


def _twice(name: str, *places: str | Path) -> DuplicateNameError:
    both = " and ".join(str(one or "another catalog") for one in places)
    return DuplicateNameError(f"There are two entries {name!r}: {both}. Rename one.")


def _no_key(entry: Entry, name: str) -> str:
    has = f"it has {', '.join(map(repr, entry.keys))}" if entry.keys else "it has none"
    return f"The entry {entry.name!r} has no key {name!r}; {has}."


@contextlib.contextmanager
def _options(entry: Entry, given: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the options among keywords; say of one that no format has that it is no key either: it may be meant so."""
    no_options = keywords.named_by(entry.pattern.text if entry.pattern else None)
    try:
        yield {name: value for name, value in given.items() if name not in no_options} if no_options else given
    except FormatOptionError as error:
        wrong = next((name for name in given if repr(name) in str(error)), None)
        if wrong is None:
            raise
        raise FormatOptionError(f"{_no_key(entry, wrong)} Nor is it an option: {error}") from error
