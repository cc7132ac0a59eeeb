"""An artifact and its files, as users hold them."""

from __future__ import annotations

import io
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from elliptio import hashing
from elliptio.errors import ElliptioError, FileKeyError, NotWrittenError, StoreError
from elliptio.metadata import FileRecord, Metadata
from elliptio.naming import check_relpath

if TYPE_CHECKING:
    from elliptio.protocols import Store


class RemoteFile:
    """One file of an artifact.

    While its artifact is being made (inside ``with h.new(...)``) it can be written; once published it can only be
    read, and every complete read is checked against the recorded sha256.

    Attributes
    ----------
    relpath
        Its name within the artifact.
    size, sha256
        Bytes, and hexadecimal hash of the content; None until published.

    """

    def __init__(
        self,
        store: Store,
        key: str,
        relpath: str,
        record: FileRecord | None = None,
        staged: tuple[Path, bool] | None = None,
    ) -> None:
        self._store = store
        self._key = key
        self._staged: Path | None = staged[0] if staged else None
        self._in_place = staged is not None and staged[1]
        self.relpath = relpath
        self.size = record.size if record else None
        self.sha256 = record.sha256 if record else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.remote_url!r}, size={self.size})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteFile):
            return NotImplemented
        return (self._store.root, self._key, self.sha256) == (other._store.root, other._key, other.sha256)

    def __hash__(self) -> int:
        return hash((self._store.root, self._key))

    @property
    def remote_url(self) -> str:
        """Where the file is: an absolute path on a local lake, otherwise a URL such as ``s3://bucket/…``.

        While the artifact is being made on a local lake, the path that can be written to directly.
        """
        if self._staged and self._in_place:
            return str(self._written_path())
        return f"{self._store.root}/{self._key}"

    @property
    def local_path(self) -> Path:
        """A real local path, to write to while the artifact is being made, to read from on a local lake.

        Raises
        ------
        StoreError
            If the file lies in a remote store: use `download` or `open`.

        """
        if self._staged:
            return self._written_path()
        if self._store.scheme == "file":
            return Path(self._store.root, self._key)
        raise StoreError(f"{self.remote_url} is not a local file: use .download() or .open().")

    def _written_path(self) -> Path:
        assert self._staged is not None
        self._staged.parent.mkdir(parents=True, exist_ok=True)
        return self._staged

    def exists(self) -> bool:
        """Whether the file is there."""
        if self._staged:
            return self._staged.exists()
        return self._store.stat(self._key) is not None

    def open(self, mode: str = "rb", encoding: str | None = None) -> IO[Any]:
        """Open the file: ``"r"`` for text (UTF-8 unless said otherwise), ``"rb"`` for bytes; seekable.

        ``"w"``, ``"wb"``, ``"a"``, ``"x"`` … while the artifact is being made. Reading from start to end checks the
        content; a reader that seeks gets no such check.

        Raises
        ------
        IntegrityError
            At the end of a read, if the bytes are not those that were saved.
        StoreError
            If a published file is opened for writing.

        """
        text_encoding = None if "b" in mode else (encoding or "utf-8")
        if self._staged:
            return open(self._written_path(), mode, encoding=text_encoding)
        if set(mode) & set("wax+"):
            raise StoreError(f"{self.remote_url} is published and cannot be changed: save a new artifact.")
        raw = self._store.open(self._key)
        # Every published file has a record.
        assert self.size is not None
        assert self.sha256 is not None
        checked = hashing.VerifyingReader(raw, self.size, self.sha256, self.remote_url)
        buffered = io.BufferedReader(checked, hashing.CHUNK)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding=text_encoding)

    def download(self, to: str | os.PathLike[str] | None = None) -> Path:
        """Copy the file to this machine, verified.

        Parameters
        ----------
        to
            A file to write (replaced if it is there) or an existing folder. Without it, the file's own name in the
            working directory, where a file of different content is never replaced.

        Returns
        -------
        Path
            Where it lies now.

        Raises
        ------
        IntegrityError
            If the bytes are not those that were saved; nothing is written then.
        MissingKeyError
            If the store no longer has the file.

        """
        target = Path(Path(self.relpath).name if to is None else to)
        if to is not None and target.is_dir():
            target = target / Path(self.relpath).name
        if to is None and os.path.lexists(target):
            if target.is_file() and hashing.sha256_of(target) == self.sha256:
                return target
            raise StoreError(f"{target.absolute()} is there with different content: say where, .download(to=...).")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with self.open("rb") as source, open(part, "xb") as sink:
                shutil.copyfileobj(source, sink, hashing.CHUNK)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def download_string(self, encoding: str = "utf-8") -> str:
        """Read the whole file as text, verified."""
        with self.open("rb") as source:
            return cast("bytes", source.read()).decode(encoding)

    def upload(self, path: str | os.PathLike[str]) -> None:
        """Fill this file from a local one, while its artifact is being made."""
        with open(path, "rb") as source, self._writable() as sink:
            shutil.copyfileobj(source, sink, hashing.CHUNK)

    def upload_string(self, text: str, encoding: str = "utf-8") -> None:
        """Fill this file with text, while its artifact is being made."""
        with self._writable() as sink:
            sink.write(text.encode(encoding))

    def _writable(self) -> BinaryIO:
        return cast("BinaryIO", self.open("wb"))

    def _publish(self, record: FileRecord) -> None:
        self._staged = None
        self.size, self.sha256 = record.size, record.sha256


