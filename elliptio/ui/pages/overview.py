"""``/``: what happened lately, and whether the lake is well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from elliptio.masking import hide_password
from elliptio.ui import facets, findings, wording
from elliptio.ui.asked import Answer, Asked
from elliptio.ui.pages import rows, views
from elliptio.ui.pages.artifact import short_row
from elliptio.ui.pages.artifacts import count
from elliptio.ui.shortcuts import bar_of
from elliptio.ui.view import View

DAYS = 28
NEWEST = 10
MOST_TAGS = 8


def show(view: View, asked: Asked) -> Answer:
    """Show the lake at a glance."""
    now = view.clock()
    findings.briefly(view)
    newest = view.h.search(None, max_docs=NEWEST, sort="-creation_time", columns=[*rows.FIELDS], counted=False)
    projects: dict[str, dict[str, Any]] = {}
    sample = view.h.search(None, max_docs=facets.SAMPLE, sort="-creation_time", columns=[*rows.FIELDS], counted=False)
    known = sample.rows()
    for row in known:
        project = str((row.get("labels") or {}).get("project") or "")
        if project and project not in projects:
            projects[project] = {
                **short_row(row, now),
                "project": project,
                "query": bar_of({"labels.project": project}),
            }
    since = now - timedelta(days=7)
    days = _days(view)
    moves = sorted(view.h.tags.moves(), key=lambda move: move.time, reverse=True)
    return view.page(
        "overview.html",
        asked,
        total=_said(count(view, {}, facets.MOST_COUNTED)),
        week=_said(count(view, {"creation_time": {"$gte": since}}, facets.MOST_COUNTED)),
        week_size=_size(known, since),
        waiting=view.known_wrong.get(findings.WAITING, 0),
        days=days,
        most=f"{max(day['count'] for day in days):,}",
        ticks=[days[place]["day"] for place in (0, DAYS // 3, 2 * DAYS // 3, DAYS - 1)],
        running=_runs(view, {"status": "running"}),
        failed=_runs(view, {"status": {"$in": ["failed", "killed"]}, "creation_time": {"$gte": since}}),
        newest=[short_row(row, now) for row in newest.rows()],
        projects=list(projects.values())[:NEWEST],
        moves=[{"tag": move.tag, "who": wording.plain(move.username, 40), "when": wording.when(move.time, now)}
               for move in moves[:MOST_TAGS]],
        found=view.checks.troubles[:20],
        wrong=view.wrong,
        saved=views.saved_of(view),
        index=hide_password(view.h.index.address),
        store=hide_password(view.h.store.root),
    )  # fmt: skip


def _size(rows: Sequence[Mapping[str, Any]], since: datetime) -> str:
    """Add up the sizes of what was made since; of more than are known, of these."""
    recent = [row for row in rows if (row.get("creation_time") or since) >= since]
    said = wording.size(sum(int(row.get("total_size") or 0) for row in recent))
    return f"more than {said}" if len(recent) == facets.SAMPLE else said


def _said(number: int) -> str:
    return f"{facets.MOST_COUNTED:,}+" if number > facets.MOST_COUNTED else f"{number:,}"


def _runs(view: View, query: dict[str, Any]) -> str:
    found = view.h.runs.search(query, max_docs=1, columns=["status"])
    return f"{found.total:,}" + ("" if found.exact else "+")


def _days(view: View) -> list[dict[str, Any]]:
    """Count what was made on each of the last days."""
    today = view.clock().replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [today - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1)]
    counts = [
        count(view, {"creation_time": {"$gte": day, "$lt": day + timedelta(days=1)}}, facets.MOST_COUNTED)
        for day in begins
    ]
    most = max(counts, default=0) or 1
    return [
        {
            "day": f"{day.day} {day:%b}",
            "count": number,
            "x": place * 22,
            "height": round(max(number / most * 60, 2), 1) if number else 0,
            "says": f"{day.day} {day:%b}: {number:,}",
            "query": f"since:{day:%Y-%m-%d} until:{day:%Y-%m-%d}",
        }
        for place, (day, number) in enumerate(zip(begins, counts, strict=True))
    ]
