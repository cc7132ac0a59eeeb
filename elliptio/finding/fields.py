"""Check what is asked of the fields of a document: what could never be met is refused."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from elliptio.errors import QueryError
from elliptio.finding.meaning import check_values, compared, is_operators
from elliptio.indexes.query.checking import check_sort
from elliptio.labels import Labels
from elliptio.lake.lake import ENVIRONMENT_FIELDS
from elliptio.metadata import FIELDS
from elliptio.protocols import Query

FIRST = ("creation_time", "username", "file_relpaths", "argv")
REST = tuple(sorted(name for name, one in FIELDS.items() if one.column and name not in FIRST))
PLUMBING = (
    "environment_id", "files", "fingerprint", "lake_id", "local_root", "remote_root", "version",
)  # fmt: skip
"""Columns that say how something is kept, not what it is."""

RUN = "run"
RUN_FIELDS = frozenset({
    "argv", "creation_time", "end_time", "error", "heartbeat", "hostname", "labels", "metrics", "name", "node",
    "params", "parent", "root", "status", "username",
})  # fmt: skip
"""Fields of the run that made an artifact; a query over artifacts asks for them as ``run.<name>``."""

ALL = "all"
DELETED = "deleted"
"""A field and a column of deleted artifacts only: who deleted them, and when."""


@dataclass(frozen=True)
class Schema:
    """The fields of a kind of document.

    Attributes
    ----------
    columns
        Those that there are, in order.
    fields
        Top-level fields that a query or a sort may name.
    more
        Columns that are shown only where they are asked for.
    hidden
        Columns that are left out unless the user says otherwise.
    plumbing
        Columns that are left out unless all are asked for.

    """

    columns: tuple[str, ...]
    fields: frozenset[str]
    more: frozenset[str]
    hidden: tuple[str, ...] = ()
    plumbing: tuple[str, ...] = ()

    def columns_of(self, wanted: Sequence[str] | None, exclude: Sequence[str] | None) -> list[str]:
        """Decide which columns an answer gets: those that are wanted, dotted paths included, else most, or ``"all"``.

        Raises
        ------
        QueryError
            If a column does not exist.

        """
        exclude = self.hidden if exclude is None else exclude
        left_out = self.plumbing if wanted is None else ()
        wanted = None if wanted == ALL else wanted
        if isinstance(wanted, str) or isinstance(exclude, str):
            raise QueryError("columns and exclude_columns are lists of names, not one text but 'all'.")
        for name in [*(wanted or ()), *exclude]:
            top = name.split(".")[0]
            if top not in self.columns and top not in self.more:
                raise QueryError(f"There is no column {name!r}. Columns: {', '.join(self.columns)}.")
            _check_part(name)
        if wanted is None:
            return [name for name in self.columns if name not in exclude and name not in left_out]
        return list(dict.fromkeys(wanted))


_NAMES = frozenset((*FIELDS, *ENVIRONMENT_FIELDS, "_id", RUN)) - {"environment"}
_MORE = frozenset((*ENVIRONMENT_FIELDS, "artifact_id", "entry", "logs", "model", "recipe", RUN))

ARTIFACTS = Schema((*FIRST, *REST), _NAMES, _MORE, hidden=("python_packages",), plumbing=PLUMBING)
WITH_DELETED = dataclasses.replace(
    ARTIFACTS, columns=(*FIRST, *sorted((*REST, DELETED))), fields=ARTIFACTS.fields | {DELETED}
)

_PARTS = {name: frozenset(one.parts) for name, one in FIELDS.items() if one.parts} | {RUN: RUN_FIELDS}
"""Parts of those fields that always have the same ones."""

_LOGICAL = ("$and", "$or", "$nor")
_WHOLE_VALUES = {"$eq", "$ne", "$in", "$nin", "$exists"}


def check_fields(wanted: Mapping[str, Any], known: Set[str]) -> None:
    """Refuse conditions that could never be met, or not as they are meant: they would silently find nothing."""
    for path, operand in wanted.items():
        if path in _LOGICAL:
            for part in operand:
                check_fields(part, known)
        elif not path.startswith("$"):
            check_field(path, known)
            if path.removeprefix(f"{RUN}.") in ("creation_time", "end_time", "heartbeat", f"{DELETED}.time"):
                _check_times(path, operand)
            elif path.split(".")[0] == "remote_root":
                _check_root(path, operand)
            else:
                check_values(path, operand)


def check_field(path: str, known: Set[str]) -> None:
    """Refuse a path that is none of the known fields, nor leads into one, and say which may be meant."""
    name = path.split(".")[0]
    if name in known:
        _check_part(path)
        return
    if name == DELETED:
        hint = "it is one of deleted artifacts, which are found with deleted=True (`elliptio find --deleted`)."
    elif name in {entry.name for entry in dataclasses.fields(Labels)}:
        hint = f"did you mean 'labels.{path}'?"
    else:
        hint = _meant(name, known)
    raise QueryError(f"There is no field {name!r}; {hint} Labels of your own are asked for as 'labels.<name>'.")


def _check_part(path: str) -> None:
    """Refuse a path into a field that has no such part."""
    name, *rest = path.split(".")
    if path == RUN:
        raise QueryError("A run is asked for by one of its fields: 'run.name', 'run.params.<name>', or by 'run_id'.")
    part = next((each for each in rest if not each.isdigit()), None)
    if part is not None and part not in _PARTS.get(name, (part,)):
        raise QueryError(f"There is no field {path!r}; {_meant(part, _PARTS[name], f'{name}.')}")


def _meant(name: str, known: Set[str], prefix: str = "") -> str:
    """Say which of the known names may be meant, or all of them."""
    from difflib import get_close_matches

    begun = [each for each in sorted(known) if each.startswith(name)] if name else []
    close = begun or get_close_matches(name, sorted(known), n=1)
    if close:
        return f"did you mean {prefix + close[0]!r}?"
    return f"there are {', '.join(prefix + each for each in sorted(known))}."


def _check_times(path: str, operand: Any) -> None:
    for value in compared(operand):
        if isinstance(value, str | int | float | re.Pattern) or type(value).__name__ == "Regex":
            raise QueryError(
                f"{path} is compared with datetimes, not with {value!r}: give one with a zone, such as "
                'datetime(2026, 1, 31, tzinfo=UTC) (in JSON {"$date": "2026-01-31T00:00:00Z"}).'
            )


def _check_root(path: str, operand: Any) -> None:
    """Allow only whole values of ``remote_root``: it is stored relative to the lake, and shown absolute."""
    operators = operand if is_operators(operand) else {"$eq": operand}
    values = [item for value in operators.values() for item in (value if isinstance(value, list) else [value])]
    plain = all(value is None or isinstance(value, str | bool) for value in values)
    if path != "remote_root" or not operators.keys() <= _WHOLE_VALUES or not plain:
        raise QueryError(
            "remote_root can be asked for only as a whole, with equality, $ne, $in, $nin or $exists. "
            "For parts of it use artifact_id, creation_time or username."
        )


def asks_for(wanted: Query, field: str) -> bool:
    """Tell whether a query has a condition on a field."""
    return any(
        any(asks_for(part, field) for part in operand) if path in _LOGICAL else path == field
        for path, operand in wanted.items()
    )


def check_order(sort: Any, known: Set[str]) -> list[tuple[str, int]]:
    """Return what to sort by, the newest first if nothing is asked for; refuse what cannot be sorted by."""
    order = check_sort(sort)
    for path, _ in order:
        check_field(path, known)
        if path.split(".")[0] in ENVIRONMENT_FIELDS:
            raise QueryError(f"Cannot sort by {path!r}: it belongs to the environment. Sort the DataFrame instead.")
        if path.split(".")[0] == RUN:
            raise QueryError(f"Cannot sort by {path!r}: it belongs to the run. Sort the DataFrame instead.")
    return order or [("creation_time", -1)]
