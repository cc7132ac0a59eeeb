"""Modules that define data models, made as a user would: written down, imported, and gone again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from elliptio.models import DataModel, identity


class Modules:
    """Writes modules and imports them; `forget` is what a new process would be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()

    def __call__(self, name: str, code: str) -> ModuleType:
        """Write a module and import it, once more where it was before."""
        path = self._folder / f"{name}.py"
        before = path.stat().st_size if path.exists() else 0
        header = "from __future__ import annotations\n" if before == 0 else "from __future__ import annotations\n\n"
        imports = "from typing import *\nfrom dataclasses import dataclass\nimport elliptio.models as em\n"
        path.write_text(header + imports + "from elliptio.models import *\n" + dedent(code))
        sys.modules.pop(name, None)
        cache = self._folder / "__pycache__"
        for each in cache.glob("*") if cache.exists() else ():
            each.unlink()
        importlib.invalidate_caches()
        self._names.add(name)
        return importlib.import_module(name)

    def notebook(self) -> dict[str, Any]:
        """Return the names of a module that cells are run in."""
        module = ModuleType(f"notebook_{len(self._names)}")
        self._names.add(module.__name__)
        sys.modules[module.__name__] = module
        vars(module)["DataModel"] = DataModel
        return vars(module)

    def forget(self, *names: str) -> None:
        """Let modules be gone, as in a process that never imported them."""
        for name in names or tuple(self._names):
            if name != "__main__":
                sys.modules.pop(name, None)
            for path in [path for path in identity._defined if path.split(":")[0] == name]:
                del identity._defined[path]


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    made = Modules(folder)
    yield made
    made.forget()
