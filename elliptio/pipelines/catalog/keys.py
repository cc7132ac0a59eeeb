"""Give the values of an entry's keys one form each, wherever they come from: a call, a file's name, YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

_INTEGER = re.compile(r"-?[1-9][0-9]*|0")
_MOST = 2**63 - 1

Value = int | str


def canonical(value: Any) -> Value:
    """Return the value of a key in its one form: a canonical integer as that, everything else as its text.

    Examples
    --------
    >>> canonical("100"), canonical("007"), canonical(date(2026, 1, 31))
    (100, '007', '2026-01-31')

    """
    text = value.isoformat() if isinstance(value, date) else str(value)
    if _INTEGER.fullmatch(text) and -_MOST <= int(text) <= _MOST:
        return int(text)
    return text


class Keys(Mapping[str, Value]):
    """The values of an entry's keys, by name; frozen and hashable. Without any it is not partitioned.

    Examples
    --------
    >>> keys = Keys({"day": "2026-01-31", "shop": "7"})
    >>> keys["shop"], dict(keys.without("shop"))
    (7, {'day': '2026-01-31'})

    """

    __slots__ = ("_hash", "_values")

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = {name: canonical(value) for name, value in (values or {}).items()}
        self._hash = hash(frozenset(self._values.items()))

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self._values == (other._values if isinstance(other, Keys) else other)

    def __lt__(self, other: Keys) -> bool:
        return self.order < other.order

    def __repr__(self) -> str:
        return f"Keys({self._values!r})"

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self._values.items())

    @property
    def order(self) -> tuple[tuple[str, bool, Value], ...]:
        """Order of keys: numbers before texts."""
        return tuple((name, isinstance(value, str), value) for name, value in sorted(self._values.items()))

    def order_by(self, names: Iterable[str]) -> tuple[tuple[bool, Value], ...]:
        """Order of keys by some names, the first one first: as people read a path."""
        values = [self._values.get(name, "") for name in names]  # the path may have got another key since
        return tuple((isinstance(value, str), value) for value in values)

    def only(self, names: Any) -> Keys:
        """Return those of some names."""
        return Keys({name: self._values[name] for name in names if name in self._values})

    def named(self, names: Sequence[str]) -> Keys:
        """Return those of some names, which letters of any case name, with the letters of these names."""
        if all(name in self._values for name in names):
            return self if len(names) == len(self._values) else self.only(names)
        known = {name.lower(): value for name, value in self._values.items()}
        return Keys({name: known[name.lower()] for name in names if name.lower() in known})

    def without(self, *names: str) -> Keys:
        """Return all but those of some names."""
        return Keys({name: value for name, value in self._values.items() if name not in names})


NONE = Keys()
"""Keys of what is not partitioned."""
