"""Decide who may ask for what: token, Host, Origin, fetch metadata, headers. Values in, values out.

A page of this machine is within reach of every other page that is open in the same browser, and of any name that is
made to lead here. So each request must name a host that is meant, come from a page of ours or from the person, and
bring the token that was printed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""Names of this machine that a request may use."""

METHODS = ("GET", "HEAD", "POST")

OURS = ("same-origin", "none")
"""Values of ``Sec-Fetch-Site`` of what our own pages ask for, and of what the person typed."""

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")

GO_ON, BAD_TOKEN, REFUSED, WRONG_METHOD = 200, 401, 403, 405


class Kind(Enum):
    """Kinds of what is asked for."""

    PAGE = "page"
    DATA = "data"
    STATIC = "static"
    BYTES = "bytes"
    FRAME = "frame"


@dataclass(frozen=True)
class Policy:
    """The rules of one server.

    Attributes
    ----------
    token
        What lets in.
    port
        The port that it listens on, which names its cookie too: several may serve one browser.
    hosts
        Names of proxies in front of it, with or without a port.
    base
        Path below which a proxy shows it, if that passes the path on whole: ``/x``, or empty.
    write
        What may be changed: ``"tags"``, ``"views"``.
    framed_by
        Origin of a page that may show it in a frame, such as Jupyter's.

    """

    token: str
    port: int
    hosts: tuple[str, ...] = ()
    base: str = ""
    write: frozenset[str] = frozenset()
    framed_by: str | None = None

    @property
    def cookie(self) -> str:
        """Name of the cookie."""
        return f"elliptio-ui-{self.port}"

    @property
    def form_token(self) -> str:
        """Token of our forms, which follows from that of the policy and does not tell it."""
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()

    def is_form_token(self, given: str) -> bool:
        """Tell whether a form is one of ours, in the same time whatever is given."""
        return _equal(given, self.form_token)


@dataclass(frozen=True)
class Facts:
    """Facts of a request that decide about it.

    Attributes
    ----------
    method, kind
        What is asked.
    hosts, origins
        All headers of that name.
    site, mode, dest
        ``Sec-Fetch-Site``, ``-Mode``, ``-Dest``; None where a browser sends none.
    cookies
        Values of the cookie of this server.
    tokens
        Values of ``token`` in the query.

    """

    method: str
    kind: Kind
    hosts: Sequence[str]
    origins: Sequence[str] = ()
    site: str | None = None
    mode: str | None = None
    dest: str | None = None
    cookies: Sequence[str] = ()
    tokens: Sequence[str] = ()


@dataclass(frozen=True)
class Decision:
    """Verdict on a request: a status, 200 where it may go on, and what to say otherwise.

    `enters` is true where the token stood in the URL: it goes into the cookie, and out of the URL.
    """

    status: int
    says: str = ""
    enters: bool = False


def decide(policy: Policy, facts: Facts) -> Decision:
    """Decide about a request, by the first rule that it breaks."""
    if facts.method not in METHODS:
        return Decision(WRONG_METHOD, f"There is no method {facts.method[:20]!r} here.")
    if len(facts.hosts) != 1 or not is_allowed(policy, facts.hosts[0]):
        return Decision(REFUSED, _says_host(policy, facts.hosts))
    foreign = _foreign(policy, facts)
    if foreign and not _is_opened_page(facts) and not _is_framed_page(policy, facts):
        return Decision(REFUSED, foreign)
    if facts.method == "POST" and not policy.write:
        return Decision(
            WRONG_METHOD,
            "This view is read only; `elliptio ui --write tags` lets tags be moved, `--write views` views be saved.",
        )
    known = any(_equal(each, policy.token) for each in facts.cookies)
    told = len(facts.tokens) == 1 and _equal(facts.tokens[0], policy.token)
    if facts.method != "POST" and facts.tokens and (told or known):
        return Decision(GO_ON, enters=True)
    if not known:
        return Decision(
            BAD_TOKEN, "Open the whole URL that `elliptio ui` printed: it holds the token that lets you in."
        )
    return Decision(GO_ON)


def is_host(text: str) -> bool:
    """Tell whether a text is what a ``Host`` can be."""
    return _HOST.fullmatch(text) is not None


def is_allowed(policy: Policy, host: str) -> bool:
    """Tell whether a ``Host`` is this server's, or that of a proxy that was named."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name, port = found["name"].lower(), found["port"]
    if name in LOOPBACK and (port or "80") == str(policy.port):
        return True
    whole = name if port is None else f"{name}:{int(port)}"
    return any(each.lower() in (whole, name) for each in policy.hosts)


def _says_host(policy: Policy, hosts: Sequence[str]) -> str:
    if len(hosts) != 1:
        return f"A request names one host, not {len(hosts)}."
    shown = hosts[0][:100]
    named = shown.rpartition(":")[0] or shown
    return (
        f"This view was asked for as {shown!r}, which is none of its names: {', '.join(LOOPBACK)} with port "
        f"{policy.port}. If a proxy leads here by that name, start it with --allow-host {named}"
    )


def _foreign(policy: Policy, facts: Facts) -> str:
    """Say what shows that another site asks; empty where nothing does."""
    if facts.site is not None and facts.site not in OURS:
        return f"Another site asked for this (Sec-Fetch-Site: {facts.site[:20]}). Open it by itself."
    for origin in facts.origins:
        # Of a form of ours too, as our pages tell nobody where one comes from; then the browser vouches for it.
        if origin == "null" and facts.site == "same-origin":
            continue
        if not _is_ours(policy, origin):
            return (
                f"A page of {origin[:100]!r} asked for this. If a proxy leads here by that name, start it with "
                f"--allow-host {urlsplit_host(origin) or 'NAME'}"
            )
    return ""


def urlsplit_host(origin: str) -> str:
    """Return host and port of an origin; empty where it has none."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    return parts.netloc[:100] if parts.scheme in ("http", "https") else ""


def _is_ours(policy: Policy, origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    whole = parts.scheme in ("http", "https") and not parts.path and not parts.query and not parts.fragment
    return whole and is_allowed(policy, parts.netloc)


def _is_opened_page(facts: Facts) -> bool:
    """Tell whether a person followed a link to a page: nothing of it can be read by who linked it."""
    return (
        facts.method in ("GET", "HEAD")
        and facts.kind is Kind.PAGE
        and facts.mode == "navigate"
        and facts.dest == "document"
    )


def _is_framed_page(policy: Policy, facts: Facts) -> bool:
    """Tell whether a page is shown in a frame, which only those may do that `framed_by` names."""
    return (
        policy.framed_by is not None
        and facts.method == "GET"
        and facts.kind is Kind.PAGE
        and facts.mode == "navigate"
        and facts.dest == "iframe"
    )


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode())


def headers(policy: Policy, kind: Kind) -> dict[str, str]:
    """Return the headers of all answers of a kind."""
    framing = "frame-ancestors 'self'" + (f" {policy.framed_by}" if policy.framed_by else "")
    rules = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"frame-src 'self'; form-action 'self'; base-uri 'none'; {framing}"
    )
    found = {
        "content-security-policy": rules,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }
    if kind is Kind.BYTES:
        found["content-security-policy"] = "sandbox"
    if kind is Kind.FRAME:
        # What a file says of itself: it gets an origin of its own, runs nothing and asks for nothing.
        found["content-security-policy"] = (
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
            "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
        )
    if kind in (Kind.BYTES, Kind.STATIC, Kind.FRAME):
        found["cache-control"] = "private, max-age=31536000, immutable"
    return found
