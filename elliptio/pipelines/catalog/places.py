"""Reach the places at which windows lie: paths of this machine, buckets, and whatever a user's backend knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlparse

from elliptio.pipelines.catalog.interactors import Backend
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.keywords import taken_by
from elliptio.pipelines.catalog.patterns import Pattern
from elliptio.pipelines.errors import EntryError
from elliptio.system.os_errors import explained


class Place(Protocol):
    """Hold files at addresses, for windows.

    Attributes
    ----------
    tells
        True where `stamp` tells whether something changed; else what lies there has to be read.

    """

    tells: bool

    def address(self, path: str) -> str:
        """Return the whole address of a path, by which a window is remembered."""

    def stamp(self, address: str) -> str | None:
        """Tell by a stamp whether what lies there changed; None where nothing does."""

    def local(self, address: str) -> Path | None:
        """Return the path of what lies there, where it is a file of this machine."""

    def fetch(self, address: str, to: Path, keys: Mapping[str, Any]) -> bool:
        """Copy what lies there into a file; False where nothing does."""

    def put(self, address: str, source: Path, keys: Mapping[str, Any]) -> str:
        """Put a copy of a file there: all of it or nothing. Return its stamp, empty where nothing tells."""

    def remove(self, address: str) -> None:
        """Remove what lies there, if anything does."""

    def matching(self, pattern: Pattern) -> Iterator[tuple[str, Keys]]:
        """List what lies there under a pattern: paths, and the values of the keys."""


class Folder:
    """Files of this machine; relative paths begin at a folder.

    Parameters
    ----------
    root
        That folder.

    """

    tells = True

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = os.fspath(root)

    def address(self, path: str) -> str:
        """Return the absolute path."""
        path = path.removeprefix("file://")
        if path[:1] == "~":
            path = os.path.expanduser(path)
        return os.path.normpath(path if path[:1] == "/" else f"{self._folder}/{path}")

    def stamp(self, address: str) -> str | None:
        """Return size, times and inode of a file."""
        try:
            status = os.stat(address)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise EntryError(f"{address} cannot be looked at: {error.strerror}.") from error
        return stamp_of(status)

    def local(self, address: str) -> Path | None:
        """Return the path."""
        return Path(address)

    def fetch(self, address: str, to: Path, keys: Mapping[str, Any]) -> bool:
        """Copy a file."""
        import shutil

        with explained("read", address):
            try:
                shutil.copyfile(address, to)
            except (FileNotFoundError, NotADirectoryError):
                return False
        return True

    def put(self, address: str, source: Path, keys: Mapping[str, Any]) -> str:
        """Copy a file beside its place, then rename it. Return the stamp of this file, whatever came after it."""
        import shutil

        folder, name = os.path.split(os.path.realpath(address))  # a link stays one
        temporary = os.path.join(folder, f".{name}.{os.urandom(4).hex()}.tmp")
        with explained("write", address):
            os.makedirs(folder, exist_ok=True)
            try:
                shutil.copyfile(source, temporary)
                with open(temporary, "rb") as file:
                    os.replace(temporary, os.path.join(folder, name))
                    return stamp_of(os.fstat(file.fileno()))
            except BaseException:
                if os.path.exists(temporary):
                    os.unlink(temporary)
                raise

    def remove(self, address: str) -> None:
        """Remove a file."""
        with explained("remove", address):
            Path(address).unlink(missing_ok=True)

    def matching(self, pattern: Pattern) -> Iterator[tuple[str, Keys]]:
        """List files, by walking no further than the pattern reaches."""
        text = pattern.text.removeprefix("file://")
        folder = self.address(
            pattern.head.removeprefix("file://").rpartition("/")[0] or ("/" if text[:1] == "/" else "")
        )
        depth = text.count("/") - pattern.head.removeprefix("file://").count("/")
        below = pattern.head.rpartition("/")[0]
        for relative in _files(folder, depth):
            path = f"{below}/{relative}" if "/" in pattern.head else relative
            keys = pattern.match(path)
            if keys is not None:
                yield path, keys


def stamp_of(status: os.stat_result) -> str:
    """Write size, times and inode of a file: when one of them changes, so may have its content."""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def _files(folder: str, depth: int) -> Iterator[str]:
    """Names of the files that lie exactly so many folders deep, sorted; hidden ones are none."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise EntryError(f"{folder} cannot be listed: {error.strerror}.") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if depth == 0:
            if entry.is_file():
                yield entry.name
        elif entry.is_dir():
            yield from (f"{entry.name}/{name}" for name in _files(entry.path, depth - 1))


