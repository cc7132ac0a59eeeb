"""Make projects with a lake for tests, and the crafts of modules in them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

import elliptio as eio
from elliptio.pipelines import Session

TABLE = """\
[project]
name = "shop"
[tool.elliptio.pipelines]
project_slug = "shop"
configuration = "conf"
catalog = "catalog"
sources = "lib"
"""


def project(root: Path, *entries: dict[str, Any], modules: dict[str, str] | None = None, **settings: Any) -> Path:
    """Lay out a project: entries of its catalog, modules of its sources, and settings."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text(TABLE)
    for name in ("conf", "catalog", "lib"):
        (root / name).mkdir(exist_ok=True)
    (root / "conf" / "globals.yaml").write_text(yaml.safe_dump(settings))
    (root / "catalog" / "all.yaml").write_text(yaml.safe_dump(list(entries)))
    for name, text in (modules or {}).items():
        path = root / "lib" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return root


def session(root: Path, lake: str | Path | None = None, **more: Any) -> Session:
    """Open a project on a lake: beside it without one."""
    found: Session = Session(root, handler=eio.Handler(lake or root.parent / "lake", progress=False, **more))
    return found


def git_init(root: Path, branch: str = "main") -> None:
    """Make a repository of a project, with one commit."""
    who = ["-c", "user.name=Andy", "-c", "user.email=andy@example.org"]
    for command in (["init", "-q", "-b", branch], ["add", "."], [*who, "commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *command], cwd=root, check=True)


def python(*arguments: str, cwd: Path, **environment: str) -> subprocess.Popen[str]:
    """Start an interpreter."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def holds(text: str, *folders: Path) -> list[str]:
    """Name the files below some folders that hold a text."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and text.encode() in path.read_bytes():
                found.append(str(path))
    return found
