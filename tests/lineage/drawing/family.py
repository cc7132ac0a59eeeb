"""Lineages without a lake."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from elliptio.lineage.drawing.nodes import Link, Node

SHOT = datetime(2026, 11, 3, 9, 12, tzinfo=UTC)

HOSTILE = [
    '"quoted"', "a\nb", "</script><script>alert(1)</script>", "]]></title><img src=x onerror=alert(1)>", "`back`",
    "[x](y) {z}", "1. one", "- two", "%%{init: {}}%%", "end", "&lt;b&gt;", "a\\", 'x"]; click n0 call alert()',
    'x\\"]\nn0 -> n1 [', "-->", "#quot;", "<br>", "\u202eevil", "\x1b[2J", "\ud800",
]  # fmt: skip


def node(name: str, generation: int = 0, **facts: Any) -> Node:
    document = {"username": "andy", "creation_time": SHOT, "file_relpaths": [f"{name}.csv"]} | facts
    return Node(name, generation, "here", document)


def descendants(edges: Iterable[tuple[str, str]], start: str) -> tuple[list[Node], list[Link], str]:
    """All that is reached from an artifact over (parent, child) pairs, those of parents first, as a lineage."""
    edges = list(edges)
    generations = {start: 0}
    for parent, child in edges:
        generations.setdefault(child, generations[parent] + 1)
    nodes = [node(name, generation) for name, generation in generations.items()]
    return nodes, [(child, parent) for parent, child in edges], start


def chain(length: int) -> list[tuple[str, str]]:
    return [(f"c{number}", f"c{number + 1}") for number in range(length - 1)]


def fan(width: int) -> list[tuple[str, str]]:
    return [("root", f"f{number}") for number in range(width)]


def hostile() -> tuple[list[Node], list[Link], str]:
    """Names that would break out of any notation, in all places that others write."""
    nodes = [
        node(f"{number}{text}", number, username=text, file_relpaths=[text, "other"])
        for number, text in enumerate(HOSTILE)
    ]
    names = [node.artifact_id for node in nodes]
    return nodes, list(zip(names[1:], names, strict=False)), names[0]
