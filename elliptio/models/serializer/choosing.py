"""Find the serializer of a name, and what takes a value: a serializer of the user, else a format."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from elliptio.formats import registry
from elliptio.formats.libraries import is_a, meant
from elliptio.models.errors import UnknownSerializerError
from elliptio.models.identity import path_of
from elliptio.models.serializer.defining import BUILT_IN, SERIALIZERS, Serializer, is_built_in
from elliptio.models.serializer.packing import of_format
from elliptio.models.serializer.registered import same_class
from elliptio.protocols import Format


def get(name: str, defined_in: str | None = None) -> Serializer[Any]:
    """Give the serializer of a name, or one of the format of that name. Nothing of the user is imported for that.

    Parameters
    ----------
    name
        Its name.
    defined_in
        ``module:qualname`` of its class, where that was recorded, for the message.

    Raises
    ------
    UnknownSerializerError
        If nobody registered it; a LookupError.

    """
    found = SERIALIZERS.get(name)
    if found is not None:
        return found
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        built_in: Serializer[Any] = getattr(import_module(f"elliptio.models.serializer.{module}"), attribute)
        return built_in
    if name in registry.names():
        return of_format(registry.get(name))
    known = [one.name for one in SERIALIZERS.newest_first()]
    hint = f"import the module that registers {defined_in}." if defined_in else meant(name, [*known, *BUILT_IN])
    raise UnknownSerializerError(f"Nobody registered the serializer {name!r}; {hint}")


def of_value(value: Any) -> Serializer[Any] | Format | None:
    """Choose what turns a value into a file: a serializer that was registered for its class, else its usual format."""
    mine = SERIALIZERS.newest_first()
    for one in mine:
        if any(type(value) is each for each in one.types):
            return one
    for one in mine:
        if any(is_a(value, each) if isinstance(each, str) else isinstance(value, each) for each in one.types):
            return one
    return next(iter(registry.of_value(value)), None)


def check_known(how: Serializer[Any] | Format) -> None:
    """Refuse to write by what nobody could find when it is read.

    Raises
    ------
    UnknownSerializerError
        If the serializer, or the format, was not registered; a ValueError.

    """
    name = getattr(how, "name", None)
    if isinstance(how, Serializer):
        known: object = how if is_built_in(how) else SERIALIZERS.get(str(name))
        what = "serializer"
    else:
        known, what = registry.get(name) if name in registry.names() else None, "format"
    if known is None or not same_class(type(known), type(how)):
        raise UnknownSerializerError(
            f"The {what} {name!r} ({path_of(type(how))}) is not registered, so nobody could read what it writes: call "
            f"{'.register() of it' if what == 'serializer' else 'elliptio.formats.register(…)'} where it is defined."
        )
