"""Names that tell of a secret, and values that are none: ``DB_PASSWORD``, ``api_key``, ``--token``; ``${TOKEN}``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from elliptio.masking import Later

_KINDS_OF_KEY = (
    *("api", "access", "account", "private", "auth", "signing", "encryption"),
    *("master", "session", "storage", "service", "license", "subscription"),
)
_VENDORS = (
    *("wandb", "openai", "anthropic", "hf", "huggingface", "comet", "neptune", "aws", "azure", "gcp", "google"),
    *("github", "gitlab", "mistral", "cohere", "replicate", "pinecone", "datadog", "stripe", "sendgrid", "twilio"),
    *("adafruit_io", "airtable", "algolia", "alibaba", "bitbucket", "cloudflare", "codecov", "coinbase", "confluent"),
    *("contentful", "discord", "dropbox", "fastly", "finnhub", "flickr", "gocardless", "heroku", "hubspot", "jfrog"),
    *("kraken", "kucoin", "langsmith", "launchdarkly", "looker", "mailchimp", "mailgun", "meraki", "netlify"),
    *("okta", "plaid", "rapidapi", "sentry", "snyk", "sumologic", "tavily", "twitter", "yandex", "zendesk"),
)
OTHER_LANGUAGES = (
    *("passwort", "kennwort", "contraseña", "contrasena", "mot_de_passe", "senha", "wachtwoord"),
    *("lösenord", "hasło", "пароль", "密码", "パスワード"),
)
"""Passwords by the names that other languages have for them."""
KEY = (
    rf"passw(?:or)?d|passphrase|passcode|pwd|{'|'.join(OTHER_LANGUAGES)}"
    r"|secret(?:[_-]?(?:access[_-]?)?key)?"
    r"|token"
    rf"|(?:{'|'.join(_KINDS_OF_KEY)})[_-]?key|(?:{'|'.join(_VENDORS)})[._-]?key"
)
"""Ends of telling names: the source of a pattern that ignores case."""
SHORT_KEY = r"pass|pword|pw|credentials?|creds?"
"""Ends of names that may tell of a secret; the value decides."""

_BEFORE_KEY = Later(rf"(?:{'|'.join((*_KINDS_OF_KEY, *_VENDORS))})[._-]?\Z")
_LONGEST_BEFORE_KEY = max(map(len, (*_KINDS_OF_KEY, *_VENDORS))) + 1
# What the other names begin with; looking for plain strings is ten times faster than a pattern that ignores case.
_ROOTS = ("pass", "pwd", "pword", "pw", "secret", "token", "cred", *OTHER_LANGUAGES[1:])

_OPTION = Later(rf"(?:[\w.+-]*[_.+-])?({KEY})", re.IGNORECASE | re.ASCII)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z")
_PATH = re.compile(r"(?:~|\.{1,2})?/[\w.@/-]*\Z", re.ASCII)
_FILE_NAME = re.compile(r"\.[a-z]{2,5}\Z")
_GENERATED = re.compile(r"[A-Za-z0-9+/=_-]+\Z")
_TURN = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])")
_HARMLESS_KEYS = frozenset(
    ("sort", "primary", "foreign", "cache", "public", "partition", "group", "join", "index", "order", "object", "row")
)
_SHORT_WORDS = frozenset(("pass", "pat", "credentials", "credential", "creds", "cred", "pw", "pword"))
# A pass with one of these words before it is one over data, or of a test.
_PASSES = frozenset(
    [
        "first",
        "second",
        "third",
        "forward",
        "backward",
        "single",
        "multi",
        "two",
        "one",
        "num",
        "n",
        "by",
        "no",
        "render",
        "test",
        "tests",
        "last",
        "next",
        "per",
        "did",
    ]
)

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
    yes no todo type field password passwd passwort token secret auto inherit prompt stdin env await new lambda
"""
_NOT_VALUES = frozenset(_NOT_VALUES_WORDS.split())


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
    words = words_of(name[: match.start(1)])
    if match[1].lower() == "pwd" and not words:
        return False
    return not words or (words[0] != "no" and not is_linguistic(match[1], words))


def is_secret_argument(name: str, value: str) -> bool:
    """Tell whether a name that may tell of a secret does, judged by its value: ``--key``, ``--pwd``, ``DB_PASS``."""
    words = words_of(name[:128])
    if not words or is_placeholder(value) or is_path(value) or any(map(str.isspace, value)):
        return False
    if words[-1] in _SHORT_WORDS:
        return not is_pass(words[:-1]) and not (value.isdigit() and len(value) < 4) and not is_file_name(value)
    if not name.startswith("-"):
        return False
    if words[-1] == "pwd":
        return is_mixed(value, 8) and (_turns(value) > 1 or any(letter in "!@#$%^&*~?" for letter in value))
    if words[-1] == "key" and len(words) > 1 and words[-2] in _HARMLESS_KEYS:
        return False
    if words[-1] in ("key", "auth"):
        return len(value) >= 16 and _GENERATED.match(value) is not None and _turns(value) > 3
    return False


def _turns(value: str) -> int:
    """Count how often digits and letters take turns: often in what was generated, seldom in what was named."""
    return len(_TURN.findall(re.sub(r"[^A-Za-z0-9]", "", value)))


def key_positions(text: str) -> Iterator[int]:
    """Find where telling names may begin, in order."""
    lower = text.lower()
    if len(lower) != len(text):  # rare letters become two in lower case
        lower = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)
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
    return iter(sorted(positions))


def words_of(name: str) -> list[str]:
    """Split a name into its words, in lower case."""
    return [word.lower() for word in _WORDS.findall(name)]


def is_linguistic(key: str, words: list[str]) -> bool:
    """Tell whether a token after these words is one of a language model or a parser."""
    return key.lower() == "token" and bool(words) and words[-1] in _LINGUISTIC


def is_mixed(value: str, length: int) -> bool:
    """Tell whether a value has both digits and letters, as generated ones do and words do not."""
    has_digit = any(character.isdigit() for character in value)
    return len(value) >= length and has_digit and any(character.isalpha() for character in value)


def is_pass(words: list[str]) -> bool:
    """Tell whether a word `pass` after these words is one over data or of a test."""
    return bool(words) and words[-1] in _PASSES


def is_variable(value: str) -> bool:
    """Tell whether a value is the name of an environment variable."""
    return _VARIABLE.match(value) is not None


def is_path(value: str) -> bool:
    """Tell whether a value is a path."""
    return _PATH.match(value) is not None


def is_file_name(value: str) -> bool:
    """Tell whether a value ends as the names of files do."""
    return _FILE_NAME.search(value) is not None
