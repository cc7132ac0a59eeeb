"""Mask the credentials that URLs carry: one set of rules for what is shown and for what is recorded."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple


@functools.cache
def compiled(source: str) -> re.Pattern[str]:
    """Compile a pattern, once it is needed: all of them take 0.1 s, and most texts need none."""
    return re.compile(source, re.ASCII | re.MULTILINE)


class Rule(NamedTuple):
    """A pattern that is only tried where the text has the hint at all; its group 1 is masked."""

    kind: str
    hint: str
    source: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled pattern."""
        return compiled(self.source)


CREDENTIALS: tuple[Rule, ...] = (
    Rule("url-credentials", "://", r"://[^\s/:@'\"<>?#]{0,256}+:([^\s/'\"<>?#\\\[\]]{1,512})@(?=[\w.\[$%{*-])"),
    Rule("url-credentials", "://", r"://((?=[A-Za-z]{0,64}[0-9])[A-Za-z0-9_-]{20,256}+)@"),
    Rule("signed-url", "sig=", r"sig=(?<=[?&;\"']sig=)([A-Za-z0-9%+/=_-]{16,}+)"),
    Rule("signed-url", "ignature=", r"ignature=(?<=[?&-][sS]ignature=)([A-Za-z0-9%+/=_-]{16,}+)"),
    Rule("signed-url", "X-Amz-Credential=", r"X-Amz-Credential=([A-Za-z0-9%/_-]{16,}+)"),
)
"""Rules for users' passwords and tokens in URLs, and for the signatures of signed ones."""

_PASSWORD = r"://[^/\s:]*:(\S*)@"
_PARAMETER = (
    r"(?:[?&;][^=&;\s]*(?i:password|passwd|passphrase|pwd|secret|token|(?:api|access|secret)_?key)[^=&;\s]*="
    r"|(?i:(?<=_TOKEN:)))([^&,;\s'\"]+)"
)


def hide_password(text: str) -> str:
    """Mask the credentials in each URL of `text`, a password up to the last ``@``: ``mongodb://user:***@host``."""
    for rule in (Rule("password", "://", _PASSWORD), Rule("parameter", "", _PARAMETER), *CREDENTIALS):
        if rule.hint in text:
            text = rule.pattern.sub(_masked, text)
    return text


def _masked(found: re.Match[str]) -> str:
    start, end = (place - found.start() for place in found.span(1))
    return f"{found[0][:start]}***{found[0][end:]}"
