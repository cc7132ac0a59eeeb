"""Find what to save: the paths a user names become (name within the artifact, local path) pairs."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from elliptio.errors import SourceError, SourceNotFoundError
from elliptio.naming import check_declared, check_relpath, common_parent
from elliptio.system.file_systems import NO_UTF8, UTF8, absolute

log = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]
Paths = PathLike | Iterable[PathLike]


@dataclass(frozen=True, slots=True)
class Source:
    """One local file to save, its name within the artifact, and how it was when it was looked at.

    Attributes
    ----------
    relpath, path
        Its name within the artifact, and where it lies.
    size, modified
        Bytes, and nanoseconds since 1970.
    executable
        Whether its owner may execute it.
    changed
        When its content, mode or owner was last changed: what only the system sets.

    """

    relpath: str
    path: str
    size: int
    modified: int
    executable: bool = False
    changed: int = 0


class Sources(NamedTuple):
    """All that is to be saved.

    Attributes
    ----------
    files
        The files, named relative to the root.
    root
        The deepest folder that all the paths share.
    empty_folders
        Names of folders that hold nothing.

    """

    files: list[Source]
    root: str
    empty_folders: list[str]


def find_sources(local_paths: Paths, *, lake: str | None = None) -> Sources:
    """Find the files to save.

    Parameters
    ----------
    local_paths
        A file, a folder (taken with all it holds), or any iterable of them; order is kept, a file named twice is
        taken once.
    lake
        Folder of the lake that they are saved into: it must not be among them.

    Returns
    -------
    Sources
        The files and empty folders, named relative to the deepest folder that all the paths share, and that folder.

    Raises
    ------
    SourceNotFoundError
        If paths do not exist; the message names all of them.
    SourceError
        If there is nothing to save, or something that is no regular file or cannot be read, a link that leads to a
        folder that holds it, or a name no store can keep.

    """
    named = [local_paths] if isinstance(local_paths, str | os.PathLike) else _paths(local_paths)
    texts = [_text(path) for path in named]
    with _readable():
        return _find_sources(texts, lake)


def _find_sources(texts: Sequence[str], lake: str | None) -> Sources:
    paths = [absolute(text) if os.pardir in text else os.path.abspath(text) for text in texts]
    if not paths:
        raise SourceError("There is nothing to save: no paths were given.")
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        more = f" and {len(missing) - 20:,} more" if len(missing) > 20 else ""
        hint = _hint(missing[0])
        raise SourceNotFoundError(f"These paths do not exist: {', '.join(missing[:20])}{more}.{hint}")
    walked = {path for path in paths if os.path.isdir(path)}
    folders = {path if path in walked else os.path.dirname(path) for path in paths}
    root = common_parent(folders) if len(folders) > 1 else folders.pop()
    home = os.path.realpath(lake) if lake is not None and walked else None
    empty: dict[str, None] = {}
    files = {file: None for path in paths for file in (_walk(path, empty, home) if path in walked else (path,))}
    if not files:
        raise SourceError(f"There is nothing to save: {', '.join(paths[:20])} holds no files.")
    prefix = len(root) if root.endswith(os.sep) else len(root) + 1
    strange = next((file for file in files if not file[prefix:].isascii()), None) if lake and not UTF8 else None
    if strange is not None:
        raise SourceError(f"{strange!r} cannot be saved in a folder: {NO_UTF8}.")
    found = [_source(file, file[prefix:]) for file in files]
    return Sources(found, root, [check_relpath(folder[prefix:]) for folder in empty])


def declared_in(relpaths: Paths | None) -> list[str] | None:
    """Check the names of files that are to be written; None where none are given.

    Raises
    ------
    SourceError
        If one cannot be the name of a file.

    """
    if relpaths is None:
        return None
    if hasattr(relpaths, "read"):
        refuse_open(relpaths)
    return check_declared([relpaths] if isinstance(relpaths, str | os.PathLike) else relpaths)


def sources_in(folder: Path) -> Sources:
    """All that lies below a folder, named relative to it, in the order of the names."""
    prefix = len(str(folder)) + 1
    empty: dict[str, None] = {}
    with _readable():
        files = [_source(file, file[prefix:]) for file in _walk(str(folder), empty)]
    # A folder that nothing was written to is none of it.
    return Sources(files, str(folder), [check_relpath(name[prefix:]) for name in empty if name[prefix:]])


def check_ends(folder: Path) -> None:
    """Refuse a folder of which a link leads to a folder that holds it: to follow it would not end.

    Raises
    ------
    SourceError
        If there is one; the message names it.

    """
    with _readable():
        for _ in _walk(str(folder), {}):
            pass


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Say in elliptio's words what cannot be looked at, or vanishes meanwhile."""
    try:
        yield
    except SourceError:
        raise
    except FileNotFoundError as error:
        what = error.filename or "The working directory"
        raise SourceNotFoundError(f"{what} does not exist any more.") from error
    except OSError as error:
        raise SourceError(f"{error.filename} cannot be read: {error.strerror or error}.") from error


