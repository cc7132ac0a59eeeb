"""Tell by one key what a call of a craft depends on: the same key, the same results."""

from __future__ import annotations

import enum
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Any, NamedTuple

from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import NONE, Keys
from elliptio.pipelines.catalog.types import USUAL, class_of
from elliptio.pipelines.catalog.versions import Version
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.fingerprints import UnknownValueError, encode

FORMAT = 1
"""Counts the ways in which keys were made: with another one, all is made again."""


MOST_SHOWN = 200
"""Letters of the value of a parameter that is not plain, as it is recorded."""

CUT = "…"


@dataclass(frozen=True)
class Taken:
    """Hold what a craft takes for one of its inputs.

    Attributes
    ----------
    name
        Of the entry, or the volatile value.
    versions
        Versions by the keys that are left: one without keys, or several.
    made_by
        Key of the step that made a volatile value; None where it is not known.
    given
        True where the caller gives the value, so that nobody can tell whether it is the same.
    base
        Versions that count in their place: what a craft that reads and writes an entry began with.
    volatile
        True where it is a value that is passed on, not saved.

    """

    name: str
    versions: Mapping[Keys, Version] = field(default_factory=dict)
    made_by: str | None = None
    given: bool = False
    volatile: bool = False
    base: Mapping[Keys, Version] | None = None


class Recipe(NamedTuple):
    """Hold what a call of a craft depends on.

    Attributes
    ----------
    step
        Its key; None where it cannot be told by one, and `unknown` says why.
    parts
        What the key is made of, for people and for the record.

    """

    step: str | None
    parts: Mapping[str, Any]
    unknown: str = ""


def recipe_of(
    craft: CraftFunction,
    code: Mapping[str, Any],
    parameters: Mapping[str, Any],
    keys: Keys,
    inputs: Mapping[str, Taken],
    outputs: Sequence[tuple[Entry, Keys] | str],
    entries: Mapping[str, Entry],
    context: Mapping[str, Any],
    held: Mapping[str, str],
) -> Recipe:
    """Make the recipe of a call.

    Parameters
    ----------
    craft
        The craft.
    code
        ``digest`` and ``packages`` of its code.
    parameters
        Values of its plain parameters.
    keys
        Of its partition.
    inputs
        What it takes, by parameter.
    outputs
        Entries that it saves to, with the keys that it saves for, and names of the values that it passes on.
    entries
        Entries of its inputs by name.
    context
        What classes of users that save its outputs are given.
    held
        Digests of the code that `held_by` names.

    """
    parts: dict[str, Any] = {"craft": craft.qualified, "code": code["digest"]}
    digest = hashlib.sha256(_static(craft, str(code["digest"]), _frozen(code["packages"])))
    unknown = _add_parameters(digest, parts, parameters)
    digest.update(b"" if keys is NONE else encoded(keys))
    parts["inputs"] = {}
    for parameter in sorted(inputs):
        taken = inputs[parameter]
        if taken.given or (taken.volatile and taken.made_by is None):
            by = "the caller" if taken.given else "a craft that is no function of its inputs"
            unknown = unknown or f"the value of {parameter!r} is given by {by}"
            continue
        unknown = unknown or _without_content(taken)
        shown = _input_digest(taken)
        parts["inputs"][parameter] = shown
        entry = entries.get(taken.name)
        options = b"" if entry is None else _loading(entry)
        digest.update(encode((parameter, taken.name, shown)) + options)
    for output in outputs:
        digest.update(encode(output) if isinstance(output, str) else _saving(*output))
    if any(not isinstance(output, str) and output[0].is_custom for output in outputs):
        unknown = unknown or _add_parameters(digest, {}, context)
    if held:
        parts["held"] = held_lines(held)
        digest.update(encode(("held", held)))
    parts["packages"] = dict(code["packages"])
    if craft.version is not None:
        parts["version"] = craft.version
    return Recipe(None if unknown else digest.hexdigest(), parts, unknown)


def held_by(
    inputs: Mapping[str, Taken],
    outputs: Sequence[tuple[Entry, Keys] | str],
    entries: Mapping[str, Entry],
    parameters: Mapping[str, Any],
) -> list[str]:
    """Name the code that a call runs beside that of its craft, as ``module:Class``.

    That of objects in pickles that it takes and of its parameters, and of the users' types by which it loads and saves.
    """
    found: set[str] = set()
    # Plain loops: this is asked of every step, and mostly there is nothing.
    for taken in inputs.values():
        for one in (taken.base or taken.versions).values():
            if one.holds:
                found.update(one.holds)
    classes: list[type] = []
    for value in parameters.values():
        if value.__class__ not in PLAIN:
            classes += classes_in(value)
    for output in outputs:
        if output.__class__ is not str and output[0].type not in USUAL:  # type: ignore[union-attr]
            classes += class_of(output[0].type)  # type: ignore[union-attr]
    for entry in entries.values():
        if entry.type not in USUAL:
            classes += class_of(entry.type)
    if classes:
        found.update(f"{cls.__module__}:{cls.__qualname__}" for cls in classes)
    return sorted(found) if found else []


