"""Answers a query with rows of plain values: what a DataFrame, a table or JSON is made of."""

from __future__ import annotations

import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from elliptio import naming, spool
from elliptio.documents import is_artifact_root
from elliptio.errors import QueryError, StoreError
from elliptio.garbage import uncollected
from elliptio.lake import ENVIRONMENT_FIELDS, Lake
from elliptio.metadata import Labels, Metadata
from elliptio.naming import normalize_package
from elliptio.originals import originals_of
from elliptio.protocols import Document, Query
from elliptio.query import check_sort, normalize_query

FIRST = ("creation_time", "username", "file_relpaths", "argv")
REST = (
    "based_on",
    "environment_id",
    "file_count",
    "files",
    "fingerprint",
    "git",
    "hostname",
    "labels",
    "lake_id",
    "link",
    "local_root",
    "log_relpaths",
    "notebook",
    "python_packages",
    "remote_root",
    "reproduces",
    "run_id",
    "tags",
    "total_size",
    "version",
    "working_directory",
)
COLUMNS = (*FIRST, *REST)

FIELDS = {*COLUMNS, *ENVIRONMENT_FIELDS, "_id", "logs", *(entry.name for entry in fields(Metadata))} - {"environment"}
"""Top-level fields that a query or a sort may name."""

DELETED = "deleted"
"""A field and a column of deleted artifacts only: who deleted them, and when."""

MOST_COUNTED = 10_000
"""Counting takes as long as there are matches, so where more match than this, no more is said than that."""

_LOGICAL = ("$and", "$or", "$nor")
_WHOLE_VALUES = {"$eq", "$ne", "$in", "$nin", "$exists"}


class TruncatedWarning(UserWarning):
    """A DataFrame shows fewer artifacts or runs than match."""


class EmptyIndexWarning(UserWarning):
    """Nothing was found, because the index holds nothing, though the lake holds artifacts."""


@dataclass(frozen=True)
class Found:
    """Artifacts, or runs, that match a query.

    Attributes
    ----------
    ids
        Their identifiers, in order.
    columns
        Their values, a list for each column, in the same order.
    total
        How many match; more than `ids` where not all were asked for.
    exact
        False if `total` is where counting ended, and more match.

    """

    ids: list[str]
    columns: dict[str, list[Any]]
    total: int
    exact: bool = True

    @property
    def truncated(self) -> str | None:
        """How many of how many these are, in words; None where they are all."""
        if self.total == len(self.ids) and self.exact:
            return None
        return f"{len(self.ids):,} of {'' if self.exact else 'more than '}{self.total:,}"

    def rows(self) -> list[dict[str, Any]]:
        """One dict an artifact, its identifier first."""
        return self.named("artifact_id")

    def named(self, name: str) -> list[dict[str, Any]]:
        """One dict each, its identifier first under this name."""
        values = zip(*self.columns.values(), strict=True) if self.columns else [()] * len(self.ids)
        return [
            {name: identifier, **dict(zip(self.columns, row, strict=True))}
            for identifier, row in zip(self.ids, values, strict=True)
        ]


def search(
    lake: Lake,
    query: Mapping[str, Any] | None = None,
    *,
    max_docs: int,
    sort: Any = None,
    columns: Sequence[str] | None = None,
    exclude: Sequence[str] = ("python_packages",),
    deleted: bool = False,
    among: Sequence[str] | None = None,
) -> Found:
    """Answer a query; see `Handler.find` for the parameters (`exclude` is its `exclude_columns`).

    `among` are the only identifiers that may be in the answer, if given.

    Raises
    ------
    QueryError
        If the query, the sort or a column is malformed or not supported.
    IndexUnavailableError
        If the index cannot be reached.

    """
    wanted = normalize_query({} if query is None else query)
    known = FIELDS | ({DELETED} if deleted else set())
    check_fields(wanted, known)
    order = _checked_order(sort, known)
    chosen = choose_columns(columns, exclude, deleted=deleted)
    check_max_docs(max_docs)
    if among is not None:
        wanted = {"$and": [wanted, {"_id": {"$in": list(among)}}]}
    spool.flush_if_any(lake)
    asked = _as_then(lake, wanted)
    documents, total, exact = first_of(
        max_docs, partial(lake.find, asked, sort=order, deleted=deleted), partial(lake.count, asked, deleted=deleted)
    )
    if not documents:
        warn_if_index_is_lost(lake)
    ids = [entry["_id"] for entry in documents]
    return Found(ids, _columns(lake, documents, chosen), total, exact)