def _paths(local_paths: Iterable[PathLike]) -> Iterable[PathLike]:
    kind = type(local_paths)
    refuse_open(local_paths)
    if hasattr(local_paths, "to_csv") or hasattr(local_paths, "write_csv"):
        raise SourceError(
            f"A {kind.__name__} is not a file yet. Write it to one: "
            "with h.new(['table.csv']) as new: table.to_csv(new.file.local_path)"
        )
    if isinstance(local_paths, bytes | Mapping) or not isinstance(local_paths, Iterable):
        raise SourceError(f"local_paths is a path or an iterable of paths, not a {kind.__name__}.")
    return local_paths


def refuse_open(given: object) -> None:
    """Refuse an open file, whose lines would be taken for paths."""
    if not hasattr(given, "read") or isinstance(given, os.PathLike):
        return
    name = getattr(given, "name", None)
    if isinstance(name, str) and os.path.exists(name):
        raise SourceError(f"This is an open file, not a path. Close it, and give its name: {name!r}.")
    raise SourceError(
        f"This is an open {type(given).__name__}, not a path. Write what it holds to a file: "
        "with h.new(['data.csv']) as new: new.file.upload_string(text)"
    )


def _hint(path: str) -> str:
    if ":/" in path:
        return " Only local files can be saved: download the URL first; h.link takes one of S3, as text."
    if any(sign in os.path.basename(path) for sign in "*?["):
        return " Patterns are not expanded: use pathlib.Path().glob(...)."
    return ""


def _text(path: PathLike) -> str:
    try:
        text = os.fspath(path)
    except TypeError:
        refuse_open(path)
        raise SourceError(f"{path!r} is a {type(path).__name__}, not a path.") from None
    if not isinstance(text, str):
        raise SourceError(f"{path!r} is a path of bytes: decode it with os.fsdecode first.")
    if not text or "\0" in text:
        raise SourceError(f"{text!r} is not a path.")
    return text


def _source(path: str, name: str) -> Source:
    relpath = check_relpath(name.replace(os.sep, "/"))
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(f"{path} is not a regular file (but a pipe, socket or device), so it cannot be saved.")
    executable = bool(status.st_mode & stat.S_IXUSR)
    return Source(relpath, path, status.st_size, status.st_mtime_ns, executable, status.st_ctime_ns)


def _walk(folder: str, empty: dict[str, None], lake: str | None = None) -> Iterator[str]:
    """Yield all files below `folder`, sorted, and note the empty folders; links are followed, the `lake` is refused."""
    home = os.path.realpath(folder)
    # Each folder with its real path, and those of all that the way to it led through.
    waiting: list[tuple[str, str, tuple[str, ...]]] = [(folder, home, ())]
    while waiting:
        current, real, above = waiting.pop()
        if real == lake:
            # Each save would hold all saves before it.
            raise SourceError(f"{current} is the lake that it would be saved into: name what lies beside it.")
        with os.scandir(current) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        if not ordered:
            empty[current] = None
        way, folders = (*above, real), []
        for entry in ordered:
            target = _target(entry.path, home, way) if entry.is_symlink() else os.path.join(real, entry.name)
            if entry.is_dir():
                folders.append((entry.path, target, way))
            else:
                yield entry.path
        waiting += reversed(folders)


def _target(link: str, home: str, way: tuple[str, ...]) -> str:
    """Find where a link leads; say so where that is outside, refuse it where it leads nowhere or round in a circle."""
    target = os.path.realpath(link)
    if not os.path.exists(target):
        raise SourceNotFoundError(f"The link {link} leads nowhere (to {target}).")
    inside = f"{target.rstrip(os.sep)}{os.sep}"
    if any(f"{folder}{os.sep}".startswith(inside) for folder in way):
        raise SourceError(
            f"The link {link} leads to {target}, a folder that holds it, so to save what it leads to would not end: "
            "remove the link, or name what lies beside it."
        )
    if os.path.commonpath([target, home]) != home:
        log.warning("The link %s leads out of the folder, to %s; what it leads to is saved.", link, target)
    return target
