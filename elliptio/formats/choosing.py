"""Choose the format of a value, and of a file: what is named, what was recorded, or that of the suffix."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, NamedTuple

from elliptio.errors import FormatError, UnknownFormatError, ValueRefusedError
from elliptio.formats import registry
from elliptio.formats.libraries import meant
from elliptio.formats.plain import name_of
from elliptio.metadata import ValueRecord
from elliptio.protocols import Format
from elliptio.system.collector import uncollected


class Chosen(NamedTuple):
    """A format for a value, and the name of its file."""

    format: Format
    relpath: str


def for_saving(value: Any, name: str, format: str | None) -> Chosen:
    """Choose the format of a value: the one that is named, that of its suffix, else the usual one of its class.

    Raises
    ------
    UnknownFormatError
        If there is none, or it has to be named.
    ValueRefusedError
        If the format of the suffix takes no such value.

    """
    has_suffix = bool(os.path.splitext(name)[1])
    if format is not None:
        named = registry.get(format)
        usual = next(iter(named.suffixes), "")
        return Chosen(named, name if has_suffix else name + usual)
    if has_suffix:
        return Chosen(_of_suffix(value, name), name)
    found = registry.of_value(value)
    if not found:
        model = f"make it a data model, class {type(value).__name__}(elliptio.models.DataModel, version=1), "
        raise UnknownFormatError(
            f"No format is known for a {name_of(value)}: {model if is_dataclass(value) else ''}give {name!r} a suffix, "
            f"or save it with format='joblib' or format='pickle'.{registry.broken()}"
        )
    return Chosen(found[0], name + next(iter(found[0].suffixes), ""))


def _of_suffix(value: Any, name: str) -> Format:
    found = registry.with_suffix(name)
    if not found:
        raise _unknown(name)
    if found[0].name == "pickle":
        raise UnknownFormatError(
            f"Reading {name!r} would run whatever is in it, so pickle has to be named: format='pickle'. Another format "
            "may do: a model of scikit-learn is saved as .joblib, a table as .parquet, an array as .npy."
        )
    taking = [format for format in found if registry.takes(format, value)]
    usual = registry.of_value(value)
    if not taking and usual and found[0].types:
        suffixes = ", ".join(format.suffixes[0] for format in usual if format.suffixes)
        raise ValueRefusedError(
            f"{name!r} is a name of the format {found[0].name!r}, which takes no {name_of(value)}. For that there are "
            f"{suffixes}."
        )
    return (taking or found)[0]


def _unknown(name: str) -> UnknownFormatError:
    suffix = os.path.splitext(name)[1]
    hint = meant(suffix.lower(), registry.suffixes()) if suffix else "it has no suffix."
    return UnknownFormatError(
        f"There is no format for {name!r}; {hint} Or name one: format='text', of {', '.join(registry.names())}."
        f"{registry.broken()}"
    )


def for_loading(relpath: str, saved: ValueRecord | None, format: str | None) -> tuple[Format, Mapping[str, Any]]:
    """Choose the format of a file, and the options with which it was saved.

    Raises
    ------
    UnknownFormatError
        If there is none, or it has to be named.

    """
    wanted = format or (saved.format if saved is not None else None)
    if wanted is not None:
        found = registry.get(wanted)
    else:
        of_suffix = registry.with_suffix(relpath)
        if not of_suffix:
            raise _unknown(relpath)
        found = of_suffix[0]
    # What a document says is data: it alone lets no code run.
    says_so = saved is not None and relpath.lower().endswith(tuple(found.suffixes))
    if getattr(found, "runs_code", False) and format is None and not says_so:
        raise UnknownFormatError(
            f"To read {relpath!r} may run any code that is in it. If you trust who saved it: "
            f".load(format={found.name!r})."
        )
    same = saved is not None and saved.format == found.name
    return found, saved.options if saved is not None and same else {}


def read(
    path: os.PathLike[str], relpath: str, saved: ValueRecord | None, format: str | None, options: Mapping[str, Any]
) -> Any:
    """Read the value of a file of an artifact.

    Raises
    ------
    FormatError
        If it cannot be read.

    """
    found, kept = for_loading(relpath, saved, format)
    with open(path, "rb") as file, uncollected():  # the first read of a table imports pandas: all of that stays
        try:
            return found.read(file, **{**kept, **options})
        except FormatError as error:
            raise FormatError(f"{relpath}: {error}") from error
