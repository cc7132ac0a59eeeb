"""A lake in a folder of this machine, or of a network drive.

Files are staged in ``<root>/.elliptio/staging`` and renamed into place, so that an artifact appears whole or not at
all, also after a power failure.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from elliptio.errors import MissingKeyError, StoreError
from elliptio.protocols import StoredFile
from elliptio.stores import check_key
from elliptio.stores.durability import flush

CHUNK = 1 << 20
PRIVATE = ".elliptio"
STAGING = f"{PRIVATE}/staging"
READ_ONLY = 0o444

_ADVICE = {
    errno.EACCES: "Give this user access to it, or choose another root.",
    errno.EPERM: "Give this user access to it, or choose another root.",
    errno.EROFS: "The file system is mounted read-only: choose another root, or have it mounted writable.",
    errno.ENOSPC: "The disk is full: free some space, or choose another root.",
    errno.EDQUOT: "Your quota is used up: free some space, or choose another root.",
    errno.EFBIG: "The file is larger than this file system or process may write.",
    errno.ENOTDIR: "A file is where a folder should be: choose another root.",
    errno.ENAMETOOLONG: "The file system does not allow names this long: use a shorter one.",
    errno.EXDEV: "The lake spans several file systems: have the whole root on one.",
    errno.EEXIST: "It exists already, and elliptio never overwrites.",
    errno.ENOTEMPTY: "It exists already, and elliptio never overwrites.",
    errno.EIO: "The disk or the network drive failed: check its health.",
    errno.ESTALE: "The network drive lost it: mount it again.",
}
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EISDIR)
_NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL)


class LocalStore:
    """Keeps files in a folder.

    The folder need not exist before something is written. Published files are read-only; their other permissions
    follow the umask. Everything below ``.elliptio`` belongs to elliptio: `list` shows it only for a prefix that begins
    with ``.elliptio``, and what is being staged only for one that begins with ``.elliptio/staging`` (what a crash left
    behind is found and removed through that).

    Parameters
    ----------
    root
        The folder. ``~`` is expanded, a relative path is taken from the working directory; links are kept.
    durable
        Whether to wait until the disk has what was published. Without, a power failure can lose or damage it.
    """

    scheme = "file"

    def __init__(self, root: str | Path, *, durable: bool = True) -> None:
        self.root = os.path.abspath(os.path.expanduser(root))
        self.durable = durable
        self.concurrency = max(4, min(8, os.cpu_count() or 1))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.root!r})"

    def begin(self, prefix: str) -> LocalStaging:
        """Start an artifact in a new folder below ``.elliptio/staging``.

        Raises
        ------
        StoreError
            If the folder cannot be made, or is in use by another upload of the same name.
        """
        target = self._path(prefix)
        folder = os.path.join(self.root, STAGING, os.path.basename(target))
        with explained("stage files in", folder):
            with_parent(folder, lambda: os.mkdir(folder))
        return LocalStaging(self, folder, target)

    def open(self, key: str) -> BinaryIO:
        """Open for reading.

        Raises
        ------
        MissingKeyError
            If there is no such file.
        """
        path = self._path(key)
        try:
            return open(path, "rb")
        except OSError as error:
            if error.errno in _ABSENT:
                raise MissingKeyError(f"there is no file {key!r} in {self.root}") from error
            raise _error("read", path, error) from error

    def stat(self, key: str) -> StoredFile | None:
        """Size and time of exactly this file, or None."""
        path = self._path(key)
        try:
            found = os.stat(path)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise _error("look up", path, error) from error
        return _stored(key, found) if stat.S_ISREG(found.st_mode) else None

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """All files at or below a prefix, but those of elliptio itself: see the class. Links are not followed."""
        if prefix:
            self._path(prefix)
            found = self.stat(prefix)
            if found is not None:
                yield found
                return
        hidden = () if f"{prefix}/".startswith(f"{STAGING}/") else (STAGING,)
        if prefix.split("/", 1)[0] != PRIVATE:
            hidden = (PRIVATE,)
        yield from self._walk(prefix, hidden)

    def create(self, key: str, data: bytes) -> bool:
        """Write a small file unless it exists, by a hard link: atomic between processes and on network drives."""
        path = self._path(key)
        if os.path.lexists(path):
            return False
        temporary = os.path.join(self.root, STAGING, f"create-{uuid.uuid4().hex}")
        with explained("write", path):
            fd = with_parent(temporary, lambda: _open_new(temporary))
            try:
                with os.fdopen(fd, "wb", buffering=0) as file:
                    _write(file.fileno(), data)
                    if self.durable:
                        os.fsync(fd)
                return self._claim(temporary, path)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary)

    def remove(self, prefix: str) -> None:
        """Remove what is at or below a prefix, and folders that are empty then."""
        path = self._path(prefix)
        with explained("remove", path):
            _remove(path)
            parent = os.path.dirname(path)
            while len(parent) > len(self.root):
                try:
                    os.rmdir(parent)
                except OSError as error:
                    if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                        break
                parent = os.path.dirname(parent)

    def _path(self, key: str) -> str:
        return os.path.join(self.root, check_key(key, self.root))

    def _claim(self, temporary: str, path: str) -> bool:
        """Give a complete file its name, unless the name is taken."""
        made: list[str] = []
        try:
            with_parent(path, lambda: os.link(temporary, path), made)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            if not _rename_locked(os.path.join(self.root, STAGING, ".lock"), temporary, path):
                return False
        if self.durable:
            flush([os.path.dirname(path), *made])
        return True

    def _walk(self, prefix: str, hidden: tuple[str, ...]) -> Iterator[StoredFile]:
        folders = [prefix]
        while folders:
            folder = folders.pop()
            path = os.path.join(self.root, folder)
            try:
                with os.scandir(path) as entries:
                    found = [entry for entry in entries if not entry.is_symlink()]
            except OSError as error:
                if error.errno in _ABSENT:
                    continue
                raise _error("list", path, error) from error
            for entry in found:
                key = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if key not in hidden:
                        folders.append(key)
                elif entry.is_file(follow_symlinks=False):
                    # Somebody else may be removing while we list.
                    with contextlib.suppress(FileNotFoundError):
                        yield _stored(key, entry.stat(follow_symlinks=False))


class LocalStaging:
    """The files of one artifact, staged in a folder on the file system of the lake."""

    in_place = True

    def __init__(self, store: LocalStore, folder: str, target: str) -> None:
        self.folder = Path(folder)
        self._path = folder
        self._store = store
        self._target = target
        self._made = {folder}

    def put(self, relpath: str, source: BinaryIO) -> None:
        """Copy what `source` still yields into the staging folder; of a copy that fails nothing is left."""
        path = os.path.join(self._path, check_key(relpath, self._path))
        with explained("write", path):
            self._make_folder(os.path.dirname(path))
            fd = _open_new(path)
        try:
            # What the source raises is not the fault of the store, and passes through.
            while chunk := source.read(CHUNK):
                with explained("write", path):
                    _write(fd, chunk)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        finally:
            os.close(fd)

    def publish(self) -> None:
        """Flush, make files read-only, and rename the folder to where readers look.

        Raises
        ------
        StoreError
            If something is there already or the disk fails. Nothing is visible then, and `discard` is still to be done.
        """
        with explained("publish", self._target):
            files, folders = _prepare(self._path)
            made: list[str] = []
            if self._store.durable:
                flush([*files, *folders])
            if os.path.lexists(self._target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._target)
            with_parent(self._target, lambda: os.rename(self._path, self._target), made)
            if self._store.durable:
                try:
                    flush([os.path.dirname(self._target), *made])
                except OSError:
                    os.rename(self._target, self._path)
                    raise

    def discard(self) -> None:
        """Remove the staging folder. After `publish` there is none."""
        with explained("discard", self._path):
            _remove(self._path)

    def _make_folder(self, folder: str) -> None:
        """Make a folder below the staging folder, which must not lead out of it through a link."""
        if folder in self._made:
            return
        self._make_folder(os.path.dirname(folder))
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from None
        self._made.add(folder)


@contextlib.contextmanager
def explained(action: str, path: str) -> Iterator[None]:
    """Turn what the operating system raises into a `StoreError` that says where, what and what to do."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise _error(action, path, error) from error


