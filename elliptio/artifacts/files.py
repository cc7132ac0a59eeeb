"""Hold the files of an artifact by name, and make the object of each when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from elliptio import naming
from elliptio.artifacts.block import Block
from elliptio.artifacts.display import printable
from elliptio.artifacts.downloads import PLAIN, Downloads
from elliptio.artifacts.file import FILE_CLASSES, RemoteFile
from elliptio.artifacts.showing import ShownAsText
from elliptio.errors import FileKeyError
from elliptio.metadata import FileRecord, Metadata
from elliptio.naming import check_relpath, listed
from elliptio.protocols import Store

MOST_NAMED = 5
"""So many files are named in a line."""


class FileMaker:
    """Makes the file objects of an artifact; plain enough to be pickled with it.

    Parameters
    ----------
    store, prefix
        Where the files lie: the key of a file is ``prefix/relpath``.
    records
        What is recorded of published files.
    block
        The block in which the files are being written.
    downloads
        How they come to this machine.
    artifact_id
        Of the artifact that reading them counts for; None of those to look at, such as logs.

    """

    def __init__(
        self,
        store: Store,
        prefix: str,
        *,
        records: Mapping[str, FileRecord] | None = None,
        block: Block | None = None,
        downloads: Downloads = PLAIN,
        artifact_id: str | None = None,
    ) -> None:
        self._store = store
        self._artifact_id = artifact_id
        self._prefix = prefix
        self._records = records or {}
        self._block = block
        self._downloads = downloads

    def __getstate__(self) -> dict[str, Any]:
        # A block that has ended is of no use, and cannot be pickled.
        return {**self.__dict__, "_block": None if self._block is not None and self._block.ended else self._block}

    def __call__(self, relpath: str) -> RemoteFile:
        """Make the object of one file."""
        kind = FILE_CLASSES.get(self._store.scheme, RemoteFile)
        key, record = f"{self._prefix}/{relpath}" if self._prefix else relpath, self._records.get(relpath)
        return kind(self._store, key, relpath, record, self._block, self._downloads, self._artifact_id)


class Files(ShownAsText, Mapping[str, RemoteFile]):
    """Files of an artifact by name, in the order in which they were given.

    Parameters
    ----------
    names
        Their relpaths; maybe with what is recorded of each.
    make
        Makes the file object of a relpath, when it is first asked for.
    grows
        Whether a name that is not there yet is added when asked for.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["a.txt", "b.txt"]) as made:
    ...     for name in made.files:
    ...         made.files[name].upload_string("1")
    >>> [file.size for file in made.files.values()]
    [1, 1]

    """

    def __init__(
        self,
        names: Iterable[str] | Mapping[str, FileRecord],
        make: Callable[[str], RemoteFile],
        *,
        grows: bool = False,
    ) -> None:
        self._files: dict[str, RemoteFile | None] = dict.fromkeys(names)
        self._records = names if isinstance(names, Mapping) else {}
        self._make = make
        self._grows = grows

    def __getitem__(self, relpath: str) -> RemoteFile:
        relpath = os.fspath(relpath)
        if relpath not in self._files:
            if not self._grows:
                raise FileKeyError(f"There is no file {relpath!r} in this artifact; it has {listed(list(self))}.")
            self._files[check_relpath(relpath)] = None
        file = self._files[relpath]
        if file is None:
            file = self._files[relpath] = self._make(relpath)
        return file

    def settle(self, names: Iterable[str]) -> None:
        """Hold exactly these names from now on; file objects that were handed out stay the same."""
        self._records = {}
        self._files = {name: self._files.get(name) or self._make(name) for name in names}
        self._grows = False

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        names = list(self)
        more = [f"… {len(names) - MOST_NAMED:,} more"] if len(names) > MOST_NAMED else []
        return f"<{type(self).__name__} {', '.join([*map(printable, names[:MOST_NAMED]), *more]) or 'none'}>"

    def __str__(self) -> str:
        from elliptio.artifacts.display import files_text

        return files_text(self._sizes())

    def _repr_html_(self) -> str:
        from elliptio.artifacts.display import files_html

        return files_html(self._sizes())

    def _sizes(self) -> list[tuple[str, int | None]]:
        """Names and sizes, without making the objects of files: those of a link would look for their store."""
        found: list[tuple[str, int | None]] = []
        for name, file in self._files.items():
            record = self._records.get(name)
            found.append((name, file.size if file is not None else record.size if record is not None else None))
        return found


class Home(Protocol):
    """A lake, as far as the files of its artifacts need it."""

    store: Store
    downloads: Downloads

    def place(self, link: str) -> tuple[Store, str]:
        """Find the store that holds the files of a link, and the prefix of their keys."""


class LinkedFileMaker:
    """Makes the file objects of a link; where they lie is asked for when one is made."""

    def __init__(self, home: Home, link: str, records: Mapping[str, FileRecord], artifact_id: str | None) -> None:
        self._home = home
        self._link = link
        self._records = records
        self._artifact_id = artifact_id

    def __call__(self, relpath: str) -> RemoteFile:
        """Make the object of one file."""
        store, prefix = self._home.place(self._link)
        downloads, artifact_id = self._home.downloads, self._artifact_id
        return FileMaker(store, prefix, records=self._records, downloads=downloads, artifact_id=artifact_id)(relpath)


def files_of(home: Home, metadata: Metadata, folder: str, *, track: bool = True) -> Files:
    """Hold the files of a published artifact, or its logs; reading logs, or with `track` off, does not count."""
    artifact_id = metadata.artifact_id if track and folder == naming.FILES else None
    records = {record.relpath: record for record in (metadata.files if folder == naming.FILES else metadata.logs)}
    if metadata.link is not None and folder == naming.FILES:
        return Files(records, LinkedFileMaker(home, metadata.link, records, artifact_id))
    prefix = f"{metadata.remote_root.removeprefix(home.store.root + '/')}/{folder}"
    make = FileMaker(home.store, prefix, records=records, downloads=home.downloads, artifact_id=artifact_id)
    return Files(records, make)
