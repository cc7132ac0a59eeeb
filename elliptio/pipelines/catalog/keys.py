"""Give the values of an entry's keys one form each, wherever they come from: a call, a file's name, YAML."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from datetime import date
from typing import Any

_INTEGER = re.compile(r"-?[1-9][0-9]*|0")
_BEGINNINGS = ("", *"-0123456789")
_MOST = 2**63 - 1

Value = int | str


def canonical(value: Value | Any) -> Value:
    """Return the value of a key in its one form: a canonical integer as that, everything else as its text.

    Examples
    --------
    >>> canonical("100"), canonical("007"), canonical(date(2026, 1, 31))
    (100, '007', '2026-01-31')

    """
    if type(value) is int and -_MOST <= value <= _MOST:
        return value
    if type(value) is str and value[:1] not in _BEGINNINGS:
        return value
    text = value.isoformat() if isinstance(value, date) else str(value)
    if _INTEGER.fullmatch(text) and -_MOST <= int(text) <= _MOST:
        return int(text)
    return text


def named(entry: str, keys: Mapping[str, Value]) -> str:
    """Name an entry for people, with the values of its keys: ``'coeffs' (samples=100)``."""
    return f"{entry!r} ({keys})" if keys else repr(entry)


_NAMES: dict[tuple[str, ...], tuple[str, ...]] = {}


class Keys(Mapping[str, Value]):
    """The values of an entry's keys, by name; frozen and hashable. Without any it is not partitioned.

    Examples
    --------
    >>> keys = Keys({"day": "2026-01-31", "shop": "7"})
    >>> keys["shop"], dict(keys.without("shop"))
    (7, {'day': '2026-01-31'})

    """

    # Two tuples, of which all keys of an entry share the one: a dict takes three times as much memory.
    __slots__ = ("_hash", "_names", "_values")

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        found = {name: canonical(value) for name, value in values.items()} if values else {}
        names = tuple(found)
        self._names = _NAMES.setdefault(names, names)
        self._values = tuple(found.values())
        self._hash = hash(frozenset(found.items()))

    def __getitem__(self, name: str) -> Value:
        for each, value in zip(self._names, self._values, strict=True):
            if each == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    # Those of `Mapping` look each key up anew.

    def as_dict(self) -> dict[str, Value]:
        """Return them as a dict."""
        return dict(zip(self._names, self._values, strict=True))

    def items(self) -> ItemsView[str, Value]:
        """Return names and values."""
        return self.as_dict().items()

    def values(self) -> ValuesView[Value]:
        """Return the values."""
        return self.as_dict().values()

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if type(other) is Keys and other._names is self._names:
            return self._values == other._values
        return isinstance(other, Mapping) and self.as_dict() == dict(other)

    def __reduce__(self) -> tuple[type[Keys], tuple[dict[str, Value]]]:
        return Keys, (dict(self._pairs()),)  # hashes of texts are others in another process

    def _pairs(self) -> Iterator[tuple[str, Value]]:
        return zip(self._names, self._values, strict=True)

    def __lt__(self, other: Keys) -> bool:
        return self.order < other.order

    def __repr__(self) -> str:
        return f"Keys({dict(self._pairs())!r})"

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self._pairs())

    @property
    def order(self) -> tuple[tuple[str, bool, Value], ...]:
        """Order of keys: numbers before texts."""
        if len(self._names) == 1:  # there may be hundreds of thousands of them, and they are sorted several times
            (value,) = self._values
            return ((self._names[0], isinstance(value, str), value),)
        return tuple((name, isinstance(value, str), value) for name, value in sorted(self._pairs()))

    def order_by(self, names: Iterable[str]) -> tuple[tuple[bool, Value], ...]:
        """Order of keys by some names, the first one first: as people read a path."""
        values = [self.get(name, "") for name in names]  # the path may have got another key since
        return tuple((isinstance(value, str), value) for value in values)

    def only(self, names: Any) -> Keys:
        """Return those of some names."""
        return Keys({name: self[name] for name in names if name in self._names})

    def named(self, names: Sequence[str]) -> Keys:
        """Return those of some names, which letters of any case name, with the letters of these names."""
        if all(name in self._names for name in names):
            return self if len(names) == len(self._names) else self.only(names)
        known = {name.lower(): value for name, value in self._pairs()}
        return Keys({name: known[name.lower()] for name in names if name.lower() in known})

    def are_of(self, names: Sequence[str]) -> bool:
        """Tell whether they are those of just these names, in this order."""
        return self._names == names

    def without(self, *names: str) -> Keys:
        """Return all but those of some names."""
        return Keys({name: value for name, value in self._pairs() if name not in names})


NONE = Keys()
"""Keys of what is not partitioned."""
