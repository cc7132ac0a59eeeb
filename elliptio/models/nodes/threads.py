"""Let threads do what blocks, so that no loop waits; asyncio and trio."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from elliptio.runs import scopes

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(call: Callable[[], T]) -> T:
    """Do something in a thread, in the context of this task; the loop goes on meanwhile.

    What was begun is always brought to its end: who is cancelled meanwhile learns that afterwards, so that nothing is
    left half.
    """
    work = functools.partial(scopes.carried().run, call)
    trio = sys.modules.get("trio")
    if trio is not None and _is_in_trio(trio):
        with trio.CancelScope(shield=True):
            found: T = await trio.to_thread.run_sync(work)
        return found
    future = asyncio.get_running_loop().run_in_executor(None, work)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # else asyncio says that nobody asked for it
        raise cancelled
    return future.result()


def _is_in_trio(trio: Any) -> bool:
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


def front(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make a function to await of one that blocks."""

    @functools.wraps(function)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> T:
        return await in_thread(lambda: function(*args, **kwargs))

    return awaited
