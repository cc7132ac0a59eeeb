"""Find what to link: the places that a user names become files with size and stamp. Nothing of them is read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

from elliptio.errors import SourceError, SourceNotFoundError
from elliptio.lake.lake import S3, Lake
from elliptio.metadata import FileRecord
from elliptio.naming import check_relpath, common_parent
from elliptio.protocols import StoredFile
from elliptio.saving.sources import PathLike, Source, find_sources, refuse_open

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_ONE_SLASH = re.compile(r"s3:/(?!/)", re.IGNORECASE)


class Place(NamedTuple):
    """A place: an absolute folder or ``s3://bucket/prefix``, and files and empty folders, named relative to it."""

    root: str
    files: list[FileRecord]
    empty_folders: Sequence[str] = ()


def look(lake: Lake, places: PathLike | Iterable[PathLike]) -> Place:
    """Find the files to link.

    Parameters
    ----------
    lake
        The lake that refers to them: they must not lie in it.
    places
        A file, a folder, ``s3://bucket/prefix``, or an iterable of such.

    Raises
    ------
    SourceNotFoundError
        If there is nothing at a place.
    SourceError
        If it is of another kind, lies in the lake, or is a name that cannot be recorded.
    StoreError
        If S3 cannot be asked.

    """
    # An iterator can be walked once only; what is neither a path nor several is refused by `find_sources`.
    refuse_open(places)
    named = list(places) if isinstance(places, Iterator) else places
    several = [named] if isinstance(named, str) or not isinstance(named, Iterable) else list(named)
    flat = next((str(each) for each in several if isinstance(each, PurePath) and _ONE_SLASH.match(str(each))), None)
    if flat is not None:
        raise SourceError(f"{flat!r} was a URL: pathlib makes one slash of two. Give it as text: h.link('s3://…').")
    urls = [str(each) for each in several if _scheme(each)]
    if not urls:
        return _on_disk(lake, named)
    strange = [url for url in urls if _scheme(url) != "s3"]
    if strange:
        raise SourceError(
            f"{_scheme(strange[0])}:// cannot be linked: local files and folders can, and s3://bucket/prefix. "
            "Download it and save it with h.upload."
        )
    if len(urls) < len(several):
        raise SourceError("Local files and those on S3 are not one artifact: link them separately.")
    return _on_s3(lake, urls)


def _scheme(place: object) -> str:
    found = _URL.match(place) if isinstance(place, str) else None
    return found[1].lower() if found else ""


def _on_disk(lake: Lake, paths: PathLike | Iterable[PathLike]) -> Place:
    home = lake.store.folder
    sources, root, empty_folders = find_sources(paths, lake=home)
    if home is not None:
        _check_outside(sources, os.path.realpath(home))
    try:
        root.encode()
    except UnicodeEncodeError:
        raise SourceError(f"The path {root!r} is not valid UTF-8, so an index cannot hold it: rename it.") from None
    denied = next((source.path for source in sources if not os.access(source.path, os.R_OK)), None)
    if denied is not None:
        raise SourceError(f"{denied} cannot be read: Permission denied. Give this user access to it.")
    # The stamp that the store gives them.
    stamps = (f"{one.modified}:{one.changed}" for one in sources)
    files = [
        FileRecord(one.relpath, one.size, "", stamp, one.executable) for one, stamp in zip(sources, stamps, strict=True)
    ]
    return Place(root, files, empty_folders)


def _check_outside(sources: Sequence[Source], home: str) -> None:
    """Refuse what lies in the lake, also where a link leads there."""
    known: dict[str, str] = {}
    for source in sources:
        folder, name = os.path.split(source.path)
        real = known.get(folder) or known.setdefault(folder, os.path.realpath(folder))
        real = os.path.realpath(source.path) if os.path.islink(source.path) else os.path.join(real, name)
        if real.startswith(f"{home}/"):
            raise _in_lake(source.path)


def _on_s3(lake: Lake, urls: Sequence[str]) -> Place:
    places = [lake.place(f"{S3}{url[len(S3) :].strip('/')}") for url in urls]
    roots = sorted({store.root for store, _ in places})
    if len(roots) > 1:
        raise SourceError(f"{' and '.join(roots)} are not one place: link them separately.")
    (root,), (store, _) = roots, places[0]
    found: dict[str, StoredFile] = {}
    folders = []
    for url, (_, prefix) in zip(urls, places, strict=True):
        below = {stored.key: stored for stored in store.list(prefix)}
        if not below:
            raise SourceNotFoundError(f"There is nothing at {url}: no object has this name, or lies below it.")
        found |= below
        folders.append("/" + (os.path.dirname(prefix) if prefix in below else prefix))
    prefix = common_parent(folders).strip("/")
    own = f"{lake.store.root}/"
    inside = next((key for key in found if f"{root}/{key}".startswith(own)), None)
    if inside is not None:
        raise _in_lake(f"{root}/{inside}")
    skip = len(prefix) + 1 if prefix else 0
    files = [FileRecord(check_relpath(key[skip:]), stored.size, "", stored.stamp) for key, stored in found.items()]
    return Place(f"{root}/{prefix}".rstrip("/"), files)


def _in_lake(where: str) -> SourceError:
    return SourceError(f"{where} lies in the lake itself: its files are artifacts already. h.identify tells which.")
