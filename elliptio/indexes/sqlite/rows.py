"""Which rows of (path, value) a document gets in the embedded index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import NoneType
from typing import Any

from elliptio.indexes.opening import INDEXED_PATHS
from elliptio.indexes.query.ordering import index_entries, order_key

_SCALARS = (str, int, float, datetime, NoneType)

TIME = "creation_time"
"""Rows of the same path and value are in the order of this field."""


def time_key(document: Mapping[str, Any]) -> bytes:
    """Key of when a document was made, which all its rows carry."""
    value = document.get(TIME)
    return order_key(value) if isinstance(value, _SCALARS) else next(iter(index_entries(document, TIME)[0]))


def index_rows(collection: str, document: Mapping[str, Any]) -> Iterator[tuple[str, list[bytes], bool]]:
    """Yield each indexed path with the keys of its values, and whether an array was met on the way."""
    for path in INDEXED_PATHS.get(collection, ()):
        if path.endswith(".*"):
            expanded: Iterable[str] = _leaf_paths(document.get(path[:-2]), path[:-2])
        else:
            expanded = (path,)
        for one in expanded:
            value = document.get(one) if "." not in one else document
            if isinstance(value, _SCALARS):  # most are, and need no looking for arrays on the way
                yield one, [order_key(value)], False
                continue
            entries, multikey = index_entries(document, one)
            yield one, list(entries), multikey


def _leaf_paths(value: Any, path: str) -> Iterator[str]:
    """Yield the distinct dotted paths of all values below `value` that are no dicts."""
    found: dict[str, None] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping):
            for name, item in value.items():
                walk(item, f"{path}.{name}")
        else:
            found[path] = None
            if isinstance(value, list):
                for item in value:
                    if isinstance(item, Mapping):
                        walk(item, path)

    walk(value, path)
    return iter(found)
