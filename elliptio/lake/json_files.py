"""Read the JSON files of a lake."""

from __future__ import annotations

from typing import Any

from elliptio.documents import check_version, read_extended_json
from elliptio.protocols import Store
from elliptio.system.os_errors import damage_named

FROM_BACKUP = "Restore it from a backup."
LONGEST = 64 << 20
"""Bytes that a file about one thing may have: an index takes 16 MB of it at most."""


def read_json(store: Store, key: str, *, advice: str = FROM_BACKUP, longest: int = LONGEST) -> Any:
    """Read a JSON file, plain or extended, as a whole, and check its version.

    Parameters
    ----------
    store, key
        Where it lies.
    advice
        What to do where it is damaged.
    longest
        Bytes that it may have; what is longer is read no further.

    Raises
    ------
    MissingKeyError
        If there is none.
    FormatError
        If it is damaged or too long, or a newer elliptio wrote it.
    StoreError
        If it cannot be read.

    """
    where = f"{store.root}/{key}"
    with store.open(key, whole=True) as file:
        data = file.read(longest + 1)
    with damage_named(where, advice):
        if len(data) > longest:
            raise ValueError(f"it is longer than {longest:,} bytes")
        found = read_extended_json(data)
        check_version(found, where)
    return found
