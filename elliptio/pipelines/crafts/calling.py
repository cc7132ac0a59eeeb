"""Call a craft in a session: what is not given is loaded from the catalog, now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import NONE, Keys
from elliptio.pipelines.catalog.keywords import giving
from elliptio.pipelines.catalog.versions import Version, Versions
from elliptio.pipelines.crafts.binding import bind, positional, taken_names, takes_any, warn_of_unused
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.execution import Call, execute
from elliptio.pipelines.crafts.hints import Input
from elliptio.pipelines.crafts.recipes import Taken, held_by, recipe_of
from elliptio.pipelines.errors import CraftDefinitionError, MissingKeysError, VersionNotFoundError

if TYPE_CHECKING:
    from elliptio.pipelines.catalog.catalog import Catalog
    from elliptio.pipelines.session import BaseSession


def call(craft: CraftFunction, session: BaseSession, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call a craft, and return what its function returns.

    Raises
    ------
    CraftDefinitionError
        If a value is missing, or there are too many.
    VersionNotFoundError
        If an input has no version.
    CraftError
        If the function fails.

    """
    session.begin()
    catalog, given = session.catalog, positional(craft, args, kwargs)
    keys = _partition(craft, given)
    bound = bind(craft, given, keys)
    if not takes_any(craft, catalog):
        warn_of_unused(given, taken_names(craft, catalog), f"The craft {craft.name}")
    versions = catalog.new_versions()
    inputs, values, parameters = {}, dict(bound.given), dict(bound.parameters)
    for one in craft.inputs:
        if one.parameter in values:
            inputs[one.parameter] = Taken(one.name, given=True)
            continue
        with giving(bound.context):
            taken = None if one.volatile else _take(one, catalog, versions, bound.context)
        if taken is not None:
            inputs[one.parameter] = taken
        elif one.is_needed:
            raise CraftDefinitionError(
                f"The craft {craft.name} takes the volatile value {one.name!r}: pass {one.parameter}=…, or join it "
                "with the craft that makes it."
            )
        else:
            values[one.parameter] = parameters[one.parameter] = one.default
    code = session.code_of(craft)
    outputs = saved_to(craft, catalog, bound.context)
    entries = {taken.name: catalog[taken.name] for taken in inputs.values() if taken.versions}
    held = session.codes.held(craft, held_by(inputs, outputs, entries, parameters))
    recipe = recipe_of(craft, code, parameters, keys, inputs, outputs, entries, bound.context, held)
    plain = {name: value for name, value in parameters.items() if name not in values}
    made = execute(Call(craft, keys, plain, inputs, values, bound.context, recipe), catalog)
    catalog.windows.memory.write()
    return made.value


def _partition(craft: CraftFunction, given: Mapping[str, Any]) -> Keys:
    missing = [name for name in craft.per if name not in given]
    if missing:
        raise MissingKeysError(f"The craft {craft.name} runs once per {', '.join(craft.per)}: pass {missing[0]}=….")
    return Keys({name: given[name] for name in craft.per}) if craft.per else NONE


def _take(one: Input, catalog: Catalog, versions: Versions, context: Mapping[str, Any]) -> Taken | None:
    """Find the current version of an input, or all its partitions where its keys are not given; None: the default."""
    entry = catalog[one.name]
    known = {name.lower(): value for name, value in context.items()}
    fixed = Keys({name: known[name.lower()] for name in entry.keys if name.lower() in known})
    if entry.is_custom:
        return Taken(one.name, {NONE: custom_version(entry, fixed)})
    if len(fixed) == len(entry.keys):
        try:
            return Taken(one.name, {NONE: catalog._synced(entry, fixed, versions, {})})
        except VersionNotFoundError:
            if one.is_needed:
                raise
            return None
    catalog.windows.sync_all(entry, versions, [catalog[name] for name in catalog])
    found = {
        keys.without(*fixed): version
        for keys, version in versions.partitions(one.name).items()
        if all(keys[name] == value for name, value in fixed.items())
    }
    if not found and one.is_needed:
        raise VersionNotFoundError(f"No data found for {one.name!r}: no partition of it has a version.")
    return Taken(one.name, found) if found else None


def saved_to(
    craft: CraftFunction, catalog: Catalog, context: Mapping[str, Any], keys: Keys = NONE
) -> list[tuple[Entry, Keys] | str]:
    """List the entries that a call saves to, each with its keys, and the names of the values that it passes on.

    Where `keys`, those of its partition, are those of an entry, nothing is to be looked for in the context.

    Raises
    ------
    MissingKeysError
        If a value of a key is not given.

    """
    found: list[tuple[Entry, Keys] | str] = []
    for one in craft.outputs:
        entry = None if one.volatile else catalog[one.name]
        if entry is None:
            found.append(one.name)
        else:
            found.append((entry, keys if keys.are_of(entry.keys) else entry.keys_of(context)))
    return found


def custom_version(entry: Entry, keys: Keys) -> Version:
    """Stand for what a class of a user loads: nobody can tell whether it is the same."""
    from elliptio.naming import new_id
    from elliptio.pipelines.catalog.versions import TAKEN_IN

    identifier, moment = new_id("artifact")
    return Version(identifier, keys, "", moment, TAKEN_IN, None, False, None)
