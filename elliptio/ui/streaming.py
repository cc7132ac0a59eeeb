"""Send what goes on to each page that follows, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from elliptio.ui.guard import Kind, headers
from elliptio.ui.view import View

if TYPE_CHECKING:
    from elliptio.ui.live import Listener, Live

AXES = {"x": ("step", "time"), "y": ("linear", "log")}
KEEP_ALIVE = 15.0
"""Seconds after which a line is sent that says nothing: a proxy would take the page for gone."""

FIRST = "retry: 2000\n\n"
MOST_LETTERS = 80


class Stream:
    """The stream of a view; nothing is loaded or asked before a page follows."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._live: Live | None = None

    @property
    def live(self) -> Live:
        """All that follow."""
        if self._live is None:
            from elliptio.ui.live import Live

            self._live = Live(self._view)
        return self._live

    async def answer(self, request: Request) -> Response:
        """Begin a stream."""
        from elliptio.ui.live import MOST_WAITING, Listener, Topic

        asked = request.query_params
        axes = {name: asked.get(name, known[0]) for name, known in AXES.items()}
        named = headers(self._view.policy, Kind.DATA)
        if any(axes[name] not in known for name, known in AXES.items()):
            return PlainTextResponse("x is step or time, y is linear or log.\n", 400, named)
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[str | None] = asyncio.Queue()

        def take(text: str | None) -> None:
            # What a page does not take would pile up; it asks anew, and is told all.
            waiting.put_nowait(text if waiting.qsize() < MOST_WAITING else None)

        def put(text: str | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(take, text)

        listener = Listener(Topic(asked.get("run", "")[:MOST_LETTERS], **axes), put)
        last = request.headers.get("last-event-id") or asked.get("last", "")
        if not self.live.join(listener, last[:MOST_LETTERS]):
            return PlainTextResponse("Too many pages follow: close some.\n", 503, named)
        named["x-accel-buffering"] = "no"
        return StreamingResponse(self._texts(listener, waiting), media_type="text/event-stream", headers=named)

    async def _texts(self, listener: Listener, waiting: asyncio.Queue[Any]) -> AsyncIterator[str]:
        try:
            yield FIRST
            while True:
                try:
                    text = await asyncio.wait_for(waiting.get(), KEEP_ALIVE)
                except TimeoutError:
                    text = ":\n\n"
                if text is None:
                    return
                yield text
        finally:
            self.live.leave(listener)
