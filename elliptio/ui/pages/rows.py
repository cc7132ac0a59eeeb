"""Rows of a table of artifacts: from columns of an answer to what is shown of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from elliptio.ui import wording
from elliptio.ui.asked import WrongError, segment
from elliptio.ui.checks import Trouble
from elliptio.ui.view import View

CHOICES = ("files", "labels", "who", "when", "size", "lineage", "state")
"""Columns that are shown unless others are asked for."""

FIELDS = (
    "creation_time", "username", "file_relpaths", "file_count", "labels", "total_size", "tags", "based_on", "link",
    "reproduces", "notes", "model",
)  # fmt: skip
"""Fields that these are made of."""

_ALIASES = {"size": "total_size", "who": "username", "when": "creation_time", "files": "file_relpaths",
            "lineage": "based_on", "state": "tags"}  # fmt: skip
MOST_COLUMNS = 12
MOST_CHILDREN = 500
"""Artifacts that are read to tell how many were made of those of a page."""


def columns_of(wanted: Sequence[str]) -> list[str]:
    """Return which columns to show.

    Raises
    ------
    WrongError
        If they are too many.

    """
    if len(wanted) > MOST_COLUMNS:
        raise WrongError(f"At most {MOST_COLUMNS} columns are shown.")
    backwards = {path: name for name, path in _ALIASES.items() if name not in ("lineage", "state")}
    return list(dict.fromkeys(backwards.get(name, name) for name in wanted)) or list(CHOICES)


def fields_of(columns: Sequence[str]) -> list[str]:
    """Return the fields that columns are made of."""
    return list(dict.fromkeys(_ALIASES.get(name, name) for name in columns))


def table(
    view: View, found: Sequence[Mapping[str, Any]], columns: Sequence[str], now: datetime
) -> list[dict[str, Any]]:
    """Make rows."""
    children = _children(view, [row["artifact_id"] for row in found]) if "lineage" in columns else {}
    troubles: dict[str, Trouble] = {one.artifact_id: one for one in view.checks.troubles}
    shown = []
    for row in found:
        made = _row(row, columns, children, troubles.get(row["artifact_id"]), now)
        if not made["state"][0] and row.get("file_count"):
            whole = view.checks.verified(row["artifact_id"]) >= row["file_count"]
            made["state"] = ("✓ verified", "ok") if whole else ("not read yet", "dim")
        shown.append(made)
    return shown


def _children(view: View, identifiers: Sequence[str]) -> Mapping[str, str]:
    """Tell how many artifacts were made of each, or at least how many."""
    if not identifiers:
        return {}
    query = {"based_on": {"$in": list(identifiers)}}
    found = view.h.search(query, max_docs=MOST_CHILDREN, columns=["based_on"], counted=False, sort="-creation_time")
    counts = Counter(parent for parents in found.columns["based_on"] for parent in set(parents or ()))
    some = "≥" if len(found.ids) == MOST_CHILDREN else ""
    return {identifier: f"{some}{counts[identifier]:,}" for identifier in identifiers}


def _row(
    row: Mapping[str, Any],
    columns: Sequence[str],
    children: Mapping[str, str],
    trouble: Trouble | None,
    now: datetime,
) -> dict[str, Any]:
    identifier = row["artifact_id"]
    suffix = wording.suffix_of_artifact(row)
    short, colour = wording.badge(suffix)
    parents = row.get("based_on")
    return {
        "id": identifier,
        "files": wording.files_of(row),
        "badge": short,
        "colour": colour,
        "tags": [wording.plain(tag, 80) for tag in row.get("tags") or ()],
        "labels": wording.labels_of(row),
        "who": wording.person(row.get("username")),
        "when": wording.when(row.get("creation_time"), now),
        "exact": wording.exact(row.get("creation_time")),
        "size": wording.size(row.get("total_size")),
        "up": f"{len(parents):,}" if isinstance(parents, list) else "0",
        "down": children.get(identifier, ""),
        "state": state_of(row, trouble),
        "other": [_cell(row.get(name), now) if name not in CHOICES else None for name in columns],
    }


def run_link(run_id: str) -> str:
    """Write the link to the page of a run."""
    return f"runs/{segment(run_id)}"


def state_of(row: Mapping[str, Any], trouble: Trouble | None = None) -> tuple[str, str]:
    """Say in a word how an artifact is kept, and the class of its colour."""
    if row.get("deleted"):
        return "deleted", "gone"
    if trouble is not None:
        return "✕ damaged", "err"
    if row.get("link"):
        return "↗ linked", ""
    if row.get("reproduces"):
        return "made again", ""
    return ("noted", "") if row.get("notes") else ("", "")


def _cell(value: Any, now: datetime) -> str:
    from elliptio.ui.plain import cell

    if isinstance(value, datetime):
        return wording.when(value, now)
    return wording.plain(cell(value), 80)
