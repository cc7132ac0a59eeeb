"""Narrow runs down by what lies on axes: which values are kept, as an address says it. Values in, values out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elliptio.ui import wording
from elliptio.ui.asked import Asked, WrongError

FROM, TO, IS = "from.", "to.", "is."
"""Beginnings of words of an address; the name of an axis follows."""

LONGEST = 40


@dataclass(frozen=True)
class Narrowing:
    """Limits of axes of numbers, and the values that are kept of others, by the names of the axes."""

    least: Mapping[str, float] = field(default_factory=dict)
    most: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.least or self.most or self.texts)

    def keeps(self, values: Mapping[str, Any]) -> bool:
        """Tell whether a run is kept; where it has no value it is not."""
        return (
            all(_number(values.get(name), -math.inf) >= low for name, low in self.least.items())
            and all(_number(values.get(name), math.inf) <= high for name, high in self.most.items())
            and all(text_of(values.get(name)) in kept for name, kept in self.texts.items())
        )


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


def text_of(value: Any) -> str:
    """Write a value that is no number as its axis names it."""
    return wording.plain(value, LONGEST)


def narrowing_of(asked: Asked) -> Narrowing:
    """Read how an address narrows runs down; what was left empty does not.

    Raises
    ------
    WrongError
        If a limit is no number.

    """
    least: dict[str, float] = {}
    most: dict[str, float] = {}
    texts: dict[str, set[str]] = {}
    for key, value in asked.query:
        for begin, known in ((FROM, least), (TO, most)):
            if key.startswith(begin) and value.strip():
                known[key[len(begin) :]] = _limit(key, value)
        if key.startswith(IS) and value:
            texts.setdefault(key[len(IS) :], set()).add(value)
    return Narrowing(least, most, {name: frozenset(some) for name, some in texts.items()})


def _limit(key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise WrongError(f"{key[:60]} is a number, not {value[:40]!r}.")
    return number


def is_of(key: str) -> bool:
    """Tell whether a word of an address narrows runs down."""
    return key.startswith((FROM, TO, IS))


def others(asked: Asked) -> list[tuple[str, str]]:
    """List what an address says besides."""
    return [(key, value) for key, value in asked.query if not is_of(key)]
