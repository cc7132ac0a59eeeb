"""Say a MongoDB query as shortcuts, where they can say it exactly; else as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from elliptio.errors import QueryError
from elliptio.indexes.query.checking import normalize_query
from elliptio.ui.shortcuts.bar import read_bar, same
from elliptio.ui.shortcuts.keys import ALIASES, FREE, KINDS, LABELS, STATES, TEXTS, Clause, kind_pattern
from elliptio.ui.shortcuts.tokens import quote
from elliptio.ui.shortcuts.values import OPERATORS, moment_text, size_text

_SHORT = {path: key for path, key in ALIASES.items() if "." in path or "_" in path} | {
    path: key for key, path in (*TEXTS.items(), *LABELS.items())
}
_SIGNS = {name: sign for sign, name in OPERATORS.items()}
_OPPOSITES = {"$nor": "$or"}
_ANY = datetime(2000, 1, 1, tzinfo=UTC)
"""Moment that ages are counted from: a query has none."""


def bar_of(query: Mapping[str, Any]) -> str:
    """Write the text of a query bar that means a query: shortcuts where they say exactly that, else JSON.

    Raises
    ------
    QueryError
        If the query is malformed.

    """
    from bson import json_util

    plain = normalize_query(query)
    parts = [_said(clause) for clause in _clauses(plain)]
    texts = [part for part in parts if part is not None]
    if len(texts) == len(parts):
        text = " ".join(texts)
        try:
            if same(read_bar(text, now=_ANY).query, plain):
                return text
        except QueryError:
            pass  # what the bar refuses is said in JSON, and refused there with the library's own words
    return str(json_util.dumps(plain, json_options=json_util.RELAXED_JSON_OPTIONS, ensure_ascii=False))


def _clauses(query: Mapping[str, Any]) -> Iterator[Clause]:
    """Take a query apart into conditions of which each may be a shortcut."""
    more = query.get("$and", [])
    for part in [{path: operand for path, operand in query.items() if path != "$and"}, *more]:
        for path, operand in part.items():
            if isinstance(operand, dict) and len(operand) > 1 and operand.keys() <= _SIGNS.keys():
                yield from ({path: {name: value}} for name, value in operand.items())
            else:
                yield {path: operand}


def _said(clause: Clause) -> str | None:
    """Say a condition as a shortcut; None if none does."""
    ((path, operand),) = clause.items()
    for text in _candidates(path, operand):
        try:
            if same(read_bar(text, now=_ANY).query, clause):
                return text
        except QueryError:
            continue
    return None


def _candidates(path: str, operand: Any) -> Iterator[str]:
    """Propose shortcuts for a condition; whether they mean it is for others to see."""
    opposite = _opposite(path, operand)
    if opposite is not None:
        yield from (f"-{text}" for text in _positive(*opposite))
    yield from _positive(path, operand)


def _opposite(path: str, operand: Any) -> tuple[str, Any] | None:
    if path in _OPPOSITES:
        return _OPPOSITES[path], operand
    if not isinstance(operand, dict) or len(operand) != 1:
        return None
    ((name, value),) = operand.items()
    opposites = {"$ne": value, "$nin": {"$in": value}, "$not": value, "$exists": {"$exists": not value}}
    return (path, opposites[name]) if name in opposites else None


def _positive(path: str, operand: Any) -> Iterator[str]:
    yield from (f"state:{state}" for state, clause in STATES.items() if same(clause, {path: operand}))
    if path == "$or":
        yield from _alternatives(operand)
        return
    key = _SHORT.get(path) or re.sub("^labels[.]", "label.", path)
    yield from _special(path, operand)
    for value in _values(path, operand):
        yield f"{key}:{value}"


def _special(path: str, operand: Any) -> Iterator[str]:
    """Propose keys that ask in a way of their own."""
    pattern = operand.get("$regex") if isinstance(operand, dict) else None
    if path == "creation_time" and isinstance(operand, dict):
        for key, name in (("since", "$gte"), ("until", "$lt")):
            if isinstance(moment := operand.get(name), datetime):
                yield f"{key}:{moment_text(moment)}"
    elif path == "file_relpaths" and isinstance(pattern, str) and "$options" in operand:
        yield from (f"kind:{kind}" for kind in KINDS if kind_pattern(kind) == pattern)
        yield f"kind:{_unescaped(pattern)[1:-1]}"
    elif path in ("_id", "run_id", "git.commit"):
        key = {"_id": "id", "run_id": "run", "git.commit": "commit"}[path]
        whole = pattern.removeprefix("^") if isinstance(pattern, str) else operand
        yield f"{key}:{whole}"
    elif path.startswith("python_packages."):
        name = path.removeprefix("python_packages.")
        yield f"package:{name}"
        for value in _values(path, operand):
            yield f"package:{name}={value.strip(chr(34))}"
            yield f"package:{quote(f'{name}={value}')}"


def _alternatives(listed: list[Clause]) -> Iterator[str]:
    """Propose free text, and a metric or parameter of a run."""
    if not listed or len(listed[0]) != 1:
        return
    ((path, operand),) = listed[0].items()
    if path == FREE[0] and isinstance(operand, dict) and isinstance(operand.get("$regex"), str):
        text = _unescaped(operand["$regex"])
        yield text
        yield quote(text)
    if path.startswith("run.metrics."):
        name = path.removeprefix("run.metrics.")
        yield from (f"run.{name}:{value}" for value in _values(path, operand))


def _values(path: str, operand: Any) -> Iterator[str]:
    """Propose how a value is written after the colon."""
    if isinstance(operand, dict) and len(operand) == 1:
        ((name, value),) = operand.items()
        if name in _SIGNS:
            yield from (f"{_SIGNS[name]}{text}" for text in _scalars(path, value) if not text.startswith("="))
        elif name == "$regex" and isinstance(value, str):
            yield glob_of(value)
        elif name == "$in" and isinstance(value, list) and value and isinstance(value[0], str):
            yield value[0]
        elif name == "$eq":
            yield from _scalars(path, value)
    else:
        yield from _scalars(path, operand)


def _scalars(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield quote(value)
    elif value is None or isinstance(value, bool):
        yield f"={'null' if value is None else str(value).lower()}"
    elif isinstance(value, int | float):
        if path == "total_size" and isinstance(value, int):
            yield size_text(value)
        yield f"{value!r}"
        yield f"={value!r}"


def glob_of(pattern: str) -> str:
    """Turn a regular expression back into the pattern of files that it was made from, if it was."""
    inner = re.sub(r"(\\.)|\.\*|\.", lambda found: found[1] or {".*": "*", ".": "?"}[found[0]], pattern[1:-1])
    return _unescaped(inner.replace("[^", "[!"))


def _unescaped(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)
