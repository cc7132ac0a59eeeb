"""Say each scalar in plain JSON, and read it back: to the last bit, with its exact class."""

from __future__ import annotations

import base64
import pathlib
import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from types import NoneType
from typing import Any
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

NAMES: dict[type, str] = {
    int: "int", float: "float", bool: "bool", str: "str", bytes: "bytes", NoneType: "none", datetime: "datetime",
    date: "date", time: "time", timedelta: "timedelta", pathlib.Path: "path", UUID: "uuid", Decimal: "decimal",
    complex: "complex",
}  # fmt: skip
"""Names of scalars by class. A path's class depends on the machine: `pathlib.Path` is what it is there."""

PATHS: dict[type, str] = {
    kind: kind.__name__
    for kind in (
        pathlib.PurePath, pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath,
    )
}  # fmt: skip
HERE = type(pathlib.Path())
_FOREIGN = {"PosixPath": pathlib.PurePosixPath, "WindowsPath": pathlib.PureWindowsPath}

NUMPY = frozenset(
    {
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "longlong", "ulonglong",
        "intc", "uintc", "float16", "float32", "float64", "complex64", "complex128", "str", "bytes", "datetime64",
        "timedelta64",
    }
)  # fmt: skip
"""Classes of numpy's scalars that are kept; a longdouble differs from machine to machine."""
_ABSTRACT_NUMPY = frozenset(["generic", "number", "integer", "signedinteger", "unsignedinteger", "inexact", "floating"])
_FAMILIES = {"int": "iu", "float": "fiu", "bool": "b", "str": "U", "bytes": "S", "complex": "c"}
_UNIT = re.compile(r"[Mm]8(\[\d*[a-zμ]{1,2}\])?", re.IGNORECASE)
_WIDE = 10**4000
"""Python reads whole numbers of at most 4,300 digits."""
_SPECIAL = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}

NATURAL: dict[str, type] = {"int": int, "bool": bool, "str": str, "none": NoneType}
"""Scalars that JSON itself says, and tells apart."""
UNMARKED: dict[str, type] = {"int": int, "float": float, "bool": bool, "str": str}
"""Scalars that stand in a union without a mark."""
KEPT = frozenset(_FAMILIES)
"""Scalars in whose place others may stand that are kept as what they are: those of numpy, members of an Enum."""

Exact = Callable[[Any], Any]


class NoFormError(Exception):
    """A scalar has no plain form; the message says why."""


def of_int(value: int) -> Any:
    """Say a whole number of any size."""
    return value if -_WIDE < value < _WIDE else {"$int": hex(value)}


def of_float(value: float) -> Any:
    """Say a float; JSON has no word for what is not finite."""
    return value if value - value == 0.0 else {"$float": "nan" if value != value else "inf" if value > 0 else "-inf"}


