"""List the installed packages by name and version, and where those came from that came from no index.

The names are read from the directories ``NAME-VERSION.dist-info`` on ``sys.path``, which is much faster than reading
every ``METADATA`` file, and remembered per directory for as long as its modification time stays the same. What an
installer left behind without metadata is no package.
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
_ORIGIN_FILE = "direct_url.json"
_MOST_OF_ORIGIN = 64 << 10

_Stamp = tuple[int, int, int]


class _Reading(NamedTuple):
    """The packages of one entry of ``sys.path`` when it was last read, and the stamps of all that was looked at."""

    stamps: dict[str, _Stamp | None]
    reusable: bool
    packages: dict[str, str]
    origins: dict[str, str]


class Snapshot(NamedTuple):
    """The packages of all entries together, and where those came from that came from no index; not to be modified."""

    readings: tuple[_Reading, ...]
    packages: dict[str, str]
    origins: dict[str, str]


_lock = Lock()
_readings: dict[str, _Reading] = {}
_snapshots: dict[tuple[str, ...], Snapshot] = {}


class Packages(dict[str, str]):
    """Versions of packages by name; any spelling of a name finds the package.

    Examples
    --------
    >>> from elliptio.provenance.packages import Packages
    >>> Packages.of_any({"scikit.learn": "1.5.0"})["Scikit_Learn"]
    '1.5.0'
    """

    # Made of normalized names, as those of each document are, at no more cost than a dict.

    @classmethod
    def of_any(cls, packages: Mapping[str, str]) -> Packages:
        """Take packages by whatever spelling of their names."""
        return cls((normalize_package(name), version) for name, version in packages.items())

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
    return dict(snapshot(paths).packages)


def snapshot(paths: Sequence[str] | None = None) -> Snapshot:
    """Return what `installed_packages` does, and origins by name: the very same dicts for as long as nothing changed.

    Origins are written as ``pip freeze`` does: ``git+https://host/x.git@COMMIT``, the URL of a wheel,
    ``file:///folder``, with ``-e`` before it if it is editable. Credentials are masked. They come from the files
    ``direct_url.json`` of https://packaging.python.org/en/latest/specifications/direct-url/ .
    """
    entries: dict[str, None] = {}
    for path in sys.path if paths is None else paths:
        if isinstance(path, str):
            try:
                entries[path if path.startswith(os.sep) else os.path.abspath(path or ".")] = None
            except OSError:  # the working directory was deleted
                _log.debug("no absolute path for %r", path, exc_info=True)
    key = tuple(entries)
    with _lock:
        known = [_readings.get(entry) for entry in key]
        now = _stamps(path for reading in known if reading is not None for path in reading.stamps).items()
        readings = tuple(
            reading if reading is not None and reading.reusable and reading.stamps.items() <= now else _read(entry)
            for entry, reading in zip(key, known, strict=True)
        )
        last = _snapshots.get(key)
        if last is not None and all(a is b for a, b in zip(last.readings, readings, strict=True)):
            return last
        made = _merged(readings)
        if last is not None and (last.packages, last.origins) == made[1:]:
            made = Snapshot(readings, last.packages, last.origins)
        if len(_snapshots) > 16:
            _snapshots.clear()
        _snapshots[key] = made
        return made


def _merged(readings: tuple[_Reading, ...]) -> Snapshot:
    packages: dict[str, str] = {}
    came_from: dict[str, str] = {}
    for reading in reversed(readings):
        packages.update(reading.packages)
        # A package that hides another one hides where that came from too.
        came_from = {name: origin for name, origin in came_from.items() if name not in reading.packages}
        came_from.update(reading.origins)
    return Snapshot(readings, dict(sorted(packages.items())), dict(sorted(came_from.items())))


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
    came_from: dict[str, str] = {}
    opened: list[str] = []
    try:
        if os.path.isdir(entry):
            pattern = _METADATA_IN_EGG if entry.lower().rstrip("/\\").endswith(".egg") else _METADATA
            for file_name in filter(pattern.fullmatch, os.listdir(entry)):
                path = os.path.join(entry, file_name)
                package = _from_directory_name(file_name)
                if package is None:
                    metadata_file, package = _from_metadata_file(path)
                    opened.append(metadata_file)
                elif not _has_metadata(path):
                    opened.append(path)
                    continue
                if package is not None and package[0] not in packages:
                    packages[package[0]] = package[1]
                    origin = _origin(path)
                    if origin is not None:
                        came_from[package[0]] = origin
        elif stamps[entry] is not None:
            packages = _from_metadata(entry)
    except Exception:
        _log.debug("cannot list the packages in %s", entry, exc_info=True)
        packages, came_from, opened = {}, {}, []
    stamps |= _stamps(opened)
    reusable = all(then is None or now - then[0] > _RACY_NS for then in stamps.values())
    reading = _Reading(stamps, reusable, packages, came_from)
    if _readings.get(entry) != reading:
        _readings[entry] = reading
    return _readings[entry]


def _has_metadata(path: str) -> bool:
    """Tell whether a ``.dist-info`` or ``.egg-info`` has the file that makes it a package; some are that file."""
    name = "METADATA" if path.lower().endswith(".dist-info") else "PKG-INFO"
    return os.path.isfile(os.path.join(path, name)) or os.path.isfile(path)


def _origin(path: str) -> str | None:
    """Tell where a package came from, by its metadata; None if that was an index."""
    try:
        with open(os.path.join(path, _ORIGIN_FILE), encoding="utf-8") as file:
            import json

            found = json.loads(file.read(_MOST_OF_ORIGIN))
    except OSError:
        return None
    except ValueError:
        return f"unknown: {_ORIGIN_FILE} cannot be read"
    try:
        return _shown_origin(found)
    except (AttributeError, KeyError, TypeError):
        return f"unknown: {_ORIGIN_FILE} is malformed"


def _shown_origin(found: Mapping[str, Any]) -> str:
    from elliptio.provenance.redaction import redact_url

    url = redact_url(str(found["url"]))
    place = f"#subdirectory={found['subdirectory']}" if found.get("subdirectory") else ""
    if "vcs_info" in found:
        return f"{found['vcs_info']['vcs']}+{url}@{found['vcs_info']['commit_id']}{place}"
    if "dir_info" in found:
        return f"-e {url}{place}" if found["dir_info"].get("editable") else f"{url}{place}"
    hashes = found.get("archive_info", {}).get("hashes") or {}
    return f"{url}#sha256={hashes['sha256']}" if "sha256" in hashes and not place else f"{url}{place}"


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
