"""Answers a query with rows of plain values: what a DataFrame, a table or JSON is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import NoneType
from typing import Any

from elliptio import naming
from elliptio.errors import QueryError, StoreError
from elliptio.finding.fields import ARTIFACTS, RUN, WITH_DELETED, Schema, asks_for, check_fields, check_order
from elliptio.finding.meaning import check_zones
from elliptio.finding.options import Options, Unasked
from elliptio.indexes.query.checking import normalize_query
from elliptio.lake import spool
from elliptio.lake.checks import is_artifact_root
from elliptio.lake.lake import ENVIRONMENT_FIELDS, Lake
from elliptio.lake.view import view_of
from elliptio.naming import normalize_package
from elliptio.protocols import Document, Query
from elliptio.system.collector import uncollected
from elliptio.system.warn import warn

MOST_COUNTED = 10_000
"""Counting takes as long as there are matches, so where more match than this, no more is said than that."""

_PORTION = 32
"""Documents of which fields are taken at once: as many as fit into the cache of a processor."""
_FEW = 10_000
"""So many first values of a field are taken as they are: what comes again and again weighs only among very many."""

_MOST_KNOWN = 4096
"""So many different texts of a field are remembered, to hold those only once that come again and again."""

_HOLDERS = dict.fromkeys(ENVIRONMENT_FIELDS, "environment_id") | {RUN: "run_id"}
"""Fields that name where the values of others lie."""


class TruncatedWarning(UserWarning):
    """A DataFrame shows fewer artifacts or runs than match."""


class EmptyIndexWarning(UserWarning):
    """Nothing was found, because there is no such lake, or the lake holds artifacts and its index nothing."""


Taken = dict[str, list[Any]]
"""Values of fields of documents, a list for each field, in the order of the documents."""


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
    name
        Name of the identifiers, such as ``"artifact_id"``.
    asked
        False where nobody said how many to show.

    Examples
    --------
    >>> from pathlib import Path
    >>> import elliptio as eio
    >>> written = Path("data.csv").write_text("1,2")
    >>> h = eio.Handler("lake")
    >>> artifact = h.upload("data.csv", {"project": "penguins"})
    >>> h.search(columns=["labels.project"]).rows() == [
    ...     {"artifact_id": artifact.artifact_id, "labels.project": "penguins"}
    ... ]
    True

    """

    ids: list[str]
    columns: dict[str, list[Any]]
    total: int
    exact: bool = True
    name: str = "artifact_id"
    asked: bool = True

    @property
    def truncated(self) -> str | None:
        """Count of these and of all that match, in words; None where they are all."""
        if self.total == len(self.ids) and self.exact:
            return None
        return f"{len(self.ids):,} of {'' if self.exact else 'more than '}{self.total:,}"

    def __repr__(self) -> str:
        columns = ", ".join(self.columns) or "no columns"
        return f"<Found {self.truncated or len(self.ids)} by {self.name}: {columns}>"

    def warn_if_truncated(self, what: str) -> None:
        """Warn whoever called elliptio if these are not all, and so many were not asked for."""
        if not self.asked and self.truncated:
            warn(f"Showing {self.truncated} {what} that match; max_docs=0 shows all.", TruncatedWarning)

    def rows(self) -> list[dict[str, Any]]:
        """Return a dict of each, its identifier first."""
        values = zip(*self.columns.values(), strict=True) if self.columns else [()] * len(self.ids)
        return [
            {self.name: identifier, **dict(zip(self.columns, row, strict=True))}
            for identifier, row in zip(self.ids, values, strict=True)
        ]


@dataclass(frozen=True)
class Asked:
    """A query and how it is to be answered, checked and made plain."""

    query: Query
    order: list[tuple[str, int]]
    columns: list[str]
    max_docs: int
    said: bool


def checked(options: Options, schema: Schema) -> Asked:
    """Check options against the fields of what is searched for.

    Raises
    ------
    QueryError
        If the query, the sort or a column is malformed or not supported.

    """
    query = normalize_query({} if options.query is None else options.query)
    if options.query:
        check_zones(options.query)
        check_fields(query, schema.fields)
    order = check_order(options.sort, schema.fields)
    columns = schema.columns_of(options.columns, options.exclude_columns)
    most = 0 if options.max_docs is None else options.max_docs
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        raise QueryError(f"max_docs is a number of rows, or 0 for all, not {most!r}.")
    return Asked(query, order, columns, most, said=not isinstance(most, Unasked))


