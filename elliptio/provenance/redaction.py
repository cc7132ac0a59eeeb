"""Mask secrets in text before it is stored.

Secrets are recognized by their own form (the prefix of a GitHub token) or by what stands before them (``PASSWORD=``),
never by looking random: hashes and image data are no secrets. A mask never spans lines, so a diff keeps its shape.

Every pattern takes time linear in the text: it begins with a fixed string or is bounded in length, and what repeats
without bound is possessive (``++``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from elliptio.masking import CREDENTIALS, Rule, compiled
from elliptio.provenance.secrets.arguments import secret_in_argument
from elliptio.provenance.secrets.assignments import named_secrets
from elliptio.provenance.secrets.calls import secrets_in_calls
from elliptio.provenance.secrets.command_lines import secrets_in_command_lines
from elliptio.provenance.secrets.commands import command_named
from elliptio.provenance.secrets.cookies import secrets_in_cookies
from elliptio.provenance.secrets.names import is_placeholder, is_secret_argument, is_secret_option, key_positions
from elliptio.provenance.secrets.vendors import PARTS, TOKENS

MASK = "***"


class Finding(NamedTuple):
    """A secret that was masked.

    Parameters
    ----------
    kind
        What kind of secret it looked like.
    position
        The line of the text, from 1, or the index of the argument.
    """

    kind: str
    position: int


# After the fixed string, group 1 is the secret.
_CONTEXTS: tuple[Rule, ...] = (
    *CREDENTIALS,
    *PARTS,
    Rule("bearer-token", "earer ", r"earer (?<=[Bb]earer ) {0,4}+((?=[A-Za-z_.~+/-]{0,256}[0-9])[\w.~+/-]{8,}+=*+)"),
    Rule("netrc-password", "login ", r"login (?<=[\s]login )\S{1,256}+\s{1,8}+password\s{1,8}+(\S{1,256}+)"),
    Rule("docker-auth", '"auth', r'"auth\\{0,3}": {0,4}+\\{0,3}"([A-Za-z0-9+/=]{12,}+)\\{0,3}"'),
    Rule(
        "ssh-password",
        "sshpass",
        r"sshpass\\{0,3}[\"']?,?[ \t]{1,4}+\\{0,3}[\"']?-p"
        r"(?:\\{0,3}[\"'],)?[ \t]{0,4}+\\{0,3}[\"']?([^\s\"'\\,]{1,256}+)",
    ),
    Rule("npm-auth", "_auth", r"_auth(?<!\w_auth) ?= ?\"?([A-Za-z0-9+/=]{12,}+)(?![\w(.])"),
)

_WHOLE = frozenset(TOKENS)
"""Rules of which the whole match is the secret."""

_RULES = (*TOKENS, *_CONTEXTS)

_HEADER = (
    r"uthorization(?<=[Aa]uthorization)(?:\\?[\"'])?[ \t]{0,4}[:=,][ \t]{0,4}(?:\\?[\"'])?"
    r"(?:Bearer|Basic|Token|token|basic|bearer|ApiKey|Digest)[ \t]{1,4}([^\s\"',;\\<>{}$]{6,2048}+)"
)

_KEY_BEGIN = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_BETWEEN = r"(?:\\[nr]|[\"'+,\s\\-])*+"
_KEY_BODY = (
    rf"{_BETWEEN}(?:(?:Proc-Type|DEK-Info|Comment|Version): [^\n\"\\]{{0,200}}+"
    rf"|([A-Za-z0-9+/=]{{16,}}+|[A-Za-z0-9+/=]{{1,80}}+(?={_BETWEEN}END )))"
)


def redact(text: str) -> tuple[str, list[Finding]]:
    """Mask the secrets in a text.

    Parameters
    ----------
    text
        Any text: code, configuration, a diff, a log.

    Returns
    -------
    tuple[str, list[Finding]]
        The text with each secret replaced by ``***``, and what was found on which lines.
    """
    # No hint has a mask in it: what is not in the text is in no masked one. To look for them all takes longest.
    rules = [rule for rule in _RULES if rule.hint in text]
    masked, findings = _mask(text, rules)
    # Masking one secret may lay another bare whose name it had run into.
    more = findings
    while more:
        masked, more = _mask(masked, rules)
        findings += more
    return masked, sorted(findings, key=lambda finding: finding.position)


def _mask(text: str, rules: Sequence[Rule]) -> tuple[str, list[Finding]]:
    """Mask what is found in one pass."""
    spans = sorted(_spans(text, rules))
    if not spans:
        return text, []
    parts: list[str] = []
    findings: list[Finding] = []
    done, line = 0, 1
    for start, end, kind in spans:
        if start < done:
            # Overlapping finds are one secret; mask what sticks out of the first one too.
            done = max(done, end)
            continue
        kept = text[done:start]
        parts += (kept, MASK)
        line += kept.count("\n")
        findings.append(Finding(kind, line))
        done = end
    parts.append(text[done:])
    return "".join(parts), findings


def redact_argv(argv: Sequence[str]) -> tuple[list[str], list[Finding]]:
    """Mask the secrets in a command line.

    Parameters
    ----------
    argv
        The arguments, as in ``sys.argv``.

    Returns
    -------
    tuple[list[str], list[Finding]]
        As many arguments, and what was found in which of them.
    """
    masked: list[str] = []
    findings: list[Finding] = []
    command: str | None = None
    for index, argument in enumerate(argv):
        before = argv[index - 1] if index else ""
        shown = secret_in_argument(argument, before, command)
        command = command_named(argument, before, command) or command
        if shown is not None:
            masked.append(f"{shown}{MASK}")
            findings.append(Finding("argument", index))
        else:
            clean, found = redact(argument)
            masked.append(clean)
            findings += (Finding(finding.kind, index) for finding in found)
    return masked, findings


def redact_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return named values without secrets: texts that hold one, and whatever has the name of one.

    Parameters
    ----------
    values
        Plain values, lists and dicts among them.

    Returns
    -------
    dict[str, Any]
        As many values.
    """
    return {
        name: _redacted_value(
            value, is_secret_option(name) or (isinstance(value, str) and is_secret_argument(name, value))
        )
        for name, value in values.items()
    }


