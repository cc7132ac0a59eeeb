"""Know the data models that are defined, and find the class of what was saved, without importing anything."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from elliptio.models.errors import DuplicateModelError

if TYPE_CHECKING:
    from elliptio.models.model import DataModel

_defined: dict[str, type[DataModel]] = {}
"""Classes by ``module:qualname``; of several, as where a cell of a notebook is run again, the newest."""


def path_of(cls: type) -> str:
    """Return where a class is defined: ``module:qualname``."""
    return f"{cls.__module__}:{cls.__qualname__}"


def file_of(cls: type) -> str | None:
    """Return the file of a class, if it has one: a script that is imported too is two modules of one file."""
    found = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return found if isinstance(found, str) else None


def found_at(path: str, near: Iterable[type] = ()) -> type | None:
    """Find a class of any kind where it was defined, among those `near` or in a module that is loaded."""
    for cls in near:
        if path_of(cls) == path:
            return cls
    module, _, qualname = path.partition(":")
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, "__dict__", {}).get(part)
    return found if isinstance(found, type) else None


def define(cls: type[DataModel]) -> None:
    """Remember a class; where it is one that is defined again, instead of that.

    Raises
    ------
    DuplicateModelError
        If a class of another module has the same explicit name.

    """
    path = path_of(cls)
    if cls.__model_explicit__:
        for other, known in _defined.items():
            same_name = known.__model_explicit__ and known.__model_name__ == cls.__model_name__
            same_file = file_of(known) == file_of(cls) is not None
            if same_name and known.__module__ != cls.__module__ and not same_file:
                raise DuplicateModelError(
                    f"Two data models are named {cls.__model_name__!r}: {other} and {path}. Name one of them "
                    "otherwise, or let one import the other."
                )
    _defined[path] = cls


def defined() -> list[type[DataModel]]:
    """List the classes that are defined, in their order."""
    return list(_defined.values())


def at(path: str) -> type[DataModel] | None:
    """Return the class that is defined at ``module:qualname``."""
    return _defined.get(path)


def named(name: str) -> Iterator[type[DataModel]]:
    """Find the classes with a name, or with it as an alias, as a text or as ``module:qualname``."""
    for cls in reversed(_defined.values()):
        if cls.__model_name__ == name or name in cls.__model_aliases__ or name == path_of(cls):
            yield cls


def class_of(entry: Mapping[str, Any], fits: Callable[[type[DataModel]], int]) -> tuple[type[DataModel] | None, str]:
    """Find the class of what was saved, and say why there is none.

    Parameters
    ----------
    entry
        What was recorded of its class: ``class``, ``name``, ``version``.
    fits
        Tells how well a class fits: 2 if it has those fields, 1 if its migrations lead there, else 0.

    """
    path, name = str(entry.get("class")), str(entry.get("name"))
    exact = _defined.get(path)
    # What is ``__main__`` now is perhaps another script than that which saved it.
    if exact is not None and (exact.__module__ != "__main__" or fits(exact)):
        return exact, ""
    alike = list(dict.fromkeys([*named(path), *named(name)]))
    if not alike:
        return None, f"no class {name!r} is defined here; {path} was it: import that, or models_from(module)"
    ranks = {cls: fits(cls) for cls in alike}
    best = max(ranks.values())
    fitting = [cls for cls, rank in ranks.items() if rank == best]
    where = ", ".join(path_of(cls) for cls in alike)
    if best == 0:
        return exact, f"{path} is not defined here, and {where} has other fields"
    if len(fitting) > 1:
        return None, f"several classes could be {name!r}: {where}; {path} was it"
    return fitting[0], ""


def models_from(module: str | types.ModuleType) -> list[type[DataModel]]:
    """Import a module that defines data models, so that what was saved comes back as those, and list them.

    Raises
    ------
    ImportError
        If it cannot be imported.

    Examples
    --------
    >>> from elliptio.models import models_from
    >>> models_from("json")
    []

    """
    found = importlib.import_module(module) if isinstance(module, str) else module
    classes = [each for each in vars(found).values() if isinstance(each, type)]
    return [cls for cls in dict.fromkeys(classes) if _defined.get(path_of(cls)) is cls]