def search(lake: Lake, options: Options, *, among: Sequence[str] | None = None) -> Found:
    """Answer a query; `among` are the only identifiers that may be in the answer, if given.

    Raises
    ------
    QueryError
        If the query, the sort or a column is malformed or not supported.
    IndexUnavailableError
        If the index cannot be reached.

    """
    asked = checked(options, WITH_DELETED if options.deleted else ARTIFACTS)
    spool.flush_if_any(lake)
    wanted = of_runs(lake, asked.query)
    if among is not None:
        wanted = {"$and": [wanted, {"_id": {"$in": list(among)}}]}
    view = view_of(lake)
    seen = view.narrowed(wanted)
    fields = ["_id", "reproduces", *(_HOLDERS.get(head := name.partition(".")[0], head) for name in asked.columns)]
    taken, total, exact = first_of(
        asked.max_docs,
        fields,
        partial(lake.find, seen, sort=asked.order, deleted=options.deleted),
        partial(lake.count, seen, deleted=options.deleted) if options.counted else _uncounted,
    )
    if not taken["_id"]:
        warn_if_index_is_lost(lake)
    if any(taken["reproduces"]) and not options.sort and not asks_for(asked.query, "reproduces"):
        originals = view.newest(wanted, made_again=False)
        if originals != seen:
            # Of those that were cut off, some may come before what is here.
            most = asked.max_docs if total > len(taken["_id"]) else None
            more = most and lake.find(originals, sort=asked.order, limit=most, deleted=options.deleted)
            _originals_first(taken, _taken(more or iter(()), fields))
    return Found(taken["_id"], _columns(lake, taken, asked.columns), total, exact, asked=asked.said)


def _uncounted(limit: int) -> int:
    return limit


def first_of(
    max_docs: int, fields: Sequence[str], find: Callable[..., Iterator[Document]], count: Callable[..., int]
) -> tuple[Taken, int, bool]:
    """Fields of at most so many documents, all for 0; how many match, and whether that is exact or how far was counted.

    `find` and `count` take a ``limit``; it is counted only where more match than are shown.
    """
    with uncollected():
        taken = _taken(find(limit=max_docs + 1 if max_docs else 0), fields)
    total, most = len(taken["_id"]), max(max_docs, MOST_COUNTED)
    if max_docs and total > max_docs:
        for values in taken.values():
            values.pop()
        # Others may be saving or deleting between the two questions.
        total = max(total, count(limit=most + 1))
    exact = total <= most or not max_docs
    return taken, total if exact else most, exact


def _taken(documents: Iterator[Document], fields: Sequence[str]) -> Taken:
    """Take fields out of documents, of which the rest is gone before the next are read."""
    taken: Taken = {name: [] for name in fields}
    known: dict[str, dict[str, str]] = {name: {} for name in fields}
    names: dict[str, str] = {}
    while portion := list(islice(documents, _PORTION)):
        for name, values in taken.items():
            found = [document.get(name) for document in portion]
            values += _once(found, known[name], names) if len(values) >= _FEW else found
    return taken


