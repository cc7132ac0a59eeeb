"""Fill the ``!{key}`` of a path or a query, and read the values back from the name of a file."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from elliptio.masking import hide_password
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.errors import EntryError, MissingKeysError

_MARK = re.compile(r"!!|!\{([A-Za-z_][A-Za-z0-9_]*)\}|!\{[^}]*\}?")
_UNSAFE_IN_QUERY = re.compile(r"['\";\\\r\n\0`]|--|/\*")


class Pattern:
    """A text with marks ``!{key}``; ``!!`` stands for one exclamation mark.

    Attributes
    ----------
    text
        The text.
    keys
        Names of its keys, in order, each once; letters of any case name the same.

    Examples
    --------
    >>> pattern = Pattern("raw/!{day}/!{shop}.csv")
    >>> pattern.fill({"day": "2026-01-31", "SHOP": 7})
    'raw/2026-01-31/7.csv'
    >>> dict(pattern.match("raw/2026-01-31/7.csv"))
    {'day': '2026-01-31', 'shop': 7}

    """

    def __init__(self, text: str, *, query: bool = False) -> None:
        self.text = text
        self._query = query
        self._parts: list[tuple[str, str | None]] = []
        names: dict[str, str] = {}
        end = 0
        for mark in _MARK.finditer(text):
            name = mark[1]
            if name is None and mark[0] != "!!":
                raise EntryError(
                    f"{mark[0]!r} in {text!r} is no key: write !{{name}}, with letters, digits and underscores, or !! "
                    "for an exclamation mark."
                )
            self._parts.append((text[end : mark.start()] + ("!" if name is None else ""), None))
            if name is not None:
                self._parts.append(("", names.setdefault(name.lower(), name)))
            end = mark.end()
        self._parts.append((text[end:], None))
        self.keys = tuple(names.values())
        self._names = {*self.keys}

    def __repr__(self) -> str:
        return f"Pattern({hide_password(self.text)!r})"

    @property
    def head(self) -> str:
        """Text before the first key."""
        found = ""
        for literal, key in self._parts:
            if key is not None:
                break
            found += literal
        return found

    def fill(self, values: Mapping[str, Any]) -> str:
        """Fill the marks.

        Raises
        ------
        MissingKeysError
            If a value is missing; the message names it.
        EntryError
            If a value cannot stand there.

        """
        keys = values if isinstance(values, Keys) else Keys(self._given(values))
        known = keys.as_dict()
        if known.keys() != self._names:
            known = self._given(known)
        return "".join(
            [literal if key is None else self._checked(key, str(known[key])) for literal, key in self._parts]
        )

    def _given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Take the values of the keys from others; letters of any case name the same."""
        known = {name.lower(): value for name, value in values.items()}
        missing = [name for name in self.keys if name.lower() not in known]
        if missing:
            given = ", ".join(map(repr, values)) or "none"
            raise MissingKeysError(
                f"{hide_password(self.text)!r} needs a value for {', '.join(map(repr, missing))} (given: {given}): "
                f"pass {missing[0]}=…, or keys={{{missing[0]!r}: …}}."
            )
        return {name: known[name.lower()] for name in self.keys}

    def _checked(self, key: str, text: str) -> str:
        if self._query:
            wrong = _UNSAFE_IN_QUERY.search(text)
            if wrong:
                raise EntryError(f"{key}={text!r} cannot stand in a query: it holds {wrong[0]!r}.")
        elif not text or text in (".", "..") or "/" in text or "\0" in text or "\\" in text:
            raise EntryError(
                f"{key}={text!r} cannot stand in the path {hide_password(self.text)!r}: it would lead elsewhere."
            )
        return text

    def match(self, path: str) -> Keys | None:
        """Read the values of the keys from a path; None where it does not match."""
        found = self.regex.fullmatch(path)
        if found is None:
            return None
        keys = Keys({name: found[f"k{number}"] for number, name in enumerate(self.keys)})
        return keys if self.fill(keys) == path else None

    @functools.cached_property
    def regex(self) -> re.Pattern[str]:
        """Expression of the paths that match."""
        seen: set[str] = set()
        text = ""
        for literal, key in self._parts:
            text += re.escape(literal)
            if key is not None:
                name = f"k{self.keys.index(key)}"
                text += f"(?P={name})" if key in seen else f"(?P<{name}>[^/]+?)"
                seen.add(key)
        return re.compile(text, re.DOTALL)
