"""Find secrets handed to a call: ``set_password("…")``, ``getenv("DB_PASSWORD", "…")``, ``auth=("u", "…")``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from elliptio.masking import Later
from elliptio.provenance.secrets.names import (
    KEY,
    SHORT_KEY,
    is_mixed,
    is_placeholder,
    is_secret_argument,
    is_secret_option,
    is_variable,
)

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
_PAIR = Later(rf"{_GAP}{_ANY}{_NEXT}{_SECRET}{_GAP},?{_GAP}\)")
_LAST = Later(rf"{_GAP}(?:{_ANY}{_NEXT}){{0,2}}{_SECRET}{_GAP}\)")
_PATTERNS = {"pair": _PAIR, "last": _LAST}

# The name of a secret in quotes, and its value behind a comma, or behind `default=` or `"value":` among what follows.
_NEW_LINE = r"(?:\\n\",)?\n[+-]?[ \t]{0,80}+\"?"
_SPACE = rf"(?:[ \t]|{_NEW_LINE}){{0,80}}+"
_BETWEEN = rf"(?:[^()\[\]\n]|{_NEW_LINE}){{0,300}}?"
_LITERAL = r"(?=\\{0,3}[\"'rbfuRBFU])"
_NAMED = Later(
    rf"(?:{KEY}|{SHORT_KEY})(?P<close>\\{{0,3}}[\"']){_SPACE},"
    rf"(?:(?P<keyword>{_BETWEEN}(?<![\w-])(?:default|value)\\{{0,3}}[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}{_LITERAL})"
    rf"|{_SPACE}{_LITERAL}){_SECRET}",
    re.IGNORECASE | re.ASCII,
)
_START = Later(
    r"(?P<call>[\w.]{0,60})(?P<bracket>[(\[,:=])[\s+-]{0,80}[rbfuRBFU]{0,2}\\{0,3}[\"'](?P<name>[\w.:-]{0,60})\Z",
    re.ASCII,
)
_SETTERS = frozenset(("setdefault", "setenv", "putenv", "getenv", "environ.get"))
_GETTERS = frozenset(("get", "pop", "option", "config", "set", "env", "add", "put"))
# How far back the name and the call before it are looked for.
_REACH = 128

# What stands before the arguments, in lower case; the hints are plain strings, for speed.
_CALLS = (
    ("pair", "auth", Later(rf"auth{_GAP}={_GAP}\(")),
    ("pair", "auth(", Later(r"(?:basic|digest|proxy)auth\(")),
    (
        "last",
        "(",
        Later(r"(?:set|check|change|update|reset|with|use)_?(?:password|passwd|passphrase|secret|token|api_?key)\("),
    ),
)


def secrets_in_calls(text: str, positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Find start and end of each literal that a call takes for a secret; its name may begin at these positions."""
    yield from _behind_names(text, positions)
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


def _behind_names(text: str, positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    for position in positions:
        match = _NAMED.match(text, position)
        if match is None:
            continue
        start = _START.search(text, max(0, position - _REACH), position)
        if start is not None and _is_value(match, start, text[position : match.start("close")]):
            yield match.span(_group(match, "secret"))


def _is_value(match: re.Match[str], start: re.Match[str], key: str) -> bool:
    """Tell whether a literal behind the name of a secret is its value, and not another name."""
    name, value = start["name"] + key, match[_group(match, "secret")]
    if is_placeholder(value) or is_variable(value) or len(value) < 3 or any(map(str.isspace, value)):
        return False
    if not (is_secret_option(name) or is_secret_argument(name, value)) or value.lower().startswith(key.lower()):
        return False
    if match["keyword"] is not None:
        return True
    call = start["call"].lower()
    if start["bracket"] == "(" and (call.endswith("environ.get") or call.rpartition(".")[2] in _SETTERS):
        return True
    if start["bracket"] in "[," and name.startswith("--"):  # the words of a command line
        return not value.startswith("-")
    return start["bracket"] == "(" and call.rpartition(".")[2] in _GETTERS and is_mixed(value, 6)


def _group(match: re.Match[str], name: str) -> str:
    return next(found for found in (f"{name}{number}" for number in (1, 2, 3)) if match[found] is not None)


def _is_secret(match: re.Match[str], call: str, bracket: str) -> bool:
    value = match[_group(match, "secret")]
    if is_placeholder(value) or len(value) < 3 or any(letter.isspace() for letter in value):
        return False
    if "token" in call:  # such as `set_token("[PAD]")`
        return len(value) >= 8 and any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return bracket == "("
