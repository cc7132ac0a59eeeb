"""Show what was saved from a class that is not here: the same fields and values, to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import FrozenInstanceError
from types import MappingProxyType
from typing import Any

from elliptio.models.model import Origin


class Record:
    """A saved model, or an object in one, without its class: its fields as attributes, and by name in brackets.

    Examples
    --------
    >>> from elliptio.models import Record
    >>> record = Record("Training", 1, {"rate": 0.1}, why="no class 'Training' is defined here")
    >>> record.rate, record["rate"], record.model_name, record.model_version
    (0.1, 0.1, 'Training', 1)
    >>> record
    Record('Training' version 1: rate=0.1; no class 'Training' is defined here)

    """

    __slots__ = ("_fields", "_names", "_origin", "_why", "model_name", "model_version")

    model_name: str
    model_version: int | None

    def __init__(
        self,
        model_name: str,
        model_version: int | None,
        fields: Mapping[str, Any],
        *,
        origin: Origin | None = None,
        why: str = "",
    ) -> None:
        lazy = {} if origin is None else origin.fields
        there = {name: value for name, value in fields.items() if name not in lazy}
        own = {"_fields": there, "_names": tuple(fields), "_origin": origin, "_why": why}
        for name, value in {"model_name": model_name, "model_version": model_version, **own}.items():
            object.__setattr__(self, name, value)

    def __getitem__(self, name: str) -> Any:
        if name not in self._fields:
            # Of threads that touch it at once, all get the same.
            self._fields.setdefault(name, _lazy(self)[name].get())
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    def __getattr__(self, name: str) -> Any:
        if name not in Record.__slots__ and name in self:
            return self[name]
        raise AttributeError(f"{self.model_name} has no field {name!r}; it has {', '.join(self) or 'none'}.")

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}: a record is there to read")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}: a record is there to read")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        from elliptio.models.types import same

        mine, theirs = (self.model_name, self.model_version), (other.model_name, other.model_version)
        return mine == theirs and same(_all(self), _all(other))

    def __hash__(self) -> int:
        return hash((self.model_name, self.model_version, tuple(sorted(self))))

    def __reduce__(self) -> Any:
        return _again, (self.model_name, self.model_version, _all(self), self._why)

    def _repr_html_(self) -> str:
        from elliptio.models.cards import card

        version = "" if self.model_version is None else f" version {self.model_version}"
        return card(f"{self.model_name}{version}", list(self), self._fields, self._origin, self._why)

    def __repr__(self) -> str:
        from elliptio.models.showing import fields_text

        version = "" if self.model_version is None else f" version {self.model_version}"
        why = f"; {self._why}" if self._why else ""
        return f"Record({self.model_name!r}{version}: {fields_text(self._fields, _lazy(self), list(self._names))}{why})"


def _lazy(record: Record) -> Mapping[str, Any]:
    """Return the fields that are loaded when they are touched."""
    return MappingProxyType({}) if record._origin is None else record._origin.fields


def _all(record: Record) -> dict[str, Any]:
    return {name: record[name] for name in record}


def _again(name: str, version: int | None, fields: Mapping[str, Any], why: str) -> Record:
    return Record(name, version, fields, why=why)
