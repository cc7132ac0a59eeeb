"""Find secrets by the name they are given to: ``PASSWORD=…``, ``"api_key": "…"``, ``--token …``.

The difficulty is what to leave alone: ``password: str``, ``token = tokens[0]`` and ``pad_token="[PAD]"`` are code, not
secrets. A literal in quotes counts as a secret sooner than a bare word, and a password sooner than a token.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

_KEYS_TO = (
    *("api", "access", "account", "private", "auth", "signing", "encryption"),
    *("master", "session", "storage", "service", "license", "subscription", "wandb", "openai", "anthropic", "hf"),
    *("huggingface", "comet", "neptune", "aws", "azure", "gcp", "google", "github", "gitlab", "mistral", "cohere"),
    *("replicate", "pinecone", "datadog", "stripe", "sendgrid", "twilio"),
)
_KEY = (
    r"passw(?:or)?d|passphrase|pwd"
    r"|secret(?:[_-]?(?:access[_-]?)?key)?"
    r"|token"
    rf"|(?:{'|'.join(_KEYS_TO)})[_-]?key"
)
_LONGEST_BEFORE_KEY = max(map(len, _KEYS_TO)) + 1
# What the other names begin with; looking for plain strings is ten times faster than a pattern that ignores case.
_ROOTS = ("password", "passwd", "passphrase", "pwd", "secret", "token")
_BEFORE_KEY = re.compile(rf"(?:{'|'.join(_KEYS_TO)})[_-]?\Z")
_NEW_LINE = r"(?:\\n\",)?\n[+-]?[ \t]{0,80}+\"?[ \t]{0,80}+"
_QUOTED = (
    # In brackets, the literal may stand on the next line.
    rf"(?P<bracket>\([ \t]{{0,4}}+(?:{_NEW_LINE})?)?"
    r"[rbfuRBFU]{0,2}(?:"
    r"(?:\\{0,3}\"){3}(?:\\?\n[+-]?[ \t]{0,80}+)?(?P<triple_double>[^\"\\\n]{1,1000}+)"
    r"|'{3}(?:\\?\n[+-]?[ \t]{0,80}+)?(?P<triple_single>[^'\\\n]{1,1000}+)"
    r'|\\{1,3}"(?P<escaped>[^"\\\n]{1,1000}+)\\{1,3}"|"(?P<double>(?:[^"\\\n]|\\.){1,1000}+)"'
    r"|'(?P<single>(?:[^'\\\n]|\\.){1,1000}+)')"
)
_BARE = r"""(?P<bare>[^\s"'`,;&()\[\]{}<>|\\]{1,2000}+)"""
_NAMED = re.compile(
    rf"(?P<key>{_KEY})"
    r"(?P<close>\\{0,3}[\"']\]?)?"
    r"(?P<separator>[ \t]{0,8}+(?:=>|:=|:[ \t]{0,2}[A-Za-z][\w.| ]{0,40}=(?!=)|[:=](?![:=]))[ \t]{0,8}+|[ \t]{1,8}+|>)"
    rf"(?:{_QUOTED}|{_BARE})",
    re.IGNORECASE | re.ASCII,
)
_VALUES = ("bare", "double", "single", "escaped", "triple_double", "triple_single")
_MORE = re.compile(
    rf"[ \t]{{0,8}}+(?:{_NEW_LINE})?[rbfuRBFU]{{0,2}}\\{{0,3}}[\"']([^\"'\\\n]{{1,1000}}+)\\{{0,3}}[\"']"
)
_OPTION = re.compile(rf"(?:[\w.+-]*[_.+-])?({_KEY})", re.IGNORECASE | re.ASCII)
_NAME_CHARACTERS = string.ascii_letters + string.digits + "_.-"
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z")
# The beginning of a line in a diff; in a notebook, each line is a string.
_LINE_START = re.compile(r"[+-]?(?:[ ]*\")?(?P<indent>[ ]*)(?:- )?[\w.-]*\Z", re.ASCII)
_PATH = re.compile(r"(?:~|\.{1,2})?/[\w.@/-]*\Z", re.ASCII)
_FILE_NAME = re.compile(r"\.[a-z]{2,5}\Z")
_GENERATED = re.compile(r"[A-Za-z0-9+/=_-]+\Z")
_TURN = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])")
_HARMLESS_KEYS = frozenset(
    ("sort", "primary", "foreign", "cache", "public", "partition", "group", "join", "index", "order", "object", "row")
)

# How far back the beginning of a name or of its line is looked for.
_REACH = 64

