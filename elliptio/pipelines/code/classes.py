"""Follow a class: its bases, its methods, its attributes, the fields and members that it declares."""

from __future__ import annotations

import enum
import sys
import types
from typing import TYPE_CHECKING, Any, NamedTuple

from elliptio.pipelines.code.facts import CLASS, digest_of
from elliptio.pipelines.code.names import follow_decorators, follow_text
from elliptio.pipelines.code.nodes import Node
from elliptio.pipelines.code.places import NOTEBOOK, module_name
from elliptio.pipelines.code.values import Writing

if TYPE_CHECKING:
    from elliptio.pipelines.code.following import Follower


class _Named(NamedTuple):
    name: str


_NOT_COUNTED = {
    "__module__", "__doc__", "__dict__", "__weakref__", "__qualname__", "__firstlineno__", "__static_attributes__",
    "__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__", "__dataclass_params__",
    "__dataclass_fields__", "__match_args__", "__replace__", "__abstractmethods__", "_abc_impl", "__parameters__",
    "__orig_bases__", "__hash__", "__classcell__", "__subclasshook__", "__type_params__", "_is_protocol",
    "_is_runtime_protocol", "__protocol_attrs__", "__non_callable_proto_members__",
}  # fmt: skip
_DESCRIPTORS = types.MemberDescriptorType, types.GetSetDescriptorType, type(_Named.name)
_BEGINNING = frozenset({"__init__", "__post_init__", "__new__", "__setstate__", "__set_name__", "__init_subclass__"})


def class_node(follower: Follower, cls: type, node: Node, module: dict[str, Any]) -> None:
    """Fill the node of a class of the project."""
    writing = follower.writing(node)
    tokens = writing.tokens
    tokens.append(cls.__qualname__)
    for base in (*cls.__bases__, type(cls)):
        if base is not object and base is not type:
            writing.write(base)
    sourced = _statements(follower, node, cls, module, tokens)
    before = len(tokens)
    is_enum = issubclass(cls, enum.Enum)
    if is_enum:
        _members(cls, writing)
    for name, value in sorted(vars(cls).items()):
        if name in _NOT_COUNTED or isinstance(value, _DESCRIPTORS):
            continue
        if is_enum and _of_enum(follower, cls, name, value):
            continue
        _attribute(follower, node, writing, name, value, sourced)
    _declared(cls, writing)
    own = f"{node.name}."
    for label, method in node.links:
        if label not in _BEGINNING and method.kind == "method" and method.name.startswith(own):
            node.changes |= method.changes
    if sourced and (CLASS in node.changes or cls.__name__ in node.changes):
        # Its methods change its attributes: how those begin, its statements say.
        del tokens[before:]
    node.digest = digest_of(tokens)


def _statements(follower: Follower, node: Node, cls: type, module: dict[str, Any], tokens: list[str]) -> bool:
    rows = follower.file_facts(module).classes.get(cls.__qualname__, [])
    for row in rows:
        tokens.append(row.text.digest)
        follow_text(follower, node, row.text, module)
        tokens += follow_decorators(follower, node, row.decorators, module)
    return bool(rows)


def place_of_class(follower: Follower, cls: type) -> tuple[dict[str, Any], str, str] | None:
    """Return module, name and place of a class; None if it is not of the project."""
    found = sys.modules.get(cls.__module__)
    if found is None:
        return None
    module = vars(found)
    if not follower.project.holds_module(module):
        return None
    file = follower.place_of_module(module)
    name = f"{module_name(file, module)}.{cls.__qualname__}"
    rows = follower.file_facts(module).classes.get(cls.__qualname__)
    line = rows[0].line if rows else follower.file_facts(module).bindings.get(cls.__qualname__, (0, []))[0]
    return module, name, f"{file}:{line}" if line and file != NOTEBOOK else file


def _attribute(follower: Follower, node: Node, writing: Writing, name: str, value: Any, sourced: bool) -> None:
    is_special = name.startswith("__") and name.endswith("__")
    if is_special and follower.is_foreign(value):
        return
    before, links = len(writing.tokens), len(node.links)
    writing.tokens.append(f".{name}")
    if not writing.tries(value):
        # The statements of the class say how it is made.
        del writing.tokens[before:]
        if not sourced and not is_special:
            node.note(f"attribute `{name}` of `{node.name}` is not followed")
    # Which attribute it is.
    node.links[links:] = [(f"{name}{label}", linked) for label, linked in node.links[links:]]


def _of_enum(follower: Follower, cls: Any, name: str, value: Any) -> bool:
    """Tell whether an attribute is what `enum` keeps in a class."""
    if isinstance(value, cls | enum.property):
        return True
    inner = getattr(value, "__func__", value)
    return name.startswith("_") and (not isinstance(inner, types.FunctionType) or follower.is_foreign(inner))


def _members(cls: Any, writing: Writing) -> None:
    for name, member in cls.__members__.items():
        writing.tokens.append(f"member {name}")
        writing.tries(member._value_)


def _declared(cls: type, writing: Writing) -> None:
    """Write down annotations and the fields of a dataclass, in their order, which that of arguments follows."""
    for name, hint in vars(cls).get("__annotations__", {}).items():
        writing.tokens.append(f"{name}: {hint if isinstance(hint, str) else getattr(hint, '__qualname__', repr(hint))}")
    for field in vars(cls).get("__dataclass_fields__", {}).values():
        flags = field.init, field.repr, field.hash, field.compare, field.kw_only
        writing.tokens.append(f"field {field.name} {flags}")
        for value in (field.default, field.default_factory, field.metadata):
            if not writing.tries(value):
                writing.tokens.append(f"an object of {type(value).__qualname__}")
    parameters = vars(cls).get("__dataclass_params__")
    if parameters is not None:
        names = ("init", "repr", "eq", "order", "unsafe_hash", "frozen")
        writing.tokens.append(f"dataclass {[getattr(parameters, name) for name in names]}")
