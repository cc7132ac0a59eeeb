"""Say where a craft is found by another process, and find it there."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.errors import UnknownNameError

MAIN = "__main__"


class NotFoundElsewhereError(Exception):
    """No other process finds the craft; the text says why."""


def address_of(craft: CraftFunction) -> str:
    """Return module and name of a craft: ``tables:clean``.

    Raises
    ------
    NotFoundElsewhereError
        If no other process finds it.

    """
    module = sys.modules.get(craft.__module__)
    if module is None:
        raise NotFoundElsewhereError(f"its module {craft.__module__!r} cannot be imported")
    if craft.__module__ == MAIN and getattr(module, "__file__", None) is None:
        raise NotFoundElsewhereError("it is defined in a notebook or at a prompt, which other processes cannot import")
    if "<locals>" in craft.__wrapped__.__qualname__:
        raise NotFoundElsewhereError("it is defined inside a function, so it has no name by which others find it")
    if _named(module, craft.__wrapped__.__qualname__) is craft:
        return f"{craft.__module__}:{craft.__wrapped__.__qualname__}"
    for name, value in vars(module).items():
        if value is craft:
            return f"{craft.__module__}:{name}"
    raise NotFoundElsewhereError(f"the module {craft.__module__!r} has no name for it")


def craft_at(address: str) -> CraftFunction:
    """Find the craft at an address.

    Raises
    ------
    UnknownNameError
        If there is none.

    """
    module, _, qualname = address.partition(":")
    found = _named(import_module(module), qualname)
    if not isinstance(found, CraftFunction):
        raise UnknownNameError(f"There is no craft {qualname!r} in the module {module!r}.")
    return found


def _named(module: Any, qualname: str) -> Any:
    found = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found
