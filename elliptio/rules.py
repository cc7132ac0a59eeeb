"""Tell what a value of a document must be, in code and in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from elliptio.masking import Later


class Rule(NamedTuple):
    """A rule for a value.

    Attributes
    ----------
    wanted
        That, in words.
    kinds
        The types it may have.
    also
        What else must hold for it; None: nothing.

    """

    wanted: str
    kinds: tuple[type, ...]
    also: Callable[[Any], object] | None = None

    def accepts(self, value: Any) -> bool:
        """Tell whether a value is one."""
        return isinstance(value, self.kinds) and (self.also is None or bool(self.also(value)))


def _has_zone(value: datetime) -> bool:
    return value.tzinfo is not None


def _is_count(value: int) -> bool:
    return not isinstance(value, bool) and 0 <= value < 2**63


def _are_texts(value: list[Any]) -> bool:
    return all(isinstance(item, str) for item in value)


def _are_objects(value: list[Any]) -> bool:
    return all(isinstance(item, Mapping) for item in value)


def _is_link(value: str | None) -> bool:
    return value is None or (value.startswith(("/", "s3://")) and "\0" not in value)


def _is_git(value: Mapping[str, Any] | None) -> bool:
    return value is None or all(
        item is None or isinstance(item, bool if name == "dirty" else str) for name, item in value.items()
    )


_NONE = type(None)

ANYTHING = Rule("anything", (object,))
"""Rule for what is checked elsewhere."""

TEXT = Rule("a text", (str,))
TEXT_OR_NULL = Rule("a text or null", (str, _NONE))
TEXTS = Rule("a list of texts", (list,), _are_texts)
TIME = Rule("a time with a zone", (datetime,), _has_zone)
COUNT = Rule("a number of 64 bits, 0 or more", (int,), _is_count)
SHA256 = Rule("64 hexadecimal digits", (str,), re.compile(r"[0-9a-f]{64}").fullmatch)
OBJECT = Rule("an object", (dict,))
OBJECTS = Rule("a list of objects", (list,), _are_objects)
LINK = Rule("an absolute path, s3://bucket/prefix or null", (str, _NONE), _is_link)
GIT = Rule("an object or null", (Mapping, _NONE), _is_git)


_NAME = Later(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = Later(r"[0-9A-Za-z][0-9A-Za-z.!+_-]*")


def is_pin(name: str, version: object) -> bool:
    """Tell whether these are the name and the version of a package."""
    return _NAME.fullmatch(name) is not None and isinstance(version, str) and _VERSION.fullmatch(version) is not None
