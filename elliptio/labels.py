"""Check the labels of users, and give stored ones the form in which they read them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from elliptio.errors import MetadataError

MAX_LABELS_BYTES = 4 * 1024 * 1024
_MAX_DEPTH = 50


class AnyLabels(dict[str, Any]):
    """Labels of any names, as they were given in a dict; those that are names can be read as attributes too.

    The usual ones of `Labels` that were not given are empty, so that a reader need not know how they were given.
    """

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        if name in _LABEL_NAMES:
            return {} if name == "infos" else ""
        raise AttributeError(f"There is no label {name!r}.")


@dataclass(frozen=True)
class Labels(Mapping[str, Any]):
    """The usual labels of an artifact; all optional. A plain dict does as well, with any keys.

    It can be read as a mapping too: ``labels["project"]``.

    Parameters
    ----------
    ticket, project, datatype, dataset, description
        Free text.
    infos
        Anything else: a dict of strings, numbers, booleans, datetimes (with zone), lists and dicts.

    Examples
    --------
    >>> import elliptio as eio
    >>> labels = eio.Labels(project="penguins", infos={"epochs": 200})
    >>> labels.project, labels["infos"]
    ('penguins', {'epochs': 200})

    """

    ticket: str = ""
    project: str = ""
    datatype: str = ""
    dataset: str = ""
    description: str = ""
    infos: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        if name not in _LABEL_NAMES:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(_LABEL_NAMES)

    def __len__(self) -> int:
        return len(_LABEL_NAMES)


_LABEL_NAMES = tuple(entry.name for entry in dataclasses.fields(Labels))


LabelsLike = Labels | Mapping[str, Any] | None
"""Labels as users give them."""


def check_labels(labels: LabelsLike) -> dict[str, Any]:
    """Turn labels into plain values that every index stores faithfully.

    Tuples become lists, numpy numbers become Python numbers.

    Raises
    ------
    MetadataError
        If a value or key cannot be stored; the message names it.

    """
    if labels is None:
        return stored_labels(Labels())
    if not isinstance(labels, Mapping):
        raise MetadataError(f"labels must be eio.Labels(...) or a dict, not {type(labels).__name__}.")
    plain = _plain_dict(labels, "labels", 0)
    if any(plain.values()):
        import bson

        size = len(bson.encode(plain))
        if size > MAX_LABELS_BYTES:
            raise MetadataError(
                f"labels take {size:,} bytes; at most {MAX_LABELS_BYTES:,} fit. Save large values as a file."
            )
    return plain


def _plain_dict(value: Mapping[Any, Any], where: str, depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise MetadataError(f"{where[:80]}… nests deeper than {_MAX_DEPTH} levels (or holds itself).")
    plain = {}
    for key, item in (vars(value) if isinstance(value, Labels) else value).items():
        if not isinstance(key, str):
            raise MetadataError(f"{where} has the key {key!r} of type {type(key).__name__}: keys must be strings.")
        if not key or "." in key or key.startswith("$") or "\0" in key:
            raise MetadataError(
                f"{where} has the key {key!r}: keys must not be empty, start with '$' or hold '.' or NUL, "
                "because a query could not reach them."
            )
        if not key.isascii():
            _check_text(key, f"the key {key!r} of {where}")
        # Most labels are such texts, and each save comes by.
        is_plain = (type(item) is str and item.isascii()) or (type(item) is dict and not item)
        plain[str(key)] = item if is_plain else _plain(item, f"{where}.{key}", depth + 1)
    return plain


def _plain(value: Any, where: str, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        # Of an enum's member, str() would give the name.
        return _check_text(str.__str__(value), where)
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise MetadataError(f"{where} is an integer beyond 64 bits: store it as a string.")
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes):
        return value
    if isinstance(value, datetime):
        return _plain_datetime(value, where)
    if isinstance(value, Mapping):
        return _plain_dict(value, where, depth)
    if isinstance(value, list | tuple):
        if depth > _MAX_DEPTH:
            raise MetadataError(f"{where[:80]}… nests deeper than {_MAX_DEPTH} levels (or holds itself).")
        return [_plain(item, f"{where}[{position}]", depth + 1) for position, item in enumerate(value)]
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        item = None if type(value).__name__ in ("datetime64", "timedelta64") else value.item()
        if isinstance(item, bool | int | float | str | bytes):
            return _plain(item, where, depth)
    raise MetadataError(
        f"{where} is a {type(value).__name__}, which an index cannot hold: use strings, numbers, booleans, bytes, "
        "datetimes with a zone, lists and dicts, or save it as a file."
    )


def _check_text(text: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MetadataError(f"{where} holds a character that is not valid UTF-8 (a lone surrogate).") from None
    return text


def _plain_datetime(value: datetime, where: str) -> datetime:
    if value != value:
        raise MetadataError(f"{where} is no time (NaT): leave it out, or use None.")
    if value.tzinfo is None:
        raise MetadataError(f"{where} is a datetime without a zone: say which, such as datetime.now(tz=UTC).")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise MetadataError(f"{where} lies outside the years 1 to 9999 in UTC.") from None
    # MongoDB keeps milliseconds.
    return datetime(*utc.timetuple()[:6], utc.microsecond // 1000 * 1000, tzinfo=UTC)


def stored_labels(labels: Labels | AnyLabels) -> dict[str, Any]:
    """Give labels the form in which they are stored."""
    return dict(vars(labels) if isinstance(labels, Labels) else labels)


def readable_labels(stored: Mapping[str, Any]) -> Labels | AnyLabels:
    """Give stored labels the form in which users read them."""
    return Labels(**stored) if stored.keys() == set(_LABEL_NAMES) else AnyLabels(stored)