def _once(values: list[Any], known: dict[str, str], names: dict[str, str]) -> list[Any]:
    """Hold equal texts only once; lists and dicts stay apart, as whoever gets them may change them."""
    kinds = set(map(type, values))
    for texts in (known, names):
        if len(texts) >= _MOST_KNOWN:
            texts.clear()  # what comes again comes soon: the rows are in the order of their times
    text: Callable[[Any, Any], Any] = known.setdefault
    if kinds <= {str, NoneType}:
        return list(map(text, values, values))
    if list not in kinds and dict not in kinds:
        return values

    def again(value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return text(value, value)
        if kind is dict:
            return {names.setdefault(key, key): again(item) for key, item in value.items()} if value else value
        # From a tuple a list gets the room that it needs, and none to grow.
        return list(tuple(map(again, value))) if kind is list else value  # noqa: C414

    return list(map(again, values))


def _originals_first(taken: Taken, more: Taken) -> None:
    """Put originals before what was made again, and `more` of them before all, in the place of as many at the end."""
    ids = set(more["_id"])
    places = [place for place, identifier in enumerate(taken["_id"]) if identifier not in ids]
    made_again = taken["reproduces"]
    places.sort(key=lambda place: made_again[place] is not None)
    for name, values in taken.items():
        taken[name] = [*more[name], *(values[place] for place in places)][: len(values)]


def newest(lake: Lake, query: Mapping[str, Any] | None = None) -> Document | None:
    """Find the newest artifact that matches a query; None if none does.

    What was made to reproduce another is passed over, unless the query asks for ``reproduces``.

    Raises
    ------
    QueryError
        If the query is malformed or not supported.
    IndexUnavailableError
        If the index cannot be reached.

    """
    wanted = normalize_query({} if query is None else query)
    check_zones(query)
    check_fields(wanted, ARTIFACTS.fields)
    spool.flush_if_any(lake)
    asked = view_of(lake).newest(of_runs(lake, wanted), made_again=asks_for(wanted, "reproduces"))
    return next(lake.find(asked, sort=[("creation_time", -1)], limit=1), None)


def of_runs(lake: Lake, wanted: Query) -> Query:
    """Replace conditions on the runs of artifacts by conditions on ``run_id``."""
    plain: dict[str, Any] = {}
    asked: dict[str, Any] = {}
    for path, operand in wanted.items():
        if path in ("$and", "$or", "$nor"):
            plain[path] = [of_runs(lake, part) for part in operand]
        elif path.startswith(f"{RUN}."):
            asked[path.removeprefix(f"{RUN}.")] = operand
        else:
            plain[path] = operand
    if not asked:
        return plain
    from elliptio.indexes.query.predicate import compile_query

    # What was made outside of ``h.run`` is taken for made in a run of which nothing is known.
    if compile_query(asked)({}):
        made = {"$nin": [document["_id"] for document in lake.find_runs({"$nor": [asked]})]}
    else:
        made = {"$in": [document["_id"] for document in lake.find_runs(asked)]}
    return {"$and": [*([plain] if plain else []), {"run_id": made}]}


def warn_if_index_is_lost(lake: Lake) -> None:
    """Say so where nothing was found only because there is no lake, or its index is not that of the artifacts."""
    says = "" if lake.quiet else why_empty(lake)
    if says:
        warn(says, EmptyIndexWarning)


def why_empty(lake: Lake) -> str:
    """Say why nothing can be found: there is no lake, or its index is not that of the artifacts; else nothing."""
    if not lake.is_empty():
        return ""
    try:
        if is_missing(lake):
            return f"There is no lake at {lake.store.root}: nothing was ever saved there."
        if not _holds_artifacts(lake):
            return ""
    except StoreError:  # the answer stands without the store
        return ""
    return (
        f"The lake at {lake.store.root} exists but its index {lake.index.address} holds nothing: "
        "if files were saved here, run h.reindex()"
    )


def is_missing(lake: Lake) -> bool:
    """Tell whether somebody said where a lake is, and there is none."""
    store = lake.store
    return lake.named and store.stat(naming.LAKE_IDENTITY) is None and next(iter(store.list()), None) is None


def _holds_artifacts(lake: Lake) -> bool:
    """Tell whether one complete artifact lies in the store; the listing ends at the first."""
    for stored in lake.store.list():
        folder, _, name = stored.key.rpartition("/")
        if name == naming.MANIFEST and is_artifact_root(folder):
            return True
    return False


def _columns(lake: Lake, taken: Taken, names: Sequence[str]) -> dict[str, list[Any]]:
    """Make columns of what was taken out of documents; of most it is a field of that name."""
    return {
        name: _column(lake, taken, name)
        if "." in name or name in ENVIRONMENT_FIELDS or name == "remote_root"
        else taken[name]
        for name in names
    }


def _column(lake: Lake, taken: Taken, name: str) -> list[Any]:
    head, _, rest = name.partition(".")
    if head == RUN:
        run_ids = [str(run_id) for run_id in taken["run_id"]]
        runs = {document["_id"]: document for document in lake.find_runs({"_id": {"$in": sorted(set(run_ids))}})}
        return [dig(runs.get(run_id), rest) for run_id in run_ids]
    if head in ENVIRONMENT_FIELDS:
        values = [lake.environment(environment_id).get(head) for environment_id in taken["environment_id"]]
    else:
        values = taken[head]
    if rest:
        return [dig(value, rest, whole=head == "python_packages") for value in values]
    return [f"{lake.store.root}/{value}" for value in values] if name == "remote_root" else values


def dig(value: Any, path: str, *, whole: bool = False) -> Any:
    """Value at a dotted path below `value`; None where it leads nowhere. A package's name may hold dots itself."""
    if whole:
        return value.get(normalize_package(path)) if isinstance(value, Mapping) else None
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value
