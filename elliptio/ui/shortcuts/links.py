"""Pack a long text of a query bar for a link, and unpack it."""

from __future__ import annotations

import base64
import binascii
import re
import zlib

from elliptio.ui.shortcuts.tokens import MOST_TEXT, ShortcutError

SIGN = "~"
"""A text that begins with it is packed."""

_PACKED = re.compile(r"~([A-Za-z0-9_-]{8,})")


def packed(text: str) -> str:
    """Pack a text in letters that a link has as they are."""
    return SIGN + base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpacked(text: str) -> str:
    """Unpack a text; one that is not packed stays as it is.

    Raises
    ------
    ShortcutError
        If it looks packed and is damaged.

    """
    found = _PACKED.fullmatch(text.strip())
    if found is None:
        return text
    try:
        data = base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4))
        # No more is unpacked than a bar may hold: a few letters can stand for gigabytes.
        return zlib.decompressobj().decompress(data, MOST_TEXT + 1).decode()
    except (binascii.Error, zlib.error, ValueError):
        raise ShortcutError(
            "This link is damaged.", f'the query anew, or "{text.strip()}" for this text', 0, len(text)
        ) from None
