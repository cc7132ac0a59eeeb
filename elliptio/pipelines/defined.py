"""Pipelines that a project's files define, put together when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from elliptio.pipelines.errors import PipelineDefinitionError
from elliptio.pipelines.pipeline import Craft, Pipeline
from elliptio.pipelines.project.definitions import Definitions, Operator
from elliptio.pipelines.project.importing import load
from elliptio.pipelines.project.places import Project


class _Where:
    """Place where a pipeline names a craft; looked up for messages alone: that takes a look at the whole file."""

    def __init__(self, operator: Operator, pipeline: str) -> None:
        self._operator = operator
        self._pipeline = pipeline

    def __str__(self) -> str:
        return f"{self._operator.where}: pipeline {self._pipeline!r}"


class DefinedPipelines(Mapping[str, Pipeline]):
    """The pipelines of a project by name; each time a new one, so that adding to it changes no other.

    Parameters
    ----------
    definitions, project
        What the files say, and where crafts are imported from.

    """

    def __init__(self, definitions: Definitions, project: Project) -> None:
        self.definitions = definitions
        self._project = project

    def __getitem__(self, name: str) -> Pipeline:
        pipeline = Pipeline(name)
        for operator in self.definitions[name]:
            where = _Where(operator, name)
            found = load(operator.dotted, self._project, where=where)
            if not isinstance(found, Craft | Pipeline):
                raise PipelineDefinitionError(
                    f"{where}: {operator.dotted} is of type {type(found).__name__}: decorate it with @Craft()."
                )
            try:
                pipeline += found
            except PipelineDefinitionError as error:
                raise PipelineDefinitionError(f"{where}: {error}") from error
        return pipeline

    def __iter__(self) -> Iterator[str]:
        return iter(self.definitions)

    def __len__(self) -> int:
        return len(self.definitions)

    def __contains__(self, name: object) -> bool:
        return name in self.definitions