# A token with one of these words before it is one of a language model or a parser.
_LINGUISTIC_WORDS = """
    pad eos bos unk sep cls mask special next stop start end image prev previous last first per new max min num n
    input output decoder encoder prompt begin continuation current peek bad word sub additional total extra
    sentence text audio video padding unknown separator no cancellation ct
"""
_LINGUISTIC = frozenset(_LINGUISTIC_WORDS.split())
_NOT_VALUES_WORDS = """
    none null nil true false undefined str string bytes int float bool boolean number any object optional required
    text varchar char secretstr self cls not or and if else is in the a an to for of as with default empty missing
    yes no todo type field password passwd token secret auto inherit prompt stdin env await new lambda
"""
_NOT_VALUES = frozenset(_NOT_VALUES_WORDS.split())
_PROMPT = re.compile(
    r"pass|enter|your|please|invalid|must|wrong|user|required|secret|token|\bis\b|\bfor\b", re.IGNORECASE
)


def is_placeholder(value: str) -> bool:
    """Tell whether a value stands for a secret without being one: ``${TOKEN}``, ``<password>``, ``***``."""
    bare = value.strip("\"'")
    if not bare or bare[0] in "$<{" or bare.startswith(("%s", "%(", "%{", "***", "...")):
        return True
    return (
        (len(bare) > 2 and len(set(bare)) == 1)
        or bare.lower() in _NOT_VALUES
        or bare.lower().startswith(("your-", "your_", "xxx"))
    )


def is_secret_option(name: str) -> bool:
    """Tell whether an option or key holds a secret: ``--db-password``, ``model.api_key``, ``HF_TOKEN``."""
    if len(name) > 128:
        return False
    match = _OPTION.fullmatch(name) or _OPTION.fullmatch(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name))
    if match is None:
        return False
    words = [word.lower() for word in _WORDS.findall(name[: match.start(1)])]
    if match[1].lower() == "pwd" and not words:
        return False
    return not words or (words[0] != "no" and not _is_linguistic(match[1], words))


def is_secret_argument(name: str, value: str) -> bool:
    """Tell whether an option that may hold a secret does, judged by its value: ``--key``, ``--pwd``, ``--pass``."""
    words = [word.lower() for word in _WORDS.findall(name[:128])]
    if not words or is_placeholder(value) or _PATH.match(value) or any(map(str.isspace, value)):
        return False
    if words[-1] in ("pass", "pat", "credentials", "credential", "creds", "passcode"):
        return words[0] != "no" and not (value.isdigit() and len(value) < 4) and not _FILE_NAME.search(value)
    if words[-1] == "pwd":
        return _is_mixed(value, 8) and (_turns(value) > 1 or any(letter in "!@#$%^&*~?" for letter in value))
    if words[-1] == "key" and len(words) > 1 and words[-2] in _HARMLESS_KEYS:
        return False
    if words[-1] in ("key", "auth"):
        return len(value) >= 16 and _GENERATED.match(value) is not None and _turns(value) > 3
    return False


def _turns(value: str) -> int:
    """Count how often digits and letters take turns: often in what was generated, seldom in what was named."""
    return len(_TURN.findall(re.sub(r"[^A-Za-z0-9]", "", value)))


