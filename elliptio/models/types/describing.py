"""Describe annotations in plain JSON that stands alone, and the classes that they name in one table."""

from __future__ import annotations

import abc
import collections.abc
import enum
import inspect
import itertools
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, ForwardRef, TypeVar

from elliptio.models.identity import path_of
from elliptio.models.types import big, kinds
from elliptio.models.types.hints import NotImported, Scope, UnresolvedError, own_annotations
from elliptio.models.types.plain import enum_entry, literal_plain
from elliptio.models.types.problems import Problem, Step, place
from elliptio.models.types.scalars import NAMES, PATHS, numpy_name

Description = Any
"""A text, or a dict of one key that says what it is."""

_DEEPEST = 60
"""Levels of an annotation; deeper is a generic class that holds itself in ever more brackets."""
_LISTS: dict[Any, str] = {list: "list", set: "set", frozenset: "frozenset"}
_ABSTRACT: dict[Any, tuple[str, ...]] = {
    collections.abc.Sequence: ("list", "tuple*"),
    collections.abc.MutableSequence: ("list",),
    collections.abc.Collection: ("list", "tuple*", "set", "frozenset"),
    collections.abc.Iterable: ("list", "tuple*", "set", "frozenset"),
    collections.abc.Set: ("set", "frozenset"),
    collections.abc.MutableSet: ("set",),
    collections.abc.Mapping: ("dict",),
    collections.abc.MutableMapping: ("dict",),
}
_PASSED = tuple(
    getattr(typing, name) for name in ("Final", "Required", "NotRequired", "ReadOnly") if hasattr(typing, name)
)
_ALIAS: Any = getattr(typing, "TypeAliasType", ())