def of_str(value: str) -> Any:
    """Say a text; one with a lone surrogate, which UTF-8 does not have, by its bytes."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return {"$str": _base64(value.encode("utf-8", "surrogatepass"))}
    return value


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _of_datetime(value: datetime | time) -> Any:
    zone = value.tzinfo
    if not value.fold and (zone is None or zone is UTC or _is_plain(zone)):
        return value.isoformat()
    naive = value.replace(tzinfo=None, fold=0)
    return [naive.isoformat(), None if zone is None else _of_zone(zone), value.fold]


def _is_plain(zone: tzinfo) -> bool:
    return type(zone) is timezone and zone.tzname(None) == timezone(zone.utcoffset(None)).tzname(None)


def _of_zone(zone: tzinfo) -> Any:
    if type(zone) is timezone:
        offset = zone.utcoffset(None)
        name = zone.tzname(None)
        return {"offset": offset // timedelta(microseconds=1), **({} if _is_plain(zone) else {"name": of_str(name)})}
    if type(zone) is ZoneInfo and zone.key:
        return {"zone": zone.key}
    kind = type(zone)
    raise NoFormError(f"its time zone is a {kind.__module__}.{kind.__qualname__}: use zoneinfo.ZoneInfo of a key")


def _of_uuid(value: UUID) -> Any:
    return str(value) if value.is_safe is SafeUUID.unknown else [str(value), value.is_safe.name]


def of_path(value: pathlib.PurePath) -> Any:
    """Say a path: a text if it is one of this machine, else with its class."""
    text = of_str(str(value))
    return text if type(value) is HERE else {"$path": [type(value).__name__, text]}


def of_any_path(value: pathlib.PurePath) -> Any:
    """Say a path with its class."""
    return ["Path" if type(value) is HERE else type(value).__name__, of_str(str(value))]


ENCODERS: dict[str, Exact] = {
    "int": of_int,
    "float": of_float,
    "bool": bool,
    "str": of_str,
    "bytes": _base64,
    "none": lambda value: None,
    "datetime": _of_datetime,
    "time": _of_datetime,
    "date": date.isoformat,
    "timedelta": lambda value: [value.days, value.seconds, value.microseconds],
    "path": of_path,
    "uuid": _of_uuid,
    "decimal": str,
    "complex": lambda value: [of_float(value.real), of_float(value.imag)],
}
"""From a value of exactly this class."""


def numpy_name(cls: type) -> str | None:
    """Name a class of numpy's scalars; None where it is none, or one that is not kept."""
    if cls.__module__ != "numpy":
        return None
    name = cls.__name__.removesuffix("_")
    if name in _ABSTRACT_NUMPY:
        return name
    if name not in NUMPY:
        return None
    import numpy as np

    return name if np.dtype(name).type is cls else None


def is_numpy(value: Any) -> bool:
    """Tell whether a value is a scalar of numpy."""
    return type(value).__module__ == "numpy" and isinstance(value, sys.modules["numpy"].generic)


def of_numpy(value: Any) -> list[Any]:
    """Say a scalar of numpy: the name of its class, and its value.

    Raises
    ------
    NoFormError
        If it is not kept.

    """
    name = numpy_name(type(value))
    if name is None or name in _ABSTRACT_NUMPY:
        raise NoFormError(f"a numpy.{type(value).__name__} is not the same on every machine: convert it")
    kind = value.dtype.kind
    if kind in "Mm":
        return [name, [value.dtype.str.lstrip("<>|="), int(value.view("i8"))]]
    if kind == "c":
        return [name, [of_float(float(value.real)), of_float(float(value.imag))]]
    plain: dict[str, Exact] = {
        "b": bool, "i": int, "u": int, "f": lambda each: of_float(float(each)),
        "U": lambda each: of_str(str.__str__(each)), "S": lambda each: _base64(bytes.__getitem__(each, slice(None))),
    }  # fmt: skip
    return [name, plain[kind](value)]


def numpy_of(plain: Any) -> Any:
    """Read a scalar of numpy back; what is not one raises any error."""
    import numpy as np

    name, value = plain
    if not isinstance(name, str) or name not in NUMPY:
        raise ValueError(f"there is no numpy.{name}")
    cls = np.dtype(name).type
    if name in ("datetime64", "timedelta64"):
        unit, number = value
        if not _UNIT.fullmatch(unit) or (unit[0] == "M") != (name == "datetime64") or type(number) is not int:
            raise ValueError(f"{unit!r} is no unit")
        return np.array([number], "i8").view(f"<{unit}")[0]
    if name in ("complex64", "complex128"):
        made = cls()
        parts = np.array([float_of(each) for each in value], "f4" if name == "complex64" else "f8")
        return parts.view(made.dtype)[0]
    if name == "bytes":
        return cls(base64.b64decode(value, validate=True))
    if name.startswith("float"):
        return cls(float_of(value))
    wanted = {"bool": bool, "str": (str, dict)}.get(name, int)
    if not isinstance(value, wanted) or (wanted is int and type(value) is bool):  # type: ignore[arg-type]
        raise ValueError(f"{value!r} is no {name}")
    return cls(str_of(value) if name == "str" else value)


