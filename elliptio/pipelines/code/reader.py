"""Read the code of crafts: all that each reaches, its digest, its packages."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, Literal

from elliptio.naming import normalize_package
from elliptio.pipelines.code.distributions import Distributions
from elliptio.pipelines.code.facts import digest_of
from elliptio.pipelines.code.following import Follower
from elliptio.pipelines.code.nodes import Key, Node
from elliptio.pipelines.code.places import NOTEBOOK, Project
from elliptio.pipelines.code.records import Code, Part

Packages = Literal["imported", "all", "none"] | Sequence[str]


class _Rest:
    """All that a function reaches besides itself."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = {id(node): node for node in nodes}
        parts = {node.part() for node in self.nodes.values()}
        self.parts = tuple(sorted(parts, key=_order))
        self.digest = digest_of(f"{part.name} {part.digest} {part.bindings}" for part in self.parts)
        self.notes: dict[str, None] = {}
        self.packages: dict[str, None] = {}
        self.mutated: set[Key] = set()
        for node in self.nodes.values():
            self.notes |= node.notes
            self.packages |= node.packages
            self.mutated |= node.mutates


class Reader:
    """Reads the code of functions, each part of it once.

    Who reads thousands does well to hold Python's search for cycles back meanwhile (`elliptio.system.collector`).
    What names stand for may change between two calls, in a notebook above all: use a new reader for each plan. What
    is known of code objects and files is shared by all readers.

    Parameters
    ----------
    roots
        The folders of the project. Code below them is followed, but for installed packages.
    cache
        A folder that keeps what counts of each file; without one, each process parses again what it reaches.

    """

    def __init__(self, roots: Sequence[Path | str], *, cache: Path | str | None = None) -> None:
        self._project = Project([Path(root) for root in roots])
        self._follower = Follower(self._project, None if cache is None else Path(cache))
        self._distributions = Distributions()
        self._again: dict[Key, Node] = {}
        self._rests: dict[frozenset[int], _Rest] = {}
        self._imported: dict[tuple[str, ...], tuple[dict[str, str], dict[str, None]]] = {}

    def code_of(self, function: Any, *, packages: Packages = "imported") -> Code:
        """Return what a function reaches.

        Parameters
        ----------
        function
            A function, or what wraps one and has it as ``__wrapped__``.
        packages
            Whose versions count: of those that the code imports, of all that are installed, of none, or of these.

        """
        first = self._first(function)
        rest = self._rest(first)
        if rest.mutated or first.mutates:
            rest = _Rest([n for n in self._with_statements(first, rest) if n is not first])
        part = first.part()
        notes = {**first.notes, **rest.notes}
        imported = rest.packages
        if not first.packages.keys() <= imported.keys():
            imported = {**first.packages, **imported}
        digest = sha256(f"{part.name} {part.digest} {part.bindings}\n{rest.digest}".encode()).hexdigest()
        versions = self._versions(tuple(imported), packages, notes)
        return Code(digest, (part, *rest.parts), tuple(sorted(notes)), versions)

    def _rest(self, first: Node) -> _Rest:
        """Return what a function reaches; many share it."""
        key = frozenset(id(node) for _, node in first.links)
        known = self._rests.get(key)
        if known is None or id(first) in known.nodes:
            found = _closed(first)
            known = _Rest([node for node in found if node is not first])
            if id(first) not in key and not any(node is first for n in known.nodes.values() for _, node in n.links):
                self._rests[key] = known
        return known

    def _with_statements(self, first: Node, rest: _Rest) -> list[Node]:
        """Follow the constants that functions change by the statements that make them."""
        mutated = rest.mutated | first.mutates
        kept: dict[int, Node] = {}
        for node in (first, *rest.nodes.values()):
            for each in _closed(self._by_statements(node)) if node.key in mutated and node.again else [node]:
                if each.key not in mutated or each.again is None:
                    kept.setdefault(id(each), each)
        return list(kept.values())

    def _by_statements(self, node: Node) -> Node:
        assert node.key is not None
        assert node.again is not None
        if node.key not in self._again:
            self._again[node.key] = node.again()
        return self._again[node.key]

    def _first(self, function: Any) -> Node:
        inner = function
        while not isinstance(inner, FunctionType):
            if isinstance(getattr(inner, "__wrapped__", None), FunctionType | MethodType | functools.partial):
                inner = inner.__wrapped__
            else:
                break
        if isinstance(inner, FunctionType):
            found = self._follower.node_of(inner, is_craft=True)
            assert found is not None
            return found
        name = getattr(inner, "__qualname__", None) or type(inner).__qualname__
        node = Node("object", str(name), NOTEBOOK)
        writing = self._follower.writing(node)
        if not writing.tries(inner):
            self._follower.callables_within(node, inner)
            node.note(f"`{name}` is an object of type {type(inner).__qualname__}: it is not followed")
        node.digest = digest_of(writing.tokens)
        return node

    def _versions(self, imported: tuple[str, ...], packages: Packages, notes: dict[str, None]) -> dict[str, str]:
        if packages == "none":
            return {}
        if packages == "all":
            from elliptio.provenance.packages import installed_packages

            return installed_packages()
        if packages != "imported":
            if isinstance(packages, str):
                raise ValueError(f'packages={packages!r} is none of "imported", "all", "none" or a list of names')
            names = sorted({normalize_package(name) for name in packages})
            return {name: self._distributions.version(name) or "not installed" for name in names}
        if imported not in self._imported:
            said: dict[str, None] = {}
            self._imported[imported] = self._of_imported(imported, said), said
        found, said = self._imported[imported]
        notes.update(said)
        return found

    def _of_imported(self, imported: Iterable[str], notes: dict[str, None]) -> dict[str, str]:
        known = self._distributions
        found: dict[str, str] = {}
        for package in imported:
            distributions = known.of(package)
            if not distributions:
                _note_loose(package, notes)
            for name, version in distributions.items():
                found[name] = version
                place = known.editable_origin(name)
                if place is not None:
                    notes[f"{name} is installed in editable form from {place}: only its version counts"] = None
        return dict(sorted(found.items()))


def _note_loose(package: str, notes: dict[str, None]) -> None:
    if getattr(sys.modules.get(package), "__file__", None) is not None:
        notes[f"module `{package}` lies outside the project and in no distribution: it is not followed"] = None


def _order(part: Part) -> tuple[str, str, str]:
    return part.name, part.digest, part.bindings


def _closed(first: Node) -> list[Node]:
    """Return a node and all that it reaches."""
    found = {id(first): first}
    waiting = [first]
    while waiting:
        for _, node in waiting.pop().links:
            if id(node) not in found:
                found[id(node)] = node
                waiting.append(node)
    return list(found.values())


def code_of(function: Any, roots: Sequence[Path | str], *, packages: Packages = "imported") -> Code:
    """Return what a function of a project reaches; see `Reader.code_of`."""
    return Reader(roots).code_of(function, packages=packages)
