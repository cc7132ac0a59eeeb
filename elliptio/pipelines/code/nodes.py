"""Hold what was found out about one function, class or constant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from elliptio.pipelines.code.records import Part

Key = tuple[int, str]
_NOTHING: Mapping[str, None] = MappingProxyType({})


class Node:
    """A function, class or constant that is followed.

    Its digest is of it alone. What it links to has nodes of its own, so that circles end, and a part of a code is
    named by where it changed.
    """

    __slots__ = (
        "_part",
        "again",
        "changes",
        "digest",
        "key",
        "kind",
        "links",
        "mutates",
        "name",
        "notes",
        "packages",
        "place",
    )

    def __init__(self, kind: str, name: str, place: str) -> None:
        self.kind, self.name, self.place = kind, name, place
        self.digest = ""
        self.links: list[tuple[str, Node]] = []
        self.notes: Mapping[str, None] = _NOTHING
        self.packages: Mapping[str, None] = _NOTHING
        self.mutates: frozenset[Key] = frozenset()
        self.changes: frozenset[str] = frozenset()
        self.key: Key | None = None
        self.again: Callable[[], Node] | None = None
        """Follows a constant by the statements that make it, where its value changes while functions run."""
        self._part: Part | None = None

    def link(self, label: str, node: Node) -> None:
        """Note that this one reaches another."""
        self.links.append((label, node))

    def note(self, sentence: str) -> None:
        """Note something that is not followed."""
        self.notes = {**self.notes, sentence: None}

    def use(self, package: str) -> None:
        """Note that it takes something from a package."""
        if package not in self.packages:
            self.packages = {**self.packages, package: None}

    def add(self, other: Node) -> None:
        """Take over notes and packages of another one."""
        self.notes = {**self.notes, **other.notes} if self.notes else other.notes
        self.packages = {**self.packages, **other.packages} if self.packages else other.packages

    def part(self) -> Part:
        """Return it as a part of a code; what it links to has been followed by then."""
        if self._part is None:
            from elliptio.pipelines.code.facts import digest_of

            # Which is which, where several have one name: functions that one function made, lambdas of one module.
            bound = sorted({f"{label} {n.name} {'' if n.kind == 'constant' else n.digest}" for label, n in self.links})
            self._part = Part(self.name, self.kind, self.place, self.digest, digest_of(bound) if bound else "")
        return self._part
