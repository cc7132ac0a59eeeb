"""Read the definitions of pipelines: ``name: {operators: [module.craft | other pipeline]}``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elliptio.pipelines.errors import DuplicateNameError, PipelineDefinitionError, ProjectError, UnknownNameError
from elliptio.pipelines.project.names import drawn, is_bool_in_yaml, meant
from elliptio.pipelines.project.yaml_files import Reader, YamlFile

_FORM = "`name: {operators: [module.craft, other pipeline]}`"


@dataclass(frozen=True)
class Operator:
    """A craft that a pipeline names, ``module.craft``, and where it does."""

    dotted: str
    pipeline: str
    _file: YamlFile = field(repr=False, compare=False)
    _position: int = field(repr=False, compare=False)

    @property
    def where(self) -> str:
        """Say where it is named: ``pipelines/definitions.yaml:4``."""
        return self._file.where(self.pipeline, "operators", self._position)

    def __str__(self) -> str:
        return self.dotted


class Definitions(Mapping[str, list[Operator]]):
    """The pipelines that files define: a name leads to its crafts, those of nested pipelines among them, each once.

    Only what is asked for is put together, so that a pipeline that is wrong hinders no other.
    """

    def __init__(self, files: Mapping[str, YamlFile] | None = None) -> None:
        self._files = dict(files or {})

    def __getitem__(self, name: str) -> list[Operator]:
        if name not in self._files:
            raise UnknownNameError(f"There is no pipeline {name!r}; {meant(name, self._files)}")
        return self._flattened(name)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._files))

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def where(self, name: str) -> str:
        """Say where a pipeline is defined: ``pipelines/definitions.yaml:1``."""
        if name not in self._files:
            raise UnknownNameError(f"There is no pipeline {name!r}; {meant(name, self._files)}")
        return self._files[name].where(name)

    def _operators(self, name: str) -> list[Operator]:
        file = self._files[name]
        return [Operator(each, name, file, i) for i, each in enumerate(file.value[name]["operators"] or ())]

    def _flattened(self, name: str) -> list[Operator]:
        """Put the crafts of nested pipelines in their place, without recursion: chains may be long."""
        crafts: dict[str, Operator] = {}
        done: set[str] = set()
        way = {name: iter(self._operators(name))}
        while way:
            inner = next(reversed(way))
            operator = next(way[inner], None)
            if operator is None:
                done.add(inner)
                del way[inner]
            elif operator.dotted in way:
                names = list(way)
                cycle = [*names[names.index(operator.dotted) :], operator.dotted]
                raise PipelineDefinitionError(f"{operator.where}: pipelines contain each other: {drawn(cycle)}.")
            elif operator.dotted in self._files:
                if operator.dotted not in done:
                    way[operator.dotted] = iter(self._operators(operator.dotted))
            elif "." not in operator.dotted:
                raise UnknownNameError(
                    f"{operator.where}: pipeline {inner!r} names {operator.dotted!r}, which is neither a pipeline nor "
                    f"a craft (module.craft); {meant(operator.dotted, self._files)}"
                )
            else:
                crafts.setdefault(operator.dotted, operator)
        return list(crafts.values())


def read_definitions(place: Path | None, reader: Reader) -> Definitions:
    """Read the definitions of a file, or of all YAML files of a folder.

    Raises
    ------
    ProjectError
        If one has another form than ``name: {operators: […]}``.
    DuplicateNameError
        If two have the same name; the message names both places.

    """
    found: dict[str, YamlFile] = {}
    for name, file in named_mappings(place, reader, "pipeline", _FORM):
        _check(name, file)
        if name in found:
            raise twice("pipeline", name, found[name], file)
        found[name] = file
    return Definitions(found)


def named_mappings(place: Path | None, reader: Reader, kind: str, form: str) -> Iterator[tuple[str, YamlFile]]:
    """Go through the names at the top of files, and the file that each is in."""
    for file in reader.read_all(place) if place is not None else ():
        if file.value is None:
            continue
        if not isinstance(file.value, dict):
            raise ProjectError(f"{file.where()}: {kind}s are written {form}, not as a list or a single value.")
        for name in file.value:
            if not isinstance(name, str):
                raise ProjectError(
                    f"{file.where(name)}: the name of the {kind} {name!r} is no text{is_bool_in_yaml(name)}."
                )
            yield name, file


def twice(kind: str, name: str, one: YamlFile, other: YamlFile) -> DuplicateNameError:
    """Make the error that a name is there twice."""
    return DuplicateNameError(
        f"The {kind} {name!r} is there twice, in {one.where(name)} and in {other.where(name)}: rename one of them."
    )


def _check(name: str, file: YamlFile) -> None:
    definition: Any = file.value[name]
    if not isinstance(definition, dict):
        raise ProjectError(f"{file.where(name)}: the pipeline {name!r} has to be written {_FORM}.")
    for key in definition:
        if key != "operators":
            raise ProjectError(
                f"{file.where(name, key)}: the pipeline {name!r} has the unknown key {key!r}; there is 'operators'."
            )
    if "operators" not in definition:
        raise ProjectError(f"{file.where(name)}: the pipeline {name!r} has no operators: write it {_FORM}.")
    operators = definition["operators"]
    if not isinstance(operators, list | None):
        raise ProjectError(f"{file.where(name, 'operators')}: the operators of {name!r} are no list.")
    for i, each in enumerate(operators or ()):
        if not isinstance(each, str) or not each.strip():
            raise ProjectError(
                f"{file.where(name, 'operators', i)}: operator {i + 1} of the pipeline {name!r} is no name "
                "of a craft (module.craft) or of a pipeline."
            )
