"""Say of each function, class and statement of a file what counts of it: a digest, and the names that it reaches."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from elliptio.pipelines.code.syntax import SPECIAL
from elliptio.pipelines.code.walking import ASKED, BINDS, Ref, Scope, Slice, Walk

Names = Sequence[Sequence[str]]
"""Names of the module, each with the attributes that are taken of it: ``["tables", "clean"]``; at the end "" where
`getattr` or the like is asked about it."""


SELF, CLASS, OUTER = "(self)", "(cls)", "^"
"""Among what a function changes: the object that it is a method of, its class, and names that it closes over."""
_SELVES = ("self", "cls")


class Text(NamedTuple):
    """A piece of text as it counts: its digest, and the names that it refers to.

    An import is its level, its module, the name that is taken ("" where the root of a dotted name is, None where the
    module is), and the attributes taken of that. A doubt is its line, its text, and the names that it is about.
    """

    digest: str
    names: Names = ()
    imports: Sequence[tuple[int, str, str | None, Sequence[str]]] = ()
    free: Sequence[str] = ()
    mutates: Sequence[str] = ()
    doubts: Sequence[tuple[int, str, Sequence[str] | None]] = ()


class FunctionFacts(NamedTuple):
    """A function of a file."""

    qualname: str
    line: int
    text: Text
    defaults: Sequence[Any]
    """A text that may still be the list that a file holds: it is asked for rarely."""
    decorators: Sequence[tuple[Sequence[str], Text]] = ()


class ClassFacts(NamedTuple):
    """A class of a file, without its methods and inner classes."""

    qualname: str
    line: int
    text: Text
    decorators: Sequence[tuple[Sequence[str], Text]] = ()


class FileFacts(NamedTuple):
    """All that is asked of a file.

    Functions are named by the hashes of their code objects, classes by their qualified names; a name of the module
    has its line and the numbers of the statements that bind or change it.
    """

    functions: dict[str, list[Any]]
    classes: dict[str, list[ClassFacts]]
    bindings: dict[str, tuple[int, list[int]]]
    statements: list[Text | None]
    aliases: dict[str, tuple[int, str, str | None]]
    stars: list[tuple[int, str]]
    imports: list[str]


def facts_of(tree: ast.Module, hashes: Callable[[int, str], Sequence[str]]) -> FileFacts:
    """Say what counts of a file; `hashes` gives those of the code objects of a function by first line and name."""
    walk = Walk(tree, SPECIAL)
    functions: dict[str, list[FunctionFacts]] = {}
    classes: dict[str, list[ClassFacts]] = {}
    for found in walk.found:
        text = _text(walk, found.slices, found.scope)
        decorators = [_decorator(walk, part, found.scope.parent) for part in found.decorators]
        if found.kind == "class":
            classes.setdefault(found.qualname, []).append(ClassFacts(found.qualname, found.line, text, decorators))
            continue
        facts = FunctionFacts(
            found.qualname, found.line, text, _text(walk, found.defaults, found.scope.parent), decorators
        )
        for each in hashes(found.first_line, found.name):
            functions.setdefault(each, []).append(facts)
    imported = walk.module.imports
    return FileFacts(
        functions,
        classes,
        _bindings(walk),
        [_text(walk, s.slices, walk.module) if s.kind == "statement" else None for s in walk.statements],
        {name: found for name, found in imported.items() if not name.startswith("*")},
        [(level, module) for name, (level, module, _) in imported.items() if name.startswith("*")],
        sorted(set(_imported(tree.body))),
    )


def _bindings(walk: Walk) -> dict[str, tuple[int, list[int]]]:
    made: dict[str, tuple[int, list[int]]] = {}
    for number, statement in enumerate(walk.statements):
        for name, line in statement.bound:
            made.setdefault(name, (line, []))
        start, end = statement.slices[0].mutations
        names = {name for name, _ in statement.bound}
        if statement.kind == "statement":
            names |= {name for scope, name in walk.mutations[start:end] if scope.owner(name) is None}
        for name in sorted(names):
            numbers = made.setdefault(name, (statement.line, []))[1]
            if number not in numbers:
                numbers.append(number)
    return made


def _imported(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield the packages that a module imports when it is run; what is imported for types alone does not count."""
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            if not statement.level and statement.module:
                yield statement.module.partition(".")[0]
        elif isinstance(statement, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(statement.test):
                yield from _imported(statement.body)
            yield from _imported(statement.orelse)
        elif isinstance(statement, ast.Try | ast.With):
            yield from _imported(statement.body)
            for handler in getattr(statement, "handlers", ()):
                yield from _imported(handler.body)
            yield from _imported(getattr(statement, "orelse", ()))


def _decorator(walk: Walk, part: Slice, scope: Scope | None) -> tuple[Sequence[str], Text]:
    text = _text(walk, (part,), scope)
    return (text.names[0] if text.names else ()), text


class _Finishing:
    """Resolves the names of one text."""

    def __init__(self, scope: Scope | None, module: Scope) -> None:
        self.module = module
        self.written: list[str] = []
        self.numbers: dict[tuple[int, str], int] = {}
        self.names: dict[tuple[str, ...], None] = {}
        self.imports: dict[tuple[int, str, str | None, tuple[str, ...]], None] = {}
        self.bound: dict[tuple[int, str, str | None], None] = {}
        self.free: dict[str, None] = {}
        self.shown = scope is not None and scope.shows_names
        self.around: set[int] = set()
        around = scope.parent if scope is not None else None
        while around is not None:
            self.around.add(id(around))
            around = around.parent

    def add(self, ref: Ref) -> None:
        scope, name, chain = ref
        owner = scope.owner(name)
        if chain == BINDS:
            if owner is None:
                # Of what a function binds in its module, more is to be known.
                self.names |= {(name,): None} if scope.kind == "function" else {}
            elif name in owner.imports:
                self.bound[owner.imports[name]] = None
        elif chain[-2:] == ASKED:
            if owner is None:
                self.names[(name, *chain[:-1])] = None
        elif owner is None or (owner is scope and scope.kind == "class" and name in self.module.bound):
            # A class may also take a name of the module before it binds its own.
            self.names[(name, *chain)] = None
        if owner is None:
            self.written.append(f"global {name}")
            return
        imported = owner.imports.get(name)
        if imported is not None and chain != BINDS and chain[-2:] != ASKED:
            self.imports[(*imported, chain)] = None
        if id(owner) in self.around:
            self.free[name] = None
        number = self.numbers.setdefault((id(owner), name), len(self.numbers))
        shown = self.shown or scope.shows_names or owner.kind == "class"
        self.written.append(f"named {name}" if shown else f"local {number}")


def _text(walk: Walk, slices: Iterable[Slice], scope: Scope | None) -> Text:
    """Digest slices of a walk that lie in a scope."""
    made = _Finishing(scope, walk.module)
    mutates: set[str] = set()
    doubts: list[tuple[int, str, Sequence[str] | None]] = []
    for part in slices:
        for token in walk.tokens[part.tokens[0] : part.tokens[1]]:
            if token.__class__ is str:
                made.written.append(token)
            else:
                made.add(token)  # type: ignore[arg-type]
        for inner, name in walk.mutations[part.mutations[0] : part.mutations[1]]:
            owner = inner.owner(name)
            if owner is None:
                mutates.add(name)
            elif name in _SELVES:
                mutates.add(f"({name})")
            elif id(owner) in made.around:
                mutates.add(f"{OUTER}{name}")
        for line, text, subject in walk.doubts[part.doubts[0] : part.doubts[1]]:
            known = subject is not None and subject.scope.owner(subject.name) is None
            doubts.append((line, text, [subject.name, *subject.chain] if subject is not None and known else None))
    used = {imported[:3] for imported in made.imports}
    made.imports |= {(*imported, BINDS): None for imported in made.bound if imported not in used}
    return Text(
        digest_of(made.written),
        [list(name) for name in made.names],
        [(level, module, name, list(chain)) for level, module, name, chain in made.imports],
        list(made.free),
        sorted(mutates),
        doubts,
    )


def digest_of(tokens: Iterable[str]) -> str:
    """Hash a list of tokens."""
    return hashlib.sha256("\0".join(tokens).encode("utf-8", "surrogatepass")).hexdigest()


def to_lists(facts: FileFacts) -> list[Any]:
    """Write facts as JSON can hold them, and as short as they may be."""
    return [
        {each: [_shortened(row) for row in rows] for each, rows in facts.functions.items()},
        {name: [_shortened(row) for row in rows] for name, rows in facts.classes.items()},
        facts.bindings,
        [None if text is None else _shortened(text) for text in facts.statements],
        *facts[4:],
    ]


def _shortened(row: Any) -> Any:
    """Leave out the empty fields at the end of a named tuple, as they are the defaults."""
    if not isinstance(row, tuple):
        return row
    fields = [_shortened(field) for field in row]
    while fields and hasattr(row, "_fields") and fields[-1] in ((), [], None):
        fields.pop()
    return fields


def from_lists(found: Sequence[Any]) -> FileFacts:
    """Read what `to_lists` wrote; functions stay lists until somebody asks for one."""
    functions, classes, bindings, statements, aliases, stars, imports = found
    return FileFacts(
        functions,
        {name: [_class(*row) for row in rows] for name, rows in classes.items()},
        {name: (line, numbers) for name, (line, numbers) in bindings.items()},
        [None if row is None else Text(*row) for row in statements],
        {name: (level, module, taken) for name, (level, module, taken) in aliases.items()},
        [(level, module) for level, module in stars],
        imports,
    )


def function(
    qualname: str, line: int, text: Sequence[Any], defaults: Sequence[Any], decorators: Sequence[Any] = ()
) -> FunctionFacts:
    """Make the facts of a function, of lists or of what they were made of."""
    return FunctionFacts(qualname, line, Text(*text), defaults, _decorators(decorators))


def _class(qualname: str, line: int, text: Sequence[Any], decorators: Sequence[Any] = ()) -> ClassFacts:
    return ClassFacts(qualname, line, Text(*text), _decorators(decorators))


def _decorators(rows: Sequence[Any]) -> list[tuple[Sequence[str], Text]]:
    return [(chain, Text(*text)) for chain, text in rows] if rows else []
