"""Turn pages: where one ended, and what comes after it. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from elliptio import naming
from elliptio.ui.asked import WrongError


def key(value: Any, identifier: str) -> str:
    """Write where a page ended: the value that is sorted by, and the identifier."""
    return f"{naming.iso(value) if isinstance(value, datetime) else value}~{identifier}"


def after(query: Mapping[str, Any], text: str, path: str, direction: int) -> Mapping[str, Any]:
    """Narrow a query to what comes after the end of a page.

    Raises
    ------
    WrongError
        If that is none.

    """
    if not text:
        return query
    written, _, identifier = text.rpartition("~")
    value: Any = written
    try:
        if path == "creation_time":
            value = datetime.fromisoformat(written)
            if value.tzinfo is None:
                raise ValueError
        elif path in ("total_size", "file_count"):
            value = int(written)
    except ValueError:
        raise WrongError(f"{text[:100]!r} is not where a page ended.") from None
    to, beyond = ("$lte", "$lt") if direction < 0 else ("$gte", "$gt")
    # The first condition leads an index there; the second takes out those of the same value that were shown.
    rest = {"$or": [{path: {beyond: value}}, {"_id": {beyond: identifier}}]}
    return {"$and": [*([query] if query else []), {path: {to: value}}, rest]}


def turned(text: str, most: int) -> int:
    """Read how many rows come before a page.

    Raises
    ------
    WrongError
        If that is no number, or of so many that a page would take long.

    """
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise WrongError(f"{text[:100]!r} is not where a page ended, which is a number here.")
    if int(text) > most:
        raise WrongError(
            f"Of what is sorted by a label the first {most:,} are shown: narrow the query, or sort by when."
        )
    return int(text)
