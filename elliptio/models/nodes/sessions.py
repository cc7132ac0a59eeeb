"""Collect nodes that were changed, and write them when that is asked for, as with SQLAlchemy."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from elliptio.models.errors import NotAModelError
from elliptio.models.nodes.node import Node, from_document
from elliptio.models.nodes.reading import document_of
from elliptio.models.nodes.threads import in_thread
from elliptio.models.nodes.writing import write_nodes


class Session:
    """Nodes to be written: new ones, and those of which fields were changed."""

    def __init__(self) -> None:
        self._added: dict[str, Node] = {}

    def add(self, node: Node) -> None:
        """Let a node be written by the next `commit`."""
        if not isinstance(node, Node):
            raise NotAModelError(f"A session takes nodes, not a {type(node).__name__}: models go to write_model.")
        self._added[node.node_id] = node

    def add_all(self, nodes: Iterable[Node]) -> None:
        """Let nodes be written by the next `commit`."""
        for node in nodes:
            self.add(node)

    def commit(self) -> None:
        """Write the nodes that were added."""
        write_nodes(list(self._added.values()))
        self._added.clear()

    def rollback(self) -> None:
        """Forget the nodes that were added; their attributes stay as they are."""
        self._added.clear()

    def refresh(self, node: Node, attribute_names: Iterable[str] | None = None) -> None:
        """Give a node the values that are stored."""
        from elliptio.models.nodes.engine import current_engine

        vars(node).update(vars(from_document(document_of(current_engine(), node))))


class AsyncSession(Session):
    """A session whose verbs are awaited."""

    async def commit(self) -> None:  # type: ignore[override]
        """Write the nodes that were added."""
        await in_thread(super().commit)

    flush = commit

    async def rollback(self) -> None:  # type: ignore[override]
        """Forget the nodes that were added; their attributes stay as they are."""
        super().rollback()

    async def refresh(self, node: Node, attribute_names: Iterable[str] | None = None) -> None:  # type: ignore[override]
        """Give a node the values that are stored."""
        await in_thread(lambda: Session.refresh(self, node, attribute_names))


_current: ContextVar[Session | None] = ContextVar("elliptio_node_session", default=None)
_current_async: ContextVar[AsyncSession | None] = ContextVar("elliptio_async_node_session", default=None)


@contextlib.asynccontextmanager
async def session_context(**options: Any) -> AsyncIterator[AsyncSession]:
    """Open a session for a block; what was added and not committed is forgotten. Options make no difference."""
    session = AsyncSession()
    token = _current_async.set(session)
    try:
        yield session
    finally:
        _current_async.reset(token)


@contextlib.asynccontextmanager
async def current_session() -> AsyncIterator[AsyncSession]:
    """Be in the session that is open here, else in one of this block."""
    open_one = _current_async.get()
    if open_one is not None:
        yield open_one
        return
    async with session_context() as session:
        yield session


@contextlib.contextmanager
def session_block(**options: Any) -> Iterator[Session]:
    """Open a session for a block, without a loop."""
    session = Session()
    token = _current.set(session)
    try:
        yield session
    finally:
        _current.reset(token)


@contextlib.contextmanager
def current_session_block() -> Iterator[Session]:
    """Be in the session that is open here, else in one of this block, without a loop."""
    open_one = _current.get()
    if open_one is not None:
        yield open_one
        return
    with session_block() as session:
        yield session
