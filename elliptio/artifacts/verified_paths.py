"""Real paths with verified content, for programs that open files by themselves."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
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
from elliptio.system import ending
from elliptio.system.liveness import LifeLock, is_locked
from elliptio.system.os_errors import explained

_State = tuple[int, int, int, int]
"""Inode, size and times of a file: when one of them changes, so may have its content.

One time is of the content, the other of all that the system knows of the file: nobody can set that one back.
"""

_verified: dict[tuple[str, str], _State] = {}
_folders: dict[int, Path] = {}
_lives: dict[int, LifeLock] = {}

ALIVE = ".alive"
"""File in the folder of a process that is locked as long as it lives."""


def path_of(stored: Stored, relpath: str, cache: Cache | None) -> Path:
    """Path at which a published file can be read, its content verified.

    In a local lake it is where the file lies. Of a file in a remote store it is that of a copy, read-only and under
    its own name beside those of the same artifact, which lasts as long as the process. A file is verified once, unless
    something changed it.

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
        # Files of one artifact lie beside each other as in it: some are read together (Shapefiles, parts of a model).
        place = hashlib.sha256(stored.url.removesuffix(relpath).encode()).hexdigest()[:32]
        path = _folder() / place / check_relpath(relpath)
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
        _sweep()
        folder = _folders[pid] = Path(tempfile.mkdtemp(prefix="elliptio-"))
        _lives[pid] = LifeLock(str(folder / ALIVE))
        atexit.register(_remove, folder, pid)
        if ending.in_child():
            from multiprocessing.util import Finalize

            Finalize(None, _remove, (folder, pid), exitpriority=-100)
    return _folders[pid]


def _sweep() -> None:
    """Remove folders of processes that were killed, and could not do so themselves."""
    for alive in Path(tempfile.gettempdir()).glob(f"elliptio-*/{ALIVE}"):
        with contextlib.suppress(OSError):
            if alive.stat().st_uid == os.getuid() and is_locked(str(alive)) is False:
                shutil.rmtree(alive.parent, ignore_errors=True)


def _forget_locks() -> None:
    for lock in _lives.values():
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks)


def _remove(folder: Path, pid: int) -> None:
    if pid == os.getpid():  # a child that ends leaves its parent's alone
        shutil.rmtree(folder, ignore_errors=True)
