"""Distribute parameters over the crafts of a pipeline: shared ones to all, named ones to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.errors import PipelineDefinitionError


@dataclass(frozen=True)
class Parameters:
    """Parameters of a run of a pipeline.

    Attributes
    ----------
    shared
        Those of all crafts.
    own
        Those of one craft, by its name.
    elsewhere
        Names with a mapping that are names of no craft here.

    """

    shared: Mapping[str, Any]
    own: Mapping[str, Mapping[str, Any]]
    elsewhere: tuple[str, ...] = ()

    def of(self, craft: CraftFunction) -> dict[str, Any]:
        """Return what a craft is given: its own win over shared ones."""
        return {**self.shared, **self.own.get(craft.name, {})}


def distribute(
    crafts: Sequence[CraftFunction], params: Mapping[str, Any] | None, configuration: Mapping[str, Any] | None
) -> Parameters:
    """Tell shared parameters from those of one craft; on one level `params` win over the configuration.

    Raises
    ------
    PipelineDefinitionError
        If what is named like a craft is no mapping, or one of both is none.

    """
    names = {name: craft.name for craft in crafts for name in (craft.qualified, craft.name)}
    taken = {name for craft in crafts for name in craft.parameters}
    shared: dict[str, Any] = {}
    own: dict[str, dict[str, Any]] = {}
    elsewhere = []
    for what, level in (("configuration", configuration), ("params", params)):
        for name, value in _checked(what, level).items():
            if name in names and (isinstance(value, Mapping) or name not in taken):
                if not isinstance(value, Mapping):
                    raise PipelineDefinitionError(
                        f"{name!r} is a craft, so its parameters are a mapping, such as {{{name!r}: {{'top': 10}}}}, "
                        f"not {value!r}."
                    )
                own.setdefault(names[name], {}).update(value)
            elif isinstance(value, Mapping) and "." in name and name not in taken:
                elsewhere.append(name)
            else:
                shared[name] = value
    return Parameters(shared, own, tuple(elsewhere))


def _checked(what: str, level: Any) -> Mapping[str, Any]:
    if level is None:
        return {}
    if not isinstance(level, Mapping):
        raise PipelineDefinitionError(f"{what}= takes a mapping from names to values, not {level!r}.")
    for name in level:
        if not isinstance(name, str):
            raise PipelineDefinitionError(f"{what}= takes names of parameters, which are texts, not {name!r}.")
    return level


def names_of(parameters: Parameters) -> Iterable[str]:
    """List the names of all parameters that are given, each once."""
    return dict.fromkeys([*parameters.shared, *(name for own in parameters.own.values() for name in own)])