def held_lines(codes: Mapping[str, str]) -> list[str]:
    """Write digests of code by its name. No mapping: names of modules have dots, which those of fields must not."""
    return [f"{name} {digest}" for name, digest in codes.items()]


def held_codes(lines: Iterable[str]) -> dict[str, str]:
    """Read what `held_lines` wrote."""
    return {name: digest for name, _, digest in (line.partition(" ") for line in lines)}


PLAIN = frozenset({int, str, float, bool, type(None)})
"""Classes of values that hold no code."""


def classes_in(value: Any) -> Iterator[type]:
    """Yield the classes of the objects in the value of a parameter, but for plain ones."""
    if isinstance(value, enum.Enum) or (is_dataclass(value) and not isinstance(value, type)):
        yield type(value)
        value = getattr(value, "__dict__", None)
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple | set | frozenset):
        return
    for each in value:
        if each.__class__ not in PLAIN:
            yield from classes_in(each)


def _frozen(packages: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(packages.items()))


@functools.lru_cache(maxsize=1 << 15)
def _static(craft: CraftFunction, code: str, packages: tuple[tuple[str, str], ...]) -> bytes:
    """Write what is the same for all calls of a craft."""
    return encode((FORMAT, craft.name, code, craft.version, craft.per, packages))


def _add_parameters(digest: Any, parts: dict[str, Any], parameters: Mapping[str, Any]) -> str:
    parts["parameters"] = {}
    for name in sorted(parameters):
        try:
            digest.update(encode((name, parameters[name])))
        except UnknownValueError as error:
            return f"the parameter {name!r} is {error}: nobody can tell whether it is the same"
        parts["parameters"][name] = shown(parameters[name])
    return ""


def shown(value: Any) -> Any:
    """Shape the value of a parameter as it is recorded: plain ones as they are, others as a text."""
    if value is None or isinstance(value, bool | str) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if type(value) is float:
        return value
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + CUT


def is_cut(value: Any) -> bool:
    """Tell whether a value, as it is recorded, is not all of it."""
    return isinstance(value, str) and len(value) == MOST_SHOWN + len(CUT) and value.endswith(CUT)


@functools.lru_cache(maxsize=1 << 12)
def masked(name: str, text: str) -> str:
    """Leave no secret in the value of a parameter, as it is recorded and as it is told."""
    from elliptio.provenance.redaction import redact_values

    return str(redact_values({name: text})[name])


def without_secrets(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Leave no secrets in the values of parameters, shaped as they are recorded."""
    return {name: masked(name, value) if isinstance(value, str) else value for name, value in parameters.items()}


def _without_content(taken: Taken) -> str:
    for version in taken.versions.values():
        if version.sha256 is None:
            return f"the input {taken.name!r} has no content in the lake"
    return ""


def _input_digest(taken: Taken) -> str:
    if taken.volatile:
        return f"volatile {taken.made_by}"
    versions = taken.versions if taken.base is None else taken.base
    if len(versions) == 1 and NONE in versions:
        return versions[NONE].fingerprint
    digest = hashlib.sha256(b"partitions")
    for keys, version in sorted(versions.items()):
        digest.update(encode((keys.as_dict(), version.fingerprint)))
    return digest.hexdigest()


def _loading(entry: Entry) -> bytes:
    return encode((entry.type, dict(entry.load_options))) if entry.load_options else encode(entry.type)


def _saving(entry: Entry, keys: Keys) -> bytes:
    options = entry.save_options
    known = encode((entry.name, entry.type, dict(options))) if options else _usual(entry.name, entry.type)
    return known + encoded(keys) if keys else known


@functools.lru_cache(maxsize=1 << 15)
def _usual(name: str, type: str) -> bytes:
    """Write how an entry without options is saved."""
    return encode((name, type, {}))


@functools.lru_cache(maxsize=256)
def encoded(keys: Keys) -> bytes:
    """Write keys in one form: those of a step are those of what it saves, mostly."""
    return encode(keys.as_dict())
