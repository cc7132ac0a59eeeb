"""Call what may be async from what is not, and what blocks from what is async."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_Ask = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]
_asked_by: ContextVar[_Ask | None] = ContextVar("elliptio_asked_by", default=None)
"""Function that runs what is async in the event loop that waits for this thread, whose clients may belong to that."""


def run_sync(result: Awaitable[T] | T) -> T:
    """Wait for a result, if it has to be waited for.

    What `in_thread` called has it from the event loop that waits for it; else there is a new loop, in a thread of its
    own where one runs in this thread.

    Examples
    --------
    >>> async def answer():
    ...     return 42
    >>> run_sync(answer()), run_sync(42)
    (42, 42)

    """
    if not isinstance(result, Awaitable):
        return result

    async def wait() -> T:
        found: T = await result
        return found

    # Most of what importing this layer would take.
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        ask = _asked_by.get()
        found: T = asyncio.run(wait()) if ask is None else ask(wait)
        return found
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1, "elliptio-storage") as pool:
        return pool.submit(copy_context().run, asyncio.run, wait()).result()


async def in_thread(function: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Call what blocks in a thread, under asyncio as under trio; context variables are the same there."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        token = trio.lowlevel.current_trio_token()
        context = _context(lambda wait: trio.from_thread.run(wait, trio_token=token))
        found: T = await trio.to_thread.run_sync(context.run, function, *arguments)
        return found
    import asyncio

    loop = asyncio.get_running_loop()

    def ask(wait: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        if not loop.is_running():  # what was begun in this context goes on after the loop
            return asyncio.run(wait())
        return asyncio.run_coroutine_threadsafe(wait(), loop).result()

    return await asyncio.to_thread(_context(ask).run, function, *arguments)


def _context(ask: _Ask) -> Any:
    context = copy_context()
    context.run(_asked_by.set, ask)
    return context
