"""The first of the pages that were written to be handed on."""

from __future__ import annotations

from collections.abc import Sequence

from elliptio.ui.asked import Answer, Asked
from elliptio.ui.pages import rows
from elliptio.ui.pages.artifact import short_row
from elliptio.ui.view import View


def index(view: View, asked: Asked, named: Sequence[str], kept: Sequence[str], left_out: int) -> Answer:
    """List what was written: what was asked for, then its lineage."""
    query, columns = {"_id": {"$in": list(kept)}}, [*rows.FIELDS, "deleted"]
    found = view.h.search(query, max_docs=0, columns=columns, deleted=True, counted=False, sort="-creation_time").rows()
    now = view.clock()
    shown = [short_row(row, now) for row in found]
    return view.page(
        "exported.html",
        asked,
        named=[row for row in shown if row["id"] in named],
        others=[row for row in shown if row["id"] not in named],
        left_out=left_out,
    )
