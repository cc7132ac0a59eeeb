"""Write down the nodes of a syntax tree that are more than their fields: names, and what binds them."""

from __future__ import annotations

import ast
from typing import Any

from elliptio.pipelines.code.doubts import doubt_about, doubt_about_settings, doubt_about_texts
from elliptio.pipelines.code.walking import ASKED, BINDS, Slice, Special, Walk, Walked, is_idle, reference

_MUTATORS = {
    "append", "appendleft", "add", "clear", "discard", "extend", "extendleft", "insert", "pop", "popitem", "popleft",
    "remove", "reverse", "setdefault", "sort", "update",
}  # fmt: skip
_STATE = (ast.Store, ast.Del)
COMPREHENSIONS = ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp


def root_of(node: ast.AST) -> str | None:
    """Return the name that a chain of attributes, items and calls begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _name(walk: Walk, node: ast.Name) -> None:
    if isinstance(node.ctx, _STATE):
        walk.bind(node.id, node.lineno)
        if node.id in walk.scope.outer or node.id in walk.scope.nonlocals or walk.scope is walk.module:
            walk.mutations.append((walk.scope, node.id))
        walk.refer(node.id, BINDS)
    else:
        doubt_about_texts(walk, node, node.id)
        walk.refer(node.id)


def _attribute(walk: Walk, node: ast.Attribute) -> None:
    _note_change(walk, node)
    doubt_about_settings(walk, node)
    doubt_about_texts(walk, node, node.attr)
    chain = [node.attr]
    value = node.value
    while isinstance(value, ast.Attribute):
        doubt_about_settings(walk, value)
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
        doubt_about(walk, node)
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
    walk.tokens += ("def", name)
    qualname = walk.qualname(name)
    made: list[Slice] = []

    def inside() -> None:
        walk.scope.bound.update(parameter.name for parameter in getattr(node, "type_params", ()))
        walk.tokens.append(node.__class__.__name__)
        _arguments(walk, node.args)
        if is_lambda:
            walk.visit(node.body)
        else:
            walk.visit_body(node.body)

    walk._path.append(name)
    scope = walk.within("function", lambda: made.append(walk.sliced(inside)), name="<locals>")
    walk._path.pop()
    defaults = walk.sliced(lambda: walk.visit_all([*node.args.defaults, *node.args.kw_defaults]))
    decorators = () if is_lambda else tuple(map(walk.visited, node.decorator_list))
    first_line = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    walk.found.append(
        Walked("function", name, qualname, node.lineno, first_line, scope, tuple(made), decorators, (defaults,))
    )


def _class(walk: Walk, node: ast.ClassDef) -> None:
    walk.bind(node.name, node.lineno)
    walk.refer(node.name, BINDS)
    walk.tokens += ("ClassDef", node.name)
    qualname = walk.qualname(node.name)
    slices = [walk.sliced(lambda: walk.visit_all([*node.bases, *node.keywords]))]
    decorators = tuple(map(walk.visited, node.decorator_list))

    def inside() -> None:
        walk.scope.bound.update(parameter.name for parameter in getattr(node, "type_params", ()))
        for statement in node.body:
            if is_idle(statement):
                continue
            made = walk.visited(statement)
            if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                slices.append(made)

    scope = walk.within("class", inside, name=node.name)
    walk.found.append(Walked("class", node.name, qualname, node.lineno, node.lineno, scope, tuple(slices), decorators))


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


def _named(field: str) -> Special:
    """Write down a node that binds the name in one of its fields."""

    def write(walk: Walk, node: Any) -> None:
        walk.tokens.append(node.__class__.__name__)
        for each in node._fields:
            value = getattr(node, each, None)
            if each == field:
                if value is not None:
                    walk.bind(value, node.lineno)
                    walk.refer(value, BINDS)
            elif isinstance(value, list):
                (walk.visit_body if each == "body" else walk.visit_all)(value)
            elif isinstance(value, ast.AST):
                walk.visit(value)

    return write


def _call(walk: Walk, node: ast.Call) -> None:
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in _MUTATORS:
        root = root_of(function)
        if root is not None:
            walk.mutations.append((walk.scope, root))
    doubt_about(walk, node)
    walk.tokens.append("Call")
    walk.visit(function)
    asked = reference(walk, node.args[0]) if is_asking(function) and node.args else None
    if asked is not None:
        walk.tokens.append(f"asked {'.'.join(asked.chain)} [{len(node.args)}")
        walk.refer(asked.name, (*asked.chain, *ASKED))
    walk.visit_all(node.args[asked is not None :])
    walk.visit_all(node.keywords)


def is_asking(function: ast.expr) -> bool:
    """Tell whether a call asks about an attribute by its name."""
    return isinstance(function, ast.Name) and function.id in ("getattr", "hasattr", "setattr", "vars")


SPECIAL: dict[type[ast.AST], Special] = {
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