def check_max_docs(max_docs: Any) -> None:
    """Refuse what is no number of rows."""
    if not isinstance(max_docs, int) or isinstance(max_docs, bool) or max_docs < 0:
        raise QueryError(f"max_docs is a number of rows, or 0 for all, not {max_docs!r}.")


def first_of(
    max_docs: int, find: Callable[..., Iterator[Document]], count: Callable[..., int]
) -> tuple[list[Document], int, bool]:
    """At most so many documents, all for 0; how many match, and whether that is exact rather than how far was counted.

    `find` and `count` take a ``limit``; it is counted only where more match than are shown.
    """
    with uncollected():
        documents = list(find(limit=max_docs + 1 if max_docs else 0))
    total, most = len(documents), max(max_docs, MOST_COUNTED)
    if max_docs and total > max_docs:
        documents.pop()
        # Others may be saving or deleting between the two questions.
        total = max(total, count(limit=most + 1))
    exact = total <= most or not max_docs
    return documents, total if exact else most, exact


def newest(lake: Lake, query: Mapping[str, Any] | None = None) -> Document | None:
    """Find the newest artifact that matches a query; None if none does.

    What was made to reproduce another is passed over, unless the query asks for ``reproduces``: made again today, the
    data of last year are not the newest.

    Raises
    ------
    QueryError
        If the query is malformed or not supported.
    IndexUnavailableError
        If the index cannot be reached.

    """
    wanted = normalize_query({} if query is None else query)
    check_fields(wanted, FIELDS)
    spool.flush_if_any(lake)
    asked = _as_then(lake, wanted)
    if asked is wanted and not _asks_for(wanted, "reproduces"):
        asked = {"$and": [wanted, {"reproduces": None}]}
    return next(lake.find(asked, sort=[("creation_time", -1)], limit=1), None)


def _as_then(lake: Lake, wanted: Query) -> Query:
    """Ask of what there was when the artifact was made that this process reproduces, if it reproduces one."""
    originals = originals_of(lake)
    return wanted if originals is None else {"$and": [wanted, originals.visible()]}


def _asks_for(wanted: Query, field: str) -> bool:
    """Whether a query has a condition on a field."""
    return any(
        any(_asks_for(part, field) for part in operand) if path in _LOGICAL else path == field
        for path, operand in wanted.items()
    )


def check_fields(wanted: Mapping[str, Any], known: Set[str]) -> None:
    """Refuse conditions that could never be met, or not as they are meant: they would silently find nothing."""
    for path, operand in wanted.items():
        if path in _LOGICAL:
            for part in operand:
                check_fields(part, known)
        elif not path.startswith("$"):
            check_field(path, known)
            if path in ("creation_time", "end_time", "heartbeat", f"{DELETED}.time"):
                _check_times(path, operand)
            elif path.split(".")[0] == "remote_root":
                _check_root(path, operand)


def check_field(path: str, known: Set[str]) -> None:
    """Refuse a path whose first part is none of the known fields, and say which may be meant."""
    name = path.split(".")[0]
    if name in known:
        return
    if name == DELETED:
        hint = "it is one of deleted artifacts, which are found with deleted=True (`elliptio find --deleted`)."
    elif name in {entry.name for entry in fields(Labels)}:
        hint = f"did you mean 'labels.{path}'?"
    else:
        from difflib import get_close_matches

        begun = [each for each in sorted(known) if each.startswith(name)] if name else []
        close = begun or get_close_matches(name, sorted(known), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(known))}."
    raise QueryError(f"There is no field {name!r}; {hint} Labels of your own are asked for as 'labels.<name>'.")


def _check_times(path: str, operand: Any) -> None:
    for value in _compared(operand):
        if isinstance(value, str | int | float | re.Pattern) or type(value).__name__ == "Regex":
            raise QueryError(
                f"{path} is compared with datetimes, not with {value!r}: give one with a zone, such as "
                'datetime(2026, 1, 31, tzinfo=UTC) (in JSON {"$date": "2026-01-31T00:00:00Z"}).'
            )


