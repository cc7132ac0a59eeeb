"""Walk the syntax tree of a file once, and write down what counts of it: no positions, names of locals, docstrings.

What is written is a flat list of tokens. A name is a token of its own, that is resolved when its file was walked to
the end: only then is it known which names each scope binds. A function, a class and a statement of the module are
slices of that list.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

_SKIPPED = frozenset({"ctx", "type_comment", "type_ignores", "kind", "type_params"})
_BLOCKS = frozenset({"body", "orelse", "finalbody"})


class Scope:
    """A module, a class, a function or a comprehension, and the names that it binds."""

    __slots__ = ("bound", "imports", "kind", "nonlocals", "outer", "parent", "shows_names")

    def __init__(self, kind: str, parent: Scope | None) -> None:
        self.kind, self.parent = kind, parent
        self.bound: set[str] = set()
        self.outer: set[str] = set()
        self.nonlocals: set[str] = set()
        self.imports: dict[str, tuple[int, str, str | None]] = {}
        self.shows_names = False

    def owner(self, name: str) -> Scope | None:
        """Find the scope that a name belongs to; None if that is the module, or nobody here binds it."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "module":
            if name in scope.outer:
                return None
            if name in scope.bound and name not in scope.nonlocals and (scope is self or scope.kind != "class"):
                return scope
            scope = scope.parent
        return None


BINDS = ("",)
"""Stands in place of attributes where a name is bound."""
ASKED = ("", "")
"""Stands in place of attributes where `getattr` is asked about a name, which says more itself."""


class Ref(NamedTuple):
    """A name where it is used, with the attributes that are taken of it: ``tables.clean``."""

    scope: Scope
    name: str
    chain: tuple[str, ...]


class Doubt(NamedTuple):
    """A call that reaches what its text does not say; `subject` is what it is asked about."""

    line: int
    text: str
    subject: Ref | None


class Slice(NamedTuple):
    """A part of the lists of a walk: from where to where in each."""

    tokens: tuple[int, int]
    mutations: tuple[int, int]
    doubts: tuple[int, int]


class Walked(NamedTuple):
    """A function, a class or a statement of the module, with the slices that count of it."""

    kind: str
    name: str
    qualname: str
    line: int
    first_line: int
    scope: Scope
    slices: tuple[Slice, ...]
    decorators: tuple[Slice, ...] = ()
    defaults: tuple[Slice, ...] = ()
    bound: tuple[tuple[str, int], ...] = ()


Special = Callable[["Walk", Any], None]
"""Writes nodes of a kind down that are not just their fields."""


class Walk:
    """One walk over the tree of a file."""

    def __init__(self, tree: ast.Module, special: Mapping[type[ast.AST], Special]) -> None:
        self._special = special
        self.tokens: list[str | Ref] = []
        self.mutations: list[tuple[Scope, str]] = []
        self.doubts: list[Doubt] = []
        self.found: list[Walked] = []
        self.statements: list[Walked] = []
        self.events: list[tuple[str, int]] = []
        self.module = self.scope = Scope("module", None)
        self._path: list[str] = []
        for statement in tree.body:
            self._statement(statement)

    # Slices

    def sliced(self, act: Callable[[], object]) -> Slice:
        """Note what an act adds to each list."""
        before = len(self.tokens), len(self.mutations), len(self.doubts)
        act()
        after = len(self.tokens), len(self.mutations), len(self.doubts)
        return Slice(*zip(before, after, strict=True))

    def visited(self, node: ast.AST) -> Slice:
        """Write a node down, and note what that adds to each list."""
        return self.sliced(lambda: self.visit(node))

    def _statement(self, node: ast.stmt) -> None:
        self.events = []
        made = self.visited(node)
        kind = "def" if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else "statement"
        self.statements.append(
            Walked(kind, "", "", node.lineno, node.lineno, self.module, (made,), bound=tuple(self.events))
        )

    # Nodes

    def visit(self, node: ast.AST) -> None:
        """Write a node down."""
        kind = node.__class__
        special = self._special.get(kind)
        if special is not None:
            special(self, node)
            return
        self.tokens.append(kind.__name__)
        for field in node._fields:
            if field in _SKIPPED:
                continue
            value = getattr(node, field, None)
            if isinstance(value, ast.AST):
                self.visit(value)
            elif isinstance(value, list):
                (self.visit_body if field in _BLOCKS else self.visit_all)(value)
            else:
                self.tokens.append(repr(value))

    def visit_all(self, nodes: Sequence[Any]) -> None:
        """Write several nodes down, and how many they are."""
        self.tokens.append(f"[{len(nodes)}")
        for node in nodes:
            if isinstance(node, ast.AST):
                self.visit(node)
            else:
                self.tokens.append(repr(node))

    def visit_body(self, statements: Iterable[ast.stmt]) -> None:
        """Write the statements of a block down; docstrings and what does nothing leave no trace."""
        self.tokens.append("{")
        for statement in statements:
            if not is_idle(statement):
                self.visit(statement)
        self.tokens.append("}")

    def bind(self, name: str, line: int) -> None:
        """Note that the scope that we are in binds a name."""
        if name not in self.scope.bound:
            self.scope.bound.add(name)
        if self.scope is self.module:
            self.events.append((name, line))

    def refer(self, name: str, chain: tuple[str, ...] = ()) -> None:
        """Write a name down."""
        self.tokens.append(Ref(self.scope, name, chain))

    def within(self, kind: str, act: Callable[[], object], *, name: str = "") -> Scope:
        """Do something in a new scope."""
        self.scope = made = Scope(kind, self.scope)
        if name:
            self._path.append(name)
        try:
            act()
        finally:
            assert made.parent is not None
            self.scope = made.parent
            if name:
                self._path.pop()
        return made

    def qualname(self, name: str) -> str:
        """Return the name of what is defined here, as Python writes it."""
        return ".".join([*self._path, name])


def is_idle(statement: ast.stmt) -> bool:
    """Tell whether a statement does nothing, as a docstring does."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def reference(walk: Walk, node: ast.AST) -> Ref | None:
    """Return the name that an expression is, with its attributes; None if it is another one."""
    chain: list[str] = []
    while isinstance(node, ast.Attribute):
        chain.insert(0, node.attr)
        node = node.value
    return Ref(walk.scope, node.id, tuple(chain)) if isinstance(node, ast.Name) else None
