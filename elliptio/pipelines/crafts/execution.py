"""Run a craft once: load what it takes, call it, check what it gives, save that."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio.naming import shorten
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import NONE, Keys
from elliptio.pipelines.catalog.keywords import giving
from elliptio.pipelines.catalog.versions import BUILT, Version
from elliptio.pipelines.code.places import raised_at
from elliptio.pipelines.crafts import formats
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.hints import Output
from elliptio.pipelines.crafts.recipes import Recipe, Taken, masked, shown, without_secrets
from elliptio.pipelines.crafts.values import LazyPartitions
from elliptio.pipelines.errors import CraftDefinitionError, CraftError, ValidationError, failed, named, sentence
from elliptio.runs.running import running

if TYPE_CHECKING:
    from elliptio.handler import Handler
    from elliptio.pipelines.catalog.assets import NewVersion
    from elliptio.pipelines.catalog.catalog import Catalog
    from elliptio.provenance.collecting import Provenance
    from elliptio.runs.scopes import Scope

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """A call of a craft that can be made now.

    Attributes
    ----------
    craft, keys, parameters
        What is called, for which partition, with what.
    inputs
        What it takes from the lake, by parameter.
    values
        What it is given, by parameter: volatile values, and inputs that the caller gives.
    context
        Values that keys of its outputs are filled from, and that classes of users are given.
    recipe
        What it depends on.
    behind
        Identifiers of the artifacts from which its volatile values were made.
    unasked
        Those of them that a craft loaded by itself, so that they are no part of the key of its step.
    there
        What the lake has of it, where it is made again for the values that it passes on.

    """

    craft: CraftFunction
    keys: Keys
    parameters: Mapping[str, Any]
    inputs: Mapping[str, Taken]
    values: Mapping[str, Any]
    context: Mapping[str, Any]
    recipe: Recipe
    behind: Sequence[str] = ()
    unasked: Sequence[str] = ()
    there: Mapping[str, Version] = field(default_factory=dict)


@dataclass
class Made:
    """Hold what a call gave.

    Attributes
    ----------
    value
        What the function returned.
    versions, volatiles
        What was saved and what is passed on, by name.
    loaded
        Identifiers of all that it was made from.
    run_id
        Of its run.

    """

    value: Any
    versions: dict[str, Version] = field(default_factory=dict)
    volatiles: dict[str, Any] = field(default_factory=dict)
    loaded: list[str] = field(default_factory=list)
    run_id: str = ""


def craft_run(
    handler: Handler, name: str, params: Mapping[str, Any], step: Mapping[str, Any], seen: Provenance | None
) -> AbstractContextManager[Scope]:
    """Record a run in which counts only what is loaded in it."""
    return running(
        handler.lake,
        handler._scope,
        name,
        params,
        None,
        log_output=False,
        git_diff=handler._settings["git_diff"].value,
        inherits=False,
        seen=seen,
        step=step,
    )


def execute(call: Call, catalog: Catalog, seen: Provenance | None = None) -> Made:
    """Make a call, as a run of its own.

    Parameters
    ----------
    call, catalog
        What, and where its entries are.
    seen
        Code and environment, where a run around it has seen them a moment ago.

    Raises
    ------
    CraftError
        If it fails; the error of the function is the cause.

    """
    craft = call.craft
    params = {name: shown(value) for name, value in {**call.keys, **call.parameters}.items()}
    with craft_run(catalog.handler, craft.name, params, _recorded(call), seen) as scope:
        try:
            return _execute(call, catalog, scope, seen)
        except Exception as error:
            told = isinstance(error, CraftError | CraftDefinitionError) and not isinstance(error, ValidationError)
            for_users = error if told else _explained(call, error, scope.run_id, catalog.root)
            craft._run_hooks("on_error", craft, error)
            if for_users is error:
                raise
            raise for_users from error


def _recorded(call: Call) -> dict[str, Any]:
    inputs = {
        parameter: [version.artifact_id for version in taken.versions.values()]
        for parameter, taken in call.inputs.items()
        if taken.versions
    }
    lazy = [parameter for parameter, taken in call.inputs.items() if taken.versions and NONE not in taken.versions]
    return {"craft": call.craft.qualified, "keys": dict(call.keys), "inputs": inputs, "lazy": lazy}


def _execute(call: Call, catalog: Catalog, scope: Scope, seen: Provenance | None) -> Made:
    craft = call.craft
    for identifier in call.behind:
        scope.load(identifier)
    # A craft may change what it is given: what others are given, and what their keys say, must stay.
    arguments = {**{name: _own(value) for name, value in call.parameters.items()}, **call.values}
    for parameter, taken in call.inputs.items():
        if parameter not in arguments:
            arguments[parameter] = _loaded(catalog, catalog[taken.name], taken, call)
    craft._run_hooks("pre_run", craft, arguments)
    value = _tried(craft, lambda: _called(craft, arguments))
    results = _results(craft, value)
    if craft.validate is not None:
        _validate(craft, [one for _, one in results])
    made = Made(value, run_id=scope.run_id)
    made.volatiles = {output.name: one for output, one in results if output.volatile}
    saved = {output.name: one for output, one in results if not output.volatile}
    if saved:
        with giving(call.context):
            made.versions = _save(
                call, catalog, scope, saved, {"recipe": _recorded_recipe(call, catalog, scope), "seen": seen}
            )
    craft._run_hooks("post_run", craft, value)
    made.loaded = scope.loaded()
    return made


def _recorded_recipe(call: Call, catalog: Catalog, scope: Scope) -> dict[str, Any]:
    recipe = dict(call.recipe.parts)
    recipe["formats"] = formats.written(call, catalog)
    if recipe.get("parameters"):
        recipe["parameters"] = without_secrets(recipe["parameters"])
    known = {one.artifact_id for taken in call.inputs.values() for one in taken.versions.values()} | set(call.behind)
    loaded = [identifier for identifier in scope.loaded() if identifier not in known]
    if call.unasked or loaded:
        recipe["loads"] = list(dict.fromkeys([*call.unasked, *loaded]))  # they are no part of the key of the step
    return recipe


def _own(value: Any) -> Any:
    return copy.deepcopy(value) if isinstance(value, list | dict | set | bytearray) else value


def _loaded(catalog: Catalog, entry: Entry, taken: Taken, call: Call) -> Any:
    def load(version: Version) -> Any:
        return catalog.assets.load(entry, version, call.context if entry.is_custom else None)

    if len(taken.versions) == 1 and NONE in taken.versions:
        return load(taken.versions[NONE])
    left = next(iter(taken.versions), NONE)
    names = [name for name in entry.keys if name in left]
    return LazyPartitions(names, taken.versions, load)


def _called(craft: CraftFunction, arguments: Mapping[str, Any]) -> Any:
    named = dict(arguments)
    positional = [named.pop(name) for name in craft.positional_only if name in named]
    return craft.__wrapped__(*positional, **named)


def _tried(craft: CraftFunction, call: Callable[[], Any]) -> Any:
    for left in range(craft.retries, 0, -1):
        try:
            return call()
        except Exception as error:
            log.warning("The craft %s failed, and is tried again (%d left): %s", craft.name, left, error)
    return call()


def _results(craft: CraftFunction, value: Any) -> list[tuple[Output, Any]]:
    if len(craft.outputs) <= 1:
        return [(one, value) for one in craft.outputs]
    if not isinstance(value, tuple | list) or len(value) != len(craft.outputs):
        given = f"{len(value)} results" if isinstance(value, tuple | list) else f"one {type(value).__name__}"
        raise CraftDefinitionError(
            f"The craft {craft.name} gave {given}; it declares {len(craft.outputs)}: "
            f"{', '.join(one.name for one in craft.outputs)}. Return a tuple of them, in this order."
        )
    return list(zip(craft.outputs, value, strict=True))


def _validate(craft: CraftFunction, results: Sequence[Any]) -> None:
    assert craft.validate is not None
    found = craft.validate(*results)
    good, text = found if isinstance(found, tuple) else (found, "")
    if not good:
        raise ValidationError(text or f"What the craft {craft.name} made was refused by its validate.")


def _save(
    call: Call, catalog: Catalog, scope: Scope, results: Mapping[str, Any], facts: Mapping[str, Any]
) -> dict[str, Version]:
    """Save results: all of them are written before the first one can be seen."""
    staged: dict[str, NewVersion] = {}
    if scope.publishing is not None and not any(catalog[name].is_custom for name in results):
        scope.saving = None  # the run is written with all that there is to say of it, when they are
    try:
        for name, value in results.items():
            entry = catalog[name]
            more = dict(call.context) if entry.is_custom else None
            keys = entry.keys_of(call.context)
            new = catalog.assets.stage(entry, keys, value, BUILT, more, step=call.recipe.step, **facts)
            staged[name] = new
        is_new = not call.there or any(_differs(new, call.there[name]) for name, new in staged.items())
        first = next((new.staged.staging for new in staged.values()), None)
        if is_new and scope.publishing is not None and first is not None:
            scope.publishing(first)
    except BaseException:
        for new in staged.values():
            new.staged.discard()
        raise
    if not is_new:
        for new in staged.values():
            new.staged.discard()
        return dict(call.there)
    return {name: catalog.assets.publish(new) for name, new in staged.items()}


def _differs(new: NewVersion, there: Version) -> bool:
    return new.staged.sha256 is None or new.staged.sha256 != there.sha256


def _explained(call: Call, error: Exception, run_id: str, root: Path) -> CraftError:
    """Say which call failed, in which line, with what, and how to get its inputs."""
    where = f" at {call.keys}" if call.keys else ""
    inputs = [
        f"{parameter}={version.artifact_id}"
        for parameter, taken in call.inputs.items()
        for version in list(taken.versions.values())[:3]
    ]
    given = [f"{name}={shorten(masked(name, repr(value)), 60)}" for name, value in call.parameters.items()]
    facts = ", ".join([*inputs, *given])
    place = raised_at(error, root)
    text = f"{named(error).removesuffix('.')}{place}" if place else named(error)
    return failed(
        f"The craft {call.craft.name} failed{where}: {sentence(text)} "
        f"{f'It was given {facts}. ' if facts else ''}"
        f"sess.inputs({call.craft.name!r}, {run_id!r}) gives its inputs again.",
        error,
    )
