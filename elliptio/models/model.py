"""Define data models: typed, versioned, frozen dataclasses that are saved with one call."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import sys
import threading
from abc import ABCMeta
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, FrozenInstanceError, field
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, dataclass_transform

from elliptio.models import identity
from elliptio.models.errors import ModelDefinitionError
from elliptio.models.migrations import MIGRATIONS, migrations_of

__all__ = ["DataModel", "field", "model_field"]

_setting = threading.Lock()
_PARAMS, _FIELDS = "__dataclass_params__", "__dataclass_fields__"
CONFIG = "elliptio"
"""Key in the metadata of a field under which `model_field` keeps its serializer and storage."""


def model_field(
    *, serializer: Any = None, storage: Any = None, metadata: Mapping[Any, Any] | None = None, **more: Any
) -> Any:
    """Declare a field with its serializer and storage, as ``Annotated[…, serializer, storage]`` does.

    Parameters
    ----------
    serializer, storage
        How the field becomes bytes, and where they lie.
    metadata, more
        As of `dataclasses.field`.

    Examples
    --------
    >>> from elliptio.models import DataModel, json_sorted_serializer, model_field
    >>> class Config(DataModel, version=1):
    ...     options: dict[str, int] = model_field(serializer=json_sorted_serializer, default_factory=dict)
    >>> Config().options
    {}

    """
    config = tuple(part for part in (serializer, storage) if part is not None)
    return field(metadata={**(metadata or {}), CONFIG: config}, **more)


class _Default:
    """Default of a field, as an attribute of its class: where an instance has not loaded the field yet, load it."""

    def __init__(self, name: str, default: Any) -> None:
        self._name, self._default = name, default

    def __get__(self, instance: Any, owner: type) -> Any:
        return self._default if instance is None else owner.__getattr__(instance, self._name)  # type: ignore[attr-defined]


@dataclass_transform(frozen_default=True, field_specifiers=(field, model_field))
class _ModelMeta(ABCMeta):
    """Make the class below it a frozen dataclass when it is defined."""

    def __new__(
        metacls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        *,
        version: Any = MISSING,
        aliases: tuple[str, ...] | str = (),
        **options: Any,
    ) -> Any:
        explicit = options.pop("name", None)
        if not any(isinstance(base, _ModelMeta) for base in bases) or _FIELDS in namespace:
            # DataModel itself, or the second class that dataclasses make for slots.
            return super().__new__(metacls, name, bases, namespace)
        _check(name, version, explicit, aliases, options)
        own = {
            "__model_name__": explicit or name,
            "__model_version__": version,
            "__model_aliases__": (aliases,) if isinstance(aliases, str) else tuple(aliases),
            "__model_explicit__": explicit is not None,
            "__model_locals__": enclosing(sys._getframe(1), namespace),
            MIGRATIONS: migrations_of(name, namespace, version),
        }
        if options.get("eq", True):
            namespace.setdefault("__eq__", _equal)
        if options.get("repr", True):
            namespace.setdefault("__repr__", _shown)
        cls = super().__new__(metacls, name, bases, {**namespace, **own})
        decorate: Any = dataclasses.dataclass(**{**options, "frozen": True})
        made: Any = decorate(cls)
        # All are frozen by `DataModel`; so another ``@dataclass(frozen=True)`` on top finds no such method here.
        for method in ("__setattr__", "__delattr__"):
            type.__delattr__(made, method)
        identity.define(made)
        return made

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **options: Any) -> None:
        super().__init__(name, bases, namespace)

    def __setattr__(cls, name: str, value: Any) -> None:
        # ``@dataclass`` on top of a model is a habit, and harmless: what it finds is what it found the first time. It
        # sets its parameters first, checks those of the bases, and then sets the fields.
        if name in (_PARAMS, _FIELDS) and _FIELDS in cls.__dict__:
            above = [each for each in cls.__mro__[1:] if isinstance(each, _ModelMeta) and _PARAMS in each.__dict__]
            for each in above:
                each.__dict__[_PARAMS].frozen = value.frozen if name == _PARAMS else True
            if name == _PARAMS:
                for one in cls.__dict__[_FIELDS].values():
                    if one.name in inspect.get_annotations(cls):
                        super().__setattr__(one.name, one)
            return
        super().__setattr__(name, value)


def _check(name: str, version: Any, explicit: Any, aliases: Any, options: Mapping[str, Any]) -> None:
    if version is MISSING:
        raise ModelDefinitionError(f"The data model {name} has no version: write class {name}(DataModel, version=1).")
    if type(version) is not int or version < 0:
        raise ModelDefinitionError(
            f"The version of the data model {name} is a whole number from 0 on, not {version!r}."
        )
    if explicit is not None and (not isinstance(explicit, str) or not explicit):
        raise ModelDefinitionError(f"The name of the data model {name} is a text, not {explicit!r}.")
    if not isinstance(aliases, str) and not all(isinstance(alias, str) for alias in aliases):
        raise ModelDefinitionError(f"The aliases of the data model {name} are texts: its older names.")
    if options.get("frozen", True) is not True:
        raise ModelDefinitionError(f"The data model {name} is frozen, as all of them are: leave frozen out.")


def enclosing(frame: FrameType, namespace: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Hold on to the names around a class that its module lacks, where its annotations are texts that need them."""
    hints = namespace.get("__annotations__", {})
    if not any(isinstance(hint, str) for hint in hints.values()):
        return None
    around: list[FrameType] = []
    at: FrameType | None = frame
    while at is not None and at.f_locals is not at.f_globals:
        # Of those that called, only the functions and classes that it is written in.
        if at is frame or namespace["__qualname__"].startswith(f"{at.f_code.co_qualname}."):
            around.append(at)
        at = at.f_back
    if around:
        return Enclosing(around)
    # It may be defined by what `exec` runs, such as a page that is tested.
    known = getattr(sys.modules.get(namespace["__module__"]), "__dict__", None)
    return None if frame.f_globals is known else frame.f_globals