def _compared(operand: Any) -> Iterator[Any]:
    """The values that a condition compares a field with."""
    if not _is_operators(operand):
        yield from operand if isinstance(operand, list) else [operand]
        return
    for name, value in operand.items():
        if name == "$not":
            yield from _compared(value)
        elif name in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$regex"):
            yield value
        elif name in ("$in", "$nin", "$all"):
            yield from value


def _check_root(path: str, operand: Any) -> None:
    """Allow only whole values of ``remote_root``: it is stored relative to the lake, and shown absolute."""
    operators = operand if _is_operators(operand) else {"$eq": operand}
    values = [item for value in operators.values() for item in (value if isinstance(value, list) else [value])]
    plain = all(value is None or isinstance(value, str | bool) for value in values)
    if path != "remote_root" or not operators.keys() <= _WHOLE_VALUES or not plain:
        raise QueryError(
            "remote_root can be asked for only as a whole, with equality, $ne, $in, $nin or $exists. "
            "For parts of it use artifact_id, creation_time or username."
        )


def _is_operators(operand: Any) -> bool:
    return isinstance(operand, Mapping) and any(name.startswith("$") for name in operand)


def warn_if_index_is_lost(lake: Lake) -> None:
    """Say so where nothing was found only because the index is not the one that the artifacts were recorded in."""
    if not lake.is_empty():
        return
    try:
        if lake.store.stat(naming.LAKE_IDENTITY) is None or not _holds_artifacts(lake):
            return
    except StoreError:  # the answer stands without the store
        return
    warnings.warn(
        f"The lake at {lake.store.root} exists but its index {lake.index.address} holds nothing: "
        "if files were saved here, run h.reindex()",
        EmptyIndexWarning,
        stacklevel=spool.levels_inside(),
    )


def _holds_artifacts(lake: Lake) -> bool:
    """Whether one complete artifact lies in the store; the listing ends at the first."""
    for stored in lake.store.list():
        folder, _, name = stored.key.rpartition("/")
        if name == naming.MANIFEST and is_artifact_root(folder):
            return True
    return False


def choose_columns(columns: Sequence[str] | None, exclude: Sequence[str], *, deleted: bool = False) -> list[str]:
    """Decide which columns an answer gets.

    Parameters
    ----------
    columns
        Asked for by the user, dotted paths included; None means all.
    exclude
        Left out of "all".
    deleted
        Whether deleted artifacts are asked for, which have a column of their own.

    Raises
    ------
    QueryError
        If a column does not exist.

    """
    if isinstance(columns, str) or isinstance(exclude, str):
        raise QueryError("columns and exclude_columns are lists of names, not one text.")
    every = (*FIRST, *sorted((*REST, DELETED))) if deleted else COLUMNS
    known = {*every, *ENVIRONMENT_FIELDS, "artifact_id", "logs"}
    for name in [*(columns or ()), *exclude]:
        if name.split(".")[0] not in known:
            raise QueryError(f"There is no column {name!r}. Columns: {', '.join(every)}.")
    if columns is None:
        return [name for name in every if name not in set(exclude)]
    return list(dict.fromkeys(columns))


def _columns(lake: Lake, documents: Sequence[Document], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: _column(lake, documents, name) for name in names}


def _column(lake: Lake, documents: Sequence[Document], name: str) -> list[Any]:
    head, _, rest = name.partition(".")
    holders: Sequence[Mapping[str, Any]] = documents
    if head in ENVIRONMENT_FIELDS:
        holders = [lake.environment(entry.get("environment_id")) for entry in documents]
    try:
        values = list(map(operator.itemgetter(head), holders))
    except KeyError:  # twice as slow
        values = [holder.get(head) for holder in holders]
    if rest:
        return [dig(value, rest, whole=head == "python_packages") for value in values]
    return [f"{lake.store.root}/{value}" for value in values] if name == "remote_root" else values


def _checked_order(sort: Any, known: Set[str]) -> list[tuple[str, int]]:
    order = check_sort(sort)
    for path, _ in order:
        check_field(path, known)
        if path.split(".")[0] in ENVIRONMENT_FIELDS:
            raise QueryError(f"Cannot sort by {path!r}: it belongs to the environment. Sort the DataFrame instead.")
    return order or [("creation_time", -1)]


def dig(value: Any, path: str, *, whole: bool = False) -> Any:
    """Value at a dotted path below `value`; None where it leads nowhere. A package's name may hold dots itself."""
    if whole:
        return value.get(normalize_package(path)) if isinstance(value, Mapping) else None
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value