class Describer:
    """Describe one class and all that it reaches.

    Attributes
    ----------
    classes
        The table: KEY → what the class is.
    bound
        KEY → the class itself.
    problems
        What has no faithful form, with the path to it.

    """

    def __init__(self, around: Mapping[str, Any] | None) -> None:
        self.around = around
        self.classes: dict[str, dict[str, Any]] = {}
        self.bound: dict[str, Any] = {}
        self.problems: list[Problem] = []
        # What `Annotated` names is no plain JSON: the description has its name, this the object.
        self.named: dict[str, Any] = {}
        # Below a serializer, which takes values of any class.
        self._serialized = False
        self._path: list[Step] = []
        self._keys: dict[Any, str] = {}
        self._aliases: dict[Any, str | None] = {}

    def refuse(self, says: str) -> Description:
        """Note that what stands here has no faithful form."""
        self.problems.append(Problem(place(self._path), says))
        return "any"

    def describe(self, hint: Any, scope: Scope | None, variables: Mapping[Any, Description]) -> Description:
        """Describe an annotation.

        Parameters
        ----------
        hint
            The annotation.
        scope
            The names that it may use.
        variables
            What the type variables in it mean.

        """
        if len(self._path) > _DEEPEST:
            return self.refuse("it is a generic class that holds itself in ever more brackets")
        if isinstance(hint, str | ForwardRef):
            return self._reference(hint, scope, variables)
        simple = self._simple(hint, scope, variables)
        if simple is not None:
            return simple
        origin, inner = typing.get_origin(hint), typing.get_args(hint)

        def within(each: Any) -> Description:
            return self.describe(each, scope, variables)

        if origin is typing.Annotated:
            return self._annotated(inner[0], hint.__metadata__, within)
        if origin in (typing.Union, types.UnionType):
            return _union([within(each) for each in inner])
        if origin is typing.Literal:
            return {"literal": [literal_plain(each, self) for each in inner]}
        if origin in _PASSED:
            return within(inner[0])
        if isinstance(origin, _ALIAS) if _ALIAS else False:
            return self._generic_alias(origin, inner, scope, variables)
        if hint in (typing.Tuple, tuple):  # noqa: UP006
            return {"tuple*": "any"}
        return self._container(origin or hint, inner, within) or self._class(origin or hint, inner, within)

    def _simple(self, hint: Any, scope: Scope | None, variables: Mapping[Any, Description]) -> Description | None:
        """Describe what has no parts."""
        if hint is None or hint is types.NoneType:
            return "none"
        if hint is Any or hint is object:
            return "any"
        if isinstance(hint, TypeVar):
            return variables[hint] if hint in variables else self._variable(hint, scope)
        if isinstance(hint, type) and hint in NAMES:
            return NAMES[hint]
        if isinstance(hint, type) and hint in PATHS:
            return {"path": hint.__name__}
        if hasattr(hint, "__supertype__"):
            return self.describe(hint.__supertype__, scope, variables)
        if hint is getattr(typing, "Self", None):
            return self._class(scope.owner, (), lambda each: each) if scope else self.refuse("Self is of no class")
        if hint is getattr(typing, "LiteralString", None):
            return "str"
        if _ALIAS and isinstance(hint, _ALIAS):
            return self._alias(hint, hint.__name__, lambda: self.describe(hint.__value__, scope, variables))
        return None

    def _variable(self, hint: TypeVar, scope: Scope | None) -> Description:
        if hint.__bound__ is not None:
            return self.describe(hint.__bound__, scope, {})
        if hint.__constraints__:
            return _union([self.describe(each, scope, {}) for each in hint.__constraints__])
        return "any"

    def _reference(self, hint: Any, scope: Scope | None, variables: Mapping[Any, Description]) -> Description:
        if scope is None:
            return self.refuse(f"the annotation {hint!r} is a text, and where it stands is not known")
        try:
            found = scope.resolve(hint)
        except UnresolvedError as error:
            return self.refuse(str(error))
        name = hint.__forward_arg__ if isinstance(hint, ForwardRef) else hint
        if not name.isidentifier() or isinstance(found, type):
            return self.describe(found, scope, variables)
        return self._alias((scope.cls.__module__, name), name, lambda: self.describe(found, scope, variables))

    def _alias(self, key: Any, name: str, described: Callable[[], Description]) -> Description:
        """Describe what a name stands for, which may hold that name again."""
        if key in self._aliases:
            key_of = self._aliases[key] or self._free(f"={name}")
            self._aliases[key] = key_of
            return {"class": key_of}
        self._aliases[key] = None
        found = described()
        used = self._aliases.pop(key)
        if used is None:
            return found
        self.classes[used] = {"kind": "alias", "name": name, "is": found}
        return {"class": used}

    def _generic_alias(
        self, alias: Any, inner: tuple[Any, ...], scope: Scope | None, variables: Mapping[Any, Description]
    ) -> Description:
        given = [self.describe(each, scope, variables) for each in inner]
        meant = dict(zip(alias.__type_params__, given, strict=False))
        key = (alias, repr(given))
        return self._alias(key, alias.__name__, lambda: self.describe(alias.__value__, scope, meant))

    def _annotated(self, hint: Any, metadata: tuple[Any, ...], within: Callable[[Any], Description]) -> Description:
        # The nearest to the type holds.
        serializer = next((each for each in metadata if big.is_serializer(each)), None)
        storage = next((each for each in metadata if big.is_storage(each)), None)
        before, self._serialized = self._serialized, self._serialized or serializer is not None
        inner = within(hint)
        self._serialized = before
        if serializer is None and storage is None:
            return inner
        names: dict[str, str] = {}
        for role, each in (("serializer", serializer), ("storage", storage)):
            if each is not None:
                names[role] = each.name
                self.named[f"{role}:{each.name}"] = each
        if serializer is None and _holds_big(inner):
            return _placed(inner, names)
        return _filed(inner, names)

    def _container(self, kind: Any, inner: tuple[Any, ...], within: Callable[[Any], Description]) -> Description | None:
        if kind is tuple:
            if len(inner) == 2 and inner[1] is ...:
                return {"tuple*": within(inner[0])}
            return {"tuple": [within(each) for each in inner]}
        if kind in _LISTS:
            return {_LISTS[kind]: within(inner[0]) if inner else "any"}
        if kind is dict:
            return {"dict": [within(each) for each in inner] if inner else ["any", "any"]}
        if kind in _ABSTRACT:
            of: Any = [within(each) for each in inner] or ["any", "any"]
            return _union([{name: of if name == "dict" else of[0]} for name in _ABSTRACT[kind]])
        return None

    def _class(self, cls: Any, inner: tuple[Any, ...], within: Callable[[Any], Description]) -> Description:
        kind = kinds.kind_of(cls)
        if kind is None or self._serialized:
            return self._other(cls, inner, within)
        given = [within(each) for each in inner]
        key = self._keys.get((cls, repr(given)))
        if key is None:
            text = f"[{', '.join(map(label, given))}]" if given else ""
            key = self._keys[cls, repr(given)] = self._free(f"{path_of(cls)}{text}")
            self.bound[key] = cls
            self.classes[key] = {"kind": kind}
            self._fill(key, cls, kind, given)
        return {"class": key}

    def _fill(self, key: str, cls: Any, kind: str, given: list[Description]) -> None:
        entry = self.classes[key]
        entry |= {"name": getattr(cls, "__model_name__", cls.__name__) if kind == "model" else cls.__name__}
        entry["class"] = path_of(cls)
        if kind == "model":
            entry["version"] = cls.__model_version__
        if kind == "enum":
            entry |= enum_entry(cls)
            return
        for name in kinds.init_vars(cls):
            self._path.append(name)
            self.refuse("an InitVar is not kept, so the object cannot be made again: make it a field")
            self._path.pop()
        meant = variables_of(cls, given, self)
        described = entry["fields"] = {}
        for name, hint, scope in kinds.fields_of(cls, kind, self.around):
            self._path.append(name)
            if name.startswith("$"):
                self.refuse("a name that begins with $ is taken for a mark of elliptio's")
            at = scope or Scope(cls, cls, self.around)
            described[name] = self.describe(hint, at, meant.get(at.cls, {}) if scope else meant.get(cls, {}))
            self._path.pop()
        if kind == "typeddict":
            entry["required"] = [name for name in described if _is_required(cls, name)]

    def _other(self, cls: Any, inner: tuple[Any, ...], within: Callable[[Any], Description]) -> Description:
        """Describe a class without fields: a scalar of numpy, one whose values are files, or a base of others."""
        if not isinstance(cls, type):
            return self.refuse(f"{_shown(cls)} is a type whose values have no faithful form")
        if issubclass(cls, NotImported):
            name = f"{cls.module}.{cls.name}"
            return {"file": name} if big.takes_name(name) else self.refuse(f"{name} is not imported: import it first")
        if self._serialized or big.takes_class(cls):
            return {"file": public_name(cls), **self._numbers(inner, within)}
        scalar = numpy_name(cls)
        if scalar is not None:
            return {"numpy": scalar}
        if _is_base(cls):
            return self._base(cls)
        return self.refuse(
            f"the values of {_shown(cls)} have no faithful form: make it a dataclass, or name a serializer by "
            "Annotated[…, serializer]"
        )

    def _numbers(self, inner: tuple[Any, ...], within: Callable[[Any], Description]) -> dict[str, str]:
        """Name the numbers in an array, where its annotation says which."""
        of = typing.get_args(inner[1]) if len(inner) == 2 else ()
        before = len(self.problems)
        found = within(of[0]) if of else "any"
        del self.problems[before:]
        name = found["numpy"] if isinstance(found, dict) and "numpy" in found else "generic"
        return {} if name == "generic" else {"dtype": name}

    def _base(self, cls: type) -> Description:
        if (cls, "") not in self._keys:
            key = self._keys[cls, ""] = self._free(path_of(cls))
            self.bound[key] = cls
            self.classes[key] = {
                "kind": "base", "name": cls.__name__, "class": path_of(cls),
            }  # fmt: skip
        return {"class": self._keys[cls, ""]}

    def _free(self, key: str) -> str:
        taken: set[str | None] = {*self.classes, *self._aliases.values()}
        return next(each for n in itertools.count(1) if (each := key if n == 1 else f"{key}#{n}") not in taken)


