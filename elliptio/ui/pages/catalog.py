"""``/catalog``: entries, their versions and partitions, as the artifacts of a lake have them; no project is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elliptio.pipelines.catalog.recent import entries, recent
from elliptio.protocols import Document
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, NotThereError
from elliptio.ui.pages import partitions
from elliptio.ui.pages.beginnings import not_yet
from elliptio.ui.pages.belonging import entry_link
from elliptio.ui.shortcuts import bar_of
from elliptio.ui.view import View

AT_ONCE, ROUNDS = 2000, 5
MOST_ENTRIES, MOST_COUNTED = 200, 1000
MOST_READ, MOST_LISTED = 5000, 100
"""Versions of an entry that are read, the newest, and those that are listed at once."""


def show(view: View, asked: Asked) -> Answer:
    """List the entries that the lake has versions of, the one that was saved last first."""
    found = list(entries(view.h.lake, at_once=AT_ONCE, rounds=ROUNDS))
    if not found:
        return not_yet(view, asked, "catalog")
    return view.page(
        "catalog.html",
        asked,
        rows=[_entry(view, asked, document) for document in found[:MOST_ENTRIES]],
        projects=len({document["entry"]["project"] for document in found}),
        left_out=max(len(found) - MOST_ENTRIES, 0),
    )


def entry(view: View, asked: Asked) -> Answer:
    """Show an entry: its partitions and what is missing, and its versions.

    Raises
    ------
    NotThereError
        If there is no version of it.

    """
    name, project = asked.parts["name"], asked.get("project")
    query = {"entry.name": name, **({"entry.project": project} if project else {})}
    newest = next(iter(view.h.lake.find(query, sort=[("creation_time", -1)], limit=1)), None)
    if newest is None:
        raise NotThereError(
            f"No version of an entry {name[:80]!r} is in this lake: it was never saved, or never built."
        )
    project = str(newest["entry"]["project"])
    found = recent(view.h.lake, project, name, MOST_READ)
    current = {keys: version.artifact_id for keys, version in found.partitions().items()}
    versions = [one for one in found.documents if not view.exported or one["_id"] in view.exported]
    begin = asked.number("from", 0, max(len(versions) - 1, 0)) // MOST_LISTED * MOST_LISTED
    ids = set(current.values())
    listed = versions[begin : begin + MOST_LISTED]
    return view.page(
        "entry.html",
        asked,
        name=wording.plain(name, 200),
        project=wording.plain(project, 80),
        others=[] if view.exported else _others(view, asked, name, project),
        type=_type(newest),
        craft=wording.plain((newest.get("recipe") or {}).get("craft") or "", 120),
        newest=_version(view, versions[0] if versions else newest, ids),
        names=[wording.plain(one, 40) for one in dict.fromkeys(each for keys in found.histories for each in keys)],
        partitions=None if view.exported else partitions.shown(current, asked.get("year")),
        count=len(current),
        listed=[_version(view, document, ids) for document in listed],
        total=len(versions),
        is_cut=found.is_cut and not view.exported,
        query=bar_of({"entry.name": name}),
        older=asked.link(**{"from": str(begin + MOST_LISTED)}) if begin + MOST_LISTED < len(versions) else None,
        newer=asked.link(**{"from": str(begin - MOST_LISTED) if begin > MOST_LISTED else None}) if begin else None,
    )


def _others(view: View, asked: Asked, name: str, project: str) -> list[tuple[str, str]]:
    """Name other projects that have an entry of this name."""
    query = {"entry.name": name, "entry.project": {"$ne": project}}
    found = {str(one["entry"]["project"]) for one in view.h.lake.find(query, sort=(), limit=MOST_COUNTED)}
    return [(wording.plain(one, 60), asked.link(project=one)) for one in sorted(found)[:10]]


def _entry(view: View, asked: Asked, document: Document) -> dict[str, Any]:
    entry = document["entry"]
    query = {"entry.name": entry["name"], "entry.project": entry["project"]}
    count = view.h.lake.count(query, limit=MOST_COUNTED)
    return {
        **_version(view, document, set()),
        "name": wording.plain(entry["name"], 120),
        "link": asked.up + entry_link(entry["name"], entry["project"]),
        "project": wording.plain(entry["project"], 80),
        "type": _type(document),
        "names": ", ".join(wording.plain(one, 40) for one in entry.get("keys") or ()),
        "versions": f"{count:,}{'+' if count == MOST_COUNTED else ''}",
    }


def _type(document: Mapping[str, Any]) -> str:
    """Name the format of a version: a value has one recorded, a file that was taken in only its ending."""
    value = ((document.get("files") or [{}])[0] or {}).get("value") or {}
    return wording.plain(value.get("format") or wording.suffix_of_artifact(document) or "", 40)


def _version(view: View, document: Document, current: set[str]) -> dict[str, Any]:
    entry = document["entry"]
    short, colour = wording.badge(wording.suffix_of_artifact(document))
    which = ", ".join(f"{name}={value}" for name, value in (entry.get("keys") or {}).items())
    return {
        "id": document["_id"],
        "files": wording.files_of(document),
        "badge": short,
        "colour": colour,
        "which": wording.plain(which, 120),
        "origin": wording.plain(entry.get("origin") or "", 20),
        "current": document["_id"] in current,
        "aside": bool(entry.get("aside")),
        "size": wording.size(document.get("total_size")),
        "who": wording.person(document.get("username")),
        "when": wording.when(document.get("creation_time"), view.clock()),
        "exact": wording.exact(document.get("creation_time")),
        "tags": [wording.plain(tag, 80) for tag in document.get("tags") or ()],
    }
