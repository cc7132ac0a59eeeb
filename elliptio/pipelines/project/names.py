"""Say which name was meant, and refuse unknown and equal names in one voice."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 12


def meant(name: object, known: Iterable[object]) -> str:
    """Say which of the known names is like this one, or all of them, as the end of a sentence."""
    from difflib import get_close_matches

    names = sorted({str(each) for each in known})
    folded: dict[str, str] = {}
    for each in names:
        folded.setdefault(each.casefold(), each)
    close = get_close_matches(str(name).casefold(), folded, n=1)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    if not names:
        return "there is none."
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    verb = "is" if len(names) == 1 else "are"
    return f"there {verb} {', '.join(map(repr, names[:_MOST]))}{more}."


def drawn(names: Iterable[str]) -> str:
    """Draw a way through names, such as a cycle: ``a → b → a``."""
    return " → ".join(names)


def same(one: object, other: object) -> bool:
    """Tell whether two keys are the same for people, who do not care for the case of letters."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other or one.casefold() == other.casefold()
    return one == other and type(one) is type(other)


def is_bool_in_yaml(key: object) -> str:
    """Say why a key is no text where YAML made a truth of a word such as ``on``; else nothing."""
    if isinstance(key, bool):
        return " (YAML reads the bare words on, off, yes, no, true and false as truths: put the name into quotes)"
    return " (put it into quotes)"