class Custom:
    """Reach what a user's backend knows."""

    tells = False

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def address(self, path: str) -> str:
        """Return the path itself."""
        return path

    def stamp(self, address: str) -> str | None:
        """Tell that something may lie there."""
        return ""

    def local(self, address: str) -> Path | None:
        """Tell that it is none."""
        return None

    def fetch(self, address: str, to: Path, keys: Mapping[str, Any]) -> bool:
        """Read the bytes."""
        try:
            content = self._backend.get(fragment=urlparse(address), **taken_by(self._backend.get, keys))
        except (FileNotFoundError, KeyError):
            return False
        if not isinstance(content, bytes | bytearray | memoryview):
            raise EntryError(
                f"{type(self._backend).__qualname__}.get gave a value of type {type(content).__name__}, not bytes."
            )
        to.write_bytes(content)
        return True

    def put(self, address: str, source: Path, keys: Mapping[str, Any]) -> str:
        """Write the bytes."""
        more = taken_by(self._backend.put, keys)
        self._backend.put(payload=source.read_bytes(), fragment=urlparse(address), **more)
        return ""

    def remove(self, address: str) -> None:
        """Leave it there: a backend has no way to remove anything."""

    def matching(self, pattern: Pattern) -> Iterator[tuple[str, Keys]]:
        """List nothing: a backend has no way to."""
        return iter(())


class Places:
    """The places of a project, each opened when a path first leads there.

    Parameters
    ----------
    root
        What relative paths begin at.
    session
        What backends are made with; None without one.
    settings
        Where credentials may be, if there is no session.

    """

    def __init__(self, root: Path, session: Any = None, settings: Mapping[str, Any] | None = None) -> None:
        self._root = root
        self._session = session
        self._settings = settings if session is None else session.settings
        self._open: dict[str, Place] = {}

    def of(self, path: str) -> Place:
        """Return the place that a path leads to.

        Raises
        ------
        EntryError
            If nobody knows its prefix.
        MissingExtraError
            If something has to be installed for it.

        """
        prefix = path.partition("://")[0] if "://" in path else ""
        found = self._open.get(prefix)
        if found is None:
            found = self._open[prefix] = self._make(prefix)
        return found

    def _make(self, prefix: str) -> Place:
        if prefix in ("", "file"):
            return Folder(self._root)
        if prefix in ("s3", "lakefs"):
            from elliptio.pipelines.catalog.buckets import Bucket, LakeFS

            return Bucket(self._s3) if prefix == "s3" else LakeFS(self._lakefs, self._branch, self._make_branch)
        custom = Backend.backends().get(prefix)
        if custom is not None:
            return Custom(custom(self._session))
        from elliptio.pipelines.catalog.file_systems import FileSystem

        return FileSystem(prefix)

    def _s3(self) -> Any:
        from elliptio.pipelines.catalog import credentials

        session = self._session.aws_session if self._session else credentials.aws_session(self._settings or {})
        return credentials.s3_client(session)

    def _lakefs(self) -> Any:
        from elliptio.pipelines.catalog import credentials

        found = self._session.lakefs_client if self._session else credentials.lakefs_client(self._settings or {})
        if found is None:
            raise EntryError(
                "lakefs:// needs LAKEFS_ENDPOINT, LAKEFS_ACCESS_KEY and LAKEFS_SECRET_ACCESS_KEY in the settings of "
                "the project."
            )
        return found

    def _branch(self) -> str:
        """Tell the branch of lakeFS: that of git, with a dash for what lakeFS allows in no name."""
        import git

        try:
            name = git.Repo(self._root, search_parent_directories=True).active_branch.name
        except git.GitError:
            raise EntryError(f"lakefs:// uses the branch of git, and {self._root} is in no repository.") from None
        except TypeError:
            raise EntryError(
                f"lakefs:// uses the branch of git, and none is checked out in {self._root}: git switch NAME."
            ) from None
        return re.sub(r"[^A-Za-z0-9_-]", "-", name)

    def _make_branch(self, repository: str, branch: str) -> bool:
        from elliptio.pipelines.catalog import credentials

        return credentials.make_branch(self._settings or {}, repository, branch)
