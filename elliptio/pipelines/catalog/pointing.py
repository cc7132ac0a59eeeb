"""Find the version that a user points at: by an identifier, a tag, or a time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Any

from elliptio.errors import DocumentNotFoundError
from elliptio.finding.references import is_name, resolve
from elliptio.lake.lake import Lake
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import Keys, named
from elliptio.pipelines.catalog.versions import History, Version
from elliptio.pipelines.errors import EntryError, VersionNotFoundError

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}")


def pointed_at(lake: Lake, entry: Entry, keys: Keys, history: History, wanted: Any) -> Version:
    """Find a version among those of an entry and its keys.

    Parameters
    ----------
    lake, entry, keys, history
        Where, of which entry and which of its keys, among which.
    wanted
        An artifact, its identifier or a beginning of it, ``"tag:NAME"`` or the name of a tag, or a time: what was
        current then.

    Raises
    ------
    VersionNotFoundError
        If there is none.
    EntryError
        If a time has no zone, or is none.

    """
    if isinstance(wanted, str) and _TIME.match(wanted):
        wanted = _time_of(wanted)
    if isinstance(wanted, date):
        return _at(entry, history, wanted)
    try:
        identifier = _identifier(lake, str(getattr(wanted, "artifact_id", wanted)))
    except DocumentNotFoundError as error:
        raise VersionNotFoundError(f"{named(entry.name, keys)} has no version {wanted!r}: {error}") from error
    fits = [one for one in history.versions if one.artifact_id.startswith(identifier)]
    if len(fits) == 1:
        return fits[0]
    raise VersionNotFoundError(
        f"{named(entry.name, keys)} has no version {wanted!r}: give the identifier of one, a tag of one, or a time; "
        f"catalog.versions({entry.name!r}) lists them."
    )


def _at(entry: Entry, history: History, day: date) -> Version:
    moment = day if isinstance(day, datetime) else datetime.combine(day, time.max, UTC)
    if moment.tzinfo is None:
        raise EntryError(f"version={day!r} has no zone: datetime(2026, 1, 31, tzinfo=UTC).")
    found = history.current(moment)
    if found is None:
        raise VersionNotFoundError(f"{entry.name!r} had no version at {moment.isoformat()}.")
    return found


def _time_of(text: str) -> date:
    try:
        return date.fromisoformat(text) if len(text) == len("2026-01-31") else datetime.fromisoformat(text)
    except ValueError as error:
        raise EntryError(f"version={text!r} is no time: write it as 2026-01-31T12:00:00+00:00.") from error


def _identifier(lake: Lake, wanted: str) -> str:
    if wanted.startswith("artifact_"):
        return wanted
    return resolve(lake, wanted if is_name(wanted) else f"tag:{wanted}")
