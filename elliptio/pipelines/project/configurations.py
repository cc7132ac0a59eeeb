"""Read configurations of pipelines: ``name: {shared: v, module.craft: {…}, _from: [bases]}``."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from elliptio.pipelines.errors import ProjectError, UnknownNameError
from elliptio.pipelines.project.definitions import named_mappings, twice
from elliptio.pipelines.project.names import drawn, is_bool_in_yaml, meant
from elliptio.pipelines.project.settings import merged
from elliptio.pipelines.project.yaml_files import Reader, YamlFile

BASES = "_from"
_FORM = "`name: {parameter: value, module.craft: {…}, _from: [bases]}`"


class Configurations(Mapping[str, dict[str, Any]]):
    """The configurations that files define: a name leads to its parameters, those of its bases among them.

    Bases count from left to right, a configuration's own keys last: mappings merge, lists are replaced. What comes
    out is the caller's own.
    """

    def __init__(self, files: Mapping[str, YamlFile] | None = None) -> None:
        self._files = dict(files or {})
        self._known: dict[str, dict[str, Any]] = {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        if name not in self:
            raise UnknownNameError(f"There is no configuration {name!r}; {meant(str(name), self._files)}")
        if name not in self._known:
            self._resolve(name)
        return copy.deepcopy(self._known[name])

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._files))

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._files

    def where(self, name: str) -> str:
        """Say where a configuration is defined: ``pipelines/parameters.yaml:1``."""
        if name not in self._files:
            raise UnknownNameError(f"There is no configuration {name!r}; {meant(name, self._files)}")
        return self._files[name].where(name)

    def bases(self, name: str) -> list[str]:
        """List the configurations that one is made from, as it names them."""
        named = (self._files[name].value[name] or {}).get(BASES)
        return [named] if isinstance(named, str) else list(named or ())

    def _resolve(self, name: str) -> None:
        """Resolve the bases first, without recursion: chains may be long."""
        way = {name: iter(self.bases(name))}
        while way:
            inner = next(reversed(way))
            base = next(way[inner], None)
            if base is None:
                self._known[inner] = self._joined(inner)
                del way[inner]
            elif base in way:
                names = list(way)
                cycle = [*names[names.index(base) :], base]
                raise ProjectError(
                    f"{self._files[inner].where(inner, BASES)}: configurations come from each other: {drawn(cycle)}."
                )
            elif base not in self._files:
                raise UnknownNameError(
                    f"{self._files[inner].where(inner, BASES)}: the configuration {inner!r} comes from {base!r}, which "
                    f"nobody defines; {meant(base, self._files)}"
                )
            elif base not in self._known:
                way[base] = iter(self.bases(base))

    def _joined(self, name: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for base in self.bases(name):
            result = merged(result, self._known[base])
        own = self._files[name].value[name] or {}
        return merged(result, {key: value for key, value in own.items() if key != BASES})


def read_configurations(place: Path | None, reader: Reader) -> Configurations:
    """Read the configurations of a file, or of all YAML files of a folder.

    Raises
    ------
    ProjectError
        If one is no mapping, or its ``_from`` no list of names.
    DuplicateNameError
        If two have the same name; the message names both places.

    """
    found: dict[str, YamlFile] = {}
    for name, file in named_mappings(place, reader, "configuration", _FORM):
        _check(name, file)
        if name in found:
            raise twice("configuration", name, found[name], file)
        found[name] = file
    return Configurations(found)


def _check(name: str, file: YamlFile) -> None:
    own: Any = file.value[name]
    if not isinstance(own, dict | None):
        raise ProjectError(f"{file.where(name)}: the configuration {name!r} has to be written {_FORM}.")
    for key in own or ():
        if not isinstance(key, str):
            raise ProjectError(
                f"{file.where(name, key)}: the parameter {key!r} of the configuration {name!r} is no text"
                f"{is_bool_in_yaml(key)}."
            )
    bases = (own or {}).get(BASES)
    if not (bases is None or isinstance(bases, str) or (isinstance(bases, list) and _are_texts(bases))):
        raise ProjectError(f"{file.where(name, BASES)}: _from of the configuration {name!r} is no list of names.")


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(each, str) for each in values)
