"""Run tasks beside the code that starts them, on asyncio and trio, and stop them together."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

log = logging.getLogger(__name__)


class Background:
    """Tasks that run in the event loop at hand, whoever started them: they end by themselves, or are stopped."""

    def __init__(self) -> None:
        self._scopes: dict[anyio.CancelScope, tuple[str, anyio.Event]] = {}
        self._tasks: set[Any] = set()

    def __len__(self) -> int:
        return len(self._scopes)

    def start(self, group: str, function: Callable[..., Awaitable[Any]], *args: Any) -> None:
        """Start a task that belongs to a group."""
        scope, done = anyio.CancelScope(), anyio.Event()
        self._scopes[scope] = group, done

        async def work() -> None:
            try:
                with scope:
                    await function(*args)
            except Exception:
                log.exception("What runs in the background of %s failed.", group)
            finally:
                self._scopes.pop(scope, None)
                done.set()

        if library_here() == "trio":
            import trio

            trio.lowlevel.spawn_system_task(work, name=f"elliptio {group}", context=contextvars.copy_context())
        else:
            task = asyncio.get_running_loop().create_task(work(), name=f"elliptio {group}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def wait(self, group: str | None = None) -> None:
        """Wait for the tasks of a group, or for all."""
        while done := [event for name, event in self._scopes.values() if group in (None, name)]:
            await done[0].wait()

    async def stop(self, group: str | None = None) -> None:
        """Stop the tasks of a group, or all, and wait for their end."""
        for scope, (name, _) in list(self._scopes.items()):
            if group in (None, name):
                scope.cancel()
        with anyio.CancelScope(shield=True):
            await self.wait(group)


def library_here() -> str | None:
    """Name the library whose event loop runs in this thread: "asyncio", "trio", or none."""
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            trio.lowlevel.current_task()
        except RuntimeError:
            pass
        else:
            return "trio"
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return None
    return "asyncio"


def task_here() -> asyncio.Task[Any] | None:
    """Return the task of asyncio that runs here; None in none, and with another library."""
    return asyncio.current_task() if library_here() == "asyncio" else None


def is_cancelled() -> bool:
    """Tell, where a cancellation was raised, whether it is meant for the task that runs here.

    With asyncio, who waits for a task that was cancelled gets the same error as if it were cancelled itself.
    """
    task = task_here()
    return task is None or task.cancelling() > 0
