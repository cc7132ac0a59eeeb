"""Name what values hold that is no plain data: functions, classes, bound methods, partials, wrappers, instances."""

from __future__ import annotations

import enum
import functools
import sys
import types
import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.code.bytecode import loose
from elliptio.pipelines.code.facts import SELF
from elliptio.pipelines.code.nodes import Node
from elliptio.pipelines.code.values import NotPlainError, Writing

if TYPE_CHECKING:
    from elliptio.pipelines.code.following import Follower

_DEEPEST = 3
_BUILTIN = (
    types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
    types.ClassMethodDescriptorType,
)  # fmt: skip
_INNER = ("__wrapped__", "__func__", "func", "py_func", "pyfunc", "_func", "fget", "fset", "fdel")
_PARTIALS = functools.partial, functools.partialmethod


def describe(follower: Follower, node: Node, value: Any, writing: Writing) -> str | None:
    """Return how a value is named in a digest, None if it is data; the node is linked to what it holds."""
    if isinstance(value, types.FunctionType | type):
        return _code(follower, node, value, writing)
    if isinstance(value, types.ModuleType):
        follower.note_package(node, value.__name__.partition(".")[0])
        if follower.project.holds_module(vars(value)) and value.__name__ != "__main__":
            node.note(f"module `{value.__name__}` is a value of `{node.name}`: what is taken of it is not followed")
        return f"module {value.__name__}"
    if isinstance(value, _BUILTIN):
        owner = getattr(value, "__self__", None)
        if owner is not None and not isinstance(owner, types.ModuleType | type):
            writing.write(owner)
        home = sys.modules.get(str(getattr(value, "__module__", None)))
        if home is not None and home.__name__ != "__main__" and follower.project.holds_module(vars(home)):
            node.note(f"`{home.__name__}.{value.__qualname__}` is compiled: it is not followed")
        return f"builtin {getattr(value, '__module__', None)}.{value.__qualname__}"
    parts = _parts(value)
    if parts is not None:
        for part in parts:
            writing.write(part)
        return f"{type(value).__name__} of {len(parts)}"
    return _instance(follower, node, value, writing)


def _code(follower: Follower, node: Node, value: Any, writing: Writing) -> str:
    found = follower.node_of(value)
    if found is not None:
        node.link("", found)
        return f"code {found.name}"
    follower.note_package(node, str(value.__module__ or "").partition(".")[0])
    if isinstance(value, types.FunctionType):
        inner = getattr(value, "__wrapped__", None)
        if inner is not None:
            writing.write(inner)
        else:
            follower.callables_within(node, value)
        if "__file__" not in value.__globals__ and value.__code__.co_filename.startswith("<"):
            node.note(f"`{value.__qualname__}` of `{node.name}` was made by `exec`: what it reaches is not followed")
            writing.tokens.append(loose(value.__code__))
    return f"foreign {value.__module__}.{value.__qualname__}"


def _parts(value: Any) -> list[Any] | None:
    """Return what a value is made of that only holds code together."""
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, _PARTIALS):
        return [value.func, value.args, value.keywords]
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, functools.cached_property):
        return [value.func]
    if typing.get_origin(value) is not None:
        return [typing.get_origin(value), *typing.get_args(value)]
    if isinstance(value, typing.TypeVar):
        return [value.__name__, value.__bound__, *value.__constraints__]
    if isinstance(value, functools.singledispatchmethod):
        return [value.func, dict(value.dispatcher.registry)]
    inner = getattr(value, "__wrapped__", None) if not isinstance(value, type) else None
    return [inner] if isinstance(inner, types.FunctionType) else None


def _instance(follower: Follower, node: Node, value: Any, writing: Writing) -> str | None:
    """Name an object of a class of the project, and write its state down."""
    kind = type(value)
    found = follower.node_of(kind)
    if found is None:
        return None
    node.link("", found)
    if isinstance(value, enum.Enum):
        return f"member {found.name}.{value.name or value.value}"
    classes = [follower.node_of(cls) for cls in kind.__mro__]
    if any(each is not None and SELF in each.changes for each in classes):
        raise NotPlainError
    if isinstance(value, dict):
        writing.mapping(dict(value))
    elif isinstance(value, list | tuple):
        writing.sequence(list(value))
    elif isinstance(value, set | frozenset):
        writing.write(frozenset(value))
    elif isinstance(value, int | float | str | bytes):
        base: Any = next(base for base in (int, float, str, bytes) if isinstance(value, base))
        writing.write(base(value))
    elif kind.__module__ != "builtins" and not hasattr(value, "__dict__") and not _slots(value):
        return f"object {found.name}"
    state = {**getattr(value, "__dict__", {}), **_slots(value)}
    written = [f"{name}={writing.apart(state[name])}" for name in sorted(state) if not _is_cache(kind, name)]
    return " ".join([f"object {found.name}", *written])


def _is_cache(kind: type, name: str) -> bool:
    """Tell whether an attribute is what a cached property remembers."""
    return any(isinstance(vars(cls).get(name), functools.cached_property) for cls in kind.__mro__)


def _slots(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for cls in type(value).__mro__:
        names = vars(cls).get("__slots__", ())
        for name in [names] if isinstance(names, str) else names:
            mangled = (
                f"_{cls.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
            )
            if name not in ("__dict__", "__weakref__") and hasattr(value, mangled):
                found[mangled] = getattr(value, mangled)
    return found


def fallback_parts(value: Any) -> Iterator[str]:
    """Yield what can be said of any value: its type."""
    yield f"an object of {type(value).__module__}.{type(value).__qualname__}"


def callables_within(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield functions and classes that a foreign object holds: what it wraps, closes over, keeps in attributes."""
    if depth > _DEEPEST or isinstance(value, types.ModuleType | str | bytes | int | float):
        return
    if isinstance(value, types.FunctionType | type):
        if depth:
            yield value
        if isinstance(value, type):
            return
    for inner in _within(value, depth):
        yield from callables_within(inner, depth + 1)


def _within(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, types.FunctionType):
        registry = value.__dict__.get("registry")
        if registry is not None and "dispatch" in value.__dict__:
            yield from registry.values()
            return
        if "__wrapped__" in value.__dict__:
            yield value.__dict__["__wrapped__"]
        for cell in value.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:
                continue
        return
    if isinstance(value, dict | types.MappingProxyType):
        yield from list(value.values())[:1000]
    elif isinstance(value, list | tuple | set | frozenset):
        yield from list(value)[:1000]
    elif not isinstance(value, type):
        try:
            state = getattr(value, "__dict__", None)
        except Exception:
            return
        for name in _INNER:
            try:
                inner = getattr(value, name, None)
            except Exception:
                continue
            if isinstance(inner, types.FunctionType | types.MethodType | functools.partial):
                yield inner
        if isinstance(state, dict) and type(value).__module__.partition(".")[0] != "elliptio":
            yield from list(state.values())[:100]
