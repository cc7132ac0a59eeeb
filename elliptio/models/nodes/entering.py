"""Enter nodes: what is written in the block belongs to it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

from elliptio.models.nodes.engine import current_engine
from elliptio.models.nodes.node import Node, check, is_stored, mark, written
from elliptio.models.nodes.reading import document_of
from elliptio.models.nodes.threads import in_thread
from elliptio.models.nodes.writing import place_below, said_of, tell_lines
from elliptio.runs import scopes
from elliptio.runs.recording import Recording
from elliptio.runs.running import begin
from elliptio.runs.scopes import Scope

N = TypeVar("N", bound=Node)


class create_current(Generic[N]):  # reads as what it does, as `contextlib.suppress` does
    """Create a node, and be in it for a block: ``async with create_current(Node) as node``, or ``with``.

    What is written in the block belongs to the node, and it is a run: finished when the block ends, failed if it
    raises. Its parent is the node around it, unless ``node_parent_id`` is given; None makes it a root. A node that was
    written before is entered again, and stays what it is.

    Parameters
    ----------
    node
        A node, or a class of nodes; then `kwargs` are its fields.

    """

    def __init__(self, node: N | Callable[..., N] = Node, *args: Any, **kwargs: Any) -> None:  # type: ignore[assignment]
        if isinstance(node, Node):
            if args or kwargs:
                raise TypeError("Fields are given with a class of nodes, not with a node that is there.")
            self._node: N = node
        else:
            self._node = node(*args, **kwargs) if callable(node) else node
            check(self._node)
        self._is_root = kwargs.get("node_parent_id", node) is None
        self._scope: Scope | None = None
        self._recording: Recording | None = None
        self._block = contextlib.ExitStack()

    def __enter__(self) -> N:
        self._begin()
        return self._entered()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._block.close()
        self._end(error)

    async def __aenter__(self) -> N:
        try:
            await in_thread(self._begin)
        except BaseException as error:
            if self._recording is not None:  # cancelled while it began
                await _at_last(self, error)
            raise
        return self._entered()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._block.close()
        await in_thread(lambda: self._end(error))

    def _begin(self) -> None:
        """Write that the node begins. May be done in another thread than the one that is in it then."""
        self._handler = handler = current_engine()  # which may have to be opened
        if handler.lake.notice is not None:
            handler.lake.notice()
        node = self._node
        if is_stored(node):
            document_of(handler, node)
            outer = handler._scope.here()
            around = scopes.around(handler._scope)
            self._scope = Scope(handler.store.root, node.node_id, outer.loaded(), around, handler._scope)
            self._recording = Recording(handler.lake, self._scope)
            return
        form = written(node)
        said = said_of(node, form)
        if node.node_parent_id is not None or self._is_root:
            said |= place_below(handler, node.node_parent_id, node.node_id)
        self._scope, recording = begin(
            handler.lake, handler._scope, type(node).__name__, None, None,
            git_diff=handler._settings["git_diff"].value, node=said,
        )  # fmt: skip
        self._recording = recording
        began = recording.begin or {}
        mark(node, form, began.get("parent"), began.get("creation_time"))

    def _entered(self) -> N:
        assert self._scope is not None
        self._block.enter_context(scopes.entered(self._scope))
        return self._node

    def _end(self, error: BaseException | None) -> None:
        assert self._recording is not None
        assert self._scope is not None
        try:
            self._recording.finish(error)
            if self._recording.begin is None and self._scope.used:
                tell_lines(self._handler, self._node.node_id)
        except Exception as failure:
            if error is None:
                raise
            error.add_note(f"That the node {self._node.node_id} failed could not be recorded: {failure}")


async def _at_last(opening: create_current[Any], error: BaseException) -> None:
    """Record that a node ended which nobody has entered."""
    await in_thread(lambda: opening._end(error))
