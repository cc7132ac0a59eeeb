"""Real paths with verified content, for programs that open files by themselves."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from elliptio.artifacts import downloading
from elliptio.artifacts.cache import Cache
from elliptio.artifacts.downloading import Stored
from elliptio.artifacts.hashing import sha256_of
from elliptio.artifacts.stamps import changed
from elliptio.errors import IntegrityError, MissingKeyError
from elliptio.naming import check_relpath
from elliptio.system.os_errors import explained

_State = tuple[int, int, int, int]
"""Inode, size and times of a file: when one of them changes, so may have its content.

One time is of the content, the other of all that the system knows of the file: nobody can set that one back.
"""

_verified: dict[tuple[str, str], _State] = {}
_folders: dict[int, Path] = {}


def path_of(stored: Stored, relpath: str, cache: Cache | None) -> Path:
    """Path at which a published file can be read, its content verified.

    In a local lake it is where the file lies. Of a file in a remote store it is that of a copy, read-only and under
    its own name, which lasts as long as the process. A file is verified once, unless something changed it.

    Raises
    ------
    IntegrityError
        If the bytes are not those that were saved.
    MissingKeyError
        If the store no longer has the file.
    StoreError
        If it cannot be read, or the copy not be written.

    """
    untouched = stored.is_untouched()
    if stored.store.folder is not None:
        path = Path(stored.store.folder, stored.key)
        if stored.store.stat(stored.key) is None:
            raise MissingKeyError(f"there is no file {stored.key!r} in {stored.store.root}")
        if not stored.sha256:
            return path
        if not _is_known(path, stored) and not _verify(path, stored):
            if stored.stamp is not None:
                raise changed(str(path), f"its sha256 is not {stored.sha256} any more")
            raise IntegrityError(f"{path} is damaged: its content is not what was saved (sha256 {stored.sha256}).")
        return path
    with explained("write", tempfile.gettempdir()):
        path = _folder() / stored.name / Path(check_relpath(relpath)).name
        if not untouched or not _is_known(path, stored):
            downloading.to_path(stored, path, cache, lambda size: None)
            path.chmod(0o500 if stored.executable else 0o400)
            _verified[str(path), stored.name] = _state(path)
    return path


def _is_known(path: Path, stored: Stored) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return _verified.get((str(path), stored.name)) == _state(path)
    return False


def _verify(path: Path, stored: Stored) -> bool:
    with explained("read", str(path)):
        state = _state(path)  # before: what is written meanwhile must not count as verified
        if state[1] != stored.size or sha256_of(path) != stored.sha256:
            return False
    _verified[str(path), stored.name] = state
    return True


def _state(path: Path) -> _State:
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _folder() -> Path:
    """Folder for the copies of this process, which goes with it."""
    pid = os.getpid()
    if pid not in _folders:
        folder = _folders[pid] = Path(tempfile.mkdtemp(prefix="elliptio-"))
        atexit.register(_remove, folder, pid)
    return _folders[pid]


def _remove(folder: Path, pid: int) -> None:
    if pid == os.getpid():  # a child that ends leaves its parent's alone
        shutil.rmtree(folder, ignore_errors=True)
