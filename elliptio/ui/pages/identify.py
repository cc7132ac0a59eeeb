"""``/identify``: whose file is this, by its hash; the file itself stays where it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from elliptio.documents import MAX_INDEXED_FILES
from elliptio.finding.identification import holders
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, WrongError
from elliptio.ui.pages.artifacts import count
from elliptio.ui.view import View

MOST = 100
"""Artifacts that are shown."""

MOST_NAMES = 3
LONGEST = 300

_HASH = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})(?:\s+\S.*)?")
_OTHERS = {32: "an MD5", 40: "a SHA-1", 56: "a SHA-224", 96: "a SHA-384", 128: "a SHA-512"}


def show(view: View, asked: Asked) -> Answer:
    """Ask for a file or its hash, and name the artifacts that hold it."""
    text = asked.get("hash").strip()
    if not text:
        return view.page("identify.html", asked, text="", wrong="", found=None)
    try:
        sha256 = hash_of(text)
    except WrongError as error:
        return view.page("identify.html", asked, status=400, text=text[:LONGEST], wrong=str(error), found=None)
    size = size_of(asked.get("size"))
    large = asked.get("large") == "1"
    rows = holders(view.h.lake, sha256, size, large=large, most=MOST + 1).rows()
    unasked = (
        0 if large else count(view, {"file_count": {"$gt": MAX_INDEXED_FILES}, "total_size": {"$gte": size or 0}}, 99)
    )
    found = {
        "rows": [_shown(view, row) for row in rows[:MOST]],
        "more": len(rows) > MOST,
        "size": wording.size(size),
        "unasked": "more than 99" if unasked > 99 else str(unasked) if unasked else "",
        "large": asked.link(large="1"),
    }
    return view.page("identify.html", asked, text=sha256, wrong="", found=found)


def hash_of(text: str) -> str:
    """Read a SHA-256, also as ``sha256sum`` prints it.

    Raises
    ------
    WrongError
        If it is none.

    """
    found = _HASH.fullmatch(text)
    if found is not None:
        return found[1].lower()
    word = text.split()[0]
    kind = _OTHERS.get(len(word)) if re.fullmatch("[0-9a-fA-F]+", word) else None
    said = f"This looks like {kind}, and what is recorded is" if kind else f"{word[:80]!r} is no"
    raise WrongError(f"{said} SHA-256: 64 of the signs 0-9 and a-f, as `sha256sum FILE` prints them.")


def size_of(text: str) -> int | None:
    """Read how many bytes the file has; None where that is not said."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _shown(view: View, row: Mapping[str, Any]) -> dict[str, Any]:
    names = [str(name) for name in row["relpaths"]]
    short, colour = wording.badge(wording.suffix_of(names[0]))
    return {
        "id": row["artifact_id"],
        "name": ", ".join(wording.plain(name, 120) for name in names[:MOST_NAMES]),
        "others": len(names) - MOST_NAMES if len(names) > MOST_NAMES else 0,
        "badge": short,
        "colour": colour,
        "labels": wording.labels_of(row),
        "who": wording.person(row.get("username")),
        "when": wording.when(row.get("creation_time"), view.clock()),
        "exact": wording.exact(row.get("creation_time")),
        "parents": len(row.get("based_on") or ()),
        "deleted": bool(row.get("deleted")),
    }
