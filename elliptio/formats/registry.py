"""Know the formats by name: those of elliptio, those that are registered, those of other distributions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from elliptio.errors import UnknownFormatError
from elliptio.formats.arrays import Npy, Npz
from elliptio.formats.images import Figure, Image
from elliptio.formats.libraries import is_a, meant
from elliptio.formats.pickles import Joblib, Pickle
from elliptio.formats.tables import Csv, Excel, Feather, JsonLines, Parquet
from elliptio.formats.text import Binary, Json, Text, Yaml
from elliptio.protocols import Format

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

log = logging.getLogger(__name__)

GROUP = "elliptio.formats"
"""Group of the entry points by which other distributions bring formats."""

_formats: dict[str, Format] = {
    format.name: format
    for format in (
        Parquet(), Feather(), Csv("csv", ",", (".csv",)), Csv("tsv", "\t", (".tsv", ".tab")), JsonLines(), Excel(),
        Npy(), Npz(), Text(), Binary(), Json(), Yaml(), Image(), Figure(), Joblib(), Pickle(),
    )
}  # fmt: skip
"""By name, in the order in which they are asked: the first that takes a value is its usual one."""

_others: dict[str, EntryPoint] | None = None
"""Entry points of other distributions that were not loaded yet; None: nobody has looked for them."""

_broken: dict[str, str] = {}
"""Reasons why entry points could not be loaded, by name."""


def register(format: Format) -> Format:
    """Add a format, and return it.

    Parameters
    ----------
    format
        What has all that `Format` says. One of the same class may be registered again, as a cell of a notebook does
        that is run again: the newest holds.

    Raises
    ------
    ValueError
        If its name is taken, or it lacks something.

    Examples
    --------
    >>> from elliptio import formats
    >>> class Complex(formats.Format):
    ...     name, suffixes, types = "complex", (".complex",), ("builtins.complex",)
    ...     def write(self, value, file, **options):
    ...         file.write(repr(value).encode())
    ...     def read(self, file, **options):
    ...         return complex(file.read().decode())
    >>> formats.register(Complex()).name
    'complex'

    """
    lacking = [part for part in ("name", "suffixes", "types", "write", "read") if not hasattr(format, part)]
    if lacking or isinstance(format, type):
        what = "is a class: register an instance" if isinstance(format, type) else f"has no {', '.join(lacking)}"
        raise ValueError(f"{format!r} is no format: it {what}. `elliptio.formats.Format` says what one has.")
    known = _formats.get(format.name)
    if known is not None and _class_of(known) != _class_of(format):
        raise ValueError(f"There is a format {format.name!r} already, {type(known).__qualname__}: choose another name.")
    _formats[format.name] = format
    return format


def _class_of(format: Format) -> tuple[str, str]:
    return type(format).__module__, type(format).__qualname__


def names() -> list[str]:
    """List the names of all formats, sorted; those of other distributions are not loaded for that."""
    return sorted({*_formats, *_found()})


def is_known(name: str) -> bool:
    """Tell whether there is a format of a name; others than those of elliptio are not loaded for that."""
    return name in _formats or name in _found()


def get(name: str) -> Format:
    """Give the format of a name.

    Raises
    ------
    UnknownFormatError
        If there is none, or another distribution has it and it cannot be loaded; a KeyError.

    """
    if name not in _formats:
        _load(name)
    if name in _broken:
        raise UnknownFormatError(_broken[name])
    if name not in _formats:
        raise UnknownFormatError(f"There is no format {name!r}; {meant(name, names())}")
    return _formats[name]


def with_suffix(name: str) -> list[Format]:
    """List the formats of the longest suffix that a file's name ends with."""
    return _ending(name.lower()) or (_ending(name.lower()) if _load_all() else [])


def suffixes() -> list[str]:
    """List the suffixes of all formats, sorted."""
    _load_all()
    return sorted({suffix for format in _formats.values() for suffix in format.suffixes})


def of_value(value: Any) -> list[Format]:
    """List the formats that take a value, the usual one first."""
    return _taking(value) or (_taking(value) if _load_all() else [])


def takes(format: Format, value: Any) -> bool:
    """Tell whether a value is of a class of a format; nothing is imported for that."""
    return any(is_a(value, name) for name in format.types)


def broken() -> str:
    """Say which formats of other distributions could not be loaded, if any."""
    return "".join(f" {problem}" for problem in _broken.values())


def _ending(name: str) -> list[Format]:
    found = {
        suffix: [format for format in _formats.values() if suffix in format.suffixes]
        for format in _formats.values()
        for suffix in format.suffixes
        if name.endswith(suffix)
    }
    return found[max(found, key=len)] if found else []


def _taking(value: Any) -> list[Format]:
    return [format for format in _formats.values() if takes(format, value)]


def _found() -> dict[str, EntryPoint]:
    global _others
    if _others is None:
        from importlib.metadata import entry_points

        _others = {point.name: point for point in entry_points(group=GROUP) if point.name not in _formats}
    return _others


def _load(name: str) -> None:
    """Load the format of another distribution, if it has one of this name; note what is wrong with it."""
    point = _found().get(name)
    if point is None or name in _broken:
        return
    try:
        found = point.load()
        format = register(found() if isinstance(found, type) else found)
        if format.name != name:
            raise ValueError(f"it is named {format.name!r}")
    except Exception as error:  # what others wrote can fail in any way
        whose = f" of {point.dist.name}" if point.dist else ""
        _broken[name] = f"The format {name!r}{whose} ({point.value}) cannot be loaded: {type(error).__name__}: {error}."
        log.warning("%s", _broken[name])


def _load_all() -> bool:
    """Load what other distributions have; tell whether there is any."""
    for name in _found():
        if name not in _formats:
            _load(name)
    return bool(_found())