def _error(action: str, path: str, error: OSError) -> StoreError:
    where = "" if error.filename in (None, path) else f" ({error.filename})"
    advice = _ADVICE.get(error.errno or 0, "")
    found = StoreError(f"cannot {action} {path}: {error.strerror or error}{where}. {advice}".rstrip())
    found.errno = error.errno
    return found


def _stored(key: str, found: os.stat_result) -> StoredFile:
    return StoredFile(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _open_new(path: str) -> int:
    # Created read-only: this descriptor may write all the same, and no chmod is needed later.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, READ_ONLY)


def _write(fd: int, data: bytes) -> None:
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, memoryview(data)[written:])


def with_parent(path: str, action: Callable[[], Any], made: list[str] | None = None) -> Any:
    """Run what needs the parent of `path`, and make the parent only if it turns out to be missing.

    Repeated, as another process may remove an empty folder in between. Folders that got new children are added to
    `made`: they must be flushed too.
    """
    for _ in range(10):
        try:
            return action()
        except FileNotFoundError:
            parent = os.path.dirname(path)
            existing = parent
            while not os.path.lexists(existing):
                existing = os.path.dirname(existing)
                if made is not None:
                    made.append(existing)
            with contextlib.suppress(FileNotFoundError):
                os.makedirs(parent, exist_ok=True)
    return action()


def _prepare(folder: str) -> tuple[list[str], list[str]]:
    """Make staged files read-only, and return them and their folders."""
    files, folders = [], [folder]
    for path in folders:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                if not entry.is_file(follow_symlinks=False):
                    raise OSError(errno.EINVAL, "only regular files and folders can be published", entry.path)
                mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
                if mode & 0o222:
                    os.chmod(entry.path, mode & ~0o222)
                files.append(entry.path)
    return files, folders


def _remove(path: str) -> None:
    """Remove a file, a link or a tree; what is gone already does not matter."""
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (IsADirectoryError, PermissionError):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise
        shutil.rmtree(path, onerror=_retry_writable)


def _retry_writable(function: Callable[..., Any], path: str, info: Any) -> None:
    error = info[1]
    if isinstance(error, FileNotFoundError):
        return
    if not isinstance(error, PermissionError):
        raise error
    for each in (os.path.dirname(path), path):
        if stat.S_ISDIR(os.lstat(each).st_mode):
            os.chmod(each, 0o700)
    if function in (os.unlink, os.rmdir):
        function(path)
    else:
        shutil.rmtree(path)


def _rename_locked(lock: str, temporary: str, path: str) -> bool:
    """Rename unless the name is taken, under a lock that ends with this process: for drives without hard links."""
    import fcntl

    with open(lock, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.path.lexists(path):
            return False
        with_parent(path, lambda: os.rename(temporary, path))
        return True
