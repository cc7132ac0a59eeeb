"""Look at a big field without loading it: what is recorded of it, and a few of its rows."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol

from elliptio.errors import FormatError, UnknownFormatError
from elliptio.formats import registry
from elliptio.formats.choosing import for_loading
from elliptio.formats.libraries import meant, parsing
from elliptio.formats.plain import name_of
from elliptio.models.errors import NotAModelError
from elliptio.models.model import DataModel, origin_of
from elliptio.models.record import Record
from elliptio.models.serializer.files import value_record
from elliptio.models.serializer.parts import Span, read_part, span_of
from elliptio.models.serializer.summary import summary

if TYPE_CHECKING:
    from elliptio.artifacts.file import RemoteFile


class Opened(Protocol):
    """A file of an artifact, as far as it is looked at: a `RemoteFile` is one."""

    relpath: str

    def open(self, mode: str = "rb") -> IO[Any]:
        """Open it for reading."""


@dataclass(frozen=True)
class Described:
    """Describe a value by what was recorded when it was written.

    Attributes
    ----------
    type
        Its class, as users import it.
    shape
        Rows, columns and so on; None where it has none.
    columns
        Labels of the columns, or the first of very many; None where it has none.
    dtypes
        Types of the columns, by their labels where these are all different, else in order; of an array its only one.
    bytes
        Size of its file.
    format
        Name of the format, or of the serializer, that it was written by.

    """

    type: str
    shape: tuple[int, ...] | None
    columns: tuple[Any, ...] | None
    dtypes: Mapping[Any, str] | tuple[str, ...] | str | None
    bytes: int | None
    format: str | None


def describe_record(record: Mapping[str, Any], size: int | None = None) -> Described:
    """Describe a value by the record that `elliptio.models.serializer.files.write` made, without a byte of its file.

    Parameters
    ----------
    record
        The record.
    size
        Bytes of its file, where the record does not say them.

    Examples
    --------
    >>> about = {"shape": [2, 3], "dtypes": ["<f8"]}
    >>> describe_record({"format": "npy", "type": "numpy.ndarray", "summary": about}, 176)
    Described(type='numpy.ndarray', shape=(2, 3), columns=None, dtypes='<f8', bytes=176, format='npy')

    """
    about = record.get("summary", {})
    shape, names, kinds = about.get("shape"), about.get("columns"), about.get("dtypes")
    columns = None if names is None else tuple(map(_label, names))
    dtypes: Mapping[Any, str] | tuple[str, ...] | str | None = None if kinds is None else tuple(kinds)
    if columns is None and kinds:
        dtypes = kinds[0]
    elif columns is not None and kinds is not None and len(set(columns)) == len(columns):
        dtypes = dict(zip(columns, kinds, strict=True))
    return Described(
        record.get("type", "object"),
        None if shape is None else tuple(shape),
        columns,
        dtypes,
        record.get("size", size),
        record.get("format", record.get("serializer")),
    )


def describe(model: Any, field: str) -> Described:
    """Describe a field of a model by what was recorded when it was saved: nothing of it is read.

    Of a model that was not loaded, and of a plain field, the value that is there is described.

    Raises
    ------
    NotAModelError
        If it is no model, or has no such field.

    Examples
    --------
    >>> import elliptio as eio
    >>> import numpy as np
    >>> from elliptio.models import DataModel, describe
    >>> class Picture(DataModel, version=1):
    ...     pixels: np.ndarray
    >>> h = eio.Handler("lake")
    >>> model = h.save(Picture(np.zeros((4, 3))), "black").load()
    >>> describe(model, "pixels").shape
    (4, 3)

    """
    record, file = _recorded(model, field)
    if record is None and (several := _several(model, field)) is not None:
        return several
    if record is None:
        value = _value(model, field)
        return describe_record({"type": name_of(value), "summary": summary(value)})
    return describe_record(record, None if file is None else file.size)


def peek(model: Any, field: str, *, rows: int | slice | range | None = 5, columns: Sequence[Any] | None = None) -> Any:
    """Read some rows and columns of a field of a model, and little more than those.

    Parameters
    ----------
    model, field
        The model, and the name of the field.
    rows
        Number of rows from the start, or from the end where it is negative; a slice; None for all.
    columns
        Labels of the columns; None for all.

    Raises
    ------
    NotAModelError
        If it is no model, or has no such field.
    UnknownFormatError
        If no part of such a value can be read by itself.
    FormatOptionError
        If there is no such column.

    """
    record, file = _recorded(model, field)
    if file is not None:
        return peek_file(file, record, rows=rows, columns=columns)
    value, span = _value(model, field), span_of(rows)
    return _taken(value, span, columns)


def _recorded(model: Any, field: str) -> tuple[Mapping[str, Any] | None, RemoteFile | None]:
    """Find what was recorded of a field, and its file; nothing where it was not loaded, or is plain."""
    if not isinstance(model, DataModel | Record):
        raise NotAModelError(f"A {name_of(model)} is no data model: give one, as load() of its artifact returns it.")
    origin = model._origin if isinstance(model, Record) else origin_of(model)
    record = None if origin is None else origin.recorded(field)
    if origin is None or record is None:
        return None, None
    if "stored" in record:
        return record["stored"], None
    return record, origin.source.artifact.files[record["relpath"]]


def _several(model: Any, field: str) -> Described | None:
    """Describe a field that is not loaded and holds several big values: by what holds them, and the bytes of all."""
    origin = model._origin if isinstance(model, Record) else origin_of(model)
    lazy = None if origin is None else origin.fields.get(field)
    if origin is None or lazy is None or not isinstance(lazy.plain, dict | list):
        return None
    files = origin.source.artifact.files
    sizes = [files[name].size or 0 for name in files if name.startswith(f"{field}/")]
    return Described(type(lazy.plain).__name__, (len(lazy.plain),), None, None, sum(sizes), None)


def _value(model: Any, field: str) -> Any:
    names = list(model) if isinstance(model, Record) else [one.name for one in dataclasses.fields(model)]
    if field not in names:
        raise NotAModelError(f"{type(model).__qualname__} has no field {field!r}; {meant(field, names)}")
    return model[field] if isinstance(model, Record) else getattr(model, field)


def _taken(value: Any, span: Span, columns: Sequence[Any] | None) -> Any:
    """Take some rows and columns of a value that is here."""
    try:
        if columns is not None:
            value = value.select(list(columns)) if hasattr(value, "select") else value[list(columns)]
        first, last = span.of(len(value))
        if hasattr(value, "slice") and hasattr(value, "schema"):
            return value.slice(first, last - first)
        return getattr(value, "iloc", value)[first:last]
    except (TypeError, KeyError, IndexError) as error:
        raise UnknownFormatError(f"A value of type {name_of(value)} has no such rows and columns: {error}") from error


def _label(name: Any) -> Any:
    return tuple(map(_label, name)) if isinstance(name, list) else name


def peek_file(
    file: Opened,
    record: Mapping[str, Any] | None = None,
    *,
    rows: int | slice | range | None = 5,
    columns: Sequence[Any] | None = None,
) -> Any:
    """Read some rows and columns of a file, and little more of it than they take.

    Of Parquet and Feather only the chosen columns are read, of an array only the rows, of CSV and JSON lines only what
    stands before their end.

    Parameters
    ----------
    file
        The file.
    record
        What is recorded of the value in it; without it the suffix of its name says the format.
    rows
        Number of rows from the start, or from the end where it is negative; a slice; None for all.
    columns
        Labels of the columns; None for all.

    Returns
    -------
    object
        A value of the class of the whole, with these rows.

    Raises
    ------
    UnknownFormatError
        If no part of such a file can be read by itself.
    FormatOptionError
        If there is no such column.

    """
    span = span_of(rows)
    format, options = for_loading(file.relpath, None if record is None else value_record(record), None)
    with file.open("rb") as opened:
        try:
            return read_part(format.name, opened, options, span, columns)  # type: ignore[arg-type]
        except FormatError as error:
            raise FormatError(f"{file.relpath}: {error}") from error


def open_array(path: str | os.PathLike[str]) -> Any:
    """Open the array of a file of this machine without reading it: what is used of it is read then. It is read-only.

    Raises
    ------
    FormatError
        If the file is damaged, or no array.

    """
    import numpy as np

    with open(path, "rb") as file, parsing("npy"):
        found: np.ndarray[Any, Any]
        try:
            found = registry.get("npy").read(file, mmap_mode="r")
        except FormatError:  # nothing of an empty array can be mapped
            file.seek(0)
            found = registry.get("npy").read(file)
        # A plain array: what was saved as one is equal to it, and can be saved again.
        plain = found.view(np.ndarray)
        plain.flags.writeable = False
        return plain