def variables_of(cls: Any, given: list[Description], describer: Describer) -> dict[Any, dict[Any, Description]]:
    """Say for a class and each of its bases what the type variables of that mean."""
    own = dict(zip(getattr(cls, "__parameters__", ()), given, strict=False))
    found = {cls: own}
    for base in vars(cls).get("__orig_bases__", getattr(cls, "__bases__", ())):
        origin = typing.get_origin(base) or base
        if origin in (typing.Generic, getattr(typing, "Protocol", None), object):
            continue
        inner = [describer.describe(each, None, own) for each in typing.get_args(base)]
        found |= variables_of(origin, inner, describer)
    return found


def _union(members: list[Description]) -> Description:
    flat = [one for each in members for one in (each["union"] if _has(each, "union") else [each])]
    unique = [each for number, each in enumerate(flat) if each not in flat[:number]]
    return unique[0] if len(unique) == 1 else {"union": unique}


def _has(description: Description, what: str) -> bool:
    return isinstance(description, dict) and what in description


def _holds_big(description: Description) -> bool:
    if description == "bytes" or _has(description, "file"):
        return True
    if not isinstance(description, dict):
        return False
    return any(_holds_big(each) for part in description.values() for each in (part if type(part) is list else [part]))


def _placed(description: Description, names: dict[str, str]) -> Description:
    """Say of each big value in it where its bytes lie."""
    if description == "bytes":
        return {"file": "bytes", **names}
    if not isinstance(description, dict):
        return description
    if "file" in description:
        return {**names, **description}
    return {
        key: [_placed(each, names) for each in part] if type(part) is list else _placed(part, names)
        for key, part in description.items()
        if key not in ("literal", "class", "numpy", "path")
    } or description


