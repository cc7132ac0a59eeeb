"""Find out which distribution a package that is imported comes from, and its version.

Only the names of folders are read, and no more than the metadata of what is asked for: what `elliptio.provenance`
reads of all that is installed takes longer than to skip a thousand steps.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from elliptio.naming import normalize_package

_OWN_NAMES = {
    "sklearn": "scikit-learn", "skimage": "scikit-image", "yaml": "pyyaml", "PIL": "pillow", "bs4": "beautifulsoup4",
    "cv2": "opencv-python", "dateutil": "python-dateutil", "git": "gitpython", "dotenv": "python-dotenv",
}  # fmt: skip
"""Names of packages that are not those of their distributions: to look into all that are installed takes long."""


class Distributions:
    """The installed distributions, as they are when they are first asked for."""

    def __init__(self) -> None:
        self._folders: dict[str, str] | None = None
        self._versions: dict[str, str | None] = {}
        self._known: dict[str, dict[str, str]] = {}
        self._by_package: dict[str, list[str]] | None = None

    def of(self, package: str) -> dict[str, str]:
        """Return the distributions that a top-level package comes from, with their versions; none for Python's own."""
        if package not in self._known:
            names = () if package in sys.stdlib_module_names else self._find(package)
            self._known[package] = {n: version for n in names if (version := self.version(n)) is not None}
        return self._known[package]

    def version(self, name: str) -> str | None:
        """Return the version of a distribution; None if it is not installed."""
        if name not in self._versions:
            folder = self._metadata().get(name)
            self._versions[name] = None if folder is None else _version(folder)
        return self._versions[name]

    def editable_origin(self, name: str) -> str | None:
        """Return where a distribution lies that is installed in editable form; None if it is not."""
        try:
            with open(os.path.join(self._metadata()[name], "direct_url.json"), "rb") as file:
                import json

                found = json.loads(file.read())
            return str(found["url"]) if found.get("dir_info", {}).get("editable") else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _metadata(self) -> dict[str, str]:
        """Return the folder of the metadata of each distribution by its name; the first on ``sys.path`` counts."""
        if self._folders is None:
            self._folders = {}
            for entry in dict.fromkeys(sys.path):
                try:
                    names = os.listdir(entry or ".")
                except OSError:
                    continue
                for file_name in names:
                    if file_name.endswith((".dist-info", ".egg-info")) and not file_name.startswith("~"):
                        name = normalize_package(file_name.rpartition(".")[0].partition("-")[0])
                        self._folders.setdefault(name, os.path.join(entry or ".", file_name))
        return self._folders

    def _find(self, package: str) -> Iterator[str]:
        known = self._metadata()
        for name in (normalize_package(package), _OWN_NAMES.get(package, "")):
            if name in known:
                yield name
                return
        if self._by_package is None:
            self._by_package = {}
            for name, folder in known.items():
                for found in _packages_in(folder):
                    self._by_package.setdefault(found, []).append(name)
        yield from sorted(self._by_package.get(package, ()))


def _version(folder: str) -> str | None:
    for path in (os.path.join(folder, "METADATA"), os.path.join(folder, "PKG-INFO"), folder):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                for line in file:
                    if line.startswith("Version:"):
                        return line[8:].strip()
                    if not line.strip():
                        break
        except OSError:
            continue
    return None


def _packages_in(folder: str) -> set[str]:
    found: set[str] = set()
    for file_name in ("top_level.txt", "RECORD"):
        try:
            with open(os.path.join(folder, file_name), encoding="utf-8", errors="replace") as file:
                for line in file:
                    first = line.partition(",")[0].strip().partition("/")[0]
                    found.add(first.partition(".")[0] if first.endswith((".py", ".so", ".pyd")) else first)
        except OSError:
            continue
        if found:
            break
    return {name for name in found if name.isidentifier()}
