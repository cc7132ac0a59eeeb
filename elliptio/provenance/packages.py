"""Which packages are installed, by name and version.

The names are read from the directories ``NAME-VERSION.dist-info`` on ``sys.path``, which is fifty times faster than
opening every ``METADATA`` file, and remembered per directory for as long as its modification time stays the same.
"""

from __future__ import annotations

import logging
import os
import re
import stat
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
_METADATA_FILES = ("METADATA", "PKG-INFO", "")

_Stamp = tuple[int, int, int]


class _Reading(NamedTuple):
    """What one entry of ``sys.path`` held when it was last read."""

    stamp: _Stamp | None
    reusable: bool
    packages: dict[str, str]
    opened: tuple[tuple[str, _Stamp | None], ...]


class _Snapshot(NamedTuple):
    key: tuple[str, ...]
    readings: tuple[_Reading, ...]
    packages: dict[str, str]


_lock = Lock()
_readings: dict[str, _Reading] = {}
_snapshots: dict[tuple[str, ...], _Snapshot] = {}


class Packages(dict[str, str]):
    """Versions of packages by name; any spelling of a name finds the package.

    Examples
    --------
    >>> Packages({"scikit-learn": "1.5.0"})["Scikit_Learn"]
    '1.5.0'
    """

    def __init__(self, packages: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        super().__init__((normalize_package(name), version) for name, version in dict(packages).items())

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
        readings = tuple(_read(entry) for entry in key)
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
        _snapshots[key] = _Snapshot(key, readings, packages)
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


def _stamp(path: str) -> _Stamp | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _read(entry: str) -> _Reading:
    stamp = _stamp(entry)
    last = _readings.get(entry)
    if last is not None and last.reusable and last.stamp == stamp and _unchanged(last.opened):
        return last
    now = time.time_ns()
    try:
        packages, opened = _scan(entry) if stamp is not None else ({}, ())
    except Exception:
        _log.debug("cannot list the packages in %s", entry, exc_info=True)
        packages, opened = {}, ()
    stamps = [stamp, *(then for _, then in opened)]
    reusable = all(then is None or now - then[0] > _RACY_NS for then in stamps)
    reading = _Reading(stamp, reusable, packages, opened)
    if last is not None and last == reading:
        return last
    _readings[entry] = reading
    return reading


def _unchanged(opened: tuple[tuple[str, _Stamp | None], ...]) -> bool:
    return all(_stamp(path) == then for path, then in opened)


def _scan(entry: str) -> tuple[dict[str, str], tuple[tuple[str, _Stamp | None], ...]]:
    """Return the packages in one entry of ``sys.path``, and the files that had to be opened, with their stamps."""
    if not stat.S_ISDIR(os.stat(entry).st_mode):
        return _from_metadata(entry), ()
    packages: dict[str, str] = {}
    opened: list[tuple[str, _Stamp | None]] = []
    in_egg = entry.lower().rstrip("/\\").endswith(".egg")
    for file_name in os.listdir(entry):
        lower = file_name.lower()
        if not (lower.endswith((".dist-info", ".egg-info")) or (in_egg and lower == "egg-info")):
            continue
        if file_name.startswith("~"):  # what pip leaves behind when it cannot remove a package
            continue
        package = _from_directory_name(file_name)
        if package is None:
            path, package = _from_metadata_file(os.path.join(entry, file_name))
            opened.append((path, _stamp(path)))
        if package is not None:
            packages.setdefault(*package)
    return packages, tuple(opened)


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
