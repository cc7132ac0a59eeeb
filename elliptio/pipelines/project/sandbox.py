"""Set up Jinja2 for files of a project: sandboxed, strict, without chance, with settings in any case of letters.

Only `templates` imports this, once there is a template: Jinja2 takes longer to import than most projects to read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from elliptio.pipelines.project.names import meant
from elliptio.pipelines.project.settings import Settings, plain

LINE_MARK = re.compile("\ue000([0-9]+)\ue001")
"""The number of a line of the template, in a result that has them."""
_METHODS = frozenset(("items", "keys", "values", "get"))
_BY_CHANCE = ("lipsum", "random")
_UNSEEN = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF)}
"""Letters that YAML takes for line breaks or refuses, and their escapes."""


class Missing(StrictUndefined):
    """A name that nothing defines: any use of it but ``is defined`` and ``default`` is an error."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return str(self._undefined_hint)
        name, owner = self._undefined_name, self._undefined_obj
        if owner is missing:
            return f"{name!r} is undefined"
        if isinstance(owner, Settings):
            return f"nothing defines {name!r} in {owner.origin}; {meant(name, owner)}"
        return f"a value of type {type(owner).__name__} has no {name!r}"


class Names(Context):
    """The names of a template: its own first, then the settings, whatever the case of their letters."""

    def resolve_or_missing(self, key: str) -> Any:
        """Find what a name stands for."""
        found = super().resolve_or_missing(key)
        return self.environment.settings.get(key, missing) if found is missing else found  # type: ignore[attr-defined]


class LineMarks(Extension):
    """Writes the number of its line before each line break of the template's own text."""

    def filter_stream(self, stream: Any) -> Iterator[Token]:
        """Mark the line breaks in what is no tag."""
        for token in stream:
            if token.type == "data" and "\n" in token.value:
                *parts, last = token.value.split("\n")
                marked = "".join(f"{part}\ue000{token.lineno + i}\ue001\n" for i, part in enumerate(parts))
                yield Token(token.lineno, "data", marked + last)
            else:
                yield token


class Templates(SandboxedEnvironment):
    """Jinja2 with the settings of a project.

    Parameters
    ----------
    settings
        What names stand for that the template itself does not set.
    marked
        Whether the result has the numbers of the template's lines.

    """

    context_class = Names

    def __init__(self, settings: Settings, *, marked: bool) -> None:
        super().__init__(
            undefined=Missing,
            finalize=_finalized,
            keep_trailing_newline=True,
            extensions=[LineMarks] if marked else [],
        )
        self.settings = settings
        for name in _BY_CHANCE:  # the same text has to give the same result
            self.globals.pop(name, None)
            self.filters.pop(name, None)
        self.policies["json.dumps_function"] = _in_a_row

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look up ``obj.attribute``: in settings a name goes before a method."""
        if isinstance(obj, Settings) and (attribute in obj or attribute not in _METHODS):
            return self.getitem(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look up ``obj[argument]``."""
        if isinstance(obj, Settings):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=argument)
        return super().getitem(obj, argument)

    def undefined_name(self, name: str) -> str:
        """Say that nothing defines a name at the top."""
        return f"nothing defines {name!r}, neither the settings nor the template; {meant(name, self.settings)}"


def _finalized(value: Any) -> Any:
    """Write a value so that YAML reads the same one."""
    is_text_in_yaml = value is None or isinstance(value, float | Mapping | list | tuple)
    return _in_a_row(value) if is_text_in_yaml else value


def _in_a_row(value: Any, **_: Any) -> str:
    """Write a value as YAML in one line; this is JSON but for numbers and dates, which would be texts."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_in_a_row(key)}: {_in_a_row(each)}" for key, each in plain(value).items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_in_a_row, value)) + "]"
    if isinstance(value, float):
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(str(value)) or _with_point(str(value))
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).translate(_UNSEEN)
    return json.dumps(value) if value is None or isinstance(value, bool | int) else str(value)


def _with_point(number: str) -> str:
    """Write ``1e-05`` as ``1.0e-05``: without a point, YAML takes it for a text."""
    digits, e, exponent = number.partition("e")
    if not e:
        return number
    sign = "" if exponent[0] in "+-" else "+"
    return f"{digits if '.' in digits else digits + '.0'}e{sign}{exponent}"
