"""Make bad weather for S3: with a proxy in front of a real server that breaks what it is told to break.

It passes the ``Host`` header on as it came, so signatures made for the proxy stay valid at the server.
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

LOOPBACK = "127.0.0.1"
STEP = 64 << 10
"""Bytes of an answer that are passed on at once."""

_OBJECT = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
_BUCKET = {"PUT": "CreateBucket", "GET": "ListObjects", "HEAD": "HeadBucket", "DELETE": "DeleteBucket"}
_MULTIPART = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("GET", "uploads"): "ListMultipartUploads",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploadId"): "ListParts",
    ("POST", "delete"): "DeleteObjects",
}


@dataclass(frozen=True, slots=True)
class Request:
    """Hold what came to the proxy, with its number (from 1).

    Examples
    --------
    >>> Request(1, "PUT", "/bucket/key", {}, {}, b"data").operation
    'PutObject'
    """

    number: int
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """Give the name of this request in S3, for roots in path style."""
        for (method, parameter), name in _MULTIPART.items():
            if method == self.method and parameter in self.query:
                copied = any(header.lower() == "x-amz-copy-source" for header in self.headers)
                return f"{name}Copy" if copied else name
        names = _OBJECT if "/" in self.path.strip("/") else _BUCKET
        return names.get(self.method, self.method)


@dataclass(frozen=True, slots=True)
class Fault:
    """Describe one way in which a request goes wrong: see `answer`, `cut`, `delay`, `trickle` and `corrupt`.

    Examples
    --------
    >>> answer(503, "SlowDown").code
    'SlowDown'
    """

    name: str
    status: int = 0
    code: str = ""
    seconds: float = 0
    rate: int = 0


def answer(status: int, code: str) -> Fault:
    """Answer with an error of S3; the request does not reach the server."""
    return Fault("answer", status=status, code=code)


def cut(where: Literal["request", "before", "after", "middle"]) -> Fault:
    """Cut the connection.

    In the middle of the request; before the server saw it; after the server did what was asked, without an answer; in
    the middle of the answer.
    """
    return Fault(f"cut {where}")


def delay(seconds: float) -> Fault:
    """Answer late, and only if the client still waits."""
    return Fault("delay", seconds=seconds)


def trickle(rate: int) -> Fault:
    """Answer with so many bytes a second."""
    return Fault("trickle", rate=rate)


def corrupt(where: Literal["request", "response"]) -> Fault:
    """Flip a bit in the middle of the body."""
    return Fault(f"corrupt {where}")


@dataclass(slots=True)
class Rule:
    """Have a fault strike requests that match: not the first `skip`, then `times` of them (None: for ever).

    Examples
    --------
    >>> rule = Rule(cut("before"), lambda request: request.method == "PUT", times=1)
    >>> request = Request(1, "PUT", "/bucket/key", {}, {}, b"data")
    >>> rule.strikes(request), rule.strikes(request)
    (True, False)
    """

    fault: Fault
    matches: Callable[[Request], bool]
    times: int | None = None
    skip: int = 0

    def strikes(self, request: Request) -> bool:
        """Tell whether it is this request's turn."""
        if self.times == 0 or not self.matches(request):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True)
