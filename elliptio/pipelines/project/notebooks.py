"""Compile notebooks: cells tagged ``craft`` become modules below the sources, so that pipelines can name them.

A module says in its head which notebook it is of, and the sha256 of what follows: what somebody edited is known, and
not overwritten.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import keyword
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elliptio.pipelines.errors import DuplicateNameError, ProjectError, ProjectNotFoundError
from elliptio.pipelines.project.own_folder import replace
from elliptio.pipelines.project.places import Project

TAG = "craft"
_NUMBER = re.compile(r"^(?:\d+_)+")
_HEAD = re.compile(r"\A# Compiled from (?P<notebook>.*)\n# Edit .*\n# sha256: (?P<sha256>[0-9a-f]{64})\n")
_DISPLAY = frozenset(("matplotlib", "load_ext", "reload_ext", "autoreload", "config", "precision"))
"""Magics that only say how a notebook shows things: a module does without."""


@dataclass
class CompileReport:
    """Modules of notebooks and the outcome of each, as paths from the project's root."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Edited by somebody or not made by this: left as they are."""
    left_over: list[str] = field(default_factory=list)
    """Compiled from notebooks that are not there any more: left as they are."""

    @property
    def ok(self) -> bool:
        """Tell whether every notebook has its module now."""
        return not self.refused


def compile_notebooks(project: Project, *, force: bool = False) -> CompileReport:
    """Make a module of each notebook below the project's ``notebook_sources`` that has cells tagged ``craft``.

    ``scripts/10_load/20_raw data.ipynb`` becomes ``lib/jupyter/load/rawdata.py``. Nothing is written before all
    notebooks are found right. Magics that only concern display (``%matplotlib``, ``%load_ext`` …) become comments.

    Parameters
    ----------
    force
        Overwrite modules that somebody edited, too.

    Raises
    ------
    ProjectError
        If a notebook cannot be read, or a cell is no Python: ``!`` and other magics cannot be in a module.
    DuplicateNameError
        If two notebooks would become one module.

    """
    target = project.sources / project.notebook_target
    _check_target(project)
    texts: dict[Path, str] = {}
    origins: dict[Path, str] = {}
    for notebook in _notebooks(project):
        shown = notebook.relative_to(project.root).as_posix()
        body = _body(notebook, shown)
        if body is None:
            continue
        module = target / _module_path(notebook.relative_to(project.notebook_sources), shown)
        if module in origins:
            raise DuplicateNameError(
                f"{origins[module]} and {shown} would both become {_shown(module, project)}: rename one of them."
            )
        origins[module], texts[module] = shown, _with_head(body, shown)
    _check_packages(target, origins, project)
    report = CompileReport()
    for module, text in texts.items():
        _write(module, text, project, report, force=force)
    importlib.invalidate_caches()
    report.left_over.extend(_left_over(target, project, set(texts)))
    return report


def _shown(path: Path, project: Project) -> str:
    return path.relative_to(project.root).as_posix()


def _check_target(project: Project) -> None:
    for part in project.notebook_target.split("/"):
        if not part.isidentifier() or keyword.iskeyword(part):
            raise ProjectError(
                f"{project.file}: [{project.table}]: notebook_target is {project.notebook_target!r}, but {part!r} is "
                "no name of a package: use letters, digits and _."
            )


def _check_packages(target: Path, origins: dict[Path, str], project: Project) -> None:
    """Refuse a notebook that has the name of a folder beside it: one module would hide the other."""
    for module, shown in origins.items():
        for folder in module.relative_to(target).parents:
            other = origins.get(target / f"{folder}.py")
            if other is not None:
                raise DuplicateNameError(
                    f"{other} and the folder of {shown} would both become the module "
                    f"{_shown(target / folder, project)}: rename one of them."
                )


def _notebooks(project: Project) -> Iterator[Path]:
    folder = project.notebook_sources
    if not folder.is_dir():
        if "notebook_sources" in project.named:
            raise ProjectNotFoundError(
                f"{project.file}: notebook_sources in [{project.table}] names {_shown(folder, project)!r}, "
                "which is no folder."
            )
        return
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
            yield path


def _module_path(notebook: Path, shown: str) -> Path:
    """Clean each part of a notebook's path: no leading ``10_``, no spaces."""
    parts = [_NUMBER.sub("", "".join(part.split())) for part in notebook.with_suffix("").parts]
    for part, before in zip(parts, notebook.with_suffix("").parts, strict=True):
        if not part.isidentifier() or keyword.iskeyword(part) or part.startswith("__"):
            raise ProjectError(
                f"{shown}: {before!r} would become {part!r}, which is no name of a module: rename it, with letters, "
                "digits and _."
            )
    return Path(*parts[:-1], f"{parts[-1]}.py")


