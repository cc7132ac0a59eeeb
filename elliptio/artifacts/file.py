"""Read one file of an artifact once it is published, and write it while its artifact is made."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from elliptio.artifacts import downloading, hashing, verified_paths
from elliptio.artifacts.block import Block
from elliptio.artifacts.downloading import Moved, Stored
from elliptio.artifacts.downloads import PLAIN, Downloads
from elliptio.errors import MissingKeyError, StoreError
from elliptio.metadata import FileRecord
from elliptio.system.file_systems import copy_open, make_executable
from elliptio.system.os_errors import explained
from elliptio.system.parallel import each
from elliptio.system.progress import Progress

if TYPE_CHECKING:
    from elliptio.protocols import Store

log = logging.getLogger(__name__)


class RemoteFile:
    """One file of an artifact.

    While its artifact is being made (inside ``with h.new(...)``) it can be written; once published it can only be
    read, and every complete read is checked against the recorded sha256.

    It is an `os.PathLike`, so that ``open`` and ``pd.read_csv`` take it as it is: its path is a real one on this
    machine, handed out when its content is verified, which is done once as long as nothing changes the file. Of a file
    in a remote store it is that of a read-only copy, which goes when the process ends.

    What is saved after a published file was read is based on its artifact, unless that was taken to be looked at only.

    Attributes
    ----------
    relpath
        Its name within the artifact.
    size, sha256
        Bytes, and hexadecimal hash of the content; None until published. The hash of a linked file is None until it
        is hashed.
    executable
        Whether it is a program: a copy of it can be executed too.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as made:
    ...     made.file.upload_string("1,2")
    >>> file = h.get(made.artifact_id).file
    >>> file.relpath, file.size
    ('data.csv', 3)
    >>> with open(file) as opened:
    ...     print(opened.read())
    1,2

    """

    def __init__(
        self,
        store: Store,
        key: str,
        relpath: str,
        record: FileRecord | None = None,
        block: Block | None = None,
        downloads: Downloads = PLAIN,
        artifact_id: str | None = None,
    ) -> None:
        self._store = store
        self._artifact_id = artifact_id
        self._key = key
        self._block = block
        self._downloads = downloads
        self.relpath = relpath
        self.size = record.size if record else None
        self.sha256 = (record.sha256 or None) if record else None
        self._stamp = record.stamp if record else None
        self._value = record.value if record else None
        self.executable = record.executable if record else False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.remote_url!r}, size={self.size})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteFile):
            return NotImplemented
        return self._identity() == other._identity()

    def _identity(self) -> tuple[str, str, str | None, str | None]:
        return self._store.root, self._key, self.sha256, self._stamp

    def __hash__(self) -> int:
        return hash((self._store.root, self._key))

    def __fspath__(self) -> str:
        if self._block:
            return str(self._block.path(self.relpath))
        path = verified_paths.path_of(self._stored(), self.relpath, self._downloads.cache)
        self._count()
        return str(path)

    @property
    def remote_url(self) -> str:
        """Place of the file: an absolute path on a local lake, otherwise a URL such as ``s3://bucket/…``.

        While the artifact is being made on a local lake, the path that can be written to directly.
        """
        if self._block and self._block.in_place:
            return str(self._block.path(self.relpath))
        return f"{self._store.root}/{self._key}"

    @property
    def local_path(self) -> Path:
        """A real local path, to write to while the artifact is being made, to read from on a local lake.

        Raises
        ------
        StoreError
            If the file lies in a remote store: use `download`, `open` or ``os.fspath(file)``.

        """
        if self._block:
            return self._block.path(self.relpath)
        if self._store.folder is not None:
            self._count()
            return Path(self._store.folder, self._key)
        raise StoreError(f"{self.remote_url} is not a local file: use .download() or .open().")

    @property
    def is_local(self) -> bool:
        """True where the file lies on this machine, so that no copy of it is read."""
        return self._store.folder is not None

    def exists(self) -> bool:
        """Tell whether the file is there."""
        if self._block:
            return (self._block.folder / self.relpath).exists()
        return self._store.stat(self._key) is not None

    def stamp_now(self) -> str:
        """Return what the store says that changes when the file is written again; empty where it cannot tell.

        Raises
        ------
        MissingKeyError
            If the file is gone.

        """
        found = self._store.stat(self._key)
        if found is None:
            raise MissingKeyError(f"{self.remote_url} is not there any more.")
        return found.stamp

    def open(self, mode: str = "rb", encoding: str | None = None) -> IO[Any]:
        """Open the file: ``"r"`` for text (UTF-8 unless said otherwise), ``"rb"`` for bytes; seekable.

        ``"w"``, ``"wb"``, ``"a"``, ``"x"`` … while the artifact is being made. Reading from start to end checks the
        content; a reader that seeks gets no such check. From a remote store only what is read is fetched, and a little
        ahead of it; a copy in the cache is read instead if there is one of up to 256 MiB.

        Raises
        ------
        IntegrityError
            At the end of a read, if the bytes are not those that were saved; at once, if a linked file changed.
        StoreError
            If a published file is opened for writing.

        """
        text_encoding = None if "b" in mode else (encoding or "utf-8")
        if self._block:
            return self._block.opened(open(self._block.path(self.relpath), mode, encoding=text_encoding))
        if set(mode) & set("wax+"):
            raise StoreError(f"{self.remote_url} is published and cannot be changed: save a new artifact.")
        buffered = downloading.to_read(self._stored(), self._downloads.cache)
        self._count()
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding=text_encoding)

    def download(self, to: str | os.PathLike[str] | None = None) -> Path:
        """Copy the file to this machine, verified.

        Parameters
        ----------
        to
            A file to write (replaced if it is there), or a folder: one that exists, or has a slash at the end. Without
            it, the file's own name in the working directory, where a file of different content is never replaced.

        Returns
        -------
        Path
            Where it lies now.

        Raises
        ------
        IntegrityError
            If the bytes are not those that were saved; nothing is written then.
        MissingKeyError
            If the store no longer has the file, and the cache has no copy.
        StoreError
            If it cannot be read, or not be written here; nothing is left of it then.

        """
        name = Path(self.relpath).name
        target = Path(name if to is None else to)
        with explained("write", _shown(target)):
            if to is not None and (target.is_dir() or os.fspath(to).endswith("/")):
                target = target / name
            if to is None and os.path.lexists(target):
                if target.is_file() and hashing.sha256_of(target) == self.sha256:
                    self._count()
                    return target
                raise StoreError(f"{_shown(target)} is there with different content: say where, .download(to=...).")
        download_all([(self, target)])
        return target

    def download_string(self, encoding: str = "utf-8") -> str:
        """Read the whole file as text, verified."""
        if self._block:
            return self._block.path(self.relpath).read_bytes().decode(encoding)
        content = downloading.to_bytes(self._stored(), self._downloads.cache)
        self._count()
        return content.decode(encoding)

    def load(self, *, format: str | None = None, **options: Any) -> Any:
        """Read the value that the file holds, verified: by how it was saved, else by the suffix of its name.

        Parameters
        ----------
        format
            Name of the format, instead. What was not saved as a pickle, or by joblib, with `save` is only read as such
            where it is named: that may run any code.
        options
            Passed on to the format, such as ``columns=["a"]`` of tables.

        Raises
        ------
        UnknownFormatError
            If there is no such format, or none for this suffix.
        FormatOptionError
            If the format has no such option.
        FormatError
            If it cannot be read so.
        WriteOnlyError
            If it shows a figure.
        IntegrityError, StoreError
            As for `open`.
        MissingExtraError
            If a library is not installed.

        """
        from elliptio.formats.choosing import read

        return read(self, self.relpath, self._value, format, options)

    def upload(self, path: str | os.PathLike[str]) -> None:
        """Fill this file from a local one, while its artifact is being made."""
        with open(path, "rb") as source, self._writing() as sink:
            executable = copy_open(source, sink)
        if executable and self._block:
            make_executable(self._block.path(self.relpath))

    def upload_string(self, text: str, encoding: str = "utf-8") -> None:
        """Fill this file with text, while its artifact is being made."""
        with self._writing() as sink:
            sink.write(text.encode(encoding))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[BinaryIO]:
        with explained("write", self.remote_url), self.open("wb") as sink:
            yield cast("BinaryIO", sink)

    def _count(self) -> None:
        """Let what is made afterwards be based on the artifact of this file: it was read."""
        if self._artifact_id is not None and self._downloads.read is not None:
            self._downloads.read(self._artifact_id)

    def unread(self) -> RemoteFile:
        """Return the same file to look at: reading it does not count as what the next artifact is based on."""
        seen = copy.copy(self)
        seen._artifact_id = None
        return seen

    def _stored(self) -> Stored:
        # Every published file has a record.
        assert self.size is not None
        assert self.sha256 is not None or self._stamp is not None
        return Stored(self._store, self._key, self.size, self.sha256 or "", self._stamp, self.executable)

    def _fetch(self, target: Path, moved: Moved) -> None:
        with explained("write", _shown(target)):
            if target.is_dir():
                raise StoreError(f"{_shown(target)} is a folder, where a file should go: say where, .download(to=...).")
            if target.exists() and not target.is_file():
                raise StoreError(f"{_shown(target)} is a device or a pipe, which a file must not replace.")
            if not self._block:
                downloading.to_path(self._stored(), target, self._downloads.cache, moved)
                self._count()
                return
            path = self._block.path(self.relpath)
            with downloading.replacing(target, executable=os.access(path, os.X_OK)) as part:
                shutil.copyfile(path, part)

    def _publish(self, record: FileRecord) -> None:
        self._block = None
        self.size, self.sha256 = record.size, record.sha256
        self.executable, self._value = record.executable, record.value


class LocalFile(RemoteFile):
    """A file in a local lake.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as made:
    ...     made.file.upload_string("1,2")
    >>> made.file.local_path.read_text()
    '1,2'

    """


class S3File(RemoteFile):
    """A file in an S3 lake.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("s3://bucket/prefix")
    >>> with h.new(["data.csv"]) as made:
    ...     made.file.upload_string("1,2")
    >>> made.file.remote_url
    's3://bucket/prefix/.../files/data.csv'

    """


FILE_CLASSES: dict[str, type[RemoteFile]] = {"file": LocalFile, "s3": S3File}


def _shown(path: Path) -> str:
    try:
        return str(path.absolute())
    except FileNotFoundError:  # the working directory was removed
        return str(path)


def download_all(wanted: Sequence[tuple[RemoteFile, Path]]) -> None:
    """Copy files of one lake to paths, verified, as many at once as suit their store; the first failure stops all.

    Raises
    ------
    IntegrityError
        If the bytes of a file are not those that were saved. Files that are complete by then stay.
    StoreError
        If a file cannot be read, or not be written here.

    """
    if not wanted:
        return
    first, _ = wanted[0]
    total = sum(file.size or 0 for file, _ in wanted)
    workers = min(first._store.concurrency, len(wanted))
    with Progress(total, "Getting", enabled=first._downloads.progress) as bar:
        if workers == 1:
            for file, target in wanted:
                file._fetch(target, bar.advance)
            return
        each(
            lambda task: task[0]._fetch(task[1], bar.advance),
            wanted,
            workers=workers,
            name="elliptio-download",
            stopped=bar.stopped,
        )
