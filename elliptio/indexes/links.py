"""From generation to generation along ``based_on``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

Link = tuple[str, str]
"""Child and parent."""

AT_ONCE = 500
"""Identifiers asked for in one query; SQLite may take no more than 999 parameters."""


def links_of(document: Mapping[str, Any]) -> list[Link]:
    """Links from a document to what it is based on."""
    parents = document.get("based_on")
    if not isinstance(parents, list):
        return []
    return [(document["_id"], parent) for parent in parents if isinstance(parent, str)]


def by_generations(
    step: Callable[[Sequence[str]], Iterable[Link]], ids: Iterable[str], *, up: bool, depth: int
) -> list[Link]:
    """Follow links breadth first, where `step` finds those of one generation."""
    found: dict[Link, None] = {}
    seen = dict.fromkeys(ids)
    generation = list(seen)
    passed = 0
    while generation and (not depth or passed < depth):
        links = [link for part in portions(generation) for link in step(part)]
        found.update(dict.fromkeys(links))
        reached = dict.fromkeys(link[up] for link in links)
        generation = [identifier for identifier in reached if identifier not in seen]
        seen.update(dict.fromkeys(generation))
        passed += 1
    return list(found)


def portions(ids: Iterable[str], size: int = AT_ONCE) -> Iterator[list[str]]:
    """Divide identifiers into lists of at most `size`."""
    rest = iter(ids)
    while part := list(islice(rest, size)):
        yield part
