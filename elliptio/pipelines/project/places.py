"""Find the project of a folder: the table of its ``pyproject.toml``, and the places that it names."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from elliptio.pipelines.arguments import check_kind
from elliptio.pipelines.errors import ProjectError, ProjectNotFoundError
from elliptio.pipelines.project.names import meant
from elliptio.system.os_errors import explained

FILE = "pyproject.toml"
TABLES = (("tool", "elliptio", "pipelines"), ("tool", "statisfactory"))
"""The first that a file has counts."""
_PLACES: dict[str, tuple[str, ...]] = {
    "configuration": ("configuration",),
    "catalog": ("catalog", "catalog.yaml", "catalog.yml"),
    "sources": ("lib",),
    "notebook_sources": ("scripts",),
    "pipelines_definitions": ("pipelines/definitions.yaml", "pipelines/definitions.yml", "pipelines/definitions"),
    "parameters": ("pipelines/parameters.yaml", "pipelines/parameters.yml", "pipelines/parameters"),
}
"""Usual places, if the table names no other: the first that is there."""
_KEYS = ("project_slug", *_PLACES, "notebook_target", "entrypoints")
_ENTRYPOINT_KEYS = ("module", "session_factory")


@dataclass(frozen=True)
class Project:
    """A project's places, and its name.

    Examples
    --------
    >>> project = find_project("my-project/scripts")  # doctest: +SKIP
    >>> project.catalog  # doctest: +SKIP
    PosixPath('/home/andy/my-project/catalog')

    """

    root: Path
    project_slug: str
    configuration: Path
    catalog: Path
    sources: Path
    notebook_sources: Path
    notebook_target: str
    pipelines_definitions: Path
    parameters: Path
    entrypoint: tuple[str, str | None] | None
    file: Path
    table: str
    named: frozenset[str] = frozenset()
    """The keys that the table has: what it names has to be there when it is read, what it doesn't may be missing."""

    def place(self, key: str) -> Path | None:
        """Locate what a key names, to be read; None if nobody named it and it is not there.

        Raises
        ------
        ProjectNotFoundError
            If the table names it and it is not there.

        """
        path: Path = getattr(self, key)
        if path.exists():
            return path
        if key not in self.named:
            return None
        beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ProjectNotFoundError(
            f"{self.file}: {key} in [{self.table}] names {path.relative_to(self.root).as_posix()!r}, "
            f"which is not there; {meant(path.name, beside)}"
        )


def find_project(folder: str | os.PathLike[str] | None = None) -> Project:
    """Find the project that a folder (by default the working directory) lies in.

    Raises
    ------
    ProjectNotFoundError
        If neither it nor a folder above it has a ``pyproject.toml`` with the table. What the table names is looked
        for where it is used.
    ProjectError
        If the table is wrong; the message names the file, the key and what is allowed.

    """
    if folder is not None:
        check_kind("root_folder", folder, (str, os.PathLike), "the path of a folder")
    start = (Path.cwd() if folder is None else Path(folder).expanduser()).absolute()
    if start.name == FILE and start.is_file():
        start = start.parent
    with explained("look at", str(start)):
        is_there = start.is_dir()
    if not is_there:
        raise ProjectNotFoundError(f"There is no folder {start}.")
    start = Path(start.resolve() if ".." in start.parts else start)
    for each in (start, *start.parents):
        found = _table_of(each / FILE)
        if found is not None:
            return _project(each, *found)
    raise ProjectNotFoundError(
        f"There is no project in {start} or above it: no {FILE} with a table [tool.elliptio.pipelines] (or "
        "[tool.statisfactory]). `elliptio new DIR` lays out a new project."
    )


def _table_of(path: Path) -> tuple[str, Mapping[str, Any]] | None:
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}.") from error
    if "pipelines" not in text and "statisfactory" not in text:
        return None
    try:
        text.encode()
        values = tomllib.loads(text)
    except UnicodeEncodeError:
        raise ProjectError(f"{path} is not UTF-8: save the file in that encoding.") from None
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path} is no TOML: {error}.") from error
    for way in TABLES:
        table: Any = values
        for key in way:
            table = table.get(key) if isinstance(table, dict) else None
        if table is not None:
            name = ".".join(way)
            if not isinstance(table, dict):
                raise ProjectError(f"{path}: {name} is {table!r}: make it a table, [{name}].")
            return name, table
    return None


def _project(root: Path, name: str, table: Mapping[str, Any]) -> Project:
    file = root / FILE
    where = f"{file}: [{name}]"
    _check_keys(table, _KEYS, where)
    slug = _text(table, "project_slug", where) if "project_slug" in table else root.name or "project"
    target = _inside(table, "notebook_target", where) if "notebook_target" in table else "jupyter"
    places = {
        key: root / _inside(table, key, where) if key in table else _first_there(root, usual)
        for key, usual in _PLACES.items()
    }
    return Project(
        root=root,
        project_slug=slug,
        notebook_target=target,
        entrypoint=_entrypoint(table.get("entrypoints"), f"{file}: [{name}.entrypoints]"),
        file=file,
        table=name,
        named=frozenset(table),
        **places,
    )


def _first_there(root: Path, places: tuple[str, ...]) -> Path:
    return next((root / each for each in places if (root / each).exists()), root / places[0])


def _check_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise ProjectError(f"{where} has the unknown key {key!r}; {meant(key, known)}")


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ProjectError(f"{where}: {key} has to be a text of a line, not {value!r}.")
    return value.strip()


def _inside(table: Mapping[str, Any], key: str, where: str) -> str:
    """Read a place below the root, with slashes."""
    value = _text(table, key, where)
    if "\\" in value or PureWindowsPath(value).drive:
        raise ProjectError(
            f"{where}: {key} is {value!r}: write it from the folder of this file, with slashes: a/b, not a\\b."
        )
    path = PurePosixPath(value)
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 1
        if path.is_absolute() or depth < 0:
            raise ProjectError(f"{where}: {key} is {value!r}, outside of the project: name a place below this file.")
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts) or "."


def _entrypoint(table: Any, where: str) -> tuple[str, str | None] | None:
    if table is None:
        return None
    if not isinstance(table, dict):
        raise ProjectError(f"{where} is {table!r}: make it a table with module and session_factory.")
    _check_keys(table, _ENTRYPOINT_KEYS, where)
    if not table:
        return None
    if "module" not in table:
        raise ProjectError(f"{where} has no module: name the one that has the session_factory.")
    factory = _text(table, "session_factory", where) if "session_factory" in table else None
    return _text(table, "module", where), factory
