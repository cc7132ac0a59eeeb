"""Follow a function to all that it reaches, by what its names stand for in the running program."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from elliptio.pipelines.code.classes import class_node, place_of_class
from elliptio.pipelines.code.constants import constant_node, is_quiet, origin_of
from elliptio.pipelines.code.facts import OUTER, FileFacts, FunctionFacts, Text, digest_of
from elliptio.pipelines.code.names import follow_decorators, follow_text
from elliptio.pipelines.code.nodes import Node
from elliptio.pipelines.code.objects import callables_within, describe, fallback_parts
from elliptio.pipelines.code.places import NOTEBOOK, Project, module_name
from elliptio.pipelines.code.sources import Source, cells, facts_of_cells, function_facts, source_of
from elliptio.pipelines.code.values import Writing

_log = logging.getLogger(__name__)

_NO_FACTS = FileFacts({}, {}, {}, [], {}, [], [])


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
            if source is not None:
                facts = source.facts(self._cache)
            else:
                facts = facts_of_cells(None) if module.get("__name__") == "__main__" and not path else _NO_FACTS
            known = self._files[id(module)] = module, facts
        return known[1]

    def place_of_module(self, module: dict[str, Any]) -> str:
        """Return where the file of a module lies."""
        path = module.get("__file__")
        return (self.project.place_of(path, module) if isinstance(path, str) else None) or NOTEBOOK

    def note_package(self, node: Node, package: str) -> None:
        """Note that a part takes something from a package, if that is not of the project."""
        if (
            package and package not in sys.stdlib_module_names and not self.is_ours(package)
        ) or package in self._with_metadata:
            node.use(package)

    def is_ours(self, package: str) -> bool:
        """Tell whether a top-level package is of the project."""
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
        try:
            for found in callables_within(value):
                inner = self.node_of(found)
                if inner is not None:
                    node.link("within", inner)
        except Exception:
            # A proxy may raise anything when it is looked at.
            _log.debug("cannot look into an object of type %s", type(value), exc_info=True)

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
        if type(value) is FunctionType:
            return self._function(value, is_craft)
        found = place_of_class(self, value) if issubclass(type(value), type) else None
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
            node.note(f"`{code.co_qualname}` is not in {file} as it is loaded: what is loaded counts")
        for row in rows:
            self._values(node, function, row, tokens)
            follow_text(self, node, row.text, module)
            tokens += follow_decorators(self, node, row.decorators, module)
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
            for cell in cells() if file == NOTEBOOK else ():
                if cell is source:
                    break
                # What the cells above have imported, is imported for this one too.
                self._file_packages(known, cell.facts(None).imports)
            if source.was_edited():
                known.note(f"{file} was edited after it was imported: what is loaded counts")
        node.add(known)

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
                value = cells[name].cell_contents
            except ValueError:
                tokens.append("not bound")
                continue
            if f"{OUTER}{name}" in row.text.mutates:
                self.callables_within(node, value)
                node.note(f"`{row.qualname}` in {node.place} changes what it closes over: that is not followed")
            else:
                carried.append((f"closed over {number}", value))
        if "__class__" in cells:
            carried.append(("__class__", cells["__class__"].cell_contents))
        if function.__dict__ and function.__name__ not in row.text.mutates:
            own = function.__dict__.items()
            carried += sorted((k, v) for k, v in own if not k.startswith("_") or k == "__wrapped__")
        for label, value in carried:
            writing = self.writing(node)
            if writing.tries(value):
                tokens += (label, *writing.tokens)
            else:
                self._odd_value(node, function, row, tokens, label, value)

    def _odd_value(
        self, node: Node, function: FunctionType, row: FunctionFacts, tokens: list[str], label: str, value: Any
    ) -> None:
        tokens += (label, *fallback_parts(value))
        self.callables_within(node, value)
        if label.startswith("closed"):
            name = type(value).__qualname__
            if not is_quiet(value):
                node.note(f"`{row.qualname}` in {node.place} closes over an object of type {name}: it is not followed")
        else:
            defaults = Text(*row.defaults)
            tokens.append(defaults.digest)
            follow_text(self, node, defaults, function.__globals__)

    def constant(self, node: Node, module: dict[str, Any], name: str) -> Node | None:
        """Return the node of what a name of a module is bound to, where it was bound; None if that is elsewhere."""
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


def _has_metadata_beside(module: ModuleType | None, package: str) -> bool:
    """Tell whether a package of the project is an installed one too: its metadata lies beside it."""
    file = getattr(module, "__file__", None) or ""
    folder = os.path.dirname(os.path.dirname(file) if os.path.basename(file).startswith("__init__.") else file)
    try:
        return any(n.startswith(f"{package}-") and n.endswith(".dist-info") for n in os.listdir(folder))
    except OSError:
        return False
