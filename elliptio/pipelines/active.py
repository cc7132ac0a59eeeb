"""Know the session that the code at hand is in: per thread and task, nested ones innermost first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.errors import NoSessionError

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession

_stack: ContextVar[tuple[Any, ...]] = ContextVar("elliptio_sessions", default=())


def session() -> BaseSession:
    """Return the innermost session.

    Raises
    ------
    NoSessionError
        If there is none.

    """
    found = _stack.get()
    if not found:
        raise NoSessionError("There is no session here: call this inside `with Session():`, or `with sess:`.")
    innermost: BaseSession = found[-1]
    return innermost


@contextlib.contextmanager
def inside(session: Any) -> Iterator[None]:
    """Be in a session until the block ends."""
    token = enter(session)
    try:
        yield
    finally:
        leave(token)


def enter(session: Any) -> Any:
    """Enter a session; `leave` takes what this returns."""
    return _stack.set((*_stack.get(), session))


def leave(token: Any) -> None:
    """Leave the session that was entered."""
    try:
        _stack.reset(token)
    except ValueError:  # a generator may leave in another context than it entered in
        _stack.set(_stack.get()[:-1])
