"""Read ``globals.y(a)ml`` and ``locals.y(a)ml``: merged deeply, locals win."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from elliptio.pipelines.errors import ProjectError
from elliptio.pipelines.project.settings import Settings, merged
from elliptio.pipelines.project.yaml_files import Reader

log = logging.getLogger(__name__)

_SUFFIXES = (".yaml", ".yml")
_FILES = ("globals", "locals")


def read_settings(folder: Path, reader: Reader) -> Settings:
    """Read the settings of a configuration folder; files that are not there say nothing.

    Only ``globals.yaml``, ``globals.yml``, ``locals.yaml`` and ``locals.yml`` are read, and not as templates. A
    file whose name only begins like them, such as ``globals_x.yml``, is named in the log: somebody may count on it.

    Raises
    ------
    ProjectError
        If one is no YAML, no mapping, or there with both endings.

    """
    values: dict[Any, Any] = {}
    origins = []
    if folder.exists() and not folder.is_dir():
        raise ProjectError(
            f"{reader.shown(folder)} is no folder: the configuration is the one of globals.yaml and locals.yaml."
        )
    for name in _FILES:
        found = [folder / f"{name}{suffix}" for suffix in _SUFFIXES if (folder / f"{name}{suffix}").exists()]
        if len(found) > 1:
            raise ProjectError(f"There are {' and '.join(map(reader.shown, found))}: keep one of them.")
        for path in found:
            file = reader.read(path, is_template=False)
            if not isinstance(file.value, dict | None):
                raise ProjectError(f"{file.where()}: settings are a mapping, `name: value`, not a {_kind(file.value)}.")
            values = merged(values, file.value or {}, any_case=True)
            origins.append(file.shown)
    _warn_of_unread(folder, reader)
    return Settings(values, origin=" and ".join(origins) or f"the settings: {reader.shown(folder)} has no globals.yaml")


def _kind(value: object) -> str:
    return "list" if isinstance(value, list) else "single value"


def _warn_of_unread(folder: Path, reader: Reader) -> None:
    try:
        names = sorted(each.name for each in folder.iterdir())
    except OSError:
        return
    for name in names:
        stem, _, suffix = name.casefold().rpartition(".")
        is_read = name in {f"{file}{ending}" for file in _FILES for ending in _SUFFIXES}
        if suffix in ("yaml", "yml") and stem.startswith(("global", "local")) and not is_read:
            log.warning("%s is not read: only globals.yaml and locals.yaml are (or .yml)", reader.shown(folder / name))
