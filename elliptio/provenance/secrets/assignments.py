"""Find secrets by the name they are given to: ``PASSWORD=…``, ``"api_key": "…"``, ``--token …``.

The difficulty is what to leave alone: ``password: str``, ``token = tokens[0]`` and ``pad_token="[PAD]"`` are code, not
secrets. A literal in quotes counts as a secret sooner than a bare word, and a password sooner than a token.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator

from elliptio.masking import Later
from elliptio.provenance.secrets.names import (
    KEY,
    OTHER_LANGUAGES,
    SHORT_KEY,
    is_file_name,
    is_linguistic,
    is_mixed,
    is_pass,
    is_path,
    is_placeholder,
    is_variable,
    words_of,
)

_NEW_LINE = r"(?:\\n\",)?\n[+-]?[ \t]{0,80}+\"?[ \t]{0,80}+"
_QUOTED = (
    # In brackets, the literal may stand on the next line.
    r"(?P<bracket>(?:[\w.]{0,32}(?:SecretStr|SecretBytes|Secret|Field|field)(?=\())?"
    rf"\([ \t]{{0,4}}+(?:{_NEW_LINE})?(?:default[ \t]?=[ \t]?)?)?"
    r"[rbfuRBFU]{0,2}(?:"
    r"(?:\\{0,3}\"){3}(?:\\?\n[+-]?[ \t]{0,80}+)?(?P<triple_double>[^\"\\\n]{1,1000}+)"
    r"|'{3}(?:\\?\n[+-]?[ \t]{0,80}+)?(?P<triple_single>[^'\\\n]{1,1000}+)"
    r'|\\{1,3}"(?P<escaped>[^"\\\n]{1,1000}+)\\{1,3}"|"(?P<double>(?:[^"\\\n]|\\.){1,1000}+)"'
    r"|'(?P<single>(?:[^'\\\n]|\\.){1,1000}+)')"
)
_BARE = r"""(?P<bare>[^\s"'`,;&()\[\]{}<>|\\]{1,2000}+)"""
_NAMED = Later(
    rf"(?P<key>{KEY}|{SHORT_KEY})"
    r"(?P<close>\\{0,3}[\"']\]?)?"
    r"(?P<separator>[ \t]{0,8}+(?:=>|:=|:[ \t]{0,2}[A-Za-z][\w.| ]{0,40}=(?!=)|[:=](?![:=]))[ \t]{0,8}+|[ \t]{1,8}+|>)"
    rf"(?:{_QUOTED}|{_BARE})",
    re.IGNORECASE | re.ASCII,
)
_VALUES = ("bare", "double", "single", "escaped", "triple_double", "triple_single")
_MORE = Later(rf"[ \t]{{0,8}}+(?:{_NEW_LINE})?[rbfuRBFU]{{0,2}}\\{{0,3}}[\"']([^\"'\\\n]{{1,1000}}+)\\{{0,3}}[\"']")
_SHORT = Later(SHORT_KEY, re.IGNORECASE)
_LONGEST_SHORT = 256
_STRONG = ("pass", "pwd", "secret", *OTHER_LANGUAGES)
# A `pass` or `pw` with one of these words before it is a password, whatever its value.
_ACCOUNT_WORDS = """
    db database sql mysql mariadb pg postgres postgresql redis mongo mongodb oracle mssql jdbc odbc sa ldap smtp imap
    pop mail email ftp sftp ssh http https proxy api app web user usr root admin login account auth basic master service
    server host remote client sudo vpn wifi rabbitmq rabbit mq amqp kafka es elastic elasticsearch key keystore
    truststore store cert private registry docker git svn jenkins jupyter my su
"""
_ACCOUNTS = frozenset(_ACCOUNT_WORDS.split())
# What gives a value to a variable with nothing but a space between: Dockerfiles, fish, csh.
_EXPORT = Later(
    r"(?:^|[\s;&|\"'+-])(?:ENV|ARG|setenv|set(?:[ \t]{1,4}-{1,2}[A-Za-z-]{1,12}){1,3})[ \t]{1,8}[\w.-]*\Z", re.ASCII
)
_NAME_CHARACTERS = string.ascii_letters + string.digits + "_.-"
_DOTTED = Later(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z", re.ASCII)
_IDENTIFIER = Later(r"[A-Za-z_]\w*\Z", re.ASCII)
# The beginning of a line in a diff; in a notebook, each line is a string.
_LINE_START = Later(r"[+-]?(?:[ ]*\")?(?P<indent>[ ]*)(?:- )?[\w.-]*\Z", re.ASCII)

# How far back the beginning of a name or of its line is looked for.
_REACH = 64

_PROMPT = Later(r"pass|enter|your|please|invalid|must|wrong|user|required|secret|token|\bis\b|\bfor\b", re.IGNORECASE)


def named_secrets(text: str, positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Find start and end of each secret that is given to a telling name, which may begin at these positions."""
    for match in _matches(text, positions):
        group = next(name for name in _VALUES if match[name] is not None)
        start, end = match.span(group)
        if match["separator"].endswith(">") and "=" not in match["separator"]:
            # An XML element, `<password>value</password>`.
            if text.startswith("</", end) and not is_placeholder(match[group]):
                yield start, end
            continue
        before = text[max(0, match.start() - _REACH) : match.start()]
        if _is_secret(match, group, before, text[end : end + 1]):
            if group == "bare" and (_is_shell(match, before) or match["separator"].isspace()):
                end = _end_of_word(text, end)
            yield start, end
            if match["bracket"]:
                yield from (more.span(1) for more in _continued(text, match.end()))


def _continued(text: str, position: int) -> Iterator[re.Match[str]]:
    """Find the literals that Python joins to the one before, inside brackets."""
    while (more := _MORE.match(text, position)) is not None:
        yield more
        position = more.end()


def _matches(text: str, positions: Iterable[int]) -> Iterator[re.Match[str]]:
    done = 0
    for position in positions:
        match = _NAMED.match(text, position) if position >= done else None
        if match is not None:
            # What a short name is given to may be another name: `creds: password=…`
            done = done if _is_short(match["key"]) else match.end()
            yield match


def _is_secret(match: re.Match[str], group: str, before: str, after: str) -> bool:
    key, value = match["key"], match[group]
    if len(value) > _LONGEST_SHORT and _is_short(key):
        return False
    prefix = _end_of_name(before)
    words = words_of(prefix)
    exported = match["separator"].isspace() and _EXPORT.search(before) is not None
    if match["separator"].isspace() and not (exported or prefix.startswith("--")):
        return False
    if is_placeholder(value) or value.lower() == key.lower() or is_linguistic(key, words):
        return False
    # `userpassword` is a password, but `detoken` is no token; `accessToken` is one.
    glued = prefix[-1:].isalnum() and not (key[0].isupper() and prefix[-1].islower())
    if glued and key.lower() in ("pwd", "token", "senha"):
        return False
    if "." in key and not prefix.startswith("--"):  # `aws.key`, an attribute
        return False
    if _is_short(key):
        return _is_short_secret(match, group, before, after, glued)
    if key.lower() == "pwd" and not prefix.endswith(("_", "-", ".")) and not before.endswith(";"):
        return group != "bare" and match["separator"].strip() in ("=", ":") and _is_password(value)
    if before.endswith(":") and match["separator"] == ":":  # in the middle of an identifier, `arn:…:secret:name`
        return False
    strong = key.lower().startswith(_STRONG)
    if exported:
        return _is_shell_value(value, strong)
    if match["separator"].isspace():
        return _is_option_value(group, value)
    if value.lower().replace("-", "_").endswith(key.lower().replace("-", "_")) and _IDENTIFIER.match(value):
        return False
    if group != "bare":
        return _is_secret_literal(key, value, strong, qualified=bool(words) or "key" in key.lower())
    if after in ("(", "[", "{") or _DOTTED.match(value):
        return False
    if _is_shell(match, before):
        return _is_shell_value(value, strong)
    return _is_secret_word(match, value, before, after, strong)


def _is_short(key: str) -> bool:
    return _SHORT.fullmatch(key) is not None


def _is_short_secret(match: re.Match[str], group: str, before: str, after: str, glued: bool) -> bool:
    """Tell whether ``DB_PASS=…``, ``pw = "…"`` or ``credentials: …`` holds a secret."""
    key, value = match["key"].lower(), match[group]
    words = words_of(_end_of_name(before))
    of_account = bool(words) and words[-1] in _ACCOUNTS
    if (glued and (key.startswith("cred") or not of_account)) or is_pass(words) or any(map(str.isspace, value)):
        return False
    if is_path(value) or is_variable(value) or is_file_name(value) or value.lower().endswith(key):
        return False
    strong = of_account and not key.startswith("cred")
    if match["separator"].isspace() and not _EXPORT.search(before):
        return _is_option_value(group, value)
    if group != "bare":
        return len(value) >= 3 and "{" not in value and (strong or is_mixed(value, 8 if key.startswith("cred") else 6))
    if after in ("(", "[", "{") or _DOTTED.match(value):
        return False
    if match["separator"].isspace() or _is_shell(match, before):
        return _is_shell_value(value, strong)
    if key.startswith("p") and not words and match["separator"].strip() == ":":  # as tests say `PASS: name`
        return False
    return _is_secret_word(match, value, before, after, strong)


def _is_shell_value(value: str, strong: bool) -> bool:
    return len(value) >= 3 and not is_variable(value) and (strong or is_mixed(value, 6))


def _end_of_name(before: str) -> str:
    """Return what belongs to a name at the end of the text before its last word."""
    return before[len(before.rstrip(_NAME_CHARACTERS)) :]


def _is_shell(match: re.Match[str], before: str) -> bool:
    """Tell whether it is written ``NAME=value`` or ``--name=value``, as shells and .env files do."""
    if match["separator"] != "=" or match["close"]:
        return False
    prefix = _end_of_name(before)
    name = prefix + match["key"]
    return prefix.startswith("--") or (name.upper() == name and not before[: len(before) - len(prefix)].endswith("("))


def _end_of_word(text: str, position: int) -> int:
    while position < len(text) and text[position] not in " \t\r\n\"'`":
        position += 1
    return position


def _is_option_value(group: str, value: str) -> bool:
    """Tell whether ``--password value`` in a text means this value; prose about an option has words there."""
    if value.startswith("-"):
        return False
    return (group != "bare" and " " not in value) or is_mixed(value, 4)


def _is_password(value: str) -> bool:
    """Tell whether a literal named ``pwd`` is a password, and no working directory."""
    return len(value) >= 3 and not any(letter in "/\\~ \t" for letter in value) and not value.startswith(".")


def _is_secret_literal(key: str, value: str, strong: bool, qualified: bool) -> bool:
    if any(character.isspace() for character in value):
        if key.lower() == "passphrase":
            return _PROMPT.search(value) is None
        return strong and is_mixed(value, 6) and _PROMPT.search(value) is None
    if is_variable(value) or (is_path(value) and "secret" not in key.lower()):
        return False
    if strong:
        return len(value) >= 3 and not value.endswith(":")
    if is_mixed(value, 8):
        return "{" not in value and not ("/" in value and is_file_name(value))
    return qualified and len(value) >= 20 and value.isalpha() and not value.islower()


def _is_secret_word(match: re.Match[str], value: str, before: str, after: str, strong: bool) -> bool:
    """Tell whether a bare word is a secret rather than the name of a variable or a type."""
    line = before.rpartition("\n")[2]
    start = _LINE_START.match(line) if after in ("", "\n", "\r", "\\") and not match["close"] else None
    alone = start is not None
    spaced = match["separator"] != "="
    if is_path(value) and not strong:
        return False
    if before.endswith((";", "?", "&")) or after in (";", "&"):
        return len(value) >= 3 and (strong or is_mixed(value, 6))
    if _IDENTIFIER.match(value):
        if after in (",", ")") or "_" in value or value.lower().startswith(match["key"].lower()):
            return False
        if strong and alone and not value[0].isupper() and "=" not in match["separator"]:
            return len(value) >= 3
        if strong and start is not None and not spaced and len(start["indent"]) < 2:
            return len(value) >= 3
        return is_mixed(value, 6 if strong else 12)
    if strong:
        return is_mixed(value, 4) or (alone and len(value) >= 4 and any(c in "!@#$%^&*~?" for c in value))
    return is_mixed(value, 10)
