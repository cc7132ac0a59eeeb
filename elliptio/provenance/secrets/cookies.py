"""Find the values of cookies in headers: ``Cookie: session=…``, ``Set-Cookie: session=…; Path=/``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from elliptio.masking import Later, compiled
from elliptio.provenance.secrets.names import is_mixed, is_placeholder

_HEADER = r"ookie(?<=[cC]ookie)(?:\\{0,3}[\"'])?[ \t]{0,4}[:,][ \t]{0,4}(?:\\{0,3}[\"'])?"
_COOKIE = Later(r"[ \t]{0,4}[\w.!#$%&*+^`|~-]{1,128}=([^\s;,\"'\\<>{}]{0,4096}+);?", re.ASCII)


def secrets_in_cookies(text: str) -> Iterator[tuple[int, int]]:
    """Find start and end of each value of a cookie that was generated, rather than a preference."""
    if "ookie" not in text:
        return
    position = 0
    for header in compiled(_HEADER).finditer(text):
        if header.end() <= position:
            continue
        position = header.end()
        while (cookie := _COOKIE.match(text, position)) is not None:
            position = cookie.end()
            if is_mixed(cookie[1], 16) and not is_placeholder(cookie[1]):
                yield cookie.span(1)