def fits(value: Any, name: str) -> bool:
    """Tell whether a value may stand where a scalar of this name is declared, and be kept as what it is."""
    if type(value) is bool:
        return name == "bool"
    if is_numpy(value):
        return value.dtype.kind in _FAMILIES.get(name, "")
    if name == "float":
        return isinstance(value, float | int)
    return is_below(value, name) and name in _FAMILIES


def is_below(value: Any, name: str) -> bool:
    """Tell whether a value is of the class of this name, or of one below."""
    return any(isinstance(value, kind) for kind, each in NAMES.items() if each == name)


BUILTIN: dict[str, tuple[type, Exact]] = {
    "int": (int, int.__pos__),
    "float": (float, float.__pos__),
    "str": (str, str.__str__),
    "bytes": (bytes, lambda value: bytes.__getitem__(value, slice(None))),
    "complex": (complex, complex.__pos__),
}
"""Make of an instance of a subclass one of the class itself, whatever the subclass overrides."""


def int_of(plain: Any) -> int:
    """Read a whole number that is too long for JSON."""
    if type(plain) is int:
        return plain
    return int(plain["$int"], 16)


def float_of(plain: Any) -> float:
    """Read a float, also one that is not finite."""
    if type(plain) is float:
        return plain
    return _SPECIAL[plain["$float"]]


def str_of(plain: Any) -> str:
    """Read a text, also one with lone surrogates."""
    if type(plain) is str:
        return plain
    return base64.b64decode(plain["$str"], validate=True).decode("utf-8", "surrogatepass")


def _datetime_of(kind: Any) -> Exact:
    def read(plain: Any) -> Any:
        if type(plain) is str:
            return kind.fromisoformat(plain)
        text, zone, fold = plain
        return kind.fromisoformat(text).replace(tzinfo=_zone_of(zone), fold=fold)

    return read


def _zone_of(plain: Any) -> tzinfo | None:
    if plain is None:
        return None
    if "zone" in plain:
        return ZoneInfo(plain["zone"])
    offset = timedelta(microseconds=plain["offset"])
    return timezone(offset, str_of(plain["name"])) if "name" in plain else timezone(offset)


def _uuid_of(plain: Any) -> UUID:
    return UUID(plain) if type(plain) is str else UUID(plain[0], is_safe=SafeUUID[plain[1]])


def path_of(plain: Any) -> pathlib.PurePath:
    """Read a path: the class that it had, or the pure one where that is of another kind of machine."""
    if type(plain) is dict and "$path" in plain:
        plain = plain["$path"]
    if type(plain) is not list:
        return pathlib.Path(str_of(plain))
    name, text = plain
    known: dict[str, Any] = {each: kind for kind, each in PATHS.items()} | {"Path": pathlib.Path}
    kind = known[name]
    return (_FOREIGN[name] if name in _FOREIGN and kind is not HERE else kind)(str_of(text))


def _decimal_of(plain: Any) -> Decimal:
    if type(plain) is not str:
        raise TypeError("a Decimal is a text")
    return Decimal(plain)


DECODERS: dict[str, Exact] = {
    "int": int_of,
    "float": float_of,
    "str": str_of,
    "bytes": lambda plain: base64.b64decode(plain, validate=True),
    "datetime": _datetime_of(datetime),
    "time": _datetime_of(time),
    "date": date.fromisoformat,
    "timedelta": lambda plain: timedelta(*_whole(plain)),
    "path": path_of,
    "uuid": _uuid_of,
    "decimal": _decimal_of,
    "complex": lambda plain: complex(*map(float_of, _pair(plain))),
    "numpy": numpy_of,
}
"""From what the encoder of this name makes; anything else raises any error."""


def _pair(plain: Any) -> list[Any]:
    if type(plain) is not list or len(plain) != 2:
        raise ValueError("a complex number has two parts")
    return plain


def _whole(plain: Any) -> list[int]:
    if len(plain) != 3 or not all(type(each) is int for each in plain):
        raise ValueError("a timedelta has days, seconds and microseconds")
    return list(plain)
