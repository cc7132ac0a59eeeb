"""Follow a function to all that it reaches, by what its names stand for in the running program."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from elliptio.pipelines.code.classes import class_node, place_of_class
from elliptio.pipelines.code.constants import absolute, constant_node, is_constant, is_quiet, origin_of
from elliptio.pipelines.code.facts import SELF, FileFacts, FunctionFacts, Text, digest_of
from elliptio.pipelines.code.nodes import Node
from elliptio.pipelines.code.objects import callables_within, describe, fallback_parts
from elliptio.pipelines.code.places import NOTEBOOK, Project, module_name
from elliptio.pipelines.code.sources import Source, function_facts, source_of
from elliptio.pipelines.code.values import NotPlainError, Writing
from elliptio.pipelines.code.walking import BINDS

_NO_FACTS = FileFacts({}, {}, {}, [], {}, [], [])
_IGNORED = frozenset(["__name__", "__doc__", "__package__", "__spec__", "__loader__", "__builtins__", "__file__", "__class__", "__debug__"])
_MISSING = object()


class Follower:
    """Makes a node of each function, class and constant, once."""

    def __init__(self, project: Project, cache: Path | None) -> None:
        self.project, self._cache = project, cache
        self._nodes: dict[int, tuple[Any, Node | None]] = {}
        self._constants: dict[tuple[int, str], tuple[Node | None, str]] = {}
        self._files: dict[int, tuple[Any, FileFacts]] = {}
        self._packages: dict[str, bool] = {}
        self._by_file: dict[int, Node] = {}
        self._with_metadata: set[str] = set()

    # What there is about modules

    def file_facts(self, module: dict[str, Any]) -> FileFacts:
        """Return what counts of the file of a module."""
        known = self._files.get(id(module))
        if known is None:
            path = module.get("__file__")
            is_ours = isinstance(path, str) and path.endswith(".py") and self.project.holds_module(module)
            source = source_of(path, module.get("__spec__")) if is_ours and isinstance(path, str) else None
            facts = source.facts(self._cache) if source is not None else _NO_FACTS
            known = self._files[id(module)] = module, facts
        return known[1]

    def place_of_module(self, module: dict[str, Any]) -> str:
        """Return where the file of a module lies."""
        path = module.get("__file__")
        return (self.project.place_of(path, module) if isinstance(path, str) else None) or NOTEBOOK

    def note_package(self, node: Node, package: str) -> None:
        """Note that a part takes something from a package, if that is not of the project."""
        if (package and package not in sys.stdlib_module_names and not self._is_ours(package)) or package in self._with_metadata:
            node.packages[package] = None

    def _is_ours(self, package: str) -> bool:
        known = self._packages.get(package)
        if known is None:
            found = sys.modules.get(package)
            if found is not None:
                known = self.project.holds_module(vars(found))
            else:
                try:
                    spec = importlib.util.find_spec(package)
                except (ImportError, ValueError, AttributeError):
                    spec = None
                places = [spec.origin, *(spec.submodule_search_locations or ())] if spec is not None else []
                known = any(p is not None and self.project.relative(f"{p}/") is not None for p in places)
            self._packages[package] = known
            if known and _has_metadata_beside(found, package):
                self._with_metadata.add(package)
        return known

    # Nodes

    def writing(self, node: Node) -> Writing:
        """Return what writes a value for a node, which gets a link to each part that the value holds."""
        return Writing(self.project, lambda value, writing: describe(self, node, value, writing))

    def callables_within(self, node: Node, value: Any) -> None:
        """Link a node to the functions and classes of the project that a foreign object holds."""
        for found in callables_within(value):
            inner = self.node_of(found)
            if inner is not None:
                node.link("within", inner)

    def is_foreign(self, value: Any) -> bool:
        """Tell whether a value is code that is not of the project."""
        inner = getattr(value, "__func__", value)
        if isinstance(inner, FunctionType):
            return self.project.place_of(inner.__code__.co_filename, inner.__globals__) is None or (
                inner.__code__.co_filename.startswith("<string")
            )
        return callable(inner) and not isinstance(inner, type)

    def node_of(self, value: Any, *, is_craft: bool = False) -> Node | None:
        """Return the node of a function or a class; None if it is not of the project."""
        known = self._nodes.get(id(value))
        if known is not None and (known[1] is not None or not is_craft):
            return known[1]
        if isinstance(value, FunctionType):
            return self._function(value, is_craft)
        found = place_of_class(self, value) if isinstance(value, type) else None
        if found is None:
            self._nodes[id(value)] = value, None
            return None
        module, name, place = found
        node = Node("class", name, place)
        self._nodes[id(value)] = value, node
        class_node(self, value, node, module)
        self._file_packages(node, self.file_facts(module).imports)
        return node

    def _function(self, function: FunctionType, is_craft: bool) -> Node | None:
        code, module = function.__code__, function.__globals__
        file = self.project.place_of(code.co_filename, module)
        if file is None and not is_craft:
            self._nodes[id(function)] = function, None
            return None
        file = file or NOTEBOOK
        source, rows = function_facts(code, module.get("__spec__"), self._cache)
        row = rows[0]
        kind = "lambda" if code.co_name == "<lambda>" else "function"
        if kind == "function" and "." in row.qualname.rpartition("<locals>.")[2]:
            kind = "method"
        place = file if file == NOTEBOOK else f"{file}:{row.line}"
        node = Node(kind, f"{module_name(file, module)}.{row.qualname}", place)
        self._nodes[id(function)] = function, node
        tokens = [row.text.digest for row in rows]
        if source is None and file != NOTEBOOK and source_of(code.co_filename, module.get("__spec__")) is not None:
            node.notes[f"`{code.co_qualname}` is not in {file} as it is loaded: what is loaded counts"] = None
        for row in rows:
            self._values(node, function, row, tokens)
            self.follow_text(node, row.text, module)
            tokens += self.follow_decorators(node, row.decorators, module)
        if source is not None:
            self._of_file(node, source, file)
        node.digest = digest_of(tokens)
        return node

    def _of_file(self, node: Node, source: Source, file: str) -> None:
        """Add what is true of all code of a file: the packages that it imports, and whether it was edited."""
        known = self._by_file.get(id(source))
        if known is None:
            known = self._by_file[id(source)] = Node("file", file, file)
            self._file_packages(known, source.facts(self._cache).imports)
            if source.was_edited():
                known.notes[f"{file} was edited after it was imported: what is loaded counts"] = None
        node.packages |= known.packages
        node.notes |= known.notes

    def _file_packages(self, node: Node, packages: Iterable[str]) -> None:
        for package in packages:
            if package != "elliptio":
                self.note_package(node, package)

    def _values(self, node: Node, function: FunctionType, row: FunctionFacts, tokens: list[str]) -> None:
        """Write down what a function carries: defaults, what it closes over, its attributes."""
        carried: list[tuple[str, Any]] = []
        if function.__defaults__ or function.__kwdefaults__:
            carried.append(("defaults", function.__defaults__))
            carried += sorted((function.__kwdefaults__ or {}).items())
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for number, name in enumerate(name for name in row.text.free if name in cells):
            try:
                carried.append((f"closed over {number}", cells[name].cell_contents))
            except ValueError:
                tokens.append("not bound")
        if "__class__" in cells:
            carried.append(("__class__", cells["__class__"].cell_contents))
        if function.__dict__:
            carried += sorted((k, v) for k, v in function.__dict__.items() if not k.startswith("_"))
        for label, value in carried:
            writing = self.writing(node)
            try:
                writing.write(value)
                tokens += (label, *writing.tokens)
            except (NotPlainError, RecursionError):
                self._odd_value(node, function, row, tokens, label, value)

    def _odd_value(
        self, node: Node, function: FunctionType, row: FunctionFacts, tokens: list[str], label: str, value: Any
    ) -> None:
        tokens += (label, *fallback_parts(value))
        self.callables_within(node, value)
        if label.startswith("closed"):
            name = type(value).__qualname__
            if not is_quiet(value):
                node.notes[f"`{row.qualname}` in {node.place} closes over an object of type {name}: it is not followed"] = None
        else:
            tokens.append(row.defaults.digest)
            self.follow_text(node, row.defaults, function.__globals__)

    # Names

    def follow_text(self, node: Node, text: Text, module: dict[str, Any], *, without: str = "") -> None:
        """Follow all that a piece of text refers to."""
        for chain in text.names:
            name = chain[0]
            if name == without or name in _IGNORED:
                continue
            if name not in module:
                if not hasattr(builtins, name) and name not in ("super", "self"):
                    node.notes[f"`{name}` in {node.place} is not defined now: it is not followed"] = None
                continue
            found = self._reach(node, module, name, chain[1:])
            if name in text.mutates and found is not None and found.key is not None:
                node.mutates.add(found.key)
        for level, base, taken, chain in text.imports:
            self._imported(node, absolute(module, level, base), taken, chain)
        node.changes_self = node.changes_self or SELF in text.mutates
        for line, said, subject in text.doubts:
            if self._is_doubtful(said, subject, module):
                file = node.place.rpartition(":")[0]
                node.notes[f"{said} in {f'{file}:{line}' if file else 'a notebook'} is not followed"] = None

    def follow_decorators(
        self, node: Node, decorators: Sequence[tuple[Sequence[str], Text]], module: dict[str, Any]
    ) -> list[str]:
        """Follow what decorates a function or a class, but for crafts, whose options are no code."""
        digests: list[str] = []
        for chain, text in decorators:
            value = module.get(chain[0]) if chain else None
            owner = value if isinstance(value, FunctionType | type | ModuleType) else type(value)
            of = owner.__name__ if isinstance(owner, ModuleType) else str(owner.__module__)
            if of.partition(".")[0] != "elliptio":
                digests.append(text.digest)
                self.follow_text(node, text, module)
        return digests

    def _is_doubtful(self, said: str, subject: Sequence[str] | None, module: dict[str, Any]) -> bool:
        if subject is None:
            return not said.startswith(("getattr(self,", "getattr(cls,"))
        value = module.get(subject[0], _MISSING)
        for name in subject[1:]:
            value = getattr(value, name, _MISSING)
        if isinstance(value, ModuleType):
            return self.project.holds_module(vars(value))
        return value is _MISSING or (said.startswith("getattr") and not isinstance(value, type))

    def _reach(self, node: Node, module: dict[str, Any], name: str, rest: Sequence[str]) -> Node | None:
        """Link a node to what a name of a module, and attributes of that, stand for."""
        value = module[name]
        if isinstance(value, ModuleType):
            return self._reach_module(node, value, name, rest)
        if not is_constant(value):
            if isinstance(value, type) and rest:
                for cls in value.__mro__:
                    inner = vars(cls).get(rest[0])
                    if isinstance(inner, staticmethod) and self.node_of(inner.__func__) is not None:
                        value = inner.__func__
                        break
            found = self.node_of(value)
            if found is None:
                self._foreign(node, name, value)
        else:
            found = self._constant(node, module, name)
        if found is not None:
            node.link(name, found)
        return found

    def _foreign(self, node: Node, name: str, value: Any) -> None:
        package = str(getattr(value, "__module__", "") or "").partition(".")[0]
        self.note_package(node, package)
        self.callables_within(node, value)

    def _constant(self, node: Node, module: dict[str, Any], name: str) -> Node | None:
        key = id(module), name
        if key not in self._constants:
            self._constants[key] = None, ""
            origin = origin_of(self, module, name)
            own = id(origin.module), origin.name
            if origin.foreign:
                self._constants[key] = None, origin.foreign
            elif own == key or own not in self._constants:
                made = constant_node(self, origin.module, origin.name)
                self._constants[own] = self._constants[key] = made, ""
            else:
                self._constants[key] = self._constants[own]
        found, foreign = self._constants[key]
        self.note_package(node, foreign)
        return found

    def _reach_module(self, node: Node, found: ModuleType, name: str, rest: Sequence[str]) -> Node | None:
        inner = vars(found)
        if not self.project.holds_module(inner):
            self.note_package(node, found.__name__.partition(".")[0])
            file = getattr(found, "__file__", None)
            if file and not file.endswith(".py") and self.project.relative(file):
                node.notes[f"{self.project.relative(file)} is compiled: it is not followed"] = None
            return None
        file = getattr(found, "__file__", None)
        if isinstance(file, str) and not file.endswith(".py"):
            node.notes[f"{self.project.relative(file)} is compiled: it is not followed"] = None
            return None
        if not rest:
            node.notes[f"module `{found.__name__}` is a value in {node.place}: what is taken of it is not followed"] = None
            return None
        taken = rest[0]
        if taken in inner:
            return None if taken in _IGNORED else self._reach(node, inner, taken, rest[1:])
        below = sys.modules.get(f"{found.__name__}.{taken}")
        if below is not None:
            return self._reach_module(node, below, taken, rest[1:])
        if "__getattr__" in inner:
            # What makes it is followed, not what it makes.
            return self._reach(node, inner, "__getattr__", ())
        node.notes[f"`{name}.{taken}` in {node.place} is not defined now: it is not followed"] = None
        return None

    def _imported(self, node: Node, name: str, taken: str | None, chain: Sequence[str]) -> None:
        """Follow what is imported inside a function."""
        package = name.partition(".")[0]
        if not self._is_ours(package):
            self.note_package(node, package)
            return
        try:
            module = importlib.import_module(name)
            if taken and taken not in vars(module):
                try:
                    importlib.import_module(f"{name}.{taken}")
                except ModuleNotFoundError:
                    getattr(module, taken)
        except Exception as error:
            node.notes[f"import of {name} in {node.place} failed: {type(error).__name__}: it is not followed"] = None
            return
        if list(chain) == list(BINDS):
            if not taken:
                node.notes[f"module `{name}` is imported in {node.place} for its effects: they are not followed"] = None
        elif taken == "":
            self._reach_module(node, sys.modules[package], package, chain)
        elif taken is None:
            self._reach_module(node, module, name, chain)
        else:
            self._reach_module(node, module, name, [taken, *chain])


def _has_metadata_beside(module: ModuleType | None, package: str) -> bool:
    """Tell whether a package of the project is an installed one too: its metadata lies beside it."""
    file = getattr(module, "__file__", None) or ""
    folder = os.path.dirname(os.path.dirname(file) if os.path.basename(file).startswith("__init__.") else file)
    try:
        return any(n.startswith(f"{package}-") and n.endswith(".dist-info") for n in os.listdir(folder))
    except OSError:
        return False
