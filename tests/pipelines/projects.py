"""A project in a folder, that is edited and run again in the same process, as if each time were a new one."""

from __future__ import annotations

import importlib
import sys
import textwrap
from pathlib import Path
from typing import Any

import elliptio as eio
from elliptio.pipelines import Pipeline, Session

PYPROJECT = """
[tool.elliptio.pipelines]
project_slug = "shop"
catalog = "catalog"
"""


class Project:
    """A project in a folder."""

    def __init__(self, root: Path, lake: Path | None = None) -> None:
        self.root = root
        self.handler = eio.Handler(lake or root.parent / f"{root.name}-lake", progress=False)
        self.write("pyproject.toml", PYPROJECT)
        self.write("catalog/all.yaml", "[]")
        (root / "lib").mkdir()

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a text in a file."""
        path = self.root / name
        text = path.read_text()
        assert old in text, (old, text)
        path.write_text(text.replace(old, new))

    def session(self) -> Session:
        """Open the project as a new process would: its modules are imported again."""
        lib = str(self.root / "lib")
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(lib):
                del sys.modules[name]
        importlib.invalidate_caches()
        return Session(self.root, handler=self.handler)

    def pipeline(self, session: Session, names: str) -> Any:
        """Join crafts of modules: ``"steps.clean steps.train"``."""
        found = Pipeline("test")
        for dotted in names.split():
            module, _, name = dotted.rpartition(".")
            craft = getattr(importlib.import_module(module), name)
            found += craft
        return found

    def run(self, names: str, params: dict[str, Any] | None = None, **options: Any) -> Any:
        """Run a pipeline of crafts, and return the build."""
        session = self.session()
        with session:
            return self.pipeline(session, names).run(params, **options)

    def plan(self, names: str, params: dict[str, Any] | None = None, **options: Any) -> Any:
        """Plan a pipeline of crafts."""
        session = self.session()
        with session:
            return self.pipeline(session, names).plan(params, **options)


def fates(build: Any) -> dict[str, str]:
    """What became of each craft."""
    return {step.craft: step.status for step in build.rows}


def reasons(build: Any) -> dict[str, str]:
    """Why it became so."""
    return {step.craft: step.why for step in build.rows}
