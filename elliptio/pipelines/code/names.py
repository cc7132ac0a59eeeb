"""Follow the names of a piece of text to what they stand for in the running program."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Sequence
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.code.doors import doors_of
from elliptio.pipelines.code.facts import Text
from elliptio.pipelines.code.nodes import Node
from elliptio.pipelines.code.places import absolute
from elliptio.pipelines.code.walking import BINDS

if TYPE_CHECKING:
    from elliptio.pipelines.code.following import Follower

_IGNORED = {
    "__name__", "__doc__", "__package__", "__spec__", "__loader__", "__builtins__", "__file__", "__class__",
    "__debug__", "get_ipython",
}  # fmt: skip


class _Missing:
    """Stands for what is not there."""


_MISSING = _Missing()


def follow_text(follower: Follower, node: Node, text: Text, module: dict[str, Any], *, without: str = "") -> None:
    """Follow all that a piece of text refers to."""
    for chain in text.names:
        name = chain[0]
        if name == without or name in _IGNORED:
            continue
        if chain[-1] == "":
            if not issubclass(type(_value_of(module, chain[:-1])), ModuleType | _Missing):
                _reach(follower, node, module, name, chain[1:-1], ".".join(chain[:-1]))
            continue
        if name not in module:
            if not hasattr(builtins, name) and name not in text.mutates:
                node.note(f"`{name}` in {node.place} is not defined now: it is not followed")
            continue
        found = _reach(follower, node, module, name, chain[1:], ".".join(chain))
        if name in text.mutates and found is not None and found.key is not None:
            node.mutates |= {found.key}
    for level, base, taken, chain in text.imports:
        _imported(follower, node, absolute(module, level, base), taken, chain)
    if text.mutates:
        node.changes |= {*text.mutates}
    for line, said, subject in text.doubts:
        if _is_doubtful(follower, said, subject, module):
            file = node.place.rpartition(":")[0]
            node.note(f"{said} in {f'{file}:{line}' if file else 'a notebook'} is not followed")
    for label, deed in doors_of(text, module):
        if not any(said.startswith((f"{label}(", f"{label}[")) for _, said, _ in text.doubts):
            node.note(f"what `{label}` in {node.place} {deed} is not followed")


def follow_decorators(
    follower: Follower, node: Node, decorators: Sequence[tuple[Sequence[str], Text]], module: dict[str, Any]
) -> list[str]:
    """Follow what decorates a function or a class, but for crafts, whose options are no code."""
    digests: list[str] = []
    for chain, text in decorators:
        value = module.get(chain[0]) if chain else None
        owner = value if issubclass(type(value), FunctionType | type | ModuleType) else type(value)
        of = owner.__name__ if isinstance(owner, ModuleType) else str(owner.__module__)
        if of.partition(".")[0] != "elliptio":
            digests.append(text.digest)
            follow_text(follower, node, text, module)
    return digests


def _is_doubtful(follower: Follower, said: str, subject: Sequence[str] | None, module: dict[str, Any]) -> bool:
    if subject is None:
        # Of an object of the project, all methods are followed.
        return not said.startswith(("getattr(self,", "getattr(cls,", "vars("))
    value = _value_of(module, subject)
    if issubclass(type(value), ModuleType):
        return follower.project.holds_module(vars(value))
    return isinstance(value, _Missing) or (said.startswith("getattr") and not isinstance(value, type))


def _value_of(module: dict[str, Any], chain: Sequence[str]) -> Any:
    value = module.get(chain[0], _MISSING)
    try:
        for name in chain[1:]:
            value = getattr(value, name, _MISSING)
    except Exception:
        # An object may raise anything when it is looked at.
        return _MISSING
    return value


def _reach(
    follower: Follower, node: Node, module: dict[str, Any], name: str, rest: Sequence[str], label: str
) -> Node | None:
    """Link a node to what a name of a module, and attributes of that, stand for."""
    value = module[name]
    # By its type: an object may raise anything when it is asked for its class.
    kind = type(value)
    if issubclass(kind, ModuleType):
        return _reach_module(follower, node, value, rest, label)
    if issubclass(kind, FunctionType | type):
        if issubclass(kind, type) and rest:
            value = _static(follower, value, rest[0])
        found = follower.node_of(value)
        if found is None:
            follower.note_package(node, str(value.__module__ or "").partition(".")[0])
            follower.callables_within(node, value)
            # What a statement of the project makes of code of others, as `make_dataclass` does.
            found = follower.constant(node, module, name)
    else:
        found = follower.constant(node, module, name)
    if found is not None:
        node.link(label, found)
    return found


def _static(follower: Follower, cls: type, name: str) -> Any:
    """Return the static method of this name, which does not know its class; the class if it is another attribute."""
    inner = next((vars(each)[name] for each in cls.__mro__ if name in vars(each)), None)
    is_ours = isinstance(inner, staticmethod) and follower.node_of(inner.__func__) is not None
    return inner.__func__ if isinstance(inner, staticmethod) and is_ours else cls


def _reach_module(follower: Follower, node: Node, found: ModuleType, rest: Sequence[str], label: str) -> Node | None:
    inner = vars(found)
    if not follower.project.holds_module(inner):
        follower.note_package(node, found.__name__.partition(".")[0])
        return None
    file = getattr(found, "__file__", None)
    if file is not None and not file.endswith(".py"):
        node.note(f"{follower.project.relative(file)} is compiled: it is not followed")
        return None
    if not rest:
        node.note(f"module `{found.__name__}` is a value in {node.place}: what is taken of it is not followed")
        return None
    taken = rest[0]
    if taken in inner:
        return None if taken in _IGNORED else _reach(follower, node, inner, taken, rest[1:], label)
    below = sys.modules.get(f"{found.__name__}.{taken}")
    if below is not None:
        return _reach_module(follower, node, below, rest[1:], label)
    if "__getattr__" in inner:
        # What makes it is followed, not what it makes.
        return _reach(follower, node, inner, "__getattr__", (), label)
    node.note(f"`{label}` in {node.place} is not defined now: it is not followed")
    return None


def _imported(follower: Follower, node: Node, name: str, taken: str | None, chain: Sequence[str]) -> None:
    """Follow what is imported inside a function."""
    package = name.partition(".")[0]
    if not follower.is_ours(package):
        follower.note_package(node, package)
        return
    try:
        module = importlib.import_module(name)
        if taken and taken not in vars(module):
            try:
                importlib.import_module(f"{name}.{taken}")
            except ModuleNotFoundError:
                getattr(module, taken)
    except Exception as error:
        node.note(f"import of {name} in {node.place} failed: {type(error).__name__}: it is not followed")
        return
    label = f"{name} {taken} {'.'.join(chain)}"
    if list(chain) == list(BINDS):
        if not taken:
            node.note(f"module `{name}` is imported in {node.place} for its effects: they are not followed")
    elif taken == "":
        _reach_module(follower, node, sys.modules[package], chain, label)
    else:
        _reach_module(follower, node, module, chain if taken is None else [taken, *chain], label)
