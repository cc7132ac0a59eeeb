"""Read an entry of a catalog: a name, a type, and what belongs to it."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elliptio.masking import hide_password
from elliptio.naming import shorten
from elliptio.pipelines.catalog import types
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.patterns import Pattern
from elliptio.pipelines.errors import EntryError, MissingKeysError

FIELDS = ("name", "type", "extra", "load_options", "save_options")

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Entry:
    """An entry of a catalog.

    Attributes
    ----------
    name, type
        Its name, and what it is: ``csv``, ``parquet``, ….
    extra
        What its type needs: a mapping, or the ``Extra`` of a user's class.
    load_options, save_options
        What is passed on to the reader and the writer.
    place
        The file and the line that it was read from.

    Examples
    --------
    >>> entry = Entry.read({"name": "coeffs", "type": "pickle", "extra": {"path": "out/coeff_!{samples}.pkl"}})
    >>> entry.keys, entry.path_of({"samples": 100})
    (('samples',), 'out/coeff_100.pkl')

    """

    name: str
    type: str
    extra: Any = field(default_factory=dict)
    load_options: Mapping[str, Any] = field(default_factory=dict)
    save_options: Mapping[str, Any] = field(default_factory=dict)
    place: str = field(default="", compare=False)

    def __getstate__(self) -> dict[str, Any]:
        # The catalog that it was taken from stays where it is.
        return {name: value for name, value in vars(self).items() if name != "_catalog"}

    @classmethod
    def read(cls, value: Any, place: str = "") -> Entry:
        """Read an entry from what YAML says.

        Raises
        ------
        EntryError
            If it is none; the message names the file, the line and the entry.

        """
        where = place or "this entry"
        if not isinstance(value, Mapping):
            raise EntryError(
                f"{where}: an entry is a mapping with name, type and extra, not {shorten(repr(value), 80)}."
            )
        name = value.get("name")
        if not isinstance(name, str) or not name or not name.isprintable():
            raise EntryError(f"{where}: an entry needs a `name`, a text, not {name!r}.")
        where = f"{place}: {name}" if place else name
        for key in value:
            if key not in FIELDS:
                from elliptio.formats.libraries import meant

                if key in types.extras_of(str(value.get("type"))):
                    raise EntryError(f"{where}: {key!r} stands in `extra`: extra: {{{key}: …}}.")
                raise EntryError(f"{where}: an entry has no {key!r}; {meant(str(key), list(FIELDS))}")
        if "type" not in value:
            raise EntryError(f"{where}: an entry needs a `type`, such as csv.")
        kind = types.check_type(value["type"], where)
        extra = types.check_extra(kind, value.get("extra"), where)
        load, save = (_options(value.get(one), f"{where}: {one}") for one in FIELDS[3:])
        entry = cls(name, kind, extra, load, save, place)
        try:
            _ = entry.pattern, entry.query
        except EntryError as error:
            raise EntryError(f"{where}: {error}") from error
        return entry

    def __repr__(self) -> str:
        parts = [repr(self.name), repr(self.type), repr(self.shown_extra)]
        parts += [f"{one}={dict(getattr(self, one))!r}" for one in FIELDS[3:] if getattr(self, one)]
        return f"Entry({', '.join(parts)})"

    @property
    def shown_extra(self) -> Any:
        """Its `extra` for people: without the connection string, and without passwords in its path."""
        if not isinstance(self.extra, Mapping):
            return self.extra
        return {
            name: "…" if name == types.SECRET else hide_password(value) if isinstance(value, str) else value
            for name, value in self.extra.items()
        }

    @functools.cached_property
    def pattern(self) -> Pattern | None:
        """Its path, if it has one."""
        path = self._extra("path")
        return Pattern(path) if isinstance(path, str) else None

    @functools.cached_property
    def query(self) -> Pattern | None:
        """Its query, if it has one."""
        query = self._extra("query")
        return Pattern(query, query=True) if isinstance(query, str) else None

    def _extra(self, name: str) -> Any:
        return self.extra.get(name) if isinstance(self.extra, Mapping) else getattr(self.extra, name, None)

    @functools.cached_property
    def keys(self) -> tuple[str, ...]:
        """Names of its keys, in order."""
        names: dict[str, str] = {}
        for pattern in (self.pattern, self.query):
            for name in pattern.keys if pattern else ():
                names.setdefault(name.lower(), name)
        return tuple(names.values())

    @property
    def history(self) -> bool:
        """True where the lake keeps a copy of its versions; else they are links."""
        return self._extra("history") is not False

    @property
    def is_query(self) -> bool:
        """True where it is the result of a query."""
        return self.type in types.QUERIES

    @property
    def is_custom(self) -> bool:
        """True where its type is a class of a user."""
        return types.is_custom(self.type)

    def keys_of(self, given: Mapping[str, Any]) -> Keys:
        """Take the values of its keys from what is given; letters of any case name the same.

        Raises
        ------
        MissingKeysError
            If one is not given.

        """
        if not self.keys:
            return _NO_KEYS
        known = {name.lower(): value for name, value in given.items()}
        missing = [name for name in self.keys if name.lower() not in known]
        if missing:
            what = self.query or self.pattern
            text = shorten(hide_password(what.text) if what else "", 80)
            raise MissingKeysError(
                f"The entry {self.name!r} needs a value for {', '.join(map(repr, missing))} ({text!r}): "
                f"pass {missing[0]}=…, or keys={{{missing[0]!r}: …}}."
            )
        return Keys({name: known[name.lower()] for name in self.keys})

    def path_of(self, keys: Mapping[str, Any]) -> str | None:
        """Fill its path."""
        return None if self.pattern is None else self.pattern.fill(keys)

    def relpath_of(self, keys: Mapping[str, Any]) -> str:
        """Name of the file in the artifact of a version: that at its path, else one of its own."""
        path = self.path_of(keys)
        if path is not None:
            name = _UNFIT.sub("_", path.rstrip("/").rpartition("/")[2].partition("?")[0])
            if name.strip("._"):
                return name
        stem = _UNFIT.sub("_", self.name).strip(".") or "value"
        return stem if self.is_custom else stem + types.suffix_of(self.type)


_NO_KEYS = Keys()


def _options(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise EntryError(f"{where} are a mapping from names to values, not {shorten(repr(value), 80)}.")
    return dict(value)