def _redacted_value(value: Any, secret: bool) -> Any:
    if isinstance(value, Mapping):
        items = redact_values(value)
        return items if not secret else {name: _redacted_value(item, True) for name, item in items.items()}
    if isinstance(value, list) and not secret and all(isinstance(item, str) for item in value):
        return redact_argv(value)[0]
    if isinstance(value, list):
        return [_redacted_value(item, secret) for item in value]
    if not isinstance(value, str | bytes):
        return value
    if secret:
        return MASK if value and not (isinstance(value, str) and is_placeholder(value)) else value
    return redact(value)[0] if isinstance(value, str) else value


def redact_url(url: str) -> str:
    """Return the URL of a git remote without user, password and query; the user of an ssh URL stays."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return redact(url)[0]
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if scheme.lower() in ("http", "https", "ftp", "ftps"):
        user, at = "", ""
        path = re.split(r"[?#]", path, maxsplit=1)[0]
    return redact(f"{scheme}://{user.partition(':')[0]}{at}{host}{slash}{path}")[0]


def _spans(text: str, rules: Sequence[Rule]) -> Iterator[tuple[int, int, str]]:
    """Find start, end and kind of each secret, in no order, possibly overlapping."""
    for rule in rules:
        if not rule.may_be_in(text):
            continue
        for match in rule.pattern.finditer(text):
            if rule in _WHOLE:
                yield match.start(), match.end(), rule.kind
            elif not is_placeholder(match[1]):
                yield match.start(1), match.end(1), rule.kind
    if "uthorization" in text:
        for match in compiled(_HEADER).finditer(text):
            if not is_placeholder(match[1]):
                yield match.start(1), match.end(1), "authorization-header"
    if "PRIVATE KEY" in text:
        yield from _key_blocks(text)
    named = list(key_positions(text))
    finders = (
        named_secrets(text, named), secrets_in_calls(text, named), secrets_in_command_lines(text),
        secrets_in_cookies(text),
    )  # fmt: skip
    for found in finders:
        for start, end in found:
            yield start, end, "named-secret"


def _key_blocks(text: str) -> Iterator[tuple[int, int, str]]:
    for begin in compiled(_KEY_BEGIN).finditer(text):
        position = begin.end()
        while (body := compiled(_KEY_BODY).match(text, position)) is not None:
            position = body.end()
            if body[1] is not None:
                yield body.start(1), body.end(1), "private-key"
