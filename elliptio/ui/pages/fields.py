"""Fields of data models as plain values: from what was recorded, never by a class of the user."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from elliptio.documents import jsonable
from elliptio.ui import wording

MOST_FIELDS, MOST_LETTERS = 60, 300


def said(value: Any, most: int = MOST_LETTERS) -> str:
    """Write the value of a field on a line."""
    plain = jsonable(value)
    return wording.plain(plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False), most)


def type_of(description: Any) -> str:
    """Write the type of a field as people write it: ``list[int]``, ``DataFrame``, ``str | None``."""
    return wording.plain(_type(description, 6), 120)


def _type(description: Any, depth: int) -> str:
    if not depth:
        return "…"
    if isinstance(description, str):
        return "None" if description == "none" else description
    if isinstance(description, list):
        return ", ".join(_type(one, depth - 1) for one in description)
    if not isinstance(description, Mapping) or not description:
        return "?"
    what, of = next(iter(description.items()))
    if what in ("class", "file", "numpy"):
        return str(of).rpartition(":")[2].rpartition(".")[2]
    if what == "literal":
        return f"Literal{of!r}"
    if what == "union" and isinstance(of, list):
        return " | ".join(_type(one, depth - 1) for one in of)
    return f"{str(what).rstrip('*')}[{_type(of, depth - 1)}{', …' if what == 'tuple*' else ''}]"


def is_big(description: Any) -> bool:
    """Tell whether values of a field are files."""
    return isinstance(description, Mapping) and "file" in description


def short(model: Any) -> list[tuple[str, str]]:
    """List the plain fields that the document of an artifact says: names and values."""
    found = model.get("fields") if isinstance(model, Mapping) else None
    if not isinstance(found, Mapping):
        return []
    return [(wording.plain(name, 60), said(value, 80)) for name, value in list(found.items())[:20]]