def _filed(description: Description, names: dict[str, str]) -> Description:
    """Make the whole value a file; None stays plain."""
    if _has(description, "union"):
        return {"union": [_filed(each, names) for each in description["union"]]}
    if description == "none":
        return description
    if _has(description, "file"):
        return {**names, **description}
    return {"file": description, **names}


def label(description: Description) -> str:
    """Write a description as an annotation would be written, for keys and messages."""
    if isinstance(description, str):
        return description
    what, of = next(iter(description.items()))
    if what == "union":
        return " | ".join(map(label, of))
    if what == "literal":
        return f"Literal[{', '.join(map(repr, of))}]"
    if what in ("class", "numpy", "path"):
        return str(of).rpartition(":")[2].removeprefix("=")
    if what == "file":
        return str(of) if isinstance(of, str) else label(of)
    if what == "tuple*":
        return f"tuple[{label(of)}, ...]"
    return f"{what}[{', '.join(map(label, of)) if type(of) is list else label(of)}]"


def public_name(cls: type) -> str:
    """Name a class as users import it, wherever its library keeps it in this version."""
    package = cls.__module__.partition(".")[0]
    if getattr(sys.modules.get(package), cls.__qualname__, None) is cls:
        return f"{package}.{cls.__qualname__}"
    return f"{cls.__module__}.{cls.__qualname__}"


def _is_base(cls: type) -> bool:
    """Tell whether a class without fields is there for others to be below it."""
    if cls.__module__.partition(".")[0] in sys.stdlib_module_names:
        return issubclass(cls, enum.Enum) or cls.__module__ == "numbers"
    return inspect.isabstract(cls) or isinstance(cls, abc.ABCMeta) or bool(type.__subclasses__(cls))


def _is_required(cls: Any, name: str) -> bool:
    """Tell whether a key must be there; what `__required_keys__` says is wrong where annotations are texts."""
    for base in (cls, *(typing.get_origin(each) or each for each in getattr(cls, "__orig_bases__", ()))):
        own = own_annotations(base) if isinstance(base, type) else {}
        text = own.get(name)
        text = text.__forward_arg__ if isinstance(text, ForwardRef) else text
        if isinstance(text, str):
            outer = text.replace("typing.", "").strip()
            if outer.startswith(("NotRequired[", "Required[")):
                return outer.startswith("Required[")
    return name in cls.__required_keys__


def _shown(cls: Any) -> str:
    return public_name(cls) if isinstance(cls, type) else str(cls)