class Enclosing(Mapping[str, Any]):
    """The names around a class that is defined in a function: what is defined later is among them."""

    def __init__(self, frames: list[FrameType]) -> None:
        self._frames = frames

    def __getitem__(self, name: str) -> Any:
        for frame in self._frames:
            if name in frame.f_locals:
                return frame.f_locals[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for frame in self._frames for name in frame.f_locals))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _equal(self: Any, other: Any) -> Any:
    """Compare all fields: NaN equals NaN, arrays and frames are compared as a whole."""
    if type(other) is not type(self):
        return NotImplemented
    from elliptio.models.types import same

    compared = [one.name for one in dataclasses.fields(self) if one.compare]
    return all(same(getattr(self, name), getattr(other, name)) for name in compared)


def _shown(self: Any) -> str:
    """Show a model as its constructor would be called."""
    from elliptio.models.showing import fields_text

    origin = origin_of(self)
    lazy = {} if origin is None else origin.fields
    names = [one.name for one in dataclasses.fields(self) if one.repr]
    there = {name: getattr(self, name) for name in names if name not in lazy or _is_there(self, name)}
    return f"{type(self).__qualname__}({fields_text(there, lazy, names)})"


def _is_there(model: Any, name: str) -> bool:
    """Tell whether a field was loaded."""
    if hasattr(model, "__dict__"):
        return name in model.__dict__
    try:
        object.__getattribute__(model, name)
    except AttributeError:
        return False
    return True


