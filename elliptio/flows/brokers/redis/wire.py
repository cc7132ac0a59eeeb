"""Speak with one Redis server over one connection, on asyncio and trio alike: RESP2, one question after the other.

A connection that is left in the middle of a question, also by a cancellation, is closed: nobody gets another's answer.
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream
from redis.connection import parse_url

CHUNK = 2**18
"""Bytes that are read at once."""


class ServerError(Exception):
    """Say what the server answers instead of a value."""

    @property
    def code(self) -> str:
        """Its first word."""
        return str(self).partition(" ")[0]

    @property
    def is_unknown(self) -> bool:
        """Tell whether the server does not know the command at all."""
        return str(self).startswith(("ERR unknown command", "ERR unknown subcommand"))


def packed(*parts: Any) -> bytes:
    """Write a command."""
    out = [b"*%d\r\n" % len(parts)]
    for part in parts:
        content = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        out += (b"$%d\r\n" % len(content), content, b"\r\n")
    return b"".join(out)


class Connection:
    """Hold one connection."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._at = 0
        self._open: list[tuple[list[Any], int]] = []

    async def send(self, content: bytes) -> None:
        """Send commands that are written."""
        await self._stream.send(content)

    async def answer(self) -> Any:
        """Read one answer: bytes, a number, a list, None, or a `ServerError` (returned, not raised)."""
        while True:
            done, answer = self._parse()
            if done:
                if self._at == len(self._buffer):
                    self._buffer.clear()
                    self._at = 0
                return answer
            if self._at > CHUNK:
                del self._buffer[: self._at]
                self._at = 0
            self._buffer += await self._stream.receive(CHUNK)

    def _parse(self) -> tuple[bool, Any]:
        """Go on where it was left: lists that are not complete stay open."""
        buffer = self._buffer
        while True:
            end = buffer.find(b"\r\n", self._at)
            if end < 0:
                return False, None
            kind, line, after = buffer[self._at], bytes(buffer[self._at + 1 : end]), end + 2
            value: Any
            if kind == 0x24:  # $
                size = int(line)
                if size < 0:
                    value = None
                elif len(buffer) < after + size + 2:
                    return False, None
                else:
                    value = bytes(memoryview(buffer)[after : after + size])
                    after += size + 2
            elif kind == 0x2A:  # *
                size = int(line)
                if size > 0:
                    self._open.append(([], size))
                    self._at = after
                    continue
                value = [] if size == 0 else None
            elif kind == 0x3A:  # :
                value = int(line)
            elif kind == 0x2D:  # -
                value = ServerError(line.decode("utf-8", "replace"))
            elif kind == 0x2B:  # +
                value = line
            else:
                raise ConnectionError("what answers is no Redis server")
            self._at = after
            if self._close_lists(value):
                continue
            return True, self._whole

    def _close_lists(self, value: Any) -> bool:
        """Put a value where it belongs; tell whether there is more to come."""
        while self._open:
            items, size = self._open[-1]
            items.append(value)
            if len(items) < size:
                return True
            self._open.pop()
            value = items
        self._whole = value
        return False

    async def aclose(self) -> None:
        """Close it at once."""
        await anyio.aclose_forcefully(self._stream)


class Address:
    """Say where a server is, from a URL of redis-py: ``redis://``, ``rediss://`` or ``unix://``.

    Raises
    ------
    ValueError
        If it is none.

    """

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
        self._path: str | None = options.get("path")
        self._host: str = options.get("host") or "localhost"
        self._port = int(options.get("port") or 6379)
        self._user: str | None = options.get("username")
        self._password: str | None = options.get("password")
        self._database = int(options.get("db") or 0)
        base = urlsplit(url).path.strip("/")
        if self._path is None and base and not base.isdecimal():
            raise ValueError("what follows the host must be the number of a database, as in redis://localhost:6379/0.")
        self._tls = _tls(options) if url.startswith("rediss:") else None

    def __str__(self) -> str:
        where = self._path or f"{self._host}:{self._port}"
        return f"{'rediss' if self._tls else 'unix' if self._path else 'redis'}://{where}/{self._database}"

    async def connect(self) -> Connection:
        """Open a connection.

        Raises
        ------
        ServerError
            If the server lets nobody in with this password.
        OSError
            If there is no server.

        """
        stream: ByteStream
        if self._path:
            stream = await anyio.connect_unix(self._path)
        elif self._tls:
            stream = await anyio.connect_tcp(
                self._host, self._port, ssl_context=self._tls, tls_standard_compatible=False
            )
        else:
            stream = await anyio.connect_tcp(self._host, self._port)
        connection = Connection(stream)
        try:
            await self._greet(connection)
        except BaseException:
            await connection.aclose()
            raise
        return connection

    async def _greet(self, connection: Connection) -> None:
        commands = []
        if self._password is not None:
            commands.append(("AUTH", *([self._user] if self._user else []), self._password))
        if self._database:
            commands.append(("SELECT", str(self._database)))
        if commands:
            await connection.send(b"".join(packed(*command) for command in commands))
            for answer in [await connection.answer() for _ in commands]:
                if isinstance(answer, ServerError):
                    raise answer


def _tls(options: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if options.get("ssl_cert_reqs") in ("none", "CERT_NONE"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.get("ssl_certfile"):
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    return context
