"""Decide which given value goes where in a craft: to a plain parameter, an input, or a key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.interactors import Backend
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.hints import REQUIRED
from elliptio.pipelines.errors import CraftDefinitionError, MissingKeysError, PipelineDefinitionError
from elliptio.system.warn import warn

if TYPE_CHECKING:
    from elliptio.pipelines.catalog.catalog import Catalog
    from elliptio.pipelines.graphs.parameters import Parameters


class UnusedParameterWarning(UserWarning):
    """A parameter was given that nothing takes."""


class Bound(NamedTuple):
    """Values for a call of a craft.

    Attributes
    ----------
    parameters
        Of its plain parameters, defaults included.
    given
        Of its inputs, where the caller gives them.
    context
        All that was given, and its own defaults: keys are filled from it.

    """

    parameters: Mapping[str, Any]
    given: Mapping[str, Any]
    context: Mapping[str, Any]


def positional(craft: CraftFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Name positional arguments: they fill the plain parameters, in order.

    Raises
    ------
    CraftDefinitionError
        If there are too many, or one is given twice.

    """
    names = list(craft.parameters)
    if len(args) > len(names):
        raise CraftDefinitionError(
            f"The craft {craft.name} takes {len(names)} plain parameters ({', '.join(names) or 'none'}), and "
            f"{len(args)} values were given; inputs are given by keyword."
        )
    named = dict(zip(names, args, strict=False))
    for name in named:
        if name in kwargs:
            raise CraftDefinitionError(f"The craft {craft.name} was given {name!r} twice.")
    return {**named, **kwargs}


def bind(craft: CraftFunction, given: Mapping[str, Any], keys: Mapping[str, Any] | None = None) -> Bound:
    """Distribute what is given.

    Parameters
    ----------
    craft
        The craft.
    given
        Values by name; those that it has no parameter for stay in the context.
    keys
        Those of its partition: a plain parameter named like one gets it.

    Raises
    ------
    CraftDefinitionError
        If a plain parameter has no value; the message names it.

    """
    keys = keys or {}
    require(craft, given, keys)
    parameters = {
        name: keys[name] if name in keys else given.get(name, default) for name, default in craft.parameters.items()
    }
    if craft.keys_otherwise_spelled:
        parameters.update({name: keys[key] for name, key in craft.keys_otherwise_spelled.items() if key in keys})
    inputs = {one.parameter for one in craft.inputs}
    if craft.takes_more:
        own = {**craft.parameters, **dict.fromkeys(inputs)}
        parameters.update({name: value for name, value in given.items() if name not in own})
    return Bound(
        parameters,
        # A name that is also that of a key means the key: without that nobody could say which partition is meant.
        {name: value for name, value in given.items() if name in inputs and name not in keys},
        {**parameters, **given, **keys},
    )


def require(craft: CraftFunction, given: Collection[str], keys: Collection[str]) -> None:
    """Check that each plain parameter has a value: from what is given, the names of keys, or its default.

    Raises
    ------
    CraftDefinitionError
        If one has none; the message names it.

    """
    missing = [
        name
        for name, default in craft.parameters.items()
        if default is REQUIRED
        and name not in given
        and name not in keys
        and craft.keys_otherwise_spelled.get(name) not in keys
    ]
    if missing:
        raise CraftDefinitionError(
            f"The craft {craft.name} needs a value for {', '.join(map(repr, missing))}: pass {missing[0]}=…, or give "
            "it a default."
        )


def require_all(crafts: Iterable[CraftFunction], parameters: Parameters, catalog: Catalog) -> None:
    """Check that the steps of crafts have all that they need to be told: parameters, and keys of what they save.

    Raises
    ------
    CraftDefinitionError, MissingKeysError, PipelineDefinitionError
        If something is missing; the message names it.

    """
    for craft in crafts:
        given = parameters.of(craft)
        require(craft, given, craft.per)
        for one in craft.outputs:
            if not one.volatile:
                _require_keys(craft, catalog[one.name], given)
                _require_places(craft, catalog[one.name], given, catalog)


def _require_keys(craft: CraftFunction, entry: Entry, given: Collection[str]) -> None:
    """Check that each key of an entry that a craft makes has a value: from what is given, its partition or a default.

    Raises
    ------
    MissingKeysError
        If one has none; the message names it.

    """
    if not entry.keys:
        return
    inputs = (one.parameter for one in craft.inputs if not one.is_needed)
    known = {name.lower() for name in (*given, *craft.per, *craft.parameters, *inputs)}
    missing = [name for name in entry.keys if name.lower() not in known]
    if missing:
        raise MissingKeysError(
            f"The craft {craft.name} makes {entry.name!r}, which needs a value for {', '.join(map(repr, missing))}: "
            f"pass {missing[0]}=…, or run the craft per=({missing[0]!r},)."
        )


def _require_places(craft: CraftFunction, entry: Entry, given: Collection[str], catalog: Catalog) -> None:
    """Check that steps of a craft for different keys save to different keys of an entry, or one of them is asked for.

    Raises
    ------
    PipelineDefinitionError
        If they would all save to one: each would hide what the one before it made.

    """
    if not craft.per or _is_of_a_user(entry):
        return
    known = {name.lower() for name in (*entry.keys, *given)}
    lacking = [name for name in craft.per if name.lower() not in known and _may_have(craft, name, catalog)]
    if lacking:
        key = lacking[0]
        where = "its path" if entry.pattern else "a path of it"
        raise PipelineDefinitionError(
            f"The craft {craft.name} runs once per {', '.join(craft.per)}, and {entry.name!r}, which it makes, has no "
            f"key {key!r}: each step would hide what the one before it made. Put !{{{key}}} into {where}, return it "
            f"as Volatile({entry.name!r}), or pass {key}=… to make it for one."
        )


def _may_have(craft: CraftFunction, key: str, catalog: Catalog) -> bool:
    """Tell whether an input has a key; of a value that is passed on nobody knows before it is made."""
    entries = [catalog[one.name] for one in craft.inputs if not one.volatile and one.name in catalog]
    known = {name.lower() for entry in entries for name in entry.keys}
    return key.lower() in known or any(one.volatile for one in craft.inputs)


def _is_of_a_user(entry: Entry) -> bool:
    """Tell whether a class of a user loads and saves an entry, or keeps it."""
    return entry.is_custom or (
        entry.pattern is not None and entry.pattern.text.partition("://")[0] in Backend.backends()
    )


def takes_any(craft: CraftFunction, catalog: Catalog) -> bool:
    """Tell whether a craft may take any parameter: by ``**more``, or by an entry that is of a class of a user."""
    return craft.takes_more or any(_is_of_a_user(catalog[name]) for name in craft.entries if name in catalog)


def taken_names(craft: CraftFunction, catalog: Catalog) -> set[str]:
    """List the names that a craft takes: parameters, inputs and keys."""
    names = {*craft.parameters, *(one.parameter for one in craft.inputs), *craft.per}
    for name in craft.entries:
        if name in catalog:
            names |= set(catalog[name].keys)
    return names


def warn_of_unused(given: Iterable[str], taken: Collection[str], what: str) -> None:
    """Warn of parameters that nothing takes."""
    known = {one.lower() for one in taken}
    for name in given:
        if name.lower() not in known:
            from elliptio.pipelines.project.names import meant

            close = meant(name, taken) if taken else "it takes none."
            warn(f"{what} takes no parameter {name!r}; {close}", UnusedParameterWarning)
