"""Follow what a name of a module is bound to: its value if it is plain data, else the statements that make it."""

from __future__ import annotations

import sys
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from elliptio.pipelines.code.facts import FileFacts, digest_of, function
from elliptio.pipelines.code.names import follow_text
from elliptio.pipelines.code.nodes import Node
from elliptio.pipelines.code.places import NOTEBOOK, absolute, module_name

if TYPE_CHECKING:
    from elliptio.pipelines.code.following import Follower

_MOST_HOPS = 50
_QUIET = {
    "_thread", "abc", "asyncio", "concurrent", "contextvars", "ctypes", "elliptio", "io", "itertools", "logging",
    "multiprocessing", "queue", "selectors", "socket", "threading", "tqdm", "typing", "warnings", "weakref",
}  # fmt: skip
"""Whose objects are no data that results are made of."""
_MISSING = object()


class Origin(NamedTuple):
    """The module in which a name is bound, and its name there."""

    module: dict[str, Any]
    name: str
    foreign: str = ""


def origin_of(follower: Follower, module: dict[str, Any], name: str) -> Origin:
    """Go back to where a name was bound, through imports, re-exports and stars."""
    value = module.get(name, _MISSING)
    for _ in range(_MOST_HOPS):
        facts = follower.file_facts(module)
        sources = [facts.aliases[name]] if name in facts.aliases else []
        if not sources and name not in facts.bindings:
            sources = [(level, base, name) for level, base in reversed(facts.stars)]
        for level, base, taken in sources:
            found = sys.modules.get(absolute(module, level, base))
            if found is not None and taken and vars(found).get(taken, _MISSING) is value:
                module, name = vars(found), taken
                break
        else:
            return Origin(module, name)
        if not follower.project.holds_module(module):
            return Origin(module, name, str(module.get("__name__", "")).partition(".")[0])
    return Origin(module, name)


def constant_node(follower: Follower, module: dict[str, Any], name: str, *, by_statements: bool = False) -> Node:
    """Follow a name of a module of the project that is bound to no function, class or module."""
    facts = follower.file_facts(module)
    file = follower.place_of_module(module)
    line = facts.bindings.get(name, (0, []))[0]
    place = file if file == NOTEBOOK or not line else f"{file}:{line}"
    node = Node("constant", f"{module_name(file, module)}.{name}", place)
    node.key = (id(module), name)
    if not by_statements:
        node.again = lambda: constant_node(follower, module, name, by_statements=True)
    value = module.get(name)
    writing = follower.writing(node)
    if not by_statements and writing.tries(value):
        made = _statements(follower, node, module, name, facts) if _holds_code(value) else ()
        node.digest = digest_of([*writing.tokens, *made])
    else:
        follower.callables_within(node, value)
        _by_statements(follower, node, module, name, facts, place)
        if by_statements:
            node.note(f"constant `{name}` in {place} changes while functions run: how it begins is followed")
        else:
            _say_what_it_is(follower, node, name, value)
    return node


def _say_what_it_is(follower: Follower, node: Node, name: str, value: Any) -> None:
    kind = type(value)
    root = kind.__module__.partition(".")[0]
    follower.note_package(node, root)
    if is_quiet(value) or callable(value):
        return
    shown = kind.__qualname__ if root == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    how = "by the statements that make it" if node.digest else "by its type alone"
    node.note(f"constant `{name}` in {node.place} is an object of type {shown}: it is followed {how}")


def _holds_code(value: Any) -> bool:
    """Tell whether a value is code of others, or a registry: of these, only statements say how they are made."""
    if isinstance(value, dict | MappingProxyType):
        return any(map(callable, value.values()))
    return isinstance(value, FunctionType | type)


def _by_statements(
    follower: Follower, node: Node, module: dict[str, Any], name: str, facts: FileFacts, place: str
) -> None:
    """Digest a constant by its type, and by the statements that make it."""
    kind = type(module.get(name))
    made = _statements(follower, node, module, name, facts)
    node.digest = digest_of([f"{kind.__module__}.{kind.__qualname__}", *made])
    if not made:
        node.note(f"constant `{name}` in {place} is made by no statement that is known: it is not followed")


def _statements(follower: Follower, node: Node, module: dict[str, Any], name: str, facts: FileFacts) -> list[str]:
    """Write down the statements that bind or change a name, and follow what they refer to."""
    written: list[str] = []
    for number in facts.bindings.get(name, (0, []))[1]:
        text = facts.statements[number]
        if text is None:
            texts = [function(*row) for rows in facts.functions.values() for row in rows if row[0] == name]
            for row in texts:
                written += (row.text.digest, *(decorator.digest for _, decorator in row.decorators))
                for each in (row.text, *(decorator for _, decorator in row.decorators)):
                    follow_text(follower, node, each, module, without=name)
        else:
            written.append(text.digest)
            follow_text(follower, node, text, module, without=name)
    return written


def is_quiet(value: Any) -> bool:
    """Tell whether an object is none that results are made of, such as a logger or a lock."""
    return type(value).__module__.partition(".")[0] in _QUIET
