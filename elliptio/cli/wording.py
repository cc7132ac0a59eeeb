"""Say things in the words of the command: what the library says names its own options and verbs."""

from __future__ import annotations

import re
from collections.abc import Iterable

_VERBS = "find|runs|upload|identify|reindex|verify|flush|hash|tags|gc"
_SPELLINGS = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        # Where a message names both, the command's stays.
        (r"\bh\.[\w.]+(?:\([^()]*\))?,? or (`?elliptio )", r"\1"),
        (r"\b\w+=True \(`(?:elliptio \w+ )?(--[\w-]+)`\)", r"\1"),
        (r"\bh\.latest\(\{'([^']*)': '([^']*)'\}\)", r"""`elliptio find '{"\1": "\2"}' --limit 1`"""),
        (r"\bh\.latest\(query\)", "`elliptio find QUERY --limit 1`"),
        (r"\bh\.tags\(history=('[^']*')\)", r"`elliptio tags --history \1`"),
        (r"\bh\.runs\.tree\b", "elliptio runs --tree"),
        (rf"\b(?:h|Handler)\.({_VERBS})(?:\(\))?(?![\w(.])", r"`elliptio \1`"),
        (r"\bmax_docs=0\b", "--limit 0"),
        (r"(?<!\w)\.download\(to=\.\.\.\)", "--to DIR"),
        (r"\b(force|overwrite|deleted)=True\b", r"--\1"),
    )
)  # fmt: skip


def as_the_command_says(text: str) -> str:
    """Name options and verbs in a message of the library as the command names them: ``--force``, not ``force=True``."""
    for pattern, said in _SPELLINGS:
        text = pattern.sub(said, text)
    return text


def meant(given: str, known: Iterable[str]) -> str | None:
    """Tell which of the known words is meant by a mistyped one; None where none is near."""
    from difflib import get_close_matches

    words = sorted(known)
    begun = [word for word in words if word.startswith(given)] if len(given.strip("-")) > 1 else []
    close = begun or get_close_matches(given, words, n=1)
    return close[0] if close else None
