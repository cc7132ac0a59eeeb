"""Say of the classes of the standard library, which MessagePack does not know, what they are made of."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

BIG, TEXT, COMPLEX, BYTEARRAY = 4, 5, 6, 7
"""Codes of whole numbers beyond 64 bits, and of texts that are no UTF-8."""

_PATHS = (PosixPath, PurePosixPath, PureWindowsPath, WindowsPath)


def zone_of(zone: tzinfo | None) -> Any:
    """Say which zone it is, by plain values.

    Raises
    ------
    ValueError
        If it is of another library.

    """
    if zone is None:
        return None
    if type(zone) is ZoneInfo and zone.key:
        return zone.key
    if type(zone) is timezone:
        # Two of another name are equal, but say another `tzname`.
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [*_span(offset), *name]
    name = getattr(zone, "zone", None)
    if type(zone).__module__.partition(".")[0] == "pytz" and isinstance(name, str):
        return ["pytz", name]
    raise ValueError(
        f"has a zone of type {type(zone).__module__}.{type(zone).__qualname__}: use zoneinfo.ZoneInfo or "
        "datetime.timezone, as by value.astimezone(…), or tz_convert(…) of pandas"
    )


def to_zone(plain: Any) -> tzinfo | None:
    """Make the zone again."""
    if plain is None:
        return None
    if isinstance(plain, str):
        return ZoneInfo(plain)
    if plain[0] == "pytz":
        import pytz  # type: ignore[import-untyped]

        found: tzinfo = pytz.timezone(plain[1])
        return found
    offset = timedelta(*plain[:3])
    return timezone(offset, *plain[3:]) if offset or plain[3:] else UTC


def _span(value: timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _clock(value: datetime | time) -> list[Any]:
    return [value.hour, value.minute, value.second, value.microsecond, zone_of(value.tzinfo), value.fold]


def _datetime(value: datetime) -> list[Any]:
    plain = [value.year, value.month, value.day, *_clock(value)]
    if hasattr(value.tzinfo, "localize"):  # of pytz, which has a zone for each offset
        plain[7] += _span(value.utcoffset() or timedelta())
        if _to_datetime(plain).tzinfo is not value.tzinfo:
            raise ValueError(f"has the zone {value.tzinfo!r}, which pytz does not have then: use zone.localize(…)")
    return plain


def _to_datetime(plain: Any) -> datetime:
    year, month, day, hour, minute, second, micro, zone, fold = plain
    found: Any = to_zone(zone)
    if not hasattr(found, "localize"):
        return datetime(year, month, day, hour, minute, second, micro, found, fold=fold)
    naive = datetime(year, month, day, hour, minute, second, micro, None, fold=fold)  # noqa: DTZ001
    offset = timedelta(*zone[2:])
    moments: list[datetime] = [found.localize(naive, is_dst=summer) for summer in (False, True)]
    return next((one for one in moments if one.utcoffset() == offset), moments[0])


def _time(value: time) -> list[Any]:
    plain = _clock(value)
    if to_zone(plain[4]) != value.tzinfo:
        raise ValueError(f"has the zone {value.tzinfo!r}, which means nothing without a day")
    return plain


def _to_time(plain: Any) -> time:
    hour, minute, second, micro, zone, fold = plain
    return time(hour, minute, second, micro, to_zone(zone), fold=fold)


def _path(value: Any) -> list[Any]:
    return [_PATHS.index(type(value)), str(value).encode("utf-8", "surrogatepass")]


def _to_path(plain: Any) -> Any:
    kind, text = plain
    return _PATHS[kind](text.decode("utf-8", "surrogatepass"))


def to_big(number: int) -> bytes:
    """Write a whole number of any size."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)


def to_text(text: str) -> bytes:
    """Write a text that has halves of characters."""
    return text.encode("utf-8", "surrogatepass")


WRITE: dict[type, tuple[int, Callable[[Any], Any]]] = {
    complex: (COMPLEX, lambda value: struct.pack("<dd", value.real, value.imag)),
    bytearray: (BYTEARRAY, bytes),
    datetime: (8, _datetime),
    date: (9, lambda value: [value.year, value.month, value.day]),
    time: (10, _time),
    timedelta: (11, _span),
    Decimal: (12, str),
    UUID: (13, lambda value: value.bytes),
    **dict.fromkeys(_PATHS, (14, _path)),
}
"""By class: its code, and a function that makes plain values of one."""

READ: dict[int, Callable[[Any], Any]] = {
    BIG: lambda plain: int.from_bytes(plain, "big", signed=True),
    TEXT: lambda plain: plain.decode("utf-8", "surrogatepass"),
    COMPLEX: lambda plain: complex(*struct.unpack("<dd", plain)),
    BYTEARRAY: bytearray,
    8: _to_datetime,
    9: lambda plain: date(*plain),
    10: _to_time,
    11: lambda plain: timedelta(*plain),
    12: Decimal,
    13: lambda plain: UUID(bytes=plain),
    14: _to_path,
}
"""By code: a function that makes the value of the plain ones."""
