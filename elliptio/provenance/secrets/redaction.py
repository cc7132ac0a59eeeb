"""Mask secrets in text before it is stored.

Secrets are recognized by their own form (the prefix of a GitHub token) or by what stands before them (``PASSWORD=``),
never by looking random: hashes and image data are no secrets. A mask never spans lines, so a diff keeps its shape.

Every pattern takes time linear in the text: it begins with a fixed string or is bounded in length, and what repeats
without bound is possessive (``++``).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elliptio.masking import CREDENTIALS, Rule, compiled
from elliptio.provenance.secrets.assignments import is_placeholder, is_secret_argument, is_secret_option, named_secrets
from elliptio.provenance.secrets.calls import secrets_in_calls
from elliptio.provenance.secrets.commands import command_named, split_secret

MASK = "***"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Finding:
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


def _token(kind: str, prefix: str, body: str) -> Rule:
    """Return a rule for a token that begins with `prefix`, is followed by `body`, and is no part of a longer word."""
    # The fixed string comes first, and is looked at again from behind: so the search is one for a plain string.
    literal = re.escape(prefix)
    # A word may also begin after the minus of a diff, an escaped line break or an escaped "=" or space.
    boundary = "|".join(rf"(?<={before}{literal})" for before in ("^-", r"\\[nrt]", "%3D", "%20"))
    return Rule(kind, prefix, rf"{literal}(?:(?<![\w-]{literal})|{boundary}){body}")


_WORD_END = r"(?![A-Za-z0-9])"

_TOKENS: tuple[Rule, ...] = (
    *(_token("aws-access-key-id", p, rf"[A-Z0-9]{{16}}{_WORD_END}") for p in ("AKIA", "ASIA", "ABIA", "ACCA")),
    *(_token("github-token", f"gh{c}_", r"[A-Za-z0-9]{30,}+") for c in "pousr"),
    _token("github-token", "github_pat_", r"\w{22,}+"),
    *(
        _token("gitlab-token", f"gl{p}-", r"[\w.-]{16,}+")
        for p in ("pat", "dt", "rt", "cbt", "ptt", "ft", "soat", "agent", "oas", "imt")
    ),
    *(_token("slack-token", f"xox{c}-", r"[A-Za-z0-9-]{10,}+") for c in "abceoprs"),
    _token("slack-token", "xapp-", r"[0-9]-[A-Za-z0-9-]{10,}+"),
    *(_token("openai-key", f"sk-{p}-", r"[\w-]{20,}+") for p in ("proj", "svcacct", "admin", "or-v1", "None")),
    _token("anthropic-key", "sk-ant-", r"[\w-]{16,}+"),
    _token("openai-key", "sk-", rf"(?=[A-Za-z]{{0,64}}[0-9])[A-Za-z0-9]{{32,}}+{_WORD_END}"),
    _token("google-key", "AIza", r"[\w-]{30,45}+(?![\w-])"),
    _token("google-token", "ya29.", r"[\w-]{20,}+"),
    _token("google-secret", "GOCSPX-", r"[\w-]{20,}+"),
    *(_token("stripe-key", f"{k}_{m}_", r"[A-Za-z0-9]{16,}+") for k in ("sk", "rk") for m in ("live", "test")),
    _token("stripe-secret", "whsec_", r"[A-Za-z0-9+/=]{24,}+"),
    _token("npm-token", "npm_", r"[A-Za-z0-9]{30,}+"),
    _token("pypi-token", "pypi-AgE", r"[\w-]{30,}+"),
    _token("huggingface-token", "hf_", rf"[A-Za-z0-9]{{30,}}+{_WORD_END}"),
    _token("huggingface-token", "api_org_", r"[A-Za-z0-9]{30,}+"),
    _token("wandb-key", "wandb_v1_", r"\w{20,}+"),
    _token("databricks-token", "dapi", rf"[0-9a-f]{{32}}(?:-[0-9])?{_WORD_END}"),
    _token("digitalocean-token", "dop_v1_", r"[0-9a-f]{64}"),
    _token("sendgrid-key", "SG.", r"[\w-]{16,64}+\.[\w-]{16,64}+"),
    _token("shopify-token", "shpat_", r"[0-9a-fA-F]{32}"),
    _token("vault-token", "hvs.", r"[\w-]{24,}+"),
    _token("groq-key", "gsk_", r"[A-Za-z0-9]{30,}+"),
    _token("replicate-token", "r8_", r"[A-Za-z0-9]{30,}+"),
    _token("json-web-token", "eyJ", r"[\w-]{8,}+\.eyJ[\w-]{6,}+\.[\w-]*+"),
)

# After the fixed string, group 1 is the secret.
_CONTEXTS: tuple[Rule, ...] = (
    *CREDENTIALS,
    Rule("slack-webhook", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/]{20,}+)"),
    Rule("discord-webhook", "/api/webhooks/", r"/api/webhooks/[0-9]{10,24}+/([\w-]{40,}+)"),
    Rule("azure-key", "AccountKey=", r"AccountKey=([A-Za-z0-9+/=]{16,}+)"),
    Rule("azure-key", "SharedAccessKey=", r"SharedAccessKey=([A-Za-z0-9+/=]{16,}+)"),
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

# Another option, rather than a secret that begins with a minus.
_FLAG = re.compile(r"--[A-Za-z]+(?:[_-][A-Za-z]+)*(?:=.*)?|-[A-Za-z]|-[a-z]+|--", re.DOTALL)
# Options whose value is a user and a password; two numbers are the ids of a user and a group.
_USERS = frozenset(("-u", "--user", "--auth", "--basic-auth", "--http-auth", "--proxy-user", "--userpwd"))
_LOGIN = re.compile(r"(?![0-9]+:[0-9]+\Z)([^\s:/]*):(?!/)(\S+)")


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
    masked, findings = _mask(text)
    # Masking one secret may lay another bare whose name it had run into.
    more = findings
    while more:
        masked, more = _mask(masked)
        findings += more
    return masked, sorted(findings, key=lambda finding: finding.position)


def _mask(text: str) -> tuple[str, list[Finding]]:
    """Mask what is found in one pass."""
    spans = sorted(_spans(text))
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
        hidden = _masked_argument(argv, index, command)
        command = command_named(argument, argv[index - 1] if index else "") or command
        if hidden is not None:
            masked.append(hidden)
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
    return {name: _redacted_value(value, is_secret_option(name)) for name, value in values.items()}


def _redacted_value(value: Any, secret: bool) -> Any:
    if isinstance(value, Mapping):
        return {name: _redacted_value(item, secret or is_secret_option(name)) for name, item in value.items()}
    if isinstance(value, list) and not secret and all(isinstance(item, str) for item in value):
        return redact_argv(value)[0]
    if isinstance(value, list):
        return [_redacted_value(item, secret) for item in value]
    if not isinstance(value, str | bytes):
        return value
    if secret:
        return MASK if value and not (isinstance(value, str) and is_placeholder(value)) else value
    return redact(value)[0] if isinstance(value, str) else value


def _masked_argument(argv: Sequence[str], index: int, command: str | None) -> str | None:
    """Return an argument masked if it is a secret for what stands before it, None if not."""
    argument, before = argv[index], argv[index - 1] if index else ""
    behind = split_secret(command, before, argument)
    if behind is not None:
        return f"{behind[0]}{MASK}"
    if before.startswith("-") and "=" not in before:
        if is_secret_option(before) and not _FLAG.fullmatch(argument):
            return MASK
        if before in _USERS and (login := _LOGIN.fullmatch(argument)) and not is_placeholder(login[2]):
            return f"{login[1]}:{MASK}"
        if not _FLAG.fullmatch(argument) and is_secret_argument(before, argument):
            return MASK
    name, equals, value = argument.partition("=")
    if not equals or "\n" in value or is_placeholder(value):
        return None
    if name in _USERS and (login := _LOGIN.fullmatch(value)) and not is_placeholder(login[2]):
        return f"{name}={login[1]}:{MASK}"
    is_secret = is_secret_option(name) or (name.startswith("-") and is_secret_argument(name, value))
    return f"{name}={MASK}" if is_secret else None


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


def _spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Find start, end and kind of each secret, in no order, possibly overlapping."""
    for rule in _TOKENS:
        if rule.hint in text:
            for match in rule.pattern.finditer(text):
                yield match.start(), match.end(), rule.kind
    for rule in _CONTEXTS:
        if rule.hint in text:
            for match in rule.pattern.finditer(text):
                if not is_placeholder(match[1]):
                    yield match.start(1), match.end(1), rule.kind
    if "uthorization" in text:
        for match in compiled(_HEADER).finditer(text):
            if not is_placeholder(match[1]):
                yield match.start(1), match.end(1), "authorization-header"
    if "PRIVATE KEY" in text:
        yield from _key_blocks(text)
    for start, end in (*named_secrets(text), *secrets_in_calls(text)):
        yield start, end, "named-secret"


def _key_blocks(text: str) -> Iterator[tuple[int, int, str]]:
    for begin in compiled(_KEY_BEGIN).finditer(text):
        position = begin.end()
        while (body := compiled(_KEY_BODY).match(text, position)) is not None:
            position = body.end()
            if body[1] is not None:
                yield body.start(1), body.end(1), "private-key"
