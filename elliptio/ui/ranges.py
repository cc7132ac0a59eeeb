"""Read which part of a file a request asks for. Values in, values out."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})")


def range_of(text: str, size: int) -> range | None:
    """Return the bytes that a ``Range`` asks for: None for all, an empty range where it lies beyond the end.

    Several ranges at once, and what cannot be read, are all of the file: whoever asks has to be ready for that.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None or found[0].endswith("=-"):
        return None
    if not found["first"]:
        count = min(int(found["last"]), size)
        return range(size - count, size)
    first = int(found["first"])
    last = min(int(found["last"]) if found["last"] else size - 1, size - 1)
    if found["last"] and int(found["last"]) < first:
        return None
    return range(first, last + 1) if first < size else range(0)
