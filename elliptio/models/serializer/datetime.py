"""Serialize times and spans of time as texts that say all of them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from elliptio.errors import FormatError, ValueRefusedError
from elliptio.formats.plain import name_of
from elliptio.models.serializer.defining import Serializer

__all__ = ["datetime_serializer", "timedelta_serializer"]

_TIME = re.compile(r"([0-9T:+.-]+)(?:\[([A-Za-z0-9_+/-]+)\])?(\[_fold=1\])?")
_KEY = re.compile(r"[A-Za-z0-9_+/-]+")
_SPAN = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,6}))?")


class _DatetimeSerializer(Serializer[datetime]):
    """ISO 8601, and the name of the zone behind it (RFC 9557): ``2026-07-01T12:00:00+02:00[Europe/Berlin]``."""

    name, types, suffix = "elliptio-datetime", (datetime,), ".txt"

    def serialize(self, value: datetime, /) -> bytes:
        """Write a time.

        Raises
        ------
        ValueRefusedError
            If its class or its zone would not come back.

        """
        zone = _zone(value)
        return f"{value.isoformat()}{f'[{zone}]' if zone else ''}{'[_fold=1]' if value.fold else ''}".encode()

    def deserialize(self, data: bytes, /) -> datetime:
        """Read a time.

        Raises
        ------
        FormatError
            If it is none.

        """
        found = _TIME.fullmatch(_text(data))
        try:
            if found is None:
                raise ValueError("it is none")
            moment = datetime.fromisoformat(found[1])
            zone = ZoneInfo(found[2]) if found[2] else moment.tzinfo
        except (ValueError, OSError, ZoneInfoNotFoundError) as error:
            raise FormatError(f"{_text(data)[:80]!r} cannot be read as a time: {error}.") from error
        return moment.replace(tzinfo=zone, fold=1 if found[3] else 0)


def _zone(value: datetime) -> str | None:
    if type(value) is not datetime:
        raise ValueRefusedError(f"value is of type {name_of(value)}, not datetime: use a datetime.")
    zone = value.tzinfo
    if type(zone) is ZoneInfo and zone.key and _KEY.fullmatch(zone.key):
        return zone.key
    offset = value.utcoffset()
    # One with a name of its own is another, though it is equal.
    if zone is None or (type(zone) is timezone and offset is not None and repr(zone) == repr(timezone(offset))):
        return None
    raise ValueRefusedError(f"value has the time zone {zone!r}, which does not come back: use zoneinfo.ZoneInfo(…).")


def _text(data: bytes) -> str:
    try:
        return bytes(data).decode("ascii")
    except UnicodeDecodeError:
        return ""


class _TimedeltaSerializer(Serializer[timedelta]):
    """Seconds, to the last microsecond: ``86400.000001``."""

    name, types, suffix = "elliptio-timedelta", (timedelta,), ".txt"

    def serialize(self, value: timedelta, /) -> bytes:
        """Write a span.

        Raises
        ------
        ValueRefusedError
            If its class would not come back.

        """
        if type(value) is not timedelta:
            raise ValueRefusedError(f"value is of type {name_of(value)}, not timedelta: use a timedelta.")
        count = value // timedelta(microseconds=1)
        seconds, rest = divmod(abs(count), 1_000_000)
        return f"{'-' if count < 0 else ''}{seconds}{f'.{rest:06}' if rest else ''}".encode()

    def deserialize(self, data: bytes, /) -> timedelta:
        """Read a span.

        Raises
        ------
        FormatError
            If it is none.

        """
        found = _SPAN.fullmatch(_text(data))
        try:
            if found is None:
                raise ValueError("it is no number of seconds")
            span = timedelta(seconds=int(found[2]), microseconds=int((found[3] or "").ljust(6, "0")))
            return -span if found[1] else span
        except (ValueError, OverflowError) as error:
            raise FormatError(f"{_text(data)[:80]!r} cannot be read as a span of time: {error}.") from error


datetime_serializer = _DatetimeSerializer()
"""A time with its zone and fold."""

timedelta_serializer = _TimedeltaSerializer()
"""A span of time in seconds."""
