"""Tell which values are big, and hold them on their way into files and back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from elliptio.formats import registry

LARGE = 64 * 1024
"""Bytes from which on a value of type bytes is a file."""

_PLAIN = frozenset({"json", "yaml", "text", "binary"})
"""Formats of texts, numbers and what holds them, which are plain here."""

takers: list[Callable[[type], bool]] = []
"""Further answers to whether the values of a class are big: who keeps the serializers adds one."""


@dataclass(frozen=True)
class Big:
    """A value that becomes a file, and by what and where, if its annotation says so."""

    value: Any
    serializer: Any = None
    storage: Any = None


@dataclass
class Taken:
    """The finds of one encoding, beside plain data.

    Attributes
    ----------
    classes
        Entries of the table of classes that the schema lacks: those of subclasses, and of what stands in `Any`.
    files
        Big values, by the path in the artifact that they are to have; a suffix comes later.

    """

    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, Big] = field(default_factory=dict)


@dataclass(frozen=True)
class Lazy:
    """A field whose `plain` form holds big values: it is decoded, and they are read, by `get`."""

    _decode: Callable[[], Any]
    plain: Any = None

    def get(self) -> Any:
        """Decode it.

        Raises
        ------
        DamagedModelError
            If it is not what elliptio writes.

        """
        return self._decode()


def is_serializer(thing: Any) -> bool:
    """Tell whether something in an annotation says how values become bytes: a serializer or a format."""
    if isinstance(thing, type) or not isinstance(getattr(thing, "name", None), str):
        return False
    ways = ("serialize", "deserialize"), ("write", "read", "types")
    return any(all(hasattr(thing, part) for part in way) for way in ways)


def is_storage(thing: Any) -> bool:
    """Tell whether something in an annotation says where bytes lie."""
    parts = ("create", "read")
    named = not isinstance(thing, type) and isinstance(getattr(thing, "name", None), str)
    return named and all(callable(getattr(thing, part, None)) for part in parts)


def takes_class(cls: type) -> bool:
    """Tell whether the values of a class are big: a format takes them whole, and runs no code for that."""
    return _known(cls) or any(taker(cls) for taker in takers)


def _known(cls: type) -> bool:
    return any(
        is_of(cls, name)
        for format in map(registry.get, _names())
        if not format.runs_code and format.name not in _PLAIN
        for name in format.types
    )


def _names() -> list[str]:
    broken = registry.broken()
    return [name for name in registry.names() if not broken or f"{name!r}" not in broken]


def is_of(cls: type, name: str) -> bool:
    """Tell whether a class is the one of this dotted name, or below it; nothing is imported."""
    module, _, rest = name.rpartition(".")
    kind = getattr(sys.modules.get(module), rest, None)
    if isinstance(kind, type):
        return issubclass(cls, kind)
    return any(name == f"{each.__module__}.{each.__qualname__}" for each in cls.__mro__)


def takes_name(dotted: str) -> bool:
    """Tell whether a format takes the class of this name, which is not imported."""
    return any(dotted in registry.get(name).types for name in _names())


def safe(part: Any) -> str:
    """Make a part of a file's name of a step of a path."""
    kept = "".join(each if (each.isalnum() and each.isascii()) or each in "-_" else "_" for each in str(part))
    return kept[:60] or "_"
