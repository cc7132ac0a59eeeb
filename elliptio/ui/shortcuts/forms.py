"""Write what a query bar asks for as Python, as a command, and as a link."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from elliptio.naming import glob_pattern
from elliptio.ui.shortcuts.bar import Bar
from elliptio.ui.shortcuts.links import packed
from elliptio.ui.shortcuts.tokens import ShortcutError
from elliptio.ui.shortcuts.values import GLOB, moment_text

MOST_LINK = 2000
"""Limit of characters of a link."""

_PLAIN = ":*,/"
"""Signs that a link has as they are, so that it can be read."""


def as_python(bar: Bar, verb: str = "h.find") -> str:
    """Write the lines of Python that find the same; the last one is the question."""
    modules: dict[str, set[str]] = {}
    asked = _python(bar.query, modules) if bar.query else ""
    imports = [f"from {module} import {', '.join(sorted(names))}\n" for module, names in sorted(modules.items())]
    return "".join([*imports, "\n"] if imports else []) + f"{verb}({asked})"


def _python(value: Any, modules: dict[str, set[str]]) -> str:
    """Write a value of a query as Python, and note what it takes to import."""
    if isinstance(value, Mapping) and not _is_bson(value):
        return "{" + ", ".join(f"{name!r}: {_python(item, modules)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(_python(item, modules) for item in value)}]"
    if type(value) is datetime:
        modules.setdefault("datetime", set()).update(("UTC", "datetime"))
        parts = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond]
        while len(parts) > 3 and not parts[-1]:
            parts.pop()
        return f"datetime({', '.join(map(str, parts))}, tzinfo=UTC)"
    if type(value) is float and (value != value or value in (float("inf"), float("-inf"))):
        return f"float({str(value)!r})"
    if isinstance(value, re.Pattern):
        modules.setdefault("re", set()).add("compile")
        return f"compile({value.pattern!r}, {int(value.flags)})"
    if _is_bson(value):
        modules.setdefault("bson", set()).add(type(value).__name__)
    return repr(value)


def _is_bson(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "bson"


def as_command(bar: Bar) -> str:
    """Write the command that finds the same: options where there are, the rest as a query in JSON."""
    rest: dict[str, Any] = {}
    options: list[str] = []
    for path, operand in bar.query.items():
        option = _options(path, operand)
        if option is None:
            rest[path] = operand
        else:
            options += option
    words = ["elliptio", "find"]
    if rest:
        from bson import json_util

        words.append(json_util.dumps(rest, json_options=json_util.RELAXED_JSON_OPTIONS))
    return shlex.join([*words, *options])


def _options(path: str, operand: Any) -> list[str] | None:
    """Write a condition as options of the command; None if no option says exactly that."""
    if path in ("username", "labels.project") and isinstance(operand, str):
        return _option("--user" if path == "username" else "--project", operand)
    if path == "creation_time" and isinstance(operand, dict) and operand and operand.keys() <= {"$gte", "$lt"}:
        if not all(isinstance(moment, datetime) for moment in operand.values()):
            return None
        names = {"$gte": "--since", "$lt": "--until"}
        return [word for name, moment in operand.items() for word in (names[name], moment_text(moment.astimezone(UTC)))]
    if path == "file_relpaths" and isinstance(operand, dict) and operand.keys() == {"$regex"}:
        from elliptio.ui.shortcuts.saying import glob_of

        glob = glob_of(operand["$regex"])
        return _option("--file", glob) if GLOB.search(glob) and glob_pattern(glob) == operand["$regex"] else None
    return None


def _option(name: str, value: str) -> list[str] | None:
    """Write an option; a command line holds no NUL, and no half of a surrogate pair."""
    if "\0" in value or not value.isprintable():
        return None
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


def as_url(bar: Bar, path: str = "artifacts") -> str:
    """Write the link to the page that shows the same, relative to the root; at most 2,000 characters.

    Raises
    ------
    ShortcutError
        If the text is too long for a link, packed too.

    """
    if not bar.text:
        return path
    link = f"{path}?q={quote_plus(bar.text, safe=_PLAIN)}"
    if len(link) > MOST_LINK:
        link = f"{path}?q={packed(bar.text)}"
    if len(link) > MOST_LINK:
        raise ShortcutError(
            f"This query takes {len(link):,} characters as a link, of which there may be {MOST_LINK:,}.",
            "less, or ask it in Python or by the command",
            0,
            len(bar.text),
        )
    return link
