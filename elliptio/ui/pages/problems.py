"""``/problems``: is anything wrong, and which command mends it. Nothing is deleted or mended here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elliptio import health
from elliptio.errors import ElliptioError
from elliptio.masking import hide_password
from elliptio.ui import findings, wording
from elliptio.ui.asked import Answer, Asked
from elliptio.ui.findings import Finding, Part
from elliptio.ui.view import View

MOST = 200
"""Findings of a kind that are shown."""

_TITLES = {
    findings.DAMAGED: "Damaged or missing",
    findings.LINKS: "Links that changed",
    findings.WAITING: "Waiting for the index",
    findings.ORPHANS: "Left behind",
    findings.DOCTOR: "What the doctor says",
}
_WELL = {
    findings.DAMAGED: "No file is known to be damaged.",
    findings.LINKS: "No linked file changed.",
    findings.WAITING: "Nothing waits.",
    findings.ORPHANS: "Nothing was left behind.",
    findings.DOCTOR: "",
}
_STATES = {health.OK: "ok", health.WARN: "warn", health.FAIL: "err"}


def show(view: View, asked: Asked) -> Answer:
    """Show what is wrong, kind by kind."""
    checked = findings.doctor(view)
    # Nobody waits several times for an index that does not answer.
    reached = not any(one.about == "index" and one.relpath == health.FAIL for one in checked.findings)
    parts = [checked, findings.damaged(view, reached=reached), findings.waiting(view)]
    if reached:
        look = asked.all("look")
        parts.insert(2, findings.links(view, asked=findings.LINKS in look))
        parts.append(findings.orphans(view, asked=findings.ORPHANS in look))
    for part in parts:
        findings.note(view, part)
    names = _names(view, parts) if reached else {}
    doctor, *others = (_part(view, part, names) for part in parts)
    return view.page(
        "problems.html", asked, doctor=doctor, parts=others, wrong=sum(one["wrong"] for one in (doctor, *others)),
        looked=",".join(asked.all("look")),
    )  # fmt: skip


def _names(view: View, parts: list[Part]) -> Mapping[str, str]:
    """Name the artifacts that something is wrong with, if the index can be asked."""
    wanted = sorted({one.about for part in parts for one in part.findings[:MOST] if one.about.startswith("artifact_")})
    columns = ["file_relpaths", "file_count", "model", "link"]
    query = {"_id": {"$in": wanted}}
    try:
        rows = view.h.search(query, max_docs=0, columns=columns, counted=False, sort="-creation_time").rows()
    except ElliptioError:
        return {}
    return {row["artifact_id"]: wording.files_of(row, 1) for row in rows}


def _part(view: View, part: Part, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": part.name,
        "title": _TITLES[part.name],
        "says": wording.plain(hide_password(part.says), 600),
        "well": _WELL[part.name],
        "command": part.command,
        "ask": part.ask,
        "wrong": sum(map(findings.is_wrong, part.findings)),
        "rows": [_row(view, one, names) for one in part.findings[:MOST]],
        "more": max(len(part.findings) - MOST, 0),
    }


def _row(view: View, one: Finding, names: Mapping[str, str]) -> dict[str, Any]:
    is_artifact = one.about.startswith("artifact_") and (not names or one.about in names)
    found = {"verify": "found by verify", "here": "seen here"}.get(one.found, "")
    when = wording.when(one.time, view.clock())
    return {
        "id": one.about if is_artifact else None,
        "tag": one.about.removeprefix("tag:") if one.about.startswith("tag:") else None,
        "about": wording.plain(names.get(one.about) or one.about, 160),
        "file": wording.plain(one.relpath.removeprefix("files/"), 200),
        "state": _STATES.get(one.relpath, "err"),
        "says": wording.plain(hide_password(one.says), 600),
        "mends": one.mends,
        "found": " · ".join(filter(None, [found, when])),
        "exact": wording.exact(one.time),
    }
