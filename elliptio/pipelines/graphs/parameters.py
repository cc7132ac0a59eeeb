"""Distribute parameters over the crafts of a pipeline: shared ones to all, named ones to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.errors import PipelineDefinitionError

_PLAIN: Mapping[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,)}


class Parameters(NamedTuple):
    """Parameters of a run of a pipeline.

    Attributes
    ----------
    shared
        Those of all crafts.
    own
        Those of one craft, by its name.
    elsewhere
        Names with a mapping among `params` that look like names of crafts, and are of none here. A configuration may
        well have such: it serves several pipelines.

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
                elsewhere += [name] if level is params else []
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


def check_hints(crafts: Sequence[CraftFunction], params: Mapping[str, Any]) -> None:
    """Check what somebody typed against hints that are plain: ``int``, ``float`` and ``bool``.

    Raises
    ------
    PipelineDefinitionError
        If a value is of another type: the craft would fail on it, perhaps after hours.

    """
    given = distribute(crafts, params, None)
    for craft in crafts:
        hints = craft.__wrapped__.__annotations__
        for name, value in given.of(craft).items():
            hint = hints.get(name)
            kind = hint if isinstance(hint, str) else getattr(hint, "__name__", "")
            fits = _PLAIN.get(kind) if name in craft.parameters else None
            if fits and type(value) not in fits and not (value is None and craft.parameters[name] is None):
                raise PipelineDefinitionError(f"The craft {craft.name} takes {name}: {kind}, not {value!r}.")
