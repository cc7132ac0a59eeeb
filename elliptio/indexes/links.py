"""Follow links, the edges of ``based_on``, from generation to generation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

_Name = TypeVar("_Name", str, int)
"""Name of a document: its identifier, or a number of the index."""

Link = tuple[str, str]
"""Identifiers of a child and of a parent."""

AT_ONCE = 500
"""Documents asked for in one query."""


def links_of(document: Mapping[str, Any]) -> list[Link]:
    """List the links from a document to what it is based on."""
    parents = document.get("based_on")
    if not isinstance(parents, list):
        return []
    return [(document["_id"], parent) for parent in parents if isinstance(parent, str)]


def by_generations(
    step: Callable[[Sequence[_Name]], Iterable[tuple[_Name, _Name]]], ids: Iterable[_Name], *, up: bool, depth: int
) -> list[tuple[_Name, _Name]]:
    """Follow links breadth first, where `step` finds those of one generation."""
    found: list[tuple[_Name, _Name]] = []
    generation = list(dict.fromkeys(ids))
    seen = set(generation)
    passed = 0
    while generation and (not depth or passed < depth):
        links = [link for part in portions(generation) for link in step(part)]
        found += links
        reached = dict.fromkeys([link[up] for link in links])
        generation = [name for name in reached if name not in seen]
        seen.update(generation)
        passed += 1
    return list(dict.fromkeys(found))


def portions(ids: Iterable[_Name], size: int = AT_ONCE) -> Iterator[list[_Name]]:
    """Divide names into lists of at most `size`."""
    rest = iter(ids)
    while part := list(islice(rest, size)):
        yield part
