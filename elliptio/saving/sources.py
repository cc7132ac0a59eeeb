"""Find what to save: the paths a user names become (name within the artifact, local path) pairs."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elliptio.errors import SourceError, SourceNotFoundError
from elliptio.naming import check_declared, check_relpath, common_parent

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

    """

    relpath: str
    path: str
    size: int
    modified: int


def find_sources(local_paths: Paths, *, lake: str | None = None) -> tuple[list[Source], str]:
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
    tuple[list[Source], str]
        The files, named relative to the deepest folder that all the paths share, and that folder.

    Raises
    ------
    SourceNotFoundError
        If paths do not exist; the message names all of them.
    SourceError
        If there is nothing to save, or something that is no regular file or cannot be read, or a name no store can
        keep.

    """
    named = [local_paths] if isinstance(local_paths, str | os.PathLike) else _paths(local_paths)
    texts = [_text(path) for path in named]
    with _readable():
        return _find_sources(texts, lake)


def _find_sources(texts: Sequence[str], lake: str | None) -> tuple[list[Source], str]:
    paths = [os.path.abspath(text) for text in texts]
    if not paths:
        raise SourceError("There is nothing to save: no paths were given.")
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        more = f" and {len(missing) - 20:,} more" if len(missing) > 20 else ""
        hint = _hint(missing[0])
        raise SourceNotFoundError(f"These paths do not exist: {', '.join(missing[:20])}{more}.{hint}")
    folders = {path if os.path.isdir(path) else os.path.dirname(path) for path in paths}
    root = common_parent(folders) if len(folders) > 1 else folders.pop()
    home = None if lake is None else os.path.realpath(lake)
    files = {file: None for path in paths for file in (_walk(path, home) if os.path.isdir(path) else (path,))}
    if not files:
        raise SourceError(f"There is nothing to save: {', '.join(paths[:20])} holds no files.")
    prefix = len(root) if root.endswith(os.sep) else len(root) + 1
    return [_source(file, file[prefix:]) for file in files], root


def declared_in(relpaths: Paths | None) -> list[str] | None:
    """Check the names of files that are to be written; None where none are given.

    Raises
    ------
    SourceError
        If one cannot be the name of a file.

    """
    if relpaths is None:
        return None
    return check_declared([relpaths] if isinstance(relpaths, str | os.PathLike) else relpaths)


def files_in(folder: Path) -> list[Source]:
    """All files below a folder, named relative to it, in the order of their names."""
    prefix = len(str(folder)) + 1
    with _readable():
        return [_source(file, file[prefix:]) for file in _walk(str(folder))]


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
    if hasattr(local_paths, "to_csv") or hasattr(local_paths, "write_csv"):
        raise SourceError(
            f"A {kind.__name__} is not a file yet. Write it to one: "
            "with h.new(['table.csv']) as new: table.to_csv(new.file.local_path)"
        )
    if isinstance(local_paths, bytes | Mapping) or not isinstance(local_paths, Iterable):
        raise SourceError(f"local_paths is a path or an iterable of paths, not a {kind.__name__}.")
    return local_paths


def _hint(path: str) -> str:
    if ":/" in path:
        return " Only local files can be saved: download the URL first."
    if any(sign in os.path.basename(path) for sign in "*?["):
        return " Patterns are not expanded: use pathlib.Path().glob(...)."
    return ""


def _text(path: PathLike) -> str:
    try:
        text = os.fspath(path)
    except TypeError:
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
    return Source(relpath, path, status.st_size, status.st_mtime_ns)


def _walk(folder: str, lake: str | None = None) -> Iterator[str]:
    """Yield all files below `folder`, sorted; links are followed, each folder entered once, and the `lake` never."""
    home = os.path.realpath(folder)
    entered: set[str] = set()
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        real = os.path.realpath(current)
        if real in entered:
            continue
        if real == lake:
            # Each save would hold all saves before it.
            raise SourceError(f"{current} is the lake that it would be saved into: name what lies beside it.")
        entered.add(real)
        with os.scandir(current) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        folders = []
        for entry in ordered:
            if entry.is_symlink():
                _warn_if_outside(entry.path, home)
            if entry.is_dir():
                folders.append(entry.path)
            else:
                yield entry.path
        waiting += reversed(folders)


def _warn_if_outside(link: str, home: str) -> None:
    target = os.path.realpath(link)
    if not os.path.exists(target):
        raise SourceNotFoundError(f"The link {link} leads nowhere (to {target}).")
    if os.path.commonpath([target, home]) != home:
        log.warning("The link %s leads out of the folder, to %s; what it leads to is saved.", link, target)
