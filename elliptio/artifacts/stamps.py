"""Files that stay where they are: whether one is still what it was when it was linked."""

from __future__ import annotations

from elliptio.errors import IntegrityError, MissingKeyError
from elliptio.protocols import Store

AGAIN = "Link it again to record what there is now."


def is_untouched(store: Store, key: str, size: int, stamp: str, *, hashed: bool) -> bool:
    """Tell whether a linked file has its stamp still; without, its content decides, if it is hashed.

    Raises
    ------
    IntegrityError
        If it has another size, or has another stamp and is not hashed.
    MissingKeyError
        If it is gone.
    StoreError
        If it cannot be looked at.

    """
    url, found = f"{store.root}/{key}", store.stat(key)
    if found is None:
        raise MissingKeyError(f"{url} was linked and is not there any more: put it back, or link what there is now.")
    if found.size != size:
        raise changed(url, f"it has {found.size:,} bytes and had {size:,}")
    # Of files that an older elliptio linked, only the time of the last write is known.
    if stamp in (found.stamp, found.stamp.partition(":")[0]):
        return True
    if hashed:
        return False
    how = "it was written again, or its mode or owner changed"
    raise changed(url, f"{how} (its stamp is {found.stamp} and was {stamp}), and it had not been hashed")


def changed(url: str, how: str) -> IntegrityError:
    """Say that a linked file is not what it was, and what to do."""
    return IntegrityError(f"{url} changed since it was linked: {how}. {AGAIN}")
