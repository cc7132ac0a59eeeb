"""Remarks that are added to an artifact after it was published, which itself stays as it is.

Each lies in a file of its own, ``.elliptio/notes/<artifact_id>/<note_id>.json``, written once and never changed. The
files are the truth; the index has all notes of an artifact in its document.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from elliptio import naming
from elliptio.documents import extended_json
from elliptio.errors import ElliptioError, FormatError, IndexUnavailableError
from elliptio.lake.checks import check_storable
from elliptio.lake.json_files import read_json
from elliptio.lake.lake import ARTIFACTS, Lake
from elliptio.lake.run_checks import check_note
from elliptio.metadata import VERSION
from elliptio.system.os_errors import damage_named

log = logging.getLogger(__name__)

NOTES = f"{naming.LAKE_FOLDER}/notes"

_KEY = re.compile(rf"{re.escape(NOTES)}/(artifact_[0-9a-f-]{{36}})/note_[0-9a-f-]{{36}}\.json")
_ADVICE = "Restore it from a backup, or remove it."
_LONGEST = 1 << 20


def add(lake: Lake, artifact_id: str, remark: Mapping[str, Any]) -> None:
    """Add a remark to an artifact, and tell the index.

    Raises
    ------
    StoreError
        If the store cannot be written.

    """
    note_id, _ = naming.new_id("note")
    content = extended_json({**remark, "artifact_id": artifact_id, "version": VERSION}).encode() + b"\n"
    lake.store.create(f"{NOTES}/{artifact_id}/{note_id}.json", content)
    try:
        problems = sync(lake, artifact_id)
    except IndexUnavailableError as error:
        log.warning(
            "The note on %s is saved, and the index is told of it by `elliptio reindex`: %s", artifact_id, error
        )
        return
    for problem in problems.values():
        log.warning("%s", problem)


def sync(lake: Lake, artifact_id: str = "") -> dict[str, ElliptioError]:
    """Let the index say of one artifact, or of all, which notes there are; return those that cannot be read, and why.

    Raises
    ------
    IndexUnavailableError
        If the index fails.

    """
    damaged: dict[str, ElliptioError] = {}
    found: dict[str, list[dict[str, Any]]] = {}
    for stored in sorted(lake.store.list(f"{NOTES}/{artifact_id}".rstrip("/")), key=lambda one: one.key):
        parsed = _KEY.fullmatch(stored.key)
        if parsed is None:
            continue
        try:
            found.setdefault(parsed[1], []).append(_read(lake, stored.key))
        except FormatError as error:
            damaged[stored.key] = error
    for identifier, notes in found.items():
        for document in list(lake.index.find(ARTIFACTS, {"_id": identifier}, limit=1)):
            if document.get("notes", []) != notes:
                lake.replace({**document, "notes": notes})
    return damaged


def _read(lake: Lake, key: str) -> dict[str, Any]:
    where = f"{lake.store.root}/{key}"
    found = read_json(lake.store, key, advice=_ADVICE, longest=_LONGEST)
    with damage_named(where, _ADVICE):
        note = {name: found[name] for name in ("time", "username", "text")}
        check_note(note)
        check_storable(note, where)
    return note
