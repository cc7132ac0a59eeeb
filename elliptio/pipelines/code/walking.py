"""Walk the syntax tree of a file once, and write down what counts of it: no positions, no names of locals, no docstrings.

What is written is a flat list of tokens. A name is a token of its own, that is resolved when its file was walked to
the end: only then is it known which names each scope binds. A function, a class and a statement of the module are
slices of that list.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

_SKIPPED = frozenset({"ctx", "type_comment", "type_ignores", "kind", "type_params"})
_MUTATORS = frozenset(
    ["append", "appendleft", "add", "clear", "discard", "extend", "extendleft", "insert", "pop", "popitem", "popleft", "remove", "reverse", "setdefault", "sort", "update"]
)
_BLOCKS = frozenset({"body", "orelse", "finalbody"})
_STATE = (ast.Store, ast.Del)
COMPREHENSIONS = ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp


class Scope:
    """What a module, a class, a function or a comprehension binds."""

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


class Walk:
    """One walk over the tree of a file."""

    def __init__(self, tree: ast.Module, doubt: Callable[[Walk, ast.Call | ast.Subscript], None]) -> None:
        self.doubt = doubt
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

    def _statement(self, node: ast.stmt) -> None:
        self.events = []
        made = self.sliced(lambda: self.visit(node))
        kind = "def" if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else "statement"
        self.statements.append(
            Walked(kind, "", "", node.lineno, node.lineno, self.module, (made,), bound=tuple(self.events))
        )

    # Nodes

    def visit(self, node: ast.AST) -> None:
        """Write a node down."""
        kind = node.__class__
        special = _SPECIAL.get(kind)
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
            if not _is_idle(statement):
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


def _is_idle(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def root_of(node: ast.AST) -> str | None:
    """Return the name that a chain of attributes, items and calls begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _name(walk: Walk, node: ast.Name) -> None:
    if isinstance(node.ctx, _STATE):
        walk.bind(node.id, node.lineno)
        if node.id in walk.scope.outer or walk.scope is walk.module:
            walk.mutations.append((walk.scope, node.id))
        walk.refer(node.id, BINDS)
    else:
        walk.refer(node.id)


def _attribute(walk: Walk, node: ast.Attribute) -> None:
    _note_change(walk, node)
    chain = [node.attr]
    value = node.value
    while isinstance(value, ast.Attribute):
        chain.append(value.attr)
        value = value.value
    walk.tokens += ("Attribute", *chain)
    if isinstance(value, ast.Name):
        walk.refer(value.id, tuple(reversed(chain)))
    else:
        walk.visit(value)


def _note_change(walk: Walk, node: ast.Attribute | ast.Subscript) -> None:
    root = root_of(node) if isinstance(node.ctx, _STATE) else None
    if root is not None:
        walk.mutations.append((walk.scope, root))


def _subscript(walk: Walk, node: ast.Subscript) -> None:
    _note_change(walk, node)
    if isinstance(node.value, ast.Attribute) and node.value.attr == "modules":
        walk.doubt(walk, node)
    walk.tokens.append("Subscript")
    walk.visit(node.value)
    walk.visit(node.slice)


def _constant(walk: Walk, node: ast.Constant) -> None:
    walk.tokens.append(repr(node.value))


def _joined(walk: Walk, node: ast.JoinedStr) -> None:
    # Pythons differ in where they cut the text of an f-string.
    parts: list[Any] = []
    for value in node.values:
        text = value.value if isinstance(value, ast.Constant) else None
        if isinstance(text, str) and parts and isinstance(parts[-1], str):
            parts[-1] += text
        elif text != "":
            parts.append(value if text is None else text)
    walk.tokens.append("JoinedStr")
    walk.visit_all(parts)


def _arguments(walk: Walk, node: ast.arguments) -> None:
    walk.tokens.append("arguments")
    for kind in (node.posonlyargs, node.args, node.kwonlyargs, [node.vararg], [node.kwarg]):
        walk.tokens.append(f"[{len(kind)}")
        for argument in kind:
            walk.tokens.append("-" if argument is None else argument.arg)
            if argument is not None:
                walk.bind(argument.arg, argument.lineno)
                walk.refer(argument.arg, BINDS)


def _function(walk: Walk, node: Any) -> None:
    is_lambda = isinstance(node, ast.Lambda)
    name = "<lambda>" if is_lambda else node.name
    if not is_lambda:
        walk.bind(name, node.lineno)
        walk.refer(name, BINDS)
    walk.tokens += (node.__class__.__name__, name)
    qualname = walk.qualname(name)
    made: list[Slice] = []

    def inside() -> None:
        walk.scope.bound.update(parameter.name for parameter in getattr(node, "type_params", ()))
        _arguments(walk, node.args)
        if is_lambda:
            walk.visit(node.body)
        else:
            walk.visit_body(node.body)

    walk._path.append(name)
    scope = walk.within("function", lambda: made.append(walk.sliced(inside)), name="<locals>")
    walk._path.pop()
    defaults = walk.sliced(lambda: walk.visit_all([*node.args.defaults, *node.args.kw_defaults]))
    decorators = () if is_lambda else tuple(walk.sliced(lambda d=d: walk.visit(d)) for d in node.decorator_list)
    first_line = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    walk.found.append(
        Walked("function", name, qualname, node.lineno, first_line, scope, tuple(made), decorators, (defaults,))
    )


