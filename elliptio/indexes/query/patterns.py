r"""Translate MongoDB's regular expressions, which are PCRE's, into Python's.

What the two read alike is kept, what they read differently is translated, and what Python cannot do is refused.
PCRE in MongoDB knows Unicode characters and their case, but ``\d \w \s \b`` are ASCII, which Python can only say
for one group at a time: ``(?a:…)``.

Python's `re` cannot be stopped, not even from another thread. So it gets what is done soon: few repetitions, none of
them of a group, in short texts. The rest is searched by `regex`, which is slower, finds the same and takes a limit.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, Final, NoReturn

from elliptio.errors import QueryError
from elliptio.naming import shorten

FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "u": re.UNICODE}

# Escapes: read alike, ASCII classes, and translated.
_SAME = frozenset("nrtfa")
_ASCII = frozenset("dDwWsS")
_OTHERWISE = {"A": r"\A", "Z": r"(?=\n?\Z)", "z": r"\Z", "e": r"\x1b", "b": r"(?a:\b)", "B": r"(?a:\B)"}
_GROUP = re.compile(r"\(\?(?:[:=!>#]|<[=!]|P<\w+>|<\w+>|P=\w+\)|[imsx]+\)|[imsx]*(?:-[imsx]+)?:)")
_HEX = re.compile(r"x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))")
_BRACES = re.compile(r"\{(?:\d+(?:,\d*)?\}|[^\d,\s]|$)")
_INLINE_MULTILINE = re.compile(r"\(\?[isx]*m")
_INLINE_CASELESS = re.compile(r"\(\?[msx]*i[imsx]*\)")
_SCOPED = re.compile(r"\(\?[imsx]*(?:i[imsx]*|-[imsx]*i[imsx]*):")
_REPETITION = re.compile(r"\{\d")
# Python takes these for i in another case, PCRE for letters of their own.
_TURKISH = "\u0130\u0131"


class _Translation:
    """Translate one pattern from PCRE to Python."""

    def __init__(self, pattern: str, options: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.verbose = "x" in options or re.search(r"\(\?[ims]*x", pattern) is not None
        self.multiline = "m" in options or _INLINE_MULTILINE.search(pattern) is not None
        self.caseless = ("i" in options or _INLINE_CASELESS.match(pattern) is not None) and not _SCOPED.search(pattern)

    def refuse(self, what: str) -> NoReturn:
        raise QueryError(
            f"the regular expression {self.pattern!r} uses {what}, which elliptio cannot evaluate exactly as MongoDB "
            "does: write it without"
        )

    def run(self) -> str:
        out = []
        while self.at < len(self.pattern):
            character = self.pattern[self.at]
            if character == "\\":
                out.append(self.escape())
            elif character == "[":
                out.append(self.character_class())
            elif character == "(":
                out.append(self.group())
            else:
                out.append(self.plain(character))
        return "".join(out)

    def plain(self, character: str) -> str:
        if character == "{" and not _BRACES.match(self.pattern, self.at):
            self.refuse("a '{' that is not a plain repetition")
        if character == "#" and self.verbose:
            self.refuse("a comment, or a '#' that may be one")
        if character == "{" and not _REPETITION.match(self.pattern, self.at):
            self.at += 1
            return r"\{"
        self.at += 1
        if character == "^" and self.multiline:
            # PCRE sees no new line after a newline that ends the text.
            return r"(?:\A|^(?!\Z))"
        if self.caseless and character in "iI" + _TURKISH:
            return "(?-i:[iI])" if character in "iI" else f"(?-i:{character})"
        return character

    def group(self) -> str:
        if not self.pattern.startswith(("(?", "(*"), self.at):
            self.at += 1
            return "("
        found = _GROUP.match(self.pattern, self.at)
        if found is None:
            self.refuse(f"{self.pattern[self.at : self.at + 4]!r}")
        text = found.group()
        if text[2] in "imsx" and text[-1] == ")" and self.at:
            self.refuse(f"{text!r} after its beginning")
        if text == "(?#":
            self.refuse("a comment")
        self.at = found.end()
        if text.startswith("(?<") and text[3] not in "=!":
            return "(?P" + text[2:]
        return text

    def escape(self) -> str:
        following = self.pattern[self.at + 1 : self.at + 2]
        if found := _HEX.match(self.pattern, self.at + 1):
            self.at = found.end()
            return re.escape(self.hexadecimal(found))
        self.at += 2
        if following in _ASCII:
            return rf"(?a:\{following})"
        if following in _OTHERWISE:
            return _OTHERWISE[following]
        if following in "123456789" and not self.pattern[self.at : self.at + 1].isdigit():
            return "\\" + following
        return self.literal_escape(following)

    def literal_escape(self, following: str) -> str:
        if following and (following in _SAME or not (following.isascii() and following.isalnum())):
            return "\\" + following if following.isascii() else following
        self.refuse(f"the escape '\\{following}'")

    def hexadecimal(self, found: re.Match[str]) -> str:
        code = int(found.group(1) or found.group(2), 16)
        if code > 0x10FFFF:
            self.refuse(f"the escape '\\{found.group()}'")
        return chr(code)

    def character_class(self) -> str:
        """Translate ``[…]``; ASCII classes in it become an alternative to the rest, or all of it is negated."""
        self.at += 1
        negated = self.pattern.startswith("^", self.at)
        self.at += negated
        items: list[str] = []
        classes: list[str] = []
        first = True
        while first or not self.pattern.startswith("]", self.at):
            if self.at >= len(self.pattern):
                raise QueryError(f"the regular expression {self.pattern!r} has a '[' without its ']'")
            item = self.class_item()
            (classes if item in _SHORTHANDS else items).append(item)
            first = False
        self.at += 1
        return self.joined(negated, classes, "".join(items))

    def joined(self, negated: bool, classes: list[str], rest: str) -> str:
        turkish = self.caseless and rest.isascii()
        if not classes and not turkish:
            return f"[{'^' * negated}{rest}]"
        alternatives = [f"(?a:[{''.join(classes)}])"] if classes else []
        if rest:
            alternatives.append(f"(?!(?-i:[{_TURKISH}]))[{rest}]" if turkish else f"[{rest}]")
        either = "|".join(alternatives)
        return f"(?:(?!{either})(?s:.))" if negated else f"(?:{either})"

    def class_item(self) -> str:
        character = self.pattern[self.at]
        if character == "\\":
            return self.class_escape()
        if character == "[" and self.pattern[self.at + 1 : self.at + 2] in (":", ".", "="):
            self.refuse("a POSIX class like [:alpha:]")
        self.at += 1
        # A '-' keeps its meaning (a range, or itself at the ends); the rest is literal in PCRE and shall be here.
        if character == "-":
            return self.dash()
        return character if character.isalnum() or not character.isascii() else "\\" + character

    def dash(self) -> str:
        before, after = self.pattern[: self.at - 1], self.pattern[self.at : self.at + 2]
        if after[:1] != "]" and ((before[-2:-1] == "\\" and before[-1:] in _ASCII) or after in _SHORTHANDS):
            self.refuse("a range from or to a class")
        return "-" if after[:1] != "]" and not before.endswith(("[", "[^")) else r"\-"

    def class_escape(self) -> str:
        following = self.pattern[self.at + 1 : self.at + 2]
        if found := _HEX.match(self.pattern, self.at + 1):
            self.at = found.end()
            return re.escape(self.hexadecimal(found))
        self.at += 2
        if following in _ASCII or following == "b":
            return "\\" + following
        if following == "e":
            return r"\x1b"
        return self.literal_escape(following)


_SHORTHANDS = frozenset("\\" + letter for letter in _ASCII)


# --- a limit -------------------------------------------------------------------------------------------------------

LIMIT = 10.0
"""Seconds that a query may spend on searching for one regular expression,"""

LIMIT_A_TEXT = 0.001
"""and as many more for each text that it searched: what looks at a large lake takes long, and is to end."""

SOON = 10_000_000
"""Steps of `re` that nobody would want to stop: a fraction of a second."""

_TOKEN = re.compile(r"\\.|\[(?:\\.|[^]\\])+\]|\)[*+{]|[*+{?|]", re.DOTALL)
_ASCII_GROUP = re.compile(r"\(\?a:(?:\\([dDwWsSbB])|\[((?:\\[dDwWsS])+)\])\)")
_IN_FULL: Final = {
    "d": "[0-9]", "D": "[^0-9]", "s": r"[\x09-\x0d\x20]", "S": r"[^\x09-\x0d\x20]",
    "w": "(?-i:[0-9A-Z_a-z])", "W": "(?-i:[^0-9A-Z_a-z])",
    "b": "(?-i:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))",
    "B": "(?-i:(?<=[0-9A-Z_a-z])(?=[0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?![0-9A-Z_a-z]))",
}  # fmt: skip


def _longest(pattern: str, options: str) -> int:
    """Tell how long a text may be that `re` is done with soon, however little it fits; -1 where nobody knows."""
    repetitions = choices = 0
    if "x" in options or re.search(r"\(\?[ims]*x", pattern):
        return -1  # what a repetition is of may stand further before it
    for token in _TOKEN.findall(pattern):
        if token[0] == ")" or (token[0] == "\\" and token[1] in "123456789"):
            return -1
        repetitions += token in ("*", "+", "{")
        choices += token in ("?", "|")
    # From each place in the text, each repetition may end at each later one.
    return int((SOON / 2.0 ** min(choices, 60)) ** (1 / (repetitions + 1))) - 1


class Pattern:
    """Search texts for a compiled regular expression.

    Parameters
    ----------
    pattern, options
        As MongoDB takes them.
    translation, flags
        As Python's `re` takes them.
    """

    def __init__(self, pattern: str, options: str, translation: str, flags: re.RegexFlag) -> None:
        self.pattern = pattern
        self.quick = re.compile(translation, flags).search
        self.longest = _longest(pattern, options)
        self._translation, self._flags = translation, flags

    @cached_property
    def stoppable(self) -> Callable[..., object]:
        """Search as `quick` does, within a `timeout`."""
        import regex

        def in_full(found: re.Match[str]) -> str:
            return "(?:" + "|".join(_IN_FULL[letter] for letter in (found[1] or found[2].replace("\\", ""))) + ")"

        found: Any = regex.compile(_ASCII_GROUP.sub(in_full, self._translation), int(self._flags) | regex.V0)
        return found.search  # type: ignore[no-any-return]

    def searching(self) -> Callable[[str], bool]:
        """Return what tells whether a text has it, within the limit of one query.

        Raises
        ------
        QueryError
            By what is returned, when the limit is reached.
        """
        left = LIMIT

        def search(text: str) -> bool:
            nonlocal left
            start = time.perf_counter()
            found: object
            try:
                if len(text) <= self.longest:
                    found = self.quick(text)
                else:
                    found = self.stoppable(text, timeout=min(left, LIMIT))
            except TimeoutError:
                raise self._stopped(text) from None
            left += LIMIT_A_TEXT - (time.perf_counter() - start)
            if left <= 0:
                raise self._stopped(text)
            return found is not None

        return search

    def _stopped(self, text: str) -> QueryError:
        return QueryError(
            f"the regular expression {shorten(self.pattern, 200)!r} was stopped: to search for it took more than "
            f"{LIMIT:g} seconds, the last in {shorten(text, 60)!r}. Where repetitions can take the same text in many "
            "ways, as (a+)+ or .*.*.* do, that has no end: write it without, or narrow the query by other fields"
        )


@lru_cache(maxsize=512)
def compile_pattern(pattern: str, options: str = "") -> Pattern:
    """Compile a MongoDB regular expression.

    Parameters
    ----------
    pattern
        In PCRE's syntax.
    options
        Any of MongoDB's ``i m s x u``.

    Returns
    -------
    Pattern
        What it finds in a string is what MongoDB finds.

    Raises
    ------
    QueryError
        If it is malformed, or uses what Python's `re` cannot do.
    """
    flags = re.NOFLAG
    for letter in options:
        if letter not in FLAGS:
            raise QueryError(f"the regular expression option {letter!r} is not one of i, m, s, x, u")
        flags |= FLAGS[letter]
    if "\0" in pattern:
        raise QueryError(f"the regular expression {pattern!r} contains a NUL character")
    try:
        return Pattern(pattern, options, _Translation(pattern, options).run(), flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise QueryError(f"the regular expression {pattern!r} is malformed: {error}") from error
