"""Say what a craft is: a function with declared inputs and outputs, and options."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from elliptio.pipelines.crafts import hints
from elliptio.pipelines.crafts.hints import Input, Output
from elliptio.pipelines.errors import CraftDefinitionError
from elliptio.pipelines.hooks import RunHooks

OPTIONS = ("name", "cache", "per", "version", "packages", "retries", "validate", "tags")
"""Options of a craft."""


_LATER = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
"""Kinds of functions that return before they have done anything."""


class CraftFunction(RunHooks):
    """A function with declared inputs and outputs, and options: `Craft` is one that can be called and joined.

    Parameters and errors are those of `Craft`.

    Attributes
    ----------
    name
        Its name.
    inputs, outputs
        What it takes, and what it gives.
    entries
        Names of the entries that it reads and writes.
    parameters
        Defaults of its plain parameters, by name.

    """

    name: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    entries: tuple[str, ...]
    parameters: Mapping[str, Any]
    keys_otherwise_spelled: Mapping[str, str]
    """Keys of its partitions by the plain parameters that have their name in other letters."""

    def __new__(cls, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Make a craft of a function, or, without one, what does so."""
        if function is None:
            frame = sys._getframe(1)
            _check_options(options)
            return functools.partial(cls, _frame=frame, **options)
        return super().__new__(cls)

    def __init__(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        cache: bool = True,
        per: str | Iterable[str] = (),
        version: str | None = None,
        packages: str | Sequence[str] = "imported",
        retries: int = 0,
        validate: Callable[..., Any] | None = None,
        tags: Iterable[str] = (),
        _frame: Any = None,
    ) -> None:
        if isinstance(function, CraftFunction):
            function = function.__wrapped__
        if not callable(function) or not inspect.isroutine(function):
            raise CraftDefinitionError(f"A craft is made of a function, not of {function!r}.")
        if _is_later(function):
            name_of_it = f"{function.__module__}.{function.__qualname__}"
            raise CraftDefinitionError(f"The craft {name_of_it} is async or yields: a craft returns what it makes.")
        functools.update_wrapper(cast("Callable[..., Any]", self), function)
        self.__wrapped__: Callable[..., Any] = function
        self.name = function.__name__ if name is None else name
        self.cache = cache
        self.per = _names("per", per)
        self.version = version
        self.packages = packages
        self.retries = retries
        self.validate = validate
        self.tags = _names("tags", tags)
        signature = hints.read(function, _frame or sys._getframe(1))
        self.inputs, self.outputs = signature.inputs, signature.outputs
        self.parameters, self.entries = signature.parameters, signature.entries
        self.keys_otherwise_spelled = _otherwise_spelled(self.parameters, self.per)
        self.takes_more, self.positional_only = signature.takes_more, signature.positional_only
        options = {"packages": packages, "retries": retries, "validate": validate, "cache": cache}
        _check_options({"name": name, "per": self.per, "tags": self.tags, **options})

    def __repr__(self) -> str:
        takes = ", ".join([*(one.name for one in self.inputs), *self.parameters])
        return (
            f"{type(self).__name__} {self.name}({takes}) -> {', '.join(one.name for one in self.outputs) or 'nothing'}"
        )

    def __reduce__(self) -> Any:
        return _found, (self.__module__, self.__wrapped__.__qualname__)

    @property
    def qualified(self) -> str:
        """Module and name of the function, by which a configuration names the craft."""
        return f"{self.__module__}.{self.__wrapped__.__name__}"

    @property
    def defaults(self) -> dict[str, Any]:
        """Values of the plain parameters that have a default, by name."""
        return {name: value for name, value in self.parameters.items() if value is not hints.REQUIRED}

    @property
    def is_volatile(self) -> bool:
        """True where it has results, and none of them is saved."""
        return bool(self.outputs) and all(one.volatile for one in self.outputs)


def _otherwise_spelled(parameters: Iterable[str], per: Sequence[str]) -> dict[str, str]:
    keys = {key.lower(): key for key in per if key not in parameters}
    return {name: keys[name.lower()] for name in parameters if name.lower() in keys} if keys else {}


def _is_later(function: Callable[..., Any]) -> bool:
    """Tell whether a function returns before it has done anything."""
    inner = getattr(function, "__func__", function)
    code = getattr(inner, "__code__", None)
    is_marked = bool(getattr(inner, "__dict__", None)) and inspect.iscoroutinefunction(function)
    return is_marked or (code is not None and bool(code.co_flags & _LATER))


def _found(module: str, qualname: str) -> Any:
    from importlib import import_module

    found: Any = import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def _names(option: str, value: Any) -> tuple[str, ...]:
    """Read an option that takes one name or several."""
    if isinstance(value, str):
        return (value,)
    try:
        names = tuple(value)
    except TypeError:
        names = (value,)
    for one in names:
        if not isinstance(one, str):
            raise CraftDefinitionError(f"{option} takes names, such as {option}=('day',), not {value!r}.")
    return names


def _check_options(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if name not in OPTIONS:
            from elliptio.formats.libraries import meant

            raise CraftDefinitionError(f"Craft has no option {name!r}; {meant(name, OPTIONS)}")
        if name == "name" and value is not None and (not isinstance(value, str) or not value):
            raise CraftDefinitionError(f"The name of a craft is a text, not {value!r}.")
        if name in ("per", "tags"):
            _names(name, value)
        if name == "retries" and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise CraftDefinitionError(f"retries takes a number, 0 or more, not {value!r}.")
        if name == "packages" and isinstance(value, str) and value not in ("imported", "all", "none"):
            raise CraftDefinitionError(f"packages takes 'imported', 'all', 'none' or a list of names, not {value!r}.")
        if name == "validate" and value is not None and not callable(value):
            raise CraftDefinitionError(f"validate takes a function of the results, not {value!r}.")
        if name == "version" and not isinstance(value, str | int | float | tuple | None):
            raise CraftDefinitionError(f"version takes a text or a number, not {value!r}.")
        if name == "cache" and not isinstance(value, bool):
            raise CraftDefinitionError(f"cache takes True or False, not {value!r}.")
