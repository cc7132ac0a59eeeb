"""Keep a lake in a folder of this machine, or of a network drive.

Files are staged in ``<root>/.elliptio/staging`` and renamed into place, so that an artifact appears whole or not at
all, also after a power failure.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import io
import os
import stat
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from elliptio.errors import MissingKeyError, StoreError
from elliptio.naming import check_key
from elliptio.protocols import Content, Staging, Store, StoredFile
from elliptio.stores.local.disk import (
    ABSENT,
    NEW_FILE,
    NO_HARD_LINKS,
    OPEN_AT_ONCE,
    PRIVATE,
    READ_ONLY,
    STAGING,
    STEP,
    SUFFIX,
    Reader,
    StagingLock,
    begin_flush,
    check_inside,
    flush,
    give_name,
    is_lock,
    prepare,
    stored_files,
    with_parent,
    write_all,
)
from elliptio.stores.local.removing import left_empty, remove_empty, remove_staged, remove_tree
from elliptio.system.file_systems import NO_UTF8, UTF8, absolute
from elliptio.system.os_errors import explained, store_error

CHUNK = 1 << 20
"""Bytes that are read of a source at once."""

AT_ONCE = 100
"""Small files that are flushed together; each is held open, and locked, until then."""

ATTEMPTS = 3
"""Times that small files are begun, where somebody took one for left behind."""

BATCH = 1000
"""Files that a listing looks at before it hands them on, at least."""


class LocalStore(Store):
    """Keep files in a folder.

    The folder need not exist before something is written. Published files are read-only, and who may read them follows
    the umask, not the files they were copied from: with umask 077 nobody else may. Files that a program writes into
    the staging folder itself keep the permissions it gave them, but those to write.

    Everything below ``.elliptio`` belongs to elliptio: `list` shows it only for a prefix that begins with that, and
    what is being staged only for one that begins with ``.elliptio/staging``: so what a crash left is found and removed.
    Where it left no files, its staging folder is listed. `remove` passes over what a running process is staging.

    Parameters
    ----------
    root
        The folder. ``~`` is expanded, a relative path is taken from the working directory; links are kept.
    durable
        True to wait until the disk has what was published. Without, a power failure can lose or damage it.

    Examples
    --------
    >>> import tempfile
    >>> store = LocalStore(tempfile.mkdtemp())
    >>> store.create("2026/x.txt", b"data")
    True
    >>> [(file.key, file.size) for file in store.list("2026")]
    [('2026/x.txt', 4)]
    """

    scheme = "file"
    remote = False
    together = True

    def __init__(self, root: str | Path, *, durable: bool = True) -> None:
        self.root = self.folder = absolute(os.path.expanduser(root))
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
            check_inside(folder, self.root)
            lock = with_parent(folder, StagingLock, folder)
        return LocalStaging(self, folder, target, lock)

    def open(self, key: str, *, whole: bool = False) -> BinaryIO:
        """Open for reading; the system itself reads ahead.

        Raises
        ------
        MissingKeyError
            If there is no such file.
        """
        path = self._path(key)
        try:
            # A pipe in the place of a file would keep its reader waiting for ever.
            fd = os.open(path, os.O_RDONLY | OPEN_AT_ONCE)
        except OSError as error:
            if error.errno in ABSENT:
                raise MissingKeyError(f"there is no file {key!r} in {self.root}") from error
            raise store_error("read", path, error) from error
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise MissingKeyError(f"there is no file {key!r} in {self.root}, but something else in its place")
        reader = Reader(fd)
        reader.path = path
        return io.BufferedReader(reader)

    def stat(self, key: str) -> StoredFile | None:
        """Tell size and time of exactly this file; None where there is none."""
        path = self._path(key)
        try:
            found = os.stat(path)
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise store_error("look up", path, error) from error
        return stored_files([(key, found)])[0] if stat.S_ISREG(found.st_mode) else None

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """List all files at or below a prefix, but those of elliptio itself: see the class. Links are not followed."""
        if prefix:
            check_key(prefix, self.root)
        if f"{prefix}/".startswith(f"{STAGING}/"):
            left = left_empty(os.path.join(self.root, STAGING)) if prefix == STAGING else ()
            found = stored_files((f"{STAGING}/{name}", status) for name, status in left)
            return chain(chain.from_iterable(self._batches(prefix)), (replace(one, size=0) for one in found))
        hidden = STAGING if f"{prefix}/".startswith(f"{PRIVATE}/") else PRIVATE
        return chain.from_iterable(self._batches(prefix, hidden))

    def create(self, key: str, data: bytes, others: Mapping[str, bytes] | None = None) -> bool:
        """Write a small file unless it exists, by a hard link: atomic between processes and on network drives."""
        path = self._path(key)
        if not others and os.path.lexists(path):
            return False
        files = {path: data, **{self._path(other): each for other, each in (others or {}).items()}}
        written, attempt, lock = True, 1, os.path.join(self.root, STAGING, ".lock")
        with explained("write", path):
            for path in files:
                check_inside(path, self.root)
            while files:
                made: dict[str, tuple[str, int]] = {}
                changed: list[str] = []
                try:
                    for path in list(files)[:AT_ONCE]:
                        temporary = os.path.join(self.root, STAGING, f"create-{uuid.uuid4().hex}")
                        made[path] = temporary, (fd := with_parent(temporary, os.open, temporary, NEW_FILE, READ_ONLY))
                        with contextlib.suppress(OSError):
                            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        write_all(fd, files[path])
                    if self.durable:
                        flush([temporary for temporary, _ in made.values()])
                    for path, (temporary, _) in made.items():
                        written = give_name(temporary, path, lock, changed) and written
                        del files[path]
                except FileNotFoundError:
                    # Where a drive keeps no locks, who collects may have taken one for left behind.
                    if attempt == ATTEMPTS or all(os.path.lexists(made[path][0]) for path in files if path in made):
                        raise
                    attempt += 1
                finally:
                    for temporary, fd in made.values():
                        os.close(fd)
                        with contextlib.suppress(FileNotFoundError):
                            os.unlink(temporary)
                    if self.durable and changed:
                        flush(list(dict.fromkeys(changed)))
        return written

    def remove(self, prefix: str) -> None:
        """Remove what is at or below a prefix, and folders that are empty then.

        A staging folder goes with its lock, unless the process that made it still runs: then nothing happens.

        Raises
        ------
        StoreError
            If it fails, or a link leads out of the lake: what lies elsewhere is never removed.
        """
        path = self._path(prefix)
        parts = prefix.split("/")
        with explained("remove", path):
            check_inside(path, self.root)
            if prefix == STAGING:
                with contextlib.suppress(FileNotFoundError):
                    for name in sorted(os.listdir(path)):
                        self.remove(f"{STAGING}/{name}")
            elif "/".join(parts[:2]) == STAGING and len(parts) > 2 and prefix != f"{STAGING}/{SUFFIX}":
                remove_staged(os.path.join(self.root, STAGING, parts[2].removesuffix(SUFFIX)), path)
            else:
                remove_tree(path)
            remove_empty(os.path.dirname(path), self.root)

    def _path(self, key: str) -> str:
        """Return the path of a key, or refuse what is none."""
        if not UTF8 and not key.isascii():
            raise StoreError(f"there is no path for {key!r} in {self.root}: {NO_UTF8}")
        return os.path.join(self.root, check_key(key, self.root))

    def _batches(self, prefix: str, hidden: str = "") -> Iterator[Sequence[StoredFile]]:
        """List a file, or all files below a folder, but one folder and the locks of staging folders; many at a time."""
        folders, seen = [prefix], list[tuple[str, os.stat_result]]()
        while folders:
            folder = folders.pop()
            path = os.path.join(self.root, folder)
            try:
                with os.scandir(path) as entries:
                    found = [entry for entry in entries if not entry.is_symlink()]
            except OSError as error:
                # Most often nothing is there; what is no folder may be a file.
                single = self.stat(prefix) if folder == prefix != "" and error.errno != errno.ENOENT else None
                if single is not None:
                    yield [single]
                elif error.errno not in ABSENT:
                    raise store_error("list", path, error) from error
                continue
            for entry in found:
                key = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if key != hidden:
                        folders.append(key)
                elif entry.is_file(follow_symlinks=False) and not (folder == STAGING and is_lock(entry.name)):
                    # Somebody else may be removing while we list.
                    with contextlib.suppress(FileNotFoundError):
                        seen.append((key, entry.stat(follow_symlinks=False)))
            if len(seen) >= BATCH:
                yield stored_files(seen)
                seen = []
        if seen:
            yield stored_files(seen)


class LocalStaging(Staging):
    """Stage the files of one artifact in a folder on the file system of the lake: see `LocalStore.begin`."""

    in_place = together = True

    def __init__(self, store: LocalStore, folder: str, target: str, lock: StagingLock) -> None:
        self._path = folder
        self._store = store
        self._target = target
        self._lock = lock
        self._made = {folder}
        self._put: set[str] = set()
        # As long as nobody else could write into the folder, what it holds is known.
        self._known = UTF8
        self._beside: list[tuple[str, str]] = []

    @functools.cached_property
    def folder(self) -> Path:  # type: ignore[override]
        """Hand out the staging folder: whoever has it may write into it."""
        self._known = False
        return Path(self._path)

    def put(self, relpath: str, source: BinaryIO) -> None:
        """Copy what `source` still yields into the staging folder; of a copy that fails nothing is left."""
        path = os.path.join(self._path, check_key(relpath, self._path))
        writing = explained("write", path)
        with writing:
            if (folder := os.path.dirname(path)) not in self._made:
                self._make_folder(folder)
            fd = os.open(path, NEW_FILE, READ_ONLY)
        written = begun = 0
        try:
            # What the source raises is not the fault of the store, and passes through.
            while chunk := source.read(CHUNK):
                with writing:
                    write_all(fd, chunk)
                written += len(chunk)
                if self._store.durable and written - begun >= STEP:
                    begin_flush(fd, begun, written - begun)
                    begun = written
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        finally:
            os.close(fd)
        self._put.add(path)

    def create(self, key: str, data: bytes) -> bool:
        """Write a small file that gets its name in the store when this is published, just before; flushed together."""
        self.put(relpath := f"beside-{len(self._beside)}", io.BytesIO(data))
        self._beside.append((os.path.join(self._path, relpath), self._store._path(key)))
        return True

    def link(self, relpath: str, key: str, content: Content | None = None) -> bool:
        """Make a hard link to a published file; False where there are none between these folders."""
        path = os.path.join(self._path, check_key(relpath, self._path))
        published = os.path.join(self._store.root, check_key(key, self._store.root))
        with explained("write", path):
            check_inside(published, self._store.root)
            self._known = False
            if (folder := os.path.dirname(path)) not in self._made:
                self._make_folder(folder)
            try:
                if not stat.S_ISREG(os.lstat(published).st_mode):
                    return False
                os.link(published, path)
            except OSError as error:
                if error.errno not in (*NO_HARD_LINKS, *ABSENT, errno.EXDEV):
                    raise
                return False
        return True

    def publish(self, *others: LocalStaging) -> None:
        """Flush, make files read-only, and rename the folder to where readers look; those of others too.

        Raises
        ------
        StoreError
            If something is there or the disk fails. Nothing is visible then, and `discard` is still to be done.
        """
        moved, made = list[LocalStaging](), list[str]()
        with explained("publish", self._target):
            parts: list[str] = []
            for one in (self, *others):
                check_inside(one._target, one._store.root)
                parts += [*one._put, *one._made] if one._known else prepare(one._path, one._put)
            if self._store.durable:
                flush(parts)
            try:
                for temporary, path in [pair for one in (self, *others) for pair in one._beside]:
                    check_inside(path, self._store.root)
                    give_name(temporary, path, os.path.join(self._store.root, STAGING, ".lock"), made)
                    with contextlib.suppress(FileNotFoundError):  # it was renamed, on a drive without hard links
                        os.unlink(temporary)
                for one in (self, *others):
                    if os.path.lexists(one._target):
                        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), one._target)
                    with_parent(one._target, os.rename, one._path, one._target, made=made)
                    moved.append(one)
                if self._store.durable:
                    flush([*dict.fromkeys(os.path.dirname(one._target) for one in moved), *made])
            except OSError:
                for one in moved:
                    os.rename(one._target, one._path)
                raise
            for one in moved:
                one._lock.release()

    def discard(self) -> None:
        """Remove the staging folder. After `publish` there is none."""
        with explained("discard", self._path):
            remove_tree(self._path)
            self._lock.release()

    def _make_folder(self, folder: str) -> None:
        """Make a folder below the staging folder, which must not lead out of it through a link."""
        parent = os.path.dirname(folder)
        if parent not in self._made:
            self._make_folder(parent)
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from None
        self._made.add(folder)
