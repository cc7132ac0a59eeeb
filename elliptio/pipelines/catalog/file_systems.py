"""Reach windows wherever fsspec does: ``gs://``, ``abfs://``, ``sftp://`` and many more."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from elliptio.errors import MissingExtraError
from elliptio.masking import hide_login
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.patterns import Pattern
from elliptio.pipelines.errors import EntryError

WHOLE = frozenset({"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "oci", "oss", "r2", "s3a", "tos"})
"""File systems on which a file is whole or not there at all; elsewhere it is written beside its place, then moved."""

TELLING = ("etag", "generation", "mtime", "modified", "last_modified", "updated", "created", "version_id")
"""Names under which file systems tell that something changed."""


class FileSystem:
    """Files of one file system that fsspec knows.

    Parameters
    ----------
    scheme
        The prefix of its paths.

    Raises
    ------
    MissingExtraError
        If fsspec, or what it needs for this prefix, is not installed.
    EntryError
        If nobody knows the prefix.

    """

    tells = True

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self._logins: dict[str, str] = {}
        self._cls = _class_of(scheme)

    def address(self, path: str) -> str:
        """Return the path, without the password that it may hold."""
        shown = hide_login(path) if "@" in path else path
        self._logins[shown] = path
        return shown

    def stamp(self, address: str) -> str | None:
        """Ask for what tells of a change; empty where the file system has no such thing."""
        try:
            system, path = self._reached(address)
            system.invalidate_cache(system._parent(path))
            found = system.info(path)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._explained(error, address, "looked at") from None
        if found.get("type") == "directory":
            return None
        told = {name.lower(): value for name, value in found.items()}
        facts = [str(told[name]) for name in TELLING if told.get(name) is not None]
        return ":".join([str(found.get("size")), *facts]) if facts else ""

    def local(self, address: str) -> Path | None:
        """Tell that it is no file of this machine."""
        return None

    def fetch(self, address: str, to: Path, keys: Mapping[str, Any]) -> bool:
        """Copy a file."""
        try:
            system, path = self._reached(address)
            if not system.isfile(path):
                return False
            system.get_file(path, str(to))
        except FileNotFoundError:
            return False
        except Exception as error:
            raise self._explained(error, address, "read") from None
        return True

    def put(self, address: str, source: Path, keys: Mapping[str, Any]) -> str:
        """Put a copy of a file there, and return its stamp."""
        try:
            system, path = self._reached(address)
            if self._scheme in WHOLE:
                system.put_file(str(source), path)
            else:
                folder = system._parent(path)
                system.makedirs(folder, exist_ok=True)
                beside = f"{folder.rstrip('/')}/.{path.rpartition('/')[2]}.{secrets.token_hex(4)}.tmp"
                system.put_file(str(source), beside)
                system.mv(beside, path)
        except Exception as error:
            raise self._explained(error, address, "written") from None
        return self.stamp(address) or ""

    def remove(self, address: str) -> None:
        """Remove a file."""
        try:
            system, path = self._reached(address)
            system.rm_file(path)
        except FileNotFoundError:
            pass
        except Exception as error:
            raise self._explained(error, address, "removed") from None

    def matching(self, pattern: Pattern) -> Iterator[tuple[str, Keys]]:
        """List files, no deeper than the pattern reaches; hidden ones are none."""
        folder = pattern.head.rpartition("/")[0]
        if folder.endswith(":/"):
            return  # the place itself is a key
        depth = pattern.text.count("/") - folder.count("/")
        try:
            system, start = self._reached(self.address(f"{folder}/"))
            system.invalidate_cache()
            found = sorted(system.find(start, maxdepth=depth))
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._explained(error, self.address(folder), "listed") from None
        begin = start.rstrip("/")
        for name in found:
            relative = name[len(begin) :].lstrip("/") if name.startswith(begin) else ""
            keys = pattern.match(f"{folder}/{relative}")
            if keys is not None and not any(part.startswith(".") for part in relative.split("/")):
                yield f"{folder}/{relative}", keys

    def _reached(self, address: str) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(self._logins.get(address, address))
        return system, str(path)

    def _explained(self, error: Exception, address: str, done: str) -> Exception:
        if isinstance(error, EntryError | MissingExtraError):
            return error
        if isinstance(error, ImportError):
            return _missing(self._scheme, error)
        said = hide_login(str(error)) if "@" in str(error) else str(error)
        return EntryError(f"{address} cannot be {done}: {type(error).__name__}: {said}")


def _class_of(scheme: str) -> Any:
    try:
        from fsspec.registry import get_filesystem_class
    except ImportError as error:
        raise MissingExtraError(f"{scheme}:// needs fsspec. Run: pip install 'elliptio[fsspec]'") from error
    try:
        return get_filesystem_class(scheme)
    except ImportError as error:
        raise _missing(scheme, error) from error
    except ValueError:
        raise EntryError(
            f"Nobody knows the prefix {scheme}://. There are a plain path, s3://, lakefs://, what fsspec knows "
            "(gs://, abfs://, sftp://, …), and classes of your own: class X(Backend, prefix=…)."
        ) from None


def _missing(scheme: str, error: ImportError) -> MissingExtraError:
    return MissingExtraError(f"{scheme}:// is reached through fsspec, which needs another package for it: {error}")
