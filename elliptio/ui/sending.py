"""Send what a page answers; bytes of a file end early where they are not those that were saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio.to_thread
from starlette.responses import Response

from elliptio.ui.asked import Answer
from elliptio.ui.guard import Kind, Policy, headers


class Streamed(Response):
    """A body that comes piece by piece, of a length that is known before. If it ends early, so does the connection."""

    def __init__(self, pieces: Iterator[bytes], length: int, **options: Any) -> None:
        super().__init__(**options)
        self._pieces = pieces
        self._length = length

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sent = 0
        while (piece := await anyio.to_thread.run_sync(next, self._pieces, None)) is not None:
            sent += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if sent == self._length:
            await send({"type": "http.response.body", "body": b""})
        # Else the end is never said: the server closes the connection, and a browser knows that something is missing.


def respond(policy: Policy, kind: Kind, method: str, answer: Answer) -> Response:
    """Give an answer the headers of its kind, and a response of Starlette's."""
    said = answer.status >= 400
    named = headers(policy, Kind.PAGE if said else answer.kind or kind) | dict(answer.headers)
    body = answer.body
    if isinstance(body, bytes):
        named["content-length"] = str(len(body))
        content = b"" if method == "HEAD" or answer.status == 304 else body
        response = Response(content, status_code=answer.status, media_type=None)
        response.raw_headers = []
    elif method == "HEAD":
        response = Response(b"", status_code=answer.status)
    else:
        response = Streamed(body, int(named["content-length"]), status_code=answer.status)
    if answer.status != 304:
        named["content-type"] = answer.media
    response.raw_headers = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in named.items()]
    return response
