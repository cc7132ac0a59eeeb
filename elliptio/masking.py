"""Mask the credentials that URLs carry: one set of rules for what is shown and for what is recorded."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote


class Later:
    """A pattern that is compiled when it is first used, with the same methods.

    Parameters
    ----------
    source, flags
        As for `re.compile`.

    """

    finditer: Callable[..., Iterator[re.Match[str]]]
    fullmatch: Callable[..., re.Match[str] | None]
    match: Callable[..., re.Match[str] | None]
    search: Callable[..., re.Match[str] | None]

    def __init__(self, source: str, flags: int = 0) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        """Compile it; its methods are attributes from now on, so that this is not called again."""
        if name not in Later.__annotations__:
            raise AttributeError(name)
        pattern = re.compile(self._source, self._flags)
        for method in Later.__annotations__:
            setattr(self, method, getattr(pattern, method))
        return getattr(pattern, name)


@functools.cache
def compiled(source: str) -> re.Pattern[str]:
    """Compile a pattern, once it is needed: all of them take 0.1 s, and most texts need none."""
    return re.compile(source, re.ASCII | re.MULTILINE)


class Rule(NamedTuple):
    """A pattern that is only tried where the text has the hint at all; its group 1 is masked.

    One that does not begin with a fixed string takes long to look for: its guard does, and is looked for first.
    """

    kind: str
    hint: str
    source: str
    guard: str = ""

    def may_be_in(self, text: str) -> bool:
        """Tell whether a text is worth a search."""
        return self.hint in text and (not self.guard or compiled(self.guard).search(text) is not None)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled pattern."""
        return compiled(self.source)


CREDENTIALS: tuple[Rule, ...] = (
    Rule("url-credentials", "://", r"://[^\s/:@'\"<>?#]{0,256}+:([^\s/'\"<>?#\\\[\]]{1,512})@(?=[\w.\[$%{*-])"),
    # A password may hold what ends a host elsewhere, where what follows the colon is no port.
    Rule(
        "url-credentials",
        "://",
        r"://(?<!ssh://)(?<!oci://)(?<!docker://)[^\s/:@'\"<>?#]{0,256}+:(?![0-9]{0,5}[/?#])"
        r"([^\s'\"<>\\\[\]{}()]{1,512})@(?=[\w.-]{1,256}+(?::[0-9]{1,5}+)?(?:[/?#,\s'\"\\]|\Z))",
    ),
    Rule("url-credentials", "://", r"://((?=[A-Za-z]{0,64}[0-9])[A-Za-z0-9_-]{20,256}+)@"),
    Rule("signed-url", "sig=", r"sig=(?<=[?&;\"']sig=)([A-Za-z0-9%+/=_-]{16,}+)"),
    Rule("signed-url", "ignature=", r"ignature=(?<=[?&-][sS]ignature=)([A-Za-z0-9%+/=_-]{16,}+)"),
    Rule("signed-url", "X-Amz-Credential=", r"X-Amz-Credential=([A-Za-z0-9%/_-]{16,}+)"),
)
"""Rules for users' passwords and tokens in URLs, and for the signatures of signed ones."""

# A slash or the colon may be missing, where somebody mistyped a URL.
_PASSWORD = r"(?:://|:/|//)[^/\s:]*:(\S*)@"
_PARAMETER = (
    r"(?:[?&;][^=&;\s]*(?i:password|passwd|passphrase|pwd|secret|token|(?:api|access|secret)_?key)[^=&;\s]*="
    r"|(?i:(?<=_TOKEN:)))([^&,;\s'\"]+)"
)
_BEGINNING = re.compile(r"['\"]?[\w+.-]*:?/*")


def hide_password(text: str) -> str:
    """Mask the credentials in each URL of `text`, a password up to the last ``@``: ``mongodb://user:***@host``."""
    for rule in (Rule("password", "/", _PASSWORD), Rule("parameter", "", _PARAMETER), *CREDENTIALS):
        if rule.hint in text:
            text = rule.pattern.sub(_masked, text)
    return text


def hide_login(url: str) -> str:
    """Mask the credentials in what should be a URL, however it is mistyped: ``mongodb//user:***@host``."""
    shown = hide_password(url)
    if url.lstrip("'\"")[:1] in ("/", ".", "~"):  # a path
        return shown
    login, at, host = shown.rpartition("@")
    beginning = _BEGINNING.match(login)
    start = beginning.end() if beginning else 0
    is_login = ":" in login[start:] or login[:start].endswith(":")
    return f"{login[:start]}***@{host}" if at and "***" not in login and is_login else _without_port(shown)


def hide_words(text: str, url: str) -> str:
    """Mask in a message what of a URL is not to be shown: whoever refuses it may quote a part."""
    shown = hide_login(url)
    for word in re.split(r"[:@/?&=,\s]+", url):
        for said in {word, unquote(word)}:
            if len(said) > 2 and said not in shown:
                text = text.replace(said, "***")
    return hide_password(text)


def _without_port(url: str) -> str:
    """Mask what stands for a port and is none: a password, where the host is missing."""
    return re.sub(r"(://[^/\s:@,]*:)(?![0-9]{1,5}(?:[/?,'\"]|\Z))([^/\s,@'\"]+)(?=[/?,'\"]|\Z)", r"\1***", url)


def _masked(found: re.Match[str]) -> str:
    start, end = (place - found.start() for place in found.span(1))
    return f"{found[0][:start]}***{found[0][end:]}"