class Weather:
    """Hold where a running proxy is, what it breaks, and what it saw.

    It saw requests, faults, bytes of answers, and how many requests were there at once, at the most.

    Examples
    --------
    ::

        with s3_server() as server, weather_proxy(server.endpoint_url) as sky:
            sky.fail(cut("after"), "PutObject", times=1)
            ...  # work on a store with endpoint_url=sky.endpoint_url
            assert sky.faults == {"cut after": 1}
    """

    endpoint_url: str
    upstream: tuple[str, int]
    rules: list[Rule] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0
    _inside: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(
        self,
        fault: Fault,
        *operations: str,
        times: int | None = None,
        skip: int = 0,
        when: Callable[[Request], bool] | None = None,
    ) -> None:
        """Break requests: of some operations (``"PutObject"``, …), or all, or those for which `when` is true."""
        wanted = frozenset(operations)

        def matches(request: Request) -> bool:
            return (not wanted or request.operation in wanted) and (when is None or when(request))

        with self._lock:
            self.rules.append(Rule(fault, matches, times, skip))

    def count(self, request: Request, size: int) -> None:
        """Count bytes of an answer that the client took."""
        with self._lock:
            self.served[request.operation] += size

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Count who is there at once."""
        with self._lock:
            self._inside += 1
            self.most_at_once = max(self.most_at_once, self._inside)
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1

    def clear(self) -> None:
        """Let the sun shine; what was counted stays."""
        with self._lock:
            self.rules.clear()

    def decide(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[Request, Fault | None]:
        """Count a request, and choose what happens to it."""
        parts = urlsplit(target)
        with self._lock:
            number = self.requests.total() + 1
            query = parse_qs(parts.query, keep_blank_values=True)
            request = Request(number, method, parts.path, query, headers, body)
            self.requests[request.operation] += 1
            for rule in self.rules:
                if rule.strikes(request):
                    self.faults[rule.fault.name] += 1
                    return request, rule.fault
        return request, None


@contextmanager
def weather_proxy(upstream_url: str) -> Iterator[Weather]:
    """Run a proxy in front of a server, on a free port of the loopback interface.

    Yields
    ------
    Weather
        It breaks nothing until it is told to.
    """
    parts = urlsplit(upstream_url)

    class Handler(_Handler):
        weather: Weather

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: clients go away here, that is the point."""

    with Server((LOOPBACK, 0), Handler) as server:
        url = f"http://{LOOPBACK}:{server.server_address[1]}"
        Handler.weather = Weather(url, (parts.hostname or LOOPBACK, parts.port or 80))
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="weather", daemon=True)
        thread.start()
        try:
            yield Handler.weather
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    weather: Weather
    _request: Request

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        with self.weather.inside():
            self._answer(body, length)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle

    def _answer(self, body: bytes, length: int) -> None:
        headers = dict(self.headers.items())
        self._request, fault = self.weather.decide(self.command, self.path, headers, body)
        if fault is None:
            self._pass(*self._ask(body))
        elif fault.name == "answer":
            self._refuse(fault)
        elif fault.name in ("cut request", "cut before"):
            if fault.name == "cut request":
                # A server that goes away in the middle has seen a part of the body, and has stored nothing.
                with suppress(Exception):
                    self._ask(body[: length // 2], length)
            self._cut()
        else:
            self._break(fault, body)

    def _break(self, fault: Fault, body: bytes) -> None:
        """Ask the server, and spoil what passes."""
        if fault.name == "corrupt request":
            body = _flip(body)
        status, headers, found = self._ask(body)
        if fault.name == "cut after":
            self._cut()
            return
        if fault.name == "delay":
            time.sleep(fault.seconds)
        if fault.name == "corrupt response":
            found = _flip(found)
        if fault.name == "cut middle":
            self._pass(status, headers, found[: len(found) // 2])
            self._cut()
        else:
            self._pass(status, headers, found, fault.rate)

    def _ask(self, body: bytes, length: int | None = None) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send the request to the server as it came; `length` is what it claims to be, if that is not true."""
        connection = http.client.HTTPConnection(*self.weather.upstream, timeout=5 if length else 120)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "connection"):
                    connection.putheader(name, value)
            connection.endheaders()
            connection.send(body)
            if length is not None:
                return 0, [], b""
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def _pass(self, status: int, headers: list[tuple[str, str]], body: bytes, rate: int = 0) -> None:
        self.send_response_only(status)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        if "content-length" not in names and status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        step = max(1, rate // 10) if rate else STEP
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            self.weather.count(self._request, len(body[start : start + step]))
            if rate:
                time.sleep(0.1)

    def _refuse(self, fault: Fault) -> None:
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{fault.code}</Code><Message>weather</Message></Error>'
        )
        body = b"" if self.command == "HEAD" else text.encode()
        self._pass(fault.status, [("Content-Type", "application/xml")], body)

    def _cut(self) -> None:
        """Reset the connection, as a router that forgot it would."""
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RDWR)


def _flip(body: bytes) -> bytes:
    if not body:
        return body
    spoiled = bytearray(body)
    spoiled[len(spoiled) // 2] ^= 1
    return bytes(spoiled)