def _body(notebook: Path, shown: str) -> str | None:
    """Join the crafts' cells of a notebook; None if it has none."""
    cells = [
        _python(_source(cell), f"{shown}, cell {number}")
        for number, cell in enumerate(_cells(notebook, shown), 1)
        if _is_craft(cell)
    ]
    if not cells:
        return None
    body = "\n\n\n".join(cell.strip("\n") for cell in cells) + "\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(body, shown, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            raise ProjectError(f"{shown}: its cells tagged craft are no module together: {error}.") from None
    return body


def _cells(notebook: Path, shown: str) -> list[Any]:
    try:
        content = json.loads(notebook.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ProjectError(f"{shown} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ProjectError(f"{shown} is no notebook: {error}.") from None
    cells = content.get("cells", []) if isinstance(content, dict) else None
    if not isinstance(cells, list):
        raise ProjectError(f"{shown} is no notebook: it has no list of cells.")
    return cells


def _is_craft(cell: Any) -> bool:
    metadata = cell.get("metadata") if isinstance(cell, dict) and cell.get("cell_type") == "code" else None
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return isinstance(tags, list) and any(isinstance(tag, str) and tag.strip().lower() == TAG for tag in tags)


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return text.replace("\r\n", "\n")


def _python(source: str, where: str) -> str:
    """Check that a cell is Python, and make comments of magics that a module does without."""
    lines = source.split("\n")
    while True:
        error = _syntax_error("\n".join(lines))
        if error is None:
            return "\n".join(lines)
        number = (error.lineno or 1) if isinstance(error, SyntaxError) else 1
        line = lines[number - 1] if number <= len(lines) else ""
        if line[:1] == "%" and re.split(r"\W", line[1:], maxsplit=1)[0] in _DISPLAY:
            lines[number - 1] = f"# {line}"
        elif line.lstrip()[:1] in ("%", "!", "?") or line.rstrip()[-1:] == "?":
            raise ProjectError(
                f"{where}, line {number}: {line.strip()!r} is no Python, and a module has no magics: move the line "
                "to a cell that is not tagged craft."
            )
        else:
            said = error.msg if isinstance(error, SyntaxError) else error
            raise ProjectError(f"{where}, line {number}: this is no Python: {said}.")


def _syntax_error(source: str) -> Exception | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return error
    return None


def _with_head(body: str, notebook: str) -> str:
    return (
        f"# Compiled from {notebook.encode(errors='replace').decode()}\n"
        "# Edit the notebook and run `elliptio compile`: a module that was edited here is not overwritten.\n"
        f"# sha256: {_sha256(body)}\n\n{body}"
    )


def _sha256(body: str) -> str:
    return hashlib.sha256(body.strip("\n").encode(errors="surrogatepass")).hexdigest()


def _as_compiled(module: Path) -> re.Match[str] | None:
    """Read the head of a module that is as it was compiled; None if somebody made or edited it."""
    try:
        text = module.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    head = _HEAD.match(text)
    return head if head is not None and head["sha256"] == _sha256(text[head.end() :]) else None


def _write(module: Path, text: str, project: Project, report: CompileReport, *, force: bool) -> None:
    shown = _shown(module, project)
    try:
        if module.is_dir():
            raise ProjectError(f"{shown} is a folder, where a module of a notebook was to be: rename one of them.")
        if module.exists() and module.read_bytes() == text.encode(errors="surrogatepass"):
            report.unchanged.append(shown)
            return
        if module.exists() and not force and _as_compiled(module) is None:
            report.refused.append(shown)
            return
        _make_packages(module.parent, project.sources)
        replace(module, text.encode(errors="surrogatepass"))
    except OSError as error:
        if isinstance(error, ProjectError):
            raise
        raise ProjectError(f"{shown} cannot be written: {error.strerror or error}.") from error
    report.written.append(shown)


def _make_packages(folder: Path, sources: Path) -> None:
    """Make the folders of a module, each with an ``__init__.py`` unless there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    while folder != sources:
        path = folder / "__init__.py"
        if not path.exists():
            path.touch()
        folder = folder.parent


def _left_over(target: Path, project: Project, made: set[Path]) -> Iterator[str]:
    for module in sorted(target.rglob("*.py")) if target.is_dir() else ():
        head = None if module in made or module.name == "__init__.py" else _as_compiled(module)
        if head is not None and not (project.root / head["notebook"]).exists():
            yield _shown(module, project)
