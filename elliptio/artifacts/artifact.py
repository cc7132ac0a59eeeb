"""An artifact, as users hold it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from elliptio.artifacts.file import RemoteFile, download_all
from elliptio.artifacts.files import Files
from elliptio.errors import ElliptioError, FileKeyError, NotWrittenError
from elliptio.labels import AnyLabels, Labels
from elliptio.metadata import Metadata
from elliptio.naming import STREAM, check_relpath, listed
from elliptio.protocols import Assembling, Document
from elliptio.system.os_errors import explained


class Neighbours(NamedTuple):
    """Neighbours of an artifact, as far as the index knows them.

    The first artifacts that are based on it (None if that is unknown), how many are, of its own parents who deleted
    them and when, and the document of the run that made it.
    """

    children: Sequence[str] | None = ()
    total: int = 0
    deleted: Mapping[str, tuple[str, str]] = MappingProxyType({})
    run: Document | None = None


def no_neighbours(metadata: Metadata) -> Neighbours:
    """Nothing was built on it, and nothing it is based on was deleted."""
    return Neighbours()


def no_run(metadata: Metadata) -> Document | None:
    """It was made by no run."""
    return None


@dataclass(eq=False)
class Artifact:
    """An immutable set of files with what is known about them.

    Attributes
    ----------
    metadata
        Who, when, from what, with which code and packages.
    files, logs
        File objects by name.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"], {"project": "penguins"}) as made:
    ...     made.file.upload_string("1,2")
    >>> artifact = h.get(made.artifact_id)
    >>> artifact.labels["project"], artifact.file.download_string()
    ('penguins', '1,2')

    """

    metadata: Metadata
    files: Files
    logs: Files
    _find_neighbours: Callable[[Metadata], Neighbours] = field(default=no_neighbours, repr=False)
    _find_run: Callable[[Metadata], Document | None] = field(default=no_run, repr=False)

    def __eq__(self, other: object) -> bool:
        return self.metadata == other.metadata if isinstance(other, Artifact) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.artifact_id)

    @property
    def artifact_id(self) -> str:
        """Identifier for ``h.get``."""
        return self.metadata.artifact_id

    @property
    def labels(self) -> Labels | AnyLabels:
        """The user's metadata."""
        return self.metadata.labels

    def download(self, to: str | os.PathLike[str]) -> list[Path]:
        """Copy all files to a folder on this machine, several at once, verified, below their own names.

        Empty folders are made again, and what was executable is.

        Raises
        ------
        IntegrityError
            If the bytes of a file are not those that were saved. The others stop; what is complete by then stays.
        MissingKeyError
            If the store no longer has a file, and the cache has no copy.
        StoreError
            If a file cannot be read, or not be written here.

        """
        wanted = [(file, Path(to) / check_relpath(relpath)) for relpath, file in self.files.items()]
        download_all(wanted)
        for name in self.metadata.empty_folders:
            with explained("make", str(Path(to, name))):
                Path(to, check_relpath(name)).mkdir(parents=True, exist_ok=True)
        return [path for _, path in wanted]

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
            raise FileKeyError(f"The artifact has {len(names):,} files, not one: {listed(names)}. Use .files[name].")
        return self.files[next(iter(self.files))]

    def load(self, *, strict: bool = False) -> Any:
        """Read what was saved with `Handler.save`: the value, or a dict of values by the names that they were given.

        Of a data model the model, of a sealed stream the list of its values. Of other artifacts the value of their only
        file, or a dict of values by the names of the files. With options, read one: ``.files[name].load(…)``.

        Parameters
        ----------
        strict
            True: of a data model its own class or an error, never a `elliptio.models.Record`.

        Raises
        ------
        UnknownFormatError
            If there is no format for a file, or it has to be named.
        FormatError
            If a file cannot be read so.
        IntegrityError, StoreError
            As for `RemoteFile.open`.
        MissingExtraError
            If a library is not installed.
        elliptio.flows.StepFailedError, elliptio.flows.FlowCancelledError
            If it is a stream that is not whole.

        """
        if self.metadata.model is not None:
            return _assembling("model").assemble(self, strict=strict)
        if next(iter(self.files), "").endswith(STREAM):
            return _assembling("stream").assemble(self, strict=strict)
        return self._values()

    def _values(self) -> Any:
        """Read each file: the value of the only one, or a dict of values by name."""
        values = {record.relpath: record.value for record in self.metadata.files}
        names = {
            relpath: value.name for relpath, value in values.items() if value is not None and value.name is not None
        }
        if len(self.files) == 1 and not names:
            return self.file.load()
        return {names.get(relpath, relpath): file.load() for relpath, file in self.files.items()}

    @property
    def remote_root(self) -> str:
        """Place of the artifact: an absolute path or URL."""
        return self.metadata.remote_root

    @property
    def run(self) -> Mapping[str, Any] | None:
        """Record of the run that made it, ``params`` and ``metrics`` among it; None outside of ``h.run``.

        Raises
        ------
        IndexUnavailableError
            If the index cannot be reached.

        """
        return self._find_run(self.metadata)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.metadata!r}, files={self.files!r})"

    def __str__(self) -> str:
        from elliptio.artifacts.display import artifact_text

        return artifact_text(self.metadata, *self._neighbours())

    def _repr_html_(self) -> str:
        from elliptio.artifacts.display import artifact_html

        return artifact_html(self.metadata, *self._neighbours())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"Artifact({self.artifact_id!r})" if cycle else str(self))

    def _neighbours(self) -> Neighbours:
        """Tell what lies around this in the lineage, as far as the index can say: showing must never fail."""
        try:
            return self._find_neighbours(self.metadata)
        except ElliptioError:
            return Neighbours(children=None)


def _assembling(name: str) -> Assembling:
    from elliptio.formats.registry import get

    return cast("Assembling", get(name))


class NewArtifact(Artifact):
    """An artifact being made inside ``with h.new(...)``: its files can be written until the block ends.

    Attributes
    ----------
    folder
        A local folder; everything in it is collected where no names were declared.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new() as new:
    ...     with new.files["model.txt"].open("w") as file:
    ...         print("rate = 0.1", file=file)
    >>> list(new.files)
    ['model.txt']

    """

    folder: Path

    def _publish(self, metadata: Metadata, logs: Files) -> None:
        self.files.settle(metadata.file_relpaths)
        for record in metadata.files:
            self.files[record.relpath]._publish(record)
        self.metadata = metadata
        self.logs = logs


def not_written(missing: Sequence[str]) -> NotWrittenError:
    """Describe declared files that were not written, or say that nothing was."""
    what = f"{listed(missing)} was declared but not written" if missing else "no file was written"
    return NotWrittenError(
        f"Nothing was published: {what}. Write to new.files[name].local_path or new.folder inside the block."
    )
