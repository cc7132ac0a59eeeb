"""Stand before the application: every request passes the guard, at the place that a proxy gave it; not too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlencode

from starlette.requests import cookie_parser

from elliptio.ui.guard import GO_ON, WRONG_METHOD, Facts, Kind, Policy, decide, headers

Scope: TypeAlias = dict[str, Any]

AT_ONCE = 64
"""Requests that are answered at once."""

EVENTS = "/events"
"""Stream of what goes on."""


class Entrance:
    """An ASGI application that lets through what `decide` lets through.

    Attributes
    ----------
    policy
        The rules; the port in them is that which the server listens on.

    """

    def __init__(self, inside: Any, policy: Policy) -> None:
        self._inside = inside
        self._open = 0
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":  # of sockets there are none
            await send({"type": "websocket.close", "code": 1008})
            return
        place = _below(unquote(self.policy.base), scope["path"])
        facts = _facts(self.policy, scope, place)
        decision = decide(self.policy, facts)
        if decision.status != GO_ON:
            allow = [("allow", "GET, HEAD, POST" if self.policy.write else "GET, HEAD")]
            await _say(
                self.policy, send, decision.status, decision.says, *(allow if decision.status == WRONG_METHOD else [])
            )
        elif decision.enters:
            await _enter(self.policy, scope, send, enters=facts.tokens)
        elif place is None:
            await _say(self.policy, send, 404, f"This view lies below {self.policy.base}/ (--base-path).")
        elif place == "":
            await _lead(self.policy, send, quote(scope["path"].rpartition("/")[2], safe="@") + "/")
        elif place == EVENTS:  # it stays open, and is counted there
            await self._inside({**scope, "path": place, "root_path": "", "raw_path": place.encode()}, receive, send)
        elif self._open >= AT_ONCE:
            await _say(
                self.policy, send, 503, f"{AT_ONCE} requests are being answered: try again.", ("retry-after", "1")
            )
        else:
            self._open += 1
            try:
                inner = {**scope, "path": place, "root_path": "", "raw_path": quote(place).encode()}
                await self._inside(inner, receive, send)
            finally:
                self._open -= 1


def _below(base: str, path: str) -> str | None:
    """Cut the base off a path; None where it lies elsewhere, empty where the slash after the base is missing."""
    if not base:
        return str(path)
    if path == base:
        return ""
    return path[len(base) :] if path.startswith(f"{base}/") else None


def _facts(policy: Policy, scope: Scope, place: str | None) -> Facts:
    named: dict[str, list[str]] = {}
    for key, value in scope["headers"]:
        named.setdefault(key.decode("latin-1").lower(), []).append(value.decode("latin-1"))

    def one(name: str) -> str | None:
        values = named.get(name)
        return None if values is None else ", ".join(values)

    cookies = [cookie_parser(value).get(policy.cookie) for value in named.get("cookie", [])]
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Facts(
        method=scope["method"],
        kind=kind_of(place or ""),
        hosts=named.get("host", []),
        origins=named.get("origin", []),
        site=one("sec-fetch-site"),
        mode=one("sec-fetch-mode"),
        dest=one("sec-fetch-dest"),
        cookies=[value for value in cookies if value is not None],
        tokens=[value for key, value in query if key == "token"],
    )


def kind_of(path: str) -> Kind:
    """Tell what lies at a path, as far as the guard has to know."""
    if path.startswith("/static/"):
        return Kind.STATIC
    if path.startswith("/artifacts/") and path.endswith(("/raw", "/frame", "/image")):
        return Kind.BYTES
    of_run = path.startswith("/runs/") and (path.endswith("/metrics.csv") or "/logs/" in path)
    if path == EVENTS or path.startswith(("/artifacts.", "/compare.", "/runs.")) or of_run:
        return Kind.DATA
    return Kind.PAGE


async def _live(receive: Any, send: Any) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _say(policy: Policy, send: Any, status: int, says: str, *more: tuple[str, str]) -> None:
    await _send(policy, send, status, [("content-type", "text/plain; charset=utf-8"), *more], f"{says}\n".encode())


async def _lead(policy: Policy, send: Any, where: str, *more: tuple[str, str]) -> None:
    await _send(policy, send, 303, [("location", where), *more], b"")


async def _enter(policy: Policy, scope: Scope, send: Any, *, enters: Sequence[str]) -> None:
    """Put the token into the cookie and take it out of the URL; who had the cookie keeps it."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    rest = urlencode([(key, value) for key, value in query if key != "token"])
    # Relative to where the browser is, which may be elsewhere than it seems from here.
    name = quote(scope["path"].rpartition("/")[2], safe="")
    where = (name or "./") + (f"?{rest}" if rest else "")
    more = []
    if list(enters) == [policy.token]:
        more = [("set-cookie", f"{policy.cookie}={policy.token}; HttpOnly; Path={policy.base or ''}/; SameSite=Strict")]
    await _lead(policy, send, where, *more)


async def _send(policy: Policy, send: Any, status: int, more: list[tuple[str, str]], body: bytes) -> None:
    named = [*headers(policy, Kind.PAGE).items(), *more, ("content-length", str(len(body)))]
    raw = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in named]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
