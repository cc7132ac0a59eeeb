"""Read a stream from Redis: as much at once as was asked for, and only what follows without a gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from elliptio.flows.brokers.defining import Outcome
from elliptio.flows.brokers.redis.entries import Entry, Records
from elliptio.flows.errors import TamperedDataError
from elliptio.naming import several

MOST_BYTES = 2**23
"""Bytes that are asked for at once."""


class Guess(NamedTuple):
    """Guess how many values and bytes an entry of a stream has, by those that were read last."""

    values: float = 1.0
    size: float = 0.0
    entries: int = 0

    def count(self, limit: int) -> int:
        """Choose the number of entries to ask for: not many of which nothing is known."""
        # One more than is likely there shows that there is no other.
        wanted = min(limit / self.values, MOST_BYTES / max(self.size, 1.0), 2.0 + 8 * self.entries)
        return max(1, int(wanted))


def read_entries(
    records: Records, stream: str, after: int, limit: int, found: Sequence[Any]
) -> tuple[list[Any], Outcome | None, Guess]:
    """Read values from a position on out of entries that follow it, and the end.

    Raises
    ------
    TamperedDataError
        If one is missing, or is not what was written.

    """
    values: list[Any] = []
    at, size = after, 0
    for number, (id, fields) in enumerate(found):
        if fields[:1] == [b"e"]:
            return values, _outcome(records, stream, fields, at, after), Guess(1.0, 0.0, number)
        entry = records.entry(stream, id, fields)
        _check(stream, entry, at, first=at == after)
        size += len(entry.content)
        room = limit - len(values)
        if entry.tail.top - at > room and values:
            return values, None, _guess(values, size, number)
        more = records.batches.read(entry.content, entry.values)[at - entry.at :]
        if len(more) > room:
            return more[: max(room, 1)], None, Guess(float(entry.values), float(size), 1)
        values += more
        at = entry.tail.top
    return values, None, _guess(values, size, len(found))


def _guess(values: Sequence[Any], size: int, entries: int) -> Guess:
    entries = max(entries, 1)
    return Guess(max(1.0, len(values) / entries), size / entries, entries)


def _check(stream: str, entry: Entry, at: int, first: bool) -> None:
    fits = entry.at <= at < entry.tail.top if first else entry.at == at
    if not fits:
        raise TamperedDataError(
            f"Stream {stream!r} has a gap: after {several(at, 'value')} come those from position {entry.at:,} on."
        )


def _outcome(records: Records, stream: str, fields: Sequence[bytes], at: int, after: int) -> Outcome:
    if len(fields) != 2:
        raise TamperedDataError(f"The end of stream {stream!r} is not what was written.")
    outcome: Outcome = records.read(fields[1], "end", stream)
    if at < outcome["count"] or (at > outcome["count"] and at > after):
        raise TamperedDataError(f"Stream {stream!r} should have {several(outcome['count'], 'value')}, and has {at:,}.")
    return outcome
