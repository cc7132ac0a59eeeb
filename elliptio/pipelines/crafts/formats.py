"""Write down by which formats and options a craft loads and saves, so that a later plan can say which one changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from elliptio.provenance.redaction import MASK, redact_values

if TYPE_CHECKING:
    from elliptio.pipelines.catalog.catalog import Catalog
    from elliptio.pipelines.catalog.entries import Entry
    from elliptio.pipelines.crafts.execution import Call

INPUT, OUTPUT = "input", "output"


def written(call: Call, catalog: Catalog) -> list[str]:
    """Write a line for each entry that a call loads or saves, without secrets: as a parameter or a result, and how.

    No mapping: names of entries may have dots, which those of fields must not.
    """
    found = []
    for parameter, taken in call.inputs.items():
        if taken.versions:
            entry = catalog[taken.name]
            found.append(_line(INPUT, parameter, entry, entry.load_options))
    for one in call.craft.outputs:
        if not one.volatile:
            entry = catalog[one.name]
            found.append(_line(OUTPUT, one.name, entry, entry.save_options))
    return found


def _line(role: str, at: str, entry: Entry, options: Mapping[str, Any]) -> str:
    parts: list[Any] = [role, at, entry.name, entry.type]
    if options:
        parts.append(redact_values(options))
    return json.dumps(parts, ensure_ascii=False, default=repr)


def changes(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """Say which formats and options are other ones: ``input raw: option sep: ',' → ';'``."""
    known, found = _read(before), _read(now)
    return [told for at in found if at in known for told in _of_one(at[0], known[at], found[at])]


def _read(lines: Iterable[str]) -> dict[tuple[str, str], list[Any]]:
    return {(role, at): rest for role, at, *rest in map(json.loads, lines)}


def _of_one(role: str, before: list[Any], now: list[Any]) -> Iterator[str]:
    if before[0] != now[0]:
        yield f"{role} {before[0]} → {now[0]}"
    if before[1] != now[1]:
        yield f"{role} {now[0]}: {before[1]} → {now[1]}"
    old, new = ((parts[2] if len(parts) > 2 else {}) for parts in (before, now))
    for name in sorted({*old, *new}):
        at = f"{role} {now[0]}: option {name}"
        if name not in old:
            yield f"{at}: {new[name]!r} is new"
        elif name not in new:
            yield f"{at} is gone"
        elif json.dumps(old[name]) != json.dumps(new[name]):  # true is not 1
            yield f"{at}: {old[name]!r} → {new[name]!r}"


def secrets_in(lines: Iterable[str]) -> list[str]:
    """Name the entries in whose options something was masked: nobody can tell whether it is the same."""
    return [f"{role} {rest[0]}" for (role, _), rest in _read(lines).items() if MASK in json.dumps(rest[2:])]
