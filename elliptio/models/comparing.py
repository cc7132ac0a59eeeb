"""Compare two models field by field, whatever versions of their class wrote them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.display import Section, comparison_html, comparison_text
from elliptio.artifacts.showing import ShownAsText
from elliptio.models.errors import NotAModelError
from elliptio.models.loading import load_model
from elliptio.models.model import DataModel
from elliptio.models.nodes.engine import current_engine
from elliptio.models.record import Record
from elliptio.models.showing import value_text
from elliptio.models.types import same

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.handler import Handler

_ABSENT: Any = object()

_NAMED = 5
"""Columns that are named where tables differ in more."""


class FieldChange(NamedTuple):
    """A field that differs: its path, its value on each side, and whether a side lacks it."""

    path: str
    a: Any
    b: Any
    change: Literal["added", "removed", "changed"]


@dataclasses.dataclass(frozen=True)
class ModelComparison(ShownAsText):
    """The fields in which two models differ.

    Attributes
    ----------
    a, b
        What was compared, as texts.
    changes
        What differs, in the order of the fields: nested models, lists and dicts by their parts.

    Examples
    --------
    >>> from elliptio.models import DataModel, compare_models
    >>> class Training(DataModel, version=1):
    ...     rate: float
    ...     layers: list[int]
    >>> diff = compare_models(Training(0.1, [64, 10]), Training(0.1, [64, 12]))
    >>> diff.same, [change.path for change in diff.changes]
    (False, ['layers[1]'])

    """

    a: str
    b: str
    changes: tuple[FieldChange, ...]

    @property
    def same(self) -> bool:
        """True if no field differs."""
        return not self.changes

    @property
    def fields(self) -> pd.DataFrame:
        """Fields that differ: a DataFrame by ``field`` with ``a``, ``b`` and ``change`` (added, removed or changed)."""
        import pandas as pd

        data = {
            name: pd.Series([getattr(change, name) for change in self.changes], dtype="object")
            for name in ("a", "b", "change")
        }
        frame = pd.DataFrame(data)
        frame.index = pd.Index([change.path for change in self.changes], name="field", dtype="object")
        return frame

    def __str__(self) -> str:
        return comparison_text(self.a, self.b, [self._section()], same=self.same)

    def _repr_html_(self) -> str:
        return comparison_html(self.a, self.b, [self._section()], same=self.same)

    def _section(self) -> Section:
        return Section("fields", [(change.path, *_texts(change.a, change.b)) for change in self.changes])


def _texts(a: Any, b: Any) -> tuple[str, str]:
    """Show two values that differ; where they look alike, the second with where it does."""
    mine, theirs = ("" if value is None else value_text(value) for value in (a, b))
    where = _where(a, b) if mine == theirs else ""
    return mine, f"{theirs} {where}".rstrip()


def _where(a: Any, b: Any) -> str:
    """Name the columns in which two tables of one shape differ, or count the places in which two arrays do."""
    if type(a) is not type(b) or getattr(a, "shape", None) != getattr(b, "shape", ()):
        return ""
    if hasattr(a, "columns"):
        (named, mine), (others, theirs) = _columns(a), _columns(b)
        if named != others:
            return "of other columns"
        differ = [not same(*pair) for pair in zip(mine, theirs, strict=True)]
        names = [str(name) for name, one in zip(named, differ, strict=True) if one]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"differs in {', '.join(names[:_NAMED])}{more}" if names else ""
    if hasattr(a, "strides") and a.dtype == b.dtype and a.dtype.kind in "biufcmM":
        places = (a != b) & ((a == a) | (b == b))  # what is not a number does not equal itself
        return f"differs in {int(places.sum()):,} of {a.size:,}"
    return ""


def _columns(table: Any) -> tuple[list[Any], list[Any]]:
    """Take a table of pandas, polars or Arrow apart: the names of its columns, and those."""
    if hasattr(table, "column_names"):
        return list(table.column_names), list(table.columns)
    return list(table.columns), [each for _, each in table.items()] if hasattr(table, "items") else list(table)


def compare_models(a: Any, b: Any, *, handler: Handler | None = None) -> ModelComparison:
    """Compare two models field by field.

    Parameters
    ----------
    a, b
        Models, records, artifacts, or identifiers of those. What another version of the class wrote is migrated
        first; where it cannot be, its fields are compared as they were written.
    handler
        Where identifiers are looked up; by default that of the engine, else the default one.

    Raises
    ------
    NotAModelError
        If one is no model.
    DocumentNotFoundError
        If there is no such artifact.

    """
    sides = [_model(side, handler) for side in (a, b)]
    names = [_name(side, given) for side, given in zip(sides, (a, b), strict=True)]
    return ModelComparison(names[0], names[1], tuple(_changes("", *map(_fields, sides))))


def _model(side: Any, handler: Handler | None) -> Any:
    if isinstance(side, str):
        side = current_engine(handler).show(side)
    if isinstance(side, Artifact):
        return load_model(side)
    if not isinstance(side, DataModel | Record):
        raise NotAModelError(f"{value_text(side)} is no data model: give models, artifacts or their identifiers.")
    return side


def _name(model: Any, given: Any) -> str:
    version = model.model_version if isinstance(model, Record) else model.__model_version__
    name = model.model_name if isinstance(model, Record) else model.__model_name__
    identifier = given if isinstance(given, str) else given.artifact_id if isinstance(given, Artifact) else ""
    return f"{name} version {version} {identifier}".rstrip()


def _fields(value: Any) -> dict[str, Any]:
    if isinstance(value, Record):
        return {name: value[name] for name in value}
    return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}


def _changes(path: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[FieldChange]:
    for name in dict.fromkeys([*a, *b]):
        yield from _change(f"{path}.{name}" if path else name, a.get(name, _ABSENT), b.get(name, _ABSENT))


def _change(path: str, a: Any, b: Any) -> Iterator[FieldChange]:
    if a is _ABSENT or b is _ABSENT:
        added = a is _ABSENT
        yield FieldChange(path, None if added else a, b if added else None, "added" if added else "removed")
    elif _has_fields(a) and _has_fields(b):
        yield from _changes(path, _fields(a), _fields(b))
    elif type(a) is type(b) is dict:
        for key in [*a, *(key for key in b if key not in a)]:
            yield from _change(f"{path}[{key!r}]", a.get(key, _ABSENT), b.get(key, _ABSENT))
    elif type(a) is type(b) and type(a) in (list, tuple) and len(a) == len(b):
        for place, (mine, theirs) in enumerate(zip(a, b, strict=True)):
            yield from _change(f"{path}[{place}]", mine, theirs)
    elif not same(a, b):
        yield FieldChange(path, a, b, "changed")


def _has_fields(value: Any) -> bool:
    return isinstance(value, DataModel | Record)