class LocalFile(RemoteFile):
    """A file in a local lake; an `os.PathLike`, so that ``open`` and ``pd.read_csv`` take it as it is."""

    def __fspath__(self) -> str:
        return self.remote_url


class S3File(RemoteFile):
    """A file in an S3 lake."""


FILE_CLASSES: dict[str, type[RemoteFile]] = {"file": LocalFile, "s3": S3File}


class Files(Mapping[str, RemoteFile]):
    """Files of an artifact by name, in the order in which they were given.

    Parameters
    ----------
    names
        Their relpaths.
    make
        Makes the file object of a relpath, when it is first asked for.
    grows
        Whether a name that is not there yet is added when asked for.

    """

    def __init__(self, names: Iterable[str], make: Callable[[str], RemoteFile], *, grows: bool = False) -> None:
        self._files: dict[str, RemoteFile | None] = dict.fromkeys(names)
        self._make = make
        self._grows = grows

    def __getitem__(self, relpath: str) -> RemoteFile:
        relpath = os.fspath(relpath)
        if relpath not in self._files:
            if not self._grows:
                raise FileKeyError(f"There is no file {relpath!r} in this artifact; it has {_listed(list(self))}.")
            self._files[check_relpath(relpath)] = None
        file = self._files[relpath]
        if file is None:
            file = self._files[relpath] = self._make(relpath)
        return file

    def settle(self, names: Iterable[str]) -> None:
        """Hold exactly these names from now on; file objects that were handed out stay the same."""
        self._files = {name: self._files.get(name) or self._make(name) for name in names}
        self._grows = False

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return repr({name: self[name] for name in self})


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return (shown or "none") + (f" and {len(names) - most:,} more" if len(names) > most else "")


@dataclass
class Artifact:
    """An immutable set of files with what is known about them.

    Attributes
    ----------
    metadata
        Who, when, from what, with which code and packages.
    files, logs
        File objects by name.

    """

    metadata: Metadata
    files: Files
    logs: Files
    _children: Callable[[], tuple[Sequence[str], int]] = field(default=lambda: ([], 0), repr=False, compare=False)

    @property
    def artifact_id(self) -> str:
        """Identifier for ``h.get``."""
        return self.metadata.artifact_id

    @property
    def file(self) -> RemoteFile:
        """The only file.

        Raises
        ------
        FileKeyError
            If there is not exactly one; a KeyError that says how many there are.

        """
        if len(self.files) != 1:
            names = list(self.files)
            raise FileKeyError(f"The artifact has {len(names):,} files, not one: {_listed(names)}. Use .files[name].")
        return self.files[next(iter(self.files))]

    @property
    def remote_root(self) -> str:
        """Where the artifact lies: an absolute path or URL."""
        return self.metadata.remote_root

    def __str__(self) -> str:
        from elliptio.display import artifact_text

        return artifact_text(self.metadata, *self._neighbours())

    def _repr_html_(self) -> str:
        from elliptio.display import artifact_html

        return artifact_html(self.metadata, *self._neighbours())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"Artifact({self.artifact_id!r})" if cycle else str(self))

    def _neighbours(self) -> tuple[Sequence[str] | None, int]:
        """Tell what was built on this, and how many; None where the index cannot say: showing must never fail."""
        try:
            return self._children()
        except ElliptioError:
            return None, 0


class NewArtifact(Artifact):
    """An artifact being made inside ``with h.new(...)``: its files can be written until the block ends.

    Attributes
    ----------
    folder
        A local folder; everything in it is collected where no names were declared.

    """

    folder: Path

    def _publish(self, metadata: Metadata, logs: Files) -> None:
        self.files.settle(metadata.file_relpaths)
        for record in metadata.files:
            self.files[record.relpath]._publish(record)
        self.metadata = metadata
        self.logs = logs


def not_written(missing: Sequence[str]) -> NotWrittenError:
    """Describe declared files that were not written."""
    return NotWrittenError(
        f"Nothing was published: {_listed(missing)} was declared but not written. "
        "Write to new.files[name].local_path inside the block."
    )
