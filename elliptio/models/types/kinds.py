"""Know the kinds of classes with fields: what fields one has, how they are read, and how an instance is made again.

An instance is made from its fields as they were, past its constructor, so that nothing is checked, converted or
filled in twice. Only where the constructor does more than to set fields (`__post_init__`), it is called first.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from elliptio.models.types.hints import hints_of

Maker = Callable[[dict[str, Any]], Any]

SET = "$set"
"""Stands beside the fields of a pydantic object for the names of those that were given, where not all were."""


_KINDS: WeakKeyDictionary[type, str] = WeakKeyDictionary()
_NAMES: WeakKeyDictionary[type, list[str]] = WeakKeyDictionary()


class Field(NamedTuple):
    """A field of a class: its annotation, and the names that this may use."""

    name: str
    hint: Any
    scope: Any


def kind_of(cls: Any) -> str | None:
    """Name the kind of a class; None where its instances have no fields that are known."""
    known = _KINDS.get(cls) if isinstance(cls, type) else None
    if known is None:
        known = _kind_of(cls)
        # One that has none yet may become a dataclass.
        if known is not None and isinstance(cls, type):
            _KINDS[cls] = known
    return known


def _kind_of(cls: Any) -> str | None:
    if not isinstance(cls, type):
        return "typeddict" if typing.is_typeddict(cls) else None
    if issubclass(cls, enum.Enum):
        return "enum" if cls.__members__ else None
    if typing.is_typeddict(cls):
        return "typeddict"
    if issubclass(cls, tuple):
        return "namedtuple" if hasattr(cls, "_fields") else None
    if "__attrs_attrs__" in cls.__dict__ or hasattr(cls, "__attrs_attrs__"):
        return "attrs"
    if hasattr(cls, "__pydantic_fields__") and hasattr(cls, "model_fields"):
        return "pydantic" if cls.__pydantic_fields__ or cls.__module__ != "pydantic.main" else None
    if dataclasses.is_dataclass(cls):
        return "model" if hasattr(cls, "__model_name__") else "dataclass"
    return None


def fields_of(cls: Any, kind: str, around: Mapping[str, Any] | None) -> list[Field]:
    """List the fields of a class in their order."""
    hints = hints_of(cls, around)
    if kind in ("model", "dataclass"):
        return [Field(one.name, *hints.get(one.name, (one.type, None))) for one in dataclasses.fields(cls)]
    if kind == "namedtuple":
        return [Field(name, *hints.get(name, (Any, None))) for name in cls._fields]
    if kind == "typeddict":
        return [Field(name, hint, scope) for name, (hint, scope) in typeddict_hints(cls, around).items()]
    if kind == "attrs":
        return [Field(one.name, *_attrs_hint(one, hints)) for one in cls.__attrs_attrs__]
    return [Field(name, _pydantic_hint(info), None) for name, info in cls.__pydantic_fields__.items()]


def names_of(cls: Any, kind: str) -> list[str]:
    """List the names of the fields of a class."""
    names = _NAMES.get(cls)
    if names is None:
        if kind == "attrs":
            names = [one.name for one in cls.__attrs_attrs__]
        elif kind == "namedtuple":
            names = list(cls._fields)
        else:
            names = [one.name for one in dataclasses.fields(cls)]
        _NAMES[cls] = names
    return names


def typeddict_hints(cls: Any, around: Mapping[str, Any] | None) -> dict[str, tuple[Any, Any]]:
    """Give the annotations of a TypedDict: it has no bases but dict, for the names of those see `__orig_bases__`."""
    found: dict[str, tuple[Any, Any]] = {}
    for base in getattr(cls, "__orig_bases__", ()):
        base = typing.get_origin(base) or base
        if typing.is_typeddict(base):
            found.update(typeddict_hints(base, around))
    own = hints_of(cls, around)
    return {**found, **{name: pair for name, pair in own.items() if name not in found}}


def _attrs_hint(one: Any, hints: Mapping[str, Any]) -> tuple[Any, Any]:
    # attrs itself resolves nothing; without an annotation there is `attr.ib(type=int)`, or nothing.
    found: tuple[Any, Any] = hints.get(one.name, (Any if one.type is None else one.type, None))
    return found


def _pydantic_hint(info: Any) -> Any:
    hint = info.annotation
    for each in info.metadata:
        hint = typing.Annotated[hint, each]
    return hint


def init_vars(cls: Any) -> list[str]:
    """List the parameters of a dataclass that are no fields: nobody can give them again."""
    known = getattr(cls, "__dataclass_fields__", {})
    return [name for name, one in known.items() if one._field_type is dataclasses._FIELD_INITVAR]  # type: ignore[attr-defined]


def lost_of(value: Any) -> str | None:
    """Say what of a pydantic object would be lost: extra fields, private attributes that were changed."""
    if value.__pydantic_extra__:
        return f"its extra fields {', '.join(sorted(value.__pydantic_extra__))} have no declared type: declare them"
    private = value.__pydantic_private__ or {}
    known = type(value).__private_attributes__
    changed = [name for name, each in private.items() if name not in known or _default(known[name]) != each]
    return f"its private attributes {', '.join(changed)} would be lost: make them fields" if changed else None


def _default(attribute: Any) -> Any:
    made = attribute.default_factory
    return attribute.get_default() if made is None else made()


def maker(cls: Any, entry: Mapping[str, Any]) -> Maker:
    """Give the function that makes an instance of its fields, as `decode` wants it.

    Parameters
    ----------
    cls
        The class. None, where it is not there: what has a plain form comes back in that, which is a dict for a
        TypedDict, a tuple for a NamedTuple, and for a member of an Enum its value where that is plain, else its name.
    entry
        What the table says of the class.

    Raises
    ------
    LookupError
        If there is no class and no plain form.

    """
    kind = entry["kind"]
    if kind == "typeddict":
        return dict
    if kind == "enum":
        return _plain_member if cls is None else _member_of(cls)
    if cls is None:
        if kind == "namedtuple":
            return lambda fields: tuple(fields.values())
        raise LookupError(f"{entry.get('name')!r} is not here, and its objects have no plain form.")
    if kind == "namedtuple":
        names = cls._fields
        return lambda fields: tuple.__new__(cls, [fields[name] for name in names])
    return _pydantic_maker(cls) if kind == "pydantic" else _object_maker(cls)


def _plain_member(fields: dict[str, Any]) -> Any:
    return fields["value"] if "value" in fields else fields["name"]


def _member_of(cls: Any) -> Maker:
    def make(fields: dict[str, Any]) -> Any:
        if "names" not in fields:
            return cls[fields["name"]]
        found = cls(fields.get("rest", 0))
        for name in fields["names"]:
            found |= cls[name]
        return found

    return make


def _object_maker(cls: Any) -> Maker:
    new, put = object.__new__, object.__setattr__
    with_dict = cls.__dictoffset__ != 0 and not _slots(cls)
    arguments = _arguments(cls) if hasattr(cls, "__post_init__") or hasattr(cls, "__attrs_post_init__") else None
    hashed = "_attrs_cached_hash" in getattr(getattr(cls.__hash__, "__code__", None), "co_names", ())

    def make(fields: dict[str, Any]) -> Any:
        made = new(cls) if arguments is None else cls(**{arguments[name]: fields[name] for name in arguments})
        if with_dict:
            made.__dict__.update(fields)
        else:
            for name, value in fields.items():
                put(made, name, value)
        if hashed:
            put(made, "_attrs_cached_hash", None)
        return made

    return make


def _slots(cls: Any) -> bool:
    return any(each.__dict__.get("__slots__") for each in cls.__mro__)


def _arguments(cls: Any) -> dict[str, str] | None:
    """Map fields to the parameters of a constructor that takes just those; None where it takes others."""
    if dataclasses.is_dataclass(cls):
        known = {one.name: one.name for one in dataclasses.fields(cls) if one.init}
    else:
        known = {one.name: one.alias for one in cls.__attrs_attrs__ if one.init}
    return known if set(inspect.signature(cls).parameters) == set(known.values()) else None


def _pydantic_maker(cls: Any) -> Maker:
    put = object.__setattr__
    extra = cls.model_config.get("extra") == "allow"

    def make(fields: dict[str, Any]) -> Any:
        given = fields.pop(SET, None)
        made = cls.__new__(cls)
        put(made, "__dict__", dict(fields))
        put(made, "__pydantic_fields_set__", set(fields) if given is None else set(given))
        put(made, "__pydantic_extra__", {} if extra else None)
        put(made, "__pydantic_private__", None)
        if cls.__pydantic_post_init__:
            made.model_post_init(None)
            made.__dict__.update(fields)
        return made

    return make
