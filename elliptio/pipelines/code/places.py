"""Know which files are of the project, and how they are named: the same wherever the project lies."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

NOTEBOOK = "notebook"
_FOREIGN = frozenset({"site-packages", "dist-packages"})
_PACKAGE = "elliptio"


class Project:
    """The folders of a project, and what lies below them."""

    def __init__(self, roots: Sequence[Path]) -> None:
        known: dict[str, None] = {}
        for root in roots:
            for each in (os.path.abspath(root), os.path.realpath(root)):
                known[each.rstrip(os.sep) or os.sep] = None
        self.roots = tuple(known)
        prefixes = {os.path.realpath(p) for p in (sys.prefix, sys.base_prefix)}
        self._not_ours = tuple(p + os.sep for p in prefixes if any(p.startswith(r + os.sep) for r in self.roots))
        self._files: dict[str, str | None] = {}
        self._places: dict[tuple[str, Any, Any], str | None] = {}

    def relative(self, filename: str) -> str | None:
        """Return a file's place below the roots, with slashes; None if it is not of the project."""
        if filename not in self._files:
            self._files[filename] = self._relative(filename)
        return self._files[filename]

    def _relative(self, filename: str) -> str | None:
        if not os.path.isabs(filename):
            if filename.startswith("<") or not os.path.exists(filename):
                return None
            filename = os.path.abspath(filename)
        for path in (filename, os.path.realpath(filename)):
            if path.startswith(self._not_ours):
                return None
            for root in self.roots:
                if path.startswith(root if root == os.sep else root + os.sep):
                    inner = os.path.relpath(path, root).replace(os.sep, "/")
                    return None if _FOREIGN & set(inner.split("/")) else inner
        return None

    def place_of(self, filename: str, module: Mapping[str, Any]) -> str | None:
        """Return the place of code of a module; None if it is not of the project."""
        key = filename, module.get("__name__"), module.get("__file__")
        if key not in self._places:
            self._places[key] = self._place_of(filename, module)
        return self._places[key]

    def _place_of(self, filename: str, module: Mapping[str, Any]) -> str | None:
        name = module.get("__name__")
        if isinstance(name, str) and name.partition(".")[0] == _PACKAGE:
            return None
        found = self.relative(filename)
        if found is not None:
            return found
        if name == "__main__":
            own = module.get("__file__")
            return os.path.basename(filename) if own and os.path.exists(filename) else NOTEBOOK
        own = module.get("__file__")
        if isinstance(own, str) and not os.path.exists(filename):
            # Made by `exec`, or by a decorator that writes code.
            return self.relative(own)
        return None

    def holds_module(self, module: Mapping[str, Any]) -> bool:
        """Tell whether a module is of the project."""
        own = module.get("__file__")
        if not isinstance(own, str):
            paths = list(getattr(module.get("__path__"), "_path", module.get("__path__") or ()))
            own = os.path.join(paths[0], "") if paths else None
        return module.get("__name__") == "__main__" or (own is not None and self.place_of(own, module) is not None)

    def portable(self, text: str) -> str:
        """Take the place of the project out of a text, such as a path that is made of ``__file__``."""
        for root in self.roots:
            if root in text and root != os.sep:
                text = text.replace(root, "<root>")
        return text


def module_name(place: str, module: Mapping[str, Any]) -> str:
    """Name a module by its place, however it was imported: ``lib/tables.py`` is ``lib.tables``."""
    return str(module.get("__name__", "?")) if place == NOTEBOOK or not place.endswith(".py") else _dotted(place)


@functools.cache
def _dotted(place: str) -> str:
    return place[:-3].removesuffix("/__init__").replace("/", ".")


def absolute(module: Mapping[str, Any], level: int, name: str) -> str:
    """Return the whole name of a module that is imported in another one."""
    if not level:
        return name
    package = module.get("__package__") or str(module.get("__name__", "")).rpartition(".")[0]
    base = package.rsplit(".", level - 1)[0] if level > 1 else package
    return f"{base}.{name}" if name else base


def raised_at(error: BaseException, root: Path) -> str:
    """Name the innermost line of the project that an error went through, to be put behind its text; else nothing."""
    project = Project([root])
    lines = [
        (project.relative(frame.f_code.co_filename), line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return next((f" ({place}:{line})" for place, line in reversed(lines) if place), "")
