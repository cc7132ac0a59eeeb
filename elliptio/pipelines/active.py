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
    found = session_or_none()
    if found is None:
        raise NoSessionError("There is no session here: call this inside `with Session():`, or `with sess:`.")
    return found


def session_or_none() -> BaseSession | None:
    """Return the innermost session, None without one."""
    found = _stack.get()
    return found[-1] if found else None


def enter(session: Any) -> None:
    """Enter a session."""
    _stack.set((*_stack.get(), session))


def leave(session: Any) -> None:
    """Leave a session where it was last entered; those entered since, by a generator that went on, stay."""
    stack = list(_stack.get())
    for place in range(len(stack) - 1, -1, -1):
        if stack[place] is session:
            del stack[place]
            break
    _stack.set(tuple(stack))


@contextlib.contextmanager
def inside(session: Any) -> Iterator[None]:
    """Be in a session until the block ends."""
    enter(session)
    try:
        yield
    finally:
        leave(session)
