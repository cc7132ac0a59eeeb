"""Refuse what is not of the kind that a verb takes, before anything is asked or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from elliptio.naming import shorten
from elliptio.pipelines.errors import ArgumentError


def shown(given: Any) -> str:
    """Write what was given, so much of it as fits into a message."""
    return shorten(repr(given), 200)


def refused(what: str, wanted: str, given: Any) -> ArgumentError:
    """Say which argument is wrong, what it takes, and what it got."""
    return ArgumentError(f"{what} takes {wanted}, not {shown(given)} of type {type(given).__name__}.")


def check_kind(what: str, given: Any, kinds: type | tuple[type, ...], wanted: str) -> None:
    """Refuse what is of none of some classes."""
    if not isinstance(given, kinds):
        raise refused(what, wanted, given)


def check_name(what: str, given: Any) -> None:
    """Refuse what is no text. Nothing else: pipelines of whatever name have been stored."""
    check_kind(what, given, str, "a name, a text,")


def keys_in(what: str, given: Any) -> Mapping[str, Any]:
    """Return the keys that were given, none for None; refuse what is no mapping from names of keys to values."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise refused(what, "a mapping from names of keys to their values, such as {'day': 1},", given)
    return given


def check_all(what: str, given: Any, kind: type, wanted: str) -> list[Any]:
    """Return the elements of an iterable; refuse what is none, or has others than of a class."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise refused(what, wanted, given)
    found = list(given)
    for one in found:
        check_kind(what, one, kind, wanted)
    return found
