"""List the installed packages by name and version.

The names are read from the directories ``NAME-VERSION.dist-info`` on ``sys.path``, which is fifty times faster than
opening every ``METADATA`` file, and remembered per directory for as long as its modification time stays the same.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from elliptio.naming import normalize_package
from elliptio.system.forking import Lock

_log = logging.getLogger(__name__)

# A directory changed this shortly before it was read may change again without a new modification time
# (clocks of file systems tick in steps of up to two seconds), so such a reading is not reused.
_RACY_NS = 2_000_000_000

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.!+]*")
# Pip leaves names with "~" behind when it cannot remove a package.
_METADATA = re.compile(r"(?!~).*\.(?:dist|egg)-info", re.ASCII | re.IGNORECASE | re.DOTALL)
_METADATA_IN_EGG = re.compile(rf"{_METADATA.pattern}|egg-info", _METADATA.flags)
_METADATA_FILES = ("METADATA", "PKG-INFO", "")

_Stamp = tuple[int, int, int]


class _Reading(NamedTuple):
    """The packages of one entry of ``sys.path`` when it was last read, and the stamps of all that was looked at."""

    stamps: dict[str, _Stamp | None]
    reusable: bool
    packages: dict[str, str]


class _Snapshot(NamedTuple):
    """The packages of all entries together."""

    readings: tuple[_Reading, ...]
    packages: dict[str, str]


_lock = Lock()
_readings: dict[str, _Reading] = {}
_snapshots: dict[tuple[str, ...], _Snapshot] = {}


class Packages(dict[str, str]):
    """Versions of packages by name; any spelling of a name finds the package.

    Examples
    --------
    >>> from elliptio.provenance.packages import Packages
    >>> Packages({"scikit-learn": "1.5.0"})["Scikit_Learn"]
    '1.5.0'
    """

    def __init__(self, packages: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        super().__init__((normalize_package(name), version) for name, version in dict(packages).items())

    @classmethod
    def of_normalized(cls, packages: Mapping[str, str]) -> Packages:
        """Take packages whose names are normalized already, as those of each document are."""
        made = cls.__new__(cls)
        made.update(packages)
        return made

    def __getitem__(self, name: str) -> str:
        version = super().get(normalize_package(name))
        if version is None:
            raise KeyError(f"the package {name!r} was not installed")
        return version

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(normalize_package(name))

    def get(self, name: str, default: Any = None) -> Any:
        """Return the version of a package, or `default` if it was not installed."""
        return super().get(normalize_package(name), default)


def installed_packages(paths: Sequence[str] | None = None) -> dict[str, str]:
    """Return the version of every installed package, by normalized name, sorted.

    Parameters
    ----------
    paths
        The directories to look in, ``sys.path`` if None. Where two hold the same package, the first one counts.

    Returns
    -------
    dict[str, str]
        A new dictionary on each call. It is never out of date: a ``pip install`` since the last call shows.
    """
    return dict(snapshot(paths))


def snapshot(paths: Sequence[str] | None = None) -> dict[str, str]:
    """Return what `installed_packages` does, as the very same object for as long as nothing changed; do not modify."""
    key = _absolute(sys.path if paths is None else paths)
    with _lock:
        known = [_readings.get(entry) for entry in key]
        now = _stamps(path for reading in known if reading is not None for path in reading.stamps).items()
        readings = tuple(
            reading if reading is not None and reading.reusable and reading.stamps.items() <= now else _read(entry)
            for entry, reading in zip(key, known, strict=True)
        )
        last = _snapshots.get(key)
        if last is not None and all(a is b for a, b in zip(last.readings, readings, strict=True)):
            return last.packages
        merged: dict[str, str] = {}
        for reading in reversed(readings):
            merged.update(reading.packages)
        packages = dict(sorted(merged.items()))
        if last is not None and last.packages == packages:
            packages = last.packages
        if len(_snapshots) > 16:
            _snapshots.clear()
        _snapshots[key] = _Snapshot(readings, packages)
        return packages


def _absolute(paths: Sequence[str]) -> tuple[str, ...]:
    entries: dict[str, None] = {}
    for path in paths:
        if isinstance(path, str):
            try:
                entries[path if os.path.isabs(path) else os.path.abspath(path or ".")] = None
            except OSError:  # the working directory was deleted
                _log.debug("no absolute path for %r", path, exc_info=True)
    return tuple(entries)


def _stamps(paths: Iterable[str]) -> dict[str, _Stamp | None]:
    """Return by path what differs once a file or directory was changed; None where there is none."""
    found: dict[str, _Stamp | None] = {}
    for path in paths:
        try:
            status = os.stat(path)
            found[path] = status.st_mtime_ns, status.st_ino, status.st_size
        except (OSError, ValueError):
            found[path] = None
    return found


def _read(entry: str) -> _Reading:
    """Read the packages of one entry of ``sys.path``; return the last reading if this one is equal."""
    now = time.time_ns()
    stamps = _stamps([entry])
    packages: dict[str, str] = {}
    opened: list[str] = []
    try:
        if os.path.isdir(entry):
            pattern = _METADATA_IN_EGG if entry.lower().rstrip("/\\").endswith(".egg") else _METADATA
            for file_name in filter(pattern.fullmatch, os.listdir(entry)):
                package = _from_directory_name(file_name)
                if package is None:
                    path, package = _from_metadata_file(os.path.join(entry, file_name))
                    opened.append(path)
                if package is not None:
                    packages.setdefault(*package)
        elif stamps[entry] is not None:
            packages = _from_metadata(entry)
    except Exception:
        _log.debug("cannot list the packages in %s", entry, exc_info=True)
        packages, opened = {}, []
    stamps |= _stamps(opened)
    reusable = all(then is None or now - then[0] > _RACY_NS for then in stamps.values())
    reading = _Reading(stamps, reusable, packages)
    if _readings.get(entry) != reading:
        _readings[entry] = reading
    return _readings[entry]


def _from_directory_name(file_name: str) -> tuple[str, str] | None:
    stem, _, kind = file_name.rpartition(".")
    name, _, rest = stem.partition("-")
    version, _, python = rest.partition("-")
    if python and not (kind.lower() == "egg-info" and python.startswith("py")):
        return None
    if _NAME.fullmatch(name) and _VERSION.fullmatch(version):
        return normalize_package(name), version
    return None


def _from_metadata_file(path: str) -> tuple[str, tuple[str, str] | None]:
    """Read the headers ``Name`` and ``Version``; also return which file they were read from."""
    for metadata_file in _METADATA_FILES:
        candidate = os.path.join(path, metadata_file) if metadata_file else path
        found: dict[str, str] = {}
        try:
            with open(candidate, encoding="utf-8", errors="replace") as file:
                for line in file:
                    header, colon, value = line.partition(":")
                    if not colon:
                        break
                    found.setdefault(header.lower(), value.strip())
                    if "name" in found and "version" in found:
                        break
        except OSError:
            continue
        if found.get("name") and found.get("version"):
            return candidate, (normalize_package(found["name"]), found["version"])
        return candidate, None
    return path, None


def _from_metadata(entry: str) -> dict[str, str]:
    """Ask importlib about an entry that is not a directory, such as a zip file."""
    import importlib.metadata

    packages: dict[str, str] = {}
    for distribution in importlib.metadata.distributions(path=[entry]):
        name, version = distribution.metadata["Name"], distribution.metadata["Version"]
        if name and version:
            packages.setdefault(normalize_package(name), version)
    return packages