def _class(walk: Walk, node: ast.ClassDef) -> None:
    walk.bind(node.name, node.lineno)
    walk.refer(node.name, BINDS)
    walk.tokens += ("ClassDef", node.name)
    qualname = walk.qualname(node.name)
    slices = [walk.sliced(lambda: (walk.visit_all(node.bases), walk.visit_all(node.keywords)))]
    decorators = tuple(walk.sliced(lambda d=d: walk.visit(d)) for d in node.decorator_list)  # type: ignore[misc]

    def inside() -> None:
        walk.scope.bound.update(parameter.name for parameter in getattr(node, "type_params", ()))
        for statement in node.body:
            if _is_idle(statement):
                continue
            made = walk.sliced(lambda s=statement: walk.visit(s))  # type: ignore[misc]
            if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                slices.append(made)

    scope = walk.within("class", inside, name=node.name)
    walk.found.append(
        Walked("class", node.name, qualname, node.lineno, node.lineno, scope, tuple(slices), decorators)
    )


def _comprehension(walk: Walk, node: Any) -> None:
    walk.tokens.append(node.__class__.__name__)
    # The first iterable is evaluated outside.
    walk.visit(node.generators[0].iter)

    def inside() -> None:
        for number, generator in enumerate(node.generators):
            walk.visit(generator.target)
            if number:
                walk.visit(generator.iter)
            walk.visit_all(generator.ifs)
            walk.tokens.append(repr(generator.is_async))
        for field in ("key", "value", "elt"):
            if hasattr(node, field):
                walk.visit(getattr(node, field))

    walk.within("comprehension", inside)


def _walrus(walk: Walk, node: ast.NamedExpr) -> None:
    inner = walk.scope
    while walk.scope.kind == "comprehension" and walk.scope.parent is not None:
        walk.scope = walk.scope.parent
    walk.tokens.append("NamedExpr")
    walk.visit(node.target)
    walk.scope = inner
    walk.visit(node.value)


def _annotated(walk: Walk, node: ast.AnnAssign) -> None:
    if walk.scope.kind in ("class", "module"):
        walk.tokens.append("AnnAssign")
        walk.visit(node.target)
        walk.visit_all([node.annotation] if walk.scope.kind == "class" else [])
        walk.visit_all([] if node.value is None else [node.value])
    elif node.value is not None:
        walk.visit(ast.Assign(targets=[node.target], value=node.value))
    elif isinstance(node.target, ast.Name):
        walk.bind(node.target.id, node.lineno)


def _declared(walk: Walk, node: ast.Global | ast.Nonlocal) -> None:
    (walk.scope.outer if isinstance(node, ast.Global) else walk.scope.nonlocals).update(node.names)


def _import(walk: Walk, node: ast.Import) -> None:
    walk.tokens += ("Import", *(alias.name for alias in node.names))
    for alias in node.names:
        name = alias.asname or alias.name.partition(".")[0]
        walk.bind(name, node.lineno)
        # `import a.b` binds `a`, and makes sure that `a.b` is there.
        walk.scope.imports[name] = (0, alias.name, None if alias.asname else "")
        walk.refer(name, BINDS)


def _import_from(walk: Walk, node: ast.ImportFrom) -> None:
    walk.tokens += ("ImportFrom", str(node.level), node.module or "", *(alias.name for alias in node.names))
    for alias in node.names:
        name = alias.asname or alias.name
        if name == "*":
            walk.scope.imports[f"*{len(walk.scope.imports)}"] = (node.level, node.module or "", "*")
            continue
        walk.bind(name, node.lineno)
        walk.scope.imports[name] = (node.level, node.module or "", alias.name)
        walk.refer(name, BINDS)


def _named(field: str) -> Callable[[Walk, Any], None]:
    """Write down a node that binds the name in one of its fields."""

    def write(walk: Walk, node: Any) -> None:
        walk.tokens.append(node.__class__.__name__)
        for each in node._fields:
            value = getattr(node, each, None)
            if each == field:
                if value is not None:
                    walk.bind(value, node.lineno)
                    walk.refer(value, BINDS)
            elif each == "body":
                walk.visit_body(value)
            elif isinstance(value, list):
                walk.visit_all(value)
            elif isinstance(value, ast.AST):
                walk.visit(value)

    return write


def _call(walk: Walk, node: ast.Call) -> None:
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in _MUTATORS:
        root = root_of(function)
        if root is not None:
            walk.mutations.append((walk.scope, root))
    walk.doubt(walk, node)
    walk.tokens.append("Call")
    walk.visit(function)
    asked = reference(walk, node.args[0]) if is_asking(function) and node.args else None
    if asked is not None:
        walk.tokens.append(f"asked {'.'.join(asked.chain)} [{len(node.args)}")
        walk.refer(asked.name, ASKED)
    walk.visit_all(node.args[asked is not None :])
    walk.visit_all(node.keywords)


def is_asking(function: ast.expr) -> bool:
    """Tell whether a call asks about an attribute by its name."""
    return isinstance(function, ast.Name) and function.id in ("getattr", "hasattr", "setattr", "vars")


def reference(walk: Walk, node: ast.AST) -> Ref | None:
    """Return the name that an expression is, with its attributes; None if it is another one."""
    chain: list[str] = []
    while isinstance(node, ast.Attribute):
        chain.insert(0, node.attr)
        node = node.value
    return Ref(walk.scope, node.id, tuple(chain)) if isinstance(node, ast.Name) else None


_SPECIAL: dict[type[ast.AST], Callable[[Walk, Any], None]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Constant: _constant,
    ast.JoinedStr: _joined,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Lambda: _function,
    ast.ClassDef: _class,
    ast.NamedExpr: _walrus,
    ast.AnnAssign: _annotated,
    ast.Global: _declared,
    ast.Nonlocal: _declared,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.ExceptHandler: _named("name"),
    ast.MatchAs: _named("name"),
    ast.MatchStar: _named("name"),
    ast.MatchMapping: _named("rest"),
    ast.Call: _call,
    **dict.fromkeys(COMPREHENSIONS, _comprehension),
}
