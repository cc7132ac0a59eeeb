"""Find secrets handed to a call: ``set_password("…")``, ``setdefault("DB_PASSWORD", "…")``, ``auth=("u", "…")``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from elliptio.provenance.secrets.assignments import is_placeholder, is_secret_option

_GAP = r"[ \t]{0,8}+"
# A literal; in a notebook, its quotes are escaped.
_TEXT = (
    r"[rbfuRBFU]{{0,2}}(?:"
    r'\\{{1,3}}"(?P<{0}1>[^"\\\n]{{1,500}}+)\\{{1,3}}"|"(?P<{0}2>(?:[^"\\\n]|\\.){{1,500}}+)"'
    r"|'(?P<{0}3>(?:[^'\\\n]|\\.){{1,500}}+)')"
)
_OTHER = r"[\w.\[\]]{1,64}+"
_ANY = rf"(?:{re.sub(r'[?]P<[{]0[}][0-9]>', '?:', _TEXT).replace('{{', '{').replace('}}', '}')}|{_OTHER})"
_NEXT = rf"{_GAP},{_GAP}"

_SECRET = _TEXT.format("secret")
_NAME = _TEXT.format("name")
_SETTING = re.compile(rf"{_GAP}{_NAME}{_NEXT}{_SECRET}")
_PAIR = re.compile(rf"{_GAP}{_ANY}{_NEXT}{_SECRET}{_GAP},?{_GAP}\)")
_LAST = re.compile(rf"{_GAP}(?:{_ANY}{_NEXT}){{0,2}}{_SECRET}{_GAP}\)")
_PATTERNS = {"setting": _SETTING, "pair": _PAIR, "last": _LAST}

# What stands before the arguments, in lower case; the hints are plain strings, for speed.
_CALLS = (
    ("setting", "setdefault(", re.compile(r"setdefault\(")),
    ("setting", "env(", re.compile(r"(?:set|put)env\(")),
    ("pair", "auth", re.compile(rf"auth{_GAP}={_GAP}\(")),
    ("pair", "auth(", re.compile(r"(?:basic|digest|proxy)auth\(")),
    (
        "last",
        "(",
        re.compile(
            r"(?:set|check|change|update|reset|with|use)_?(?:password|passwd|passphrase|secret|token|api_?key)\("
        ),
    ),
)


def secrets_in_calls(text: str) -> Iterator[tuple[int, int]]:
    """Find start and end of each literal that a call takes for a secret."""
    lower = text.lower()
    if len(lower) != len(text):  # rare letters become two in lower case
        lower = "".join(letter if letter.isascii() else "\0" for letter in text).lower()
    for kind, hint, call in _CALLS:
        if hint not in lower:
            continue
        for begin in call.finditer(lower):
            match = _PATTERNS[kind].match(text, begin.end())
            if match is not None and _is_secret(match, begin.group(), text[begin.end() - 1]):
                yield match.span(_group(match, "secret"))


def _group(match: re.Match[str], name: str) -> str:
    return next(found for found in (f"{name}{number}" for number in (1, 2, 3)) if match[found] is not None)


def _is_secret(match: re.Match[str], call: str, bracket: str) -> bool:
    value = match[_group(match, "secret")]
    if is_placeholder(value) or len(value) < 3 or any(letter.isspace() for letter in value):
        return False
    if match.re is _SETTING and not is_secret_option(match[_group(match, "name")]):
        return False
    if "token" in call:  # such as `set_token("[PAD]")`
        return len(value) >= 8 and any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return bracket == "("
