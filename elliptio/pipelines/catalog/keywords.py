"""Hand on to backends of users what a caller gave by name, beside the keys of an entry."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from elliptio.pipelines.catalog.interactors import BACKENDS

_NONE: Mapping[str, Any] = {}
_given: ContextVar[Mapping[str, Any]] = ContextVar("keywords", default=_NONE)

_OWN = ("payload", "fragment", "self")


def giving(keywords: Mapping[str, Any]) -> contextlib.AbstractContextManager[None]:
    """Let the backends that the block comes to have these keywords."""
    return _Giving(keywords) if BACKENDS else _NOBODY


class _Giving(contextlib.AbstractContextManager[None]):
    """Gives keywords to whom a block comes to."""

    def __init__(self, keywords: Mapping[str, Any]) -> None:
        self._keywords = keywords

    def __enter__(self) -> None:
        self._token = _given.set(self._keywords)

    def __exit__(self, *error: object) -> None:
        _given.reset(self._token)


_NOBODY = contextlib.nullcontext()


def taken_by(method: Callable[..., Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of an entry, and of what was given that which a method of a backend takes."""
    given = _given.get()
    if given:
        parameters = inspect.signature(method).parameters.values()
        if all(one.kind is not one.VAR_KEYWORD for one in parameters):
            named = {one.name for one in parameters}
            given = {name: value for name, value in given.items() if name in named}
    known = {*_OWN, *(key.lower() for key in keys)}
    return {**{name: value for name, value in given.items() if name.lower() not in known}, **keys}


def named_by(path: str | None) -> set[str]:
    """List the keywords that the backend of a path names, so that they are no options of a format."""
    prefix, is_url, _ = (path or "").partition("://")
    backend = BACKENDS.get(prefix) if is_url else None
    if backend is None:
        return set()
    parameters = [one for method in (backend.put, backend.get) for one in inspect.signature(method).parameters.values()]
    return {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}.difference(_OWN)
