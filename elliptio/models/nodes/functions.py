"""Make nodes of calls: a decorator."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from elliptio.models.errors import ModelDefinitionError
from elliptio.models.nodes.entering import create_current
from elliptio.models.nodes.models import write_node_models
from elliptio.models.nodes.node import Node, own_fields
from elliptio.models.nodes.reading import read_parent_node
from elliptio.models.nodes.threads import in_thread
from elliptio.models.nodes.writing import write_node

P = ParamSpec("P")
R = TypeVar("R")

STARTED, ENDED = "started_at", "ended_at"


@overload
def node_function(cls: Callable[Concatenate[Any, P], R]) -> Callable[P, R]: ...


@overload
def node_function(
    cls: type[Node] = Node, *, started: str | None = None, ended: str | None = None, **fields: Any
) -> Callable[[Callable[Concatenate[Any, P], R]], Callable[P, R]]: ...


def node_function(cls: Any = Node, *, started: str | None = None, ended: str | None = None, **fields: Any) -> Any:
    """Let each call of a function be a node: it gets its parent first, and what it returns by label is kept there.

    It takes async and plain functions. The parent is None where the call is in no other node. A dict that is returned
    is written as models by label; what is no dict is an error, but None.

    Parameters
    ----------
    cls
        Class of the nodes.
    started, ended
        Fields for when the call began and ended; without them the fields for times whose names end with ``started_at``
        and ``ended_at``, if there are any. The end is kept also if the call raises.
    fields
        Other fields of the nodes.

    Raises
    ------
    ModelDefinitionError
        If the class has no such field.

    Examples
    --------
    >>> import elliptio as eio
    >>> from elliptio.models.sync import Node, node_function
    >>> h = eio.Handler("lake")
    >>> @node_function
    ... def look(parent):
    ...     return {}
    >>> look()
    {}

    """
    if not (isinstance(cls, type) and issubclass(cls, Node)):
        return node_function()(cls)
    begins, ends = _field(cls, started, STARTED), _field(cls, ended, ENDED)

    def opening() -> create_current[Node]:
        given: dict[str, Any] = {**fields, **({begins: _now()} if begins else {})}
        return create_current(cls(**given))

    def close(node: Node) -> None:
        if ends:
            setattr(node, ends, _now())
            write_node(node)

    def decorate(function: Callable[..., Any]) -> Any:
        made = _async if inspect.iscoroutinefunction(function) else _plain
        return made(function, opening, close)

    return decorate


def _async(function: Any, opening: Callable[[], create_current[Node]], close: Callable[[Node], None]) -> Any:
    @functools.wraps(function)
    async def called(*args: Any, **kwargs: Any) -> Any:
        async with opening() as node:
            try:
                parent = await in_thread(lambda: read_parent_node(node))
                result = await function(parent, *args, **kwargs)
                await in_thread(lambda: _keep(node, result))
                return result
            finally:
                await in_thread(lambda: close(node))

    return called


def _plain(function: Any, opening: Callable[[], create_current[Node]], close: Callable[[Node], None]) -> Any:
    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with opening() as node:
            try:
                result = function(read_parent_node(node), *args, **kwargs)
                _keep(node, result)
                return result
            finally:
                close(node)

    return called


def _keep(node: Node, result: Mapping[str, Any] | None) -> None:
    if result is not None:
        write_node_models(node, result)


def _now() -> datetime:
    return datetime.now(UTC)


def _field(cls: type[Node], named: str | None, end: str) -> str | None:
    names = {entry.name: "datetime" in str(entry.type) for entry in own_fields(cls)}
    if named is None:
        return next((name for name, is_time in names.items() if is_time and name.endswith(end)), None)
    if named not in names:
        has = ", ".join(names) or "none"
        raise ModelDefinitionError(f"{cls.__name__} has no field {named!r} of its own: it has {has}.")
    return named
