"""Open ``elliptio://`` URLs for everything that reads through fsspec: pandas, polars, duckdb and others.

This module is loaded by fsspec, when such a URL is first used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO, cast

from fsspec.implementations.local import LocalFileSystem  # noqa: TID253
from fsspec.spec import AbstractFileSystem  # noqa: TID253  (this module loads when it is used)

from elliptio.artifacts.artifact import Artifact
from elliptio.errors import DocumentNotFoundError, FileKeyError, MissingKeyError, StoreError
from elliptio.handler import Handler
from elliptio.naming import listed
from elliptio.runs.scopes import read
from elliptio.system.current_handler import current


class ElliptioFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Reads files of artifacts by ``elliptio://ARTIFACT/FILE``, verified; nothing can be written.

    ARTIFACT is what `Handler.get` takes: an identifier, ``tag:NAME``, ``NAME:latest``. A file is verified as a whole
    before any of it is handed out. Opening one reads it, so that what is saved afterwards is based on its artifact.

    Parameters
    ----------
    handler
        The handler to load with, as in ``pd.read_csv(url, storage_options={"handler": h})``. By default the one that
        was made, or entered with ``with``, last in this process and is neither closed nor gone; where there is none,
        a ``Handler()`` as configured.

    """

    protocol = "elliptio"
    cachable = False  # which handler is current changes, and so does what a tag names
    root_marker = ""

    def __init__(self, handler: Handler | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._given = handler
        self._own: Handler | None = None

    @property
    def handler(self) -> Handler:
        """The handler that loads artifacts now."""
        found = self._given or current()
        if found is None:
            found = self._own = self._own or Handler()
        assert isinstance(found, Handler)
        return found

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        """List the files and folders of an artifact or of one of its folders.

        Raises
        ------
        MissingKeyError
            If there is no such artifact or folder; a FileNotFoundError.

        """
        reference, relpath = _split(self._strip_protocol(path))
        artifact = self._artifact(reference)
        if relpath in artifact.files:
            entries = [_file(artifact, reference, relpath)]
        else:
            start = f"{relpath}/" if relpath else ""
            below = [name for name in artifact.files if name.startswith(start)]
            if not below:
                has = listed(list(artifact.files))
                raise MissingKeyError(f"There is no {relpath!r} in {artifact.artifact_id}; it has {has}.")
            children = dict.fromkeys(start + name[len(start) :].partition("/")[0] for name in below)
            entries = [
                _file(artifact, reference, child) if child in artifact.files else _folder(f"{reference}/{child}")
                for child in children
            ]
        return entries if detail else [entry["name"] for entry in entries]

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Tell the size and kind of a file or folder, and the sha256 and artifact_id of a file.

        Raises
        ------
        MissingKeyError
            If it does not exist; a FileNotFoundError.

        """
        path = self._strip_protocol(path)
        found: list[dict[str, Any]] = self.ls(path)
        return found[0] if found[0]["name"] == path else _folder(path)

    def ukey(self, path: str) -> str:
        """Return the sha256 of the content; of a linked file that is not hashed, its name in the lake."""
        found = self.info(path)
        return str(found["sha256"] or f"{found['artifact_id']}/{found['name'].partition('/')[2]}")

    def created(self, path: str) -> datetime:
        """Return the moment at which the artifact was made (UTC)."""
        reference, _ = _split(self._strip_protocol(path))
        return self._artifact(reference).metadata.creation_time

    def modified(self, path: str) -> datetime:
        """Return the moment at which the artifact was made (UTC): no file changes after that."""
        return self.created(path)

    def _open(self, path: str, mode: str = "rb", *arguments: Any, **options: Any) -> BinaryIO:
        if mode != "rb":
            raise StoreError(f"elliptio://{path} cannot be written: what is published does not change. Use h.upload.")
        reference, relpath = _split(path)
        handler = self.handler
        artifact = self._artifact(reference, handler)
        if not relpath:
            has = listed(list(artifact.files))
            raise MissingKeyError(f"elliptio://{path} names no file: it is elliptio://{path}/FILE, of {has}.")
        with _missing():
            local = os.fspath(artifact.files[relpath])
        if self._given is None:
            read(handler.store.root, artifact.artifact_id)
        else:
            handler._scope.here().load(artifact.artifact_id)
        # What reads through fsspec may forget to close; this kind of file does so by itself.
        return cast("BinaryIO", LocalFileSystem().open(local, "rb"))

    def _artifact(self, reference: str, handler: Handler | None = None) -> Artifact:
        if not reference:
            raise MissingKeyError("Say of which artifact: elliptio://artifact_…/file, or elliptio://tag:NAME/file.")
        with _missing():
            return (handler or self.handler).get(reference, track=False)


@contextmanager
def _missing() -> Iterator[None]:
    """Say that something is not there as those who read through fsspec expect it."""
    try:
        yield
    except (DocumentNotFoundError, FileKeyError) as error:
        raise MissingKeyError(str(error)) from error


def _split(path: str) -> tuple[str, str]:
    reference, _, relpath = path.partition("/")
    return reference, relpath


def _file(artifact: Artifact, reference: str, relpath: str) -> dict[str, Any]:
    file = artifact.files[relpath]
    return {
        "name": f"{reference}/{relpath}",
        "size": file.size,
        "type": "file",
        "sha256": file.sha256,
        "artifact_id": artifact.artifact_id,
        "created": artifact.metadata.creation_time,
    }


def _folder(name: str) -> dict[str, Any]:
    return {"name": name, "size": 0, "type": "directory"}