class DataModel(metaclass=_ModelMeta):
    """A frozen dataclass that is saved as one artifact, and that comes back as what it was.

    A subclass names its version; further keywords are those of `dataclasses.dataclass`, such as ``kw_only=True``, and:
    ``name``, by which saved ones are found (by default that of the class), and ``aliases``, its older names, also as
    ``"module:Class"``.

    Examples
    --------
    >>> import elliptio as eio
    >>> from elliptio.models import DataModel
    >>> class Training(DataModel, version=1):
    ...     rate: float
    ...     layers: list[int]
    >>> h = eio.Handler("lake")
    >>> h.save(Training(0.1, [64, 10]), "my-training").load()
    Training(rate=0.1, layers=[64, 10])

    """

    __slots__ = ("__model_origin__",)
    __model_name__: ClassVar[str]
    __model_version__: ClassVar[int]
    __model_aliases__: ClassVar[tuple[str, ...]]
    __model_explicit__: ClassVar[bool]
    __model_locals__: ClassVar[Any]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Load a field that was not touched yet."""
            origin = origin_of(self)
            if origin is None or name not in origin.fields:
                raise AttributeError(f"{type(self).__qualname__!r} object has no attribute {name!r}")
            value = origin.fields[name].get()
            with _setting:  # of threads that touch it at once, all get the same
                if not _is_there(self, name):
                    object.__setattr__(self, name, value)
            return object.__getattribute__(self, name)

    def _repr_html_(self) -> str | None:
        if getattr(type(self).__repr__, "__wrapped__", type(self).__repr__) is not _shown:
            return None  # whoever shows himself in a way of his own is shown so
        from elliptio.models.cards import card

        names = [one.name for one in dataclasses.fields(self) if one.repr]
        there = {name: getattr(self, name) for name in names if _is_there(self, name)}
        title = f"{type(self).__qualname__} version {self.__model_version__}"
        return card(title, names, there, origin_of(self))

    def __elliptio_apart__(self, label: str | None, lake: Any) -> Any:
        """Take it apart, as `Handler.save` does with what is an artifact of its own."""
        from elliptio.models.saving import apart

        return apart(self, label, lake)

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __reduce__(self) -> Any:
        values = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return _rebuilt, (type(self), {**getattr(self, "__dict__", {}), **values})


class Origin(NamedTuple):
    """Place from which a model was loaded: what reads its artifact, and how fields are loaded when they are touched."""

    source: Any
    fields: Mapping[str, Any]

    def recorded(self, name: str) -> Mapping[str, Any] | None:
        """Return what was recorded of a field that is one big value; None of any other."""
        plain = getattr(self.fields.get(name), "plain", None)
        found: Mapping[str, Any] | None = None
        if isinstance(plain, dict) and "$file" in plain:
            found = self.source.record(plain["$file"])
        return found


def origin_of(model: DataModel) -> Origin | None:
    """Return where a model was loaded from; None where it was not."""
    try:
        found: Origin = object.__getattribute__(model, "__model_origin__")
    except AttributeError:
        return None
    return found


def _rebuilt(cls: type[Any], values: Mapping[str, Any]) -> Any:
    made = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def loaded(cls: type[Any], values: Mapping[str, Any], lazy: Mapping[str, Any], source: Any) -> Any:
    """Make a model of its fields, some of which are loaded when they are touched.

    Parameters
    ----------
    cls
        Its class.
    values
        Its other fields by name; those that are not there get their defaults.
    lazy
        What has a ``get``, by name.
    source
        Where it comes from.

    """
    made = _rebuilt(cls, values)
    attach(made, lazy, source)
    if hasattr(cls, "__post_init__") and not _takes_more(cls):
        # What it sets beside the fields has to be there; the fields are what they were when it had been run.
        made.__post_init__()
        for name, value in values.items():
            object.__setattr__(made, name, value)
        for name in lazy:
            with contextlib.suppress(AttributeError):
                object.__delattr__(made, name)
    return made


def _takes_more(cls: type[Any]) -> bool:
    """Tell whether the constructor takes what is no field, and so is not there any more."""
    return any(str(one._field_type) == "_FIELD_INITVAR" for one in getattr(cls, _FIELDS).values())


def attach(model: Any, lazy: Mapping[str, Any], source: Any) -> None:
    """Tell a model where it comes from, and which of its fields are loaded when they are touched."""
    object.__setattr__(model, "__model_origin__", Origin(source, lazy))
    for name in lazy:
        # A default is an attribute of the class, and would be found in the place of what is not loaded yet.
        for each in type(model).__mro__:
            default = each.__dict__.get(name, MISSING)
            if default is not MISSING and not hasattr(type(default), "__set__") and type(default) is not _Default:
                type.__setattr__(each, name, _Default(name, default))