def named_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Find start and end of each secret that is given to a telling name."""
    for match in _matches(text):
        group = next(name for name in _VALUES if match[name] is not None)
        start, end = match.span(group)
        if match["separator"].endswith(">") and "=" not in match["separator"]:
            # An XML element, `<password>value</password>`.
            if text.startswith("</", end) and not is_placeholder(match[group]):
                yield start, end
            continue
        before = text[max(0, match.start() - _REACH) : match.start()]
        if _is_secret(match, group, before, text[end : end + 1]):
            if group == "bare" and _is_shell(match, before):
                end = _end_of_word(text, end)
            yield start, end
            if match["bracket"]:
                yield from (more.span(1) for more in _continued(text, match.end()))


def _continued(text: str, position: int) -> Iterator[re.Match[str]]:
    """Find the literals that Python joins to the one before, inside brackets."""
    while (more := _MORE.match(text, position)) is not None:
        yield more
        position = more.end()


def _matches(text: str) -> Iterator[re.Match[str]]:
    lower = text.lower()
    if len(lower) != len(text):  # rare letters become two in lower case
        yield from _NAMED.finditer(text)
        return
    positions: set[int] = set()
    for root in _ROOTS:
        position = lower.find(root)
        while position != -1:
            positions.add(position)
            position = lower.find(root, position + len(root))
    position = lower.find("key")
    while position != -1:
        before = _BEFORE_KEY.search(lower, max(0, position - _LONGEST_BEFORE_KEY), position)
        if before is not None:
            positions.add(before.start())
        position = lower.find("key", position + len("key"))
    done = 0
    for position in sorted(positions):
        match = _NAMED.match(text, position) if position >= done else None
        if match is not None:
            done = match.end()
            yield match


def _is_secret(match: re.Match[str], group: str, before: str, after: str) -> bool:
    key, value = match["key"], match[group]
    prefix = _end_of_name(before)
    if match["separator"].isspace() and not prefix.startswith("--"):
        return False
    words = [word.lower() for word in _WORDS.findall(prefix)]
    if is_placeholder(value) or value.lower() == key.lower() or _is_linguistic(key, words):
        return False
    # `userpassword` is a password, but `detoken` is no token; `accessToken` is one.
    glued = prefix[-1:].isalnum() and not (key[0].isupper() and prefix[-1].islower())
    if glued and key.lower() in ("pwd", "token"):
        return False
    if key.lower() == "pwd" and not prefix.endswith(("_", "-", ".")) and not before.endswith(";"):
        return group != "bare" and match["separator"].strip() in ("=", ":") and _is_password(value)
    if before.endswith(":") and match["separator"] == ":":  # in the middle of an identifier, `arn:…:secret:name`
        return False
    if match["separator"].isspace():
        return _is_option_value(group, value)
    if value.lower().replace("-", "_").endswith(key.lower().replace("-", "_")) and _IDENTIFIER.match(value):
        return False
    strong = key.lower().startswith(("pass", "pwd", "secret"))
    if group != "bare":
        return _is_secret_literal(key, value, strong, qualified=bool(words) or "key" in key.lower())
    if after in ("(", "[", "{") or _DOTTED.match(value):
        return False
    if _is_shell(match, before):
        return len(value) >= 3 and not _VARIABLE.match(value) and (strong or _is_mixed(value, 6))
    return _is_secret_word(match, value, before, after, strong)


def _end_of_name(before: str) -> str:
    """Return what belongs to a name at the end of the text before its last word."""
    return before[len(before.rstrip(_NAME_CHARACTERS)) :]


def _is_linguistic(key: str, words: list[str]) -> bool:
    return key.lower() == "token" and bool(words) and words[-1] in _LINGUISTIC


def _is_mixed(value: str, length: int) -> bool:
    """Tell whether a value has both digits and letters, as generated ones do and words do not."""
    has_digit = any(character.isdigit() for character in value)
    return len(value) >= length and has_digit and any(character.isalpha() for character in value)


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
    return (group != "bare" and " " not in value) or _is_mixed(value, 4)


def _is_password(value: str) -> bool:
    """Tell whether a literal named ``pwd`` is a password, and no working directory."""
    return len(value) >= 3 and not any(letter in "/\\~ \t" for letter in value) and not value.startswith(".")


def _is_secret_literal(key: str, value: str, strong: bool, qualified: bool) -> bool:
    if any(character.isspace() for character in value):
        if key.lower() == "passphrase":
            return _PROMPT.search(value) is None
        return strong and _is_mixed(value, 6) and _PROMPT.search(value) is None
    if _VARIABLE.match(value) or (_PATH.match(value) and "secret" not in key.lower()):
        return False
    if strong:
        return len(value) >= 3 and not value.endswith(":")
    if _is_mixed(value, 8):
        return "{" not in value and not ("/" in value and _FILE_NAME.search(value))
    return qualified and len(value) >= 20 and value.isalpha() and not value.islower()


def _is_secret_word(match: re.Match[str], value: str, before: str, after: str, strong: bool) -> bool:
    """Tell whether a bare word is a secret rather than the name of a variable or a type."""
    line = before.rpartition("\n")[2]
    start = _LINE_START.match(line) if after in ("", "\n", "\r", "\\") and not match["close"] else None
    alone = start is not None
    spaced = match["separator"] != "="
    if _PATH.match(value) and not strong:
        return False
    if before.endswith((";", "?", "&")) or after in (";", "&"):
        return len(value) >= 3 and (strong or _is_mixed(value, 6))
    if _IDENTIFIER.match(value):
        if after in (",", ")") or "_" in value or value.lower().startswith(match["key"].lower()):
            return False
        if strong and alone and not value[0].isupper() and "=" not in match["separator"]:
            return len(value) >= 3
        if strong and start is not None and not spaced and len(start["indent"]) < 2:
            return len(value) >= 3
        return _is_mixed(value, 6 if strong else 12)
    if strong:
        return _is_mixed(value, 4) or (alone and len(value) >= 4 and any(c in "!@#$%^&*~?" for c in value))
    return _is_mixed(value, 10)
