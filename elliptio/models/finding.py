"""Find saved models by their fields, as those of the class are now, whatever version wrote them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from elliptio.finding.options import MOST_SHOWN, Unasked
from elliptio.indexes.query.checking import check_sort
from elliptio.indexes.query.ordering import document_sort_key
from elliptio.models.nodes.engine import current_engine
from elliptio.models.rows import fields_of_model, fields_of_row, model_of, value_at
from elliptio.models.searching import Search

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.finding.search import Found
    from elliptio.handler import Handler
    from elliptio.models.model import DataModel
    from elliptio.protocols import Query

    Ask = Callable[..., Found]


def find_models(
    model: type[DataModel] | str,
    query: Mapping[str, Any] | None = None,
    *,
    handler: Handler | None = None,
    exact: bool = False,
    max_docs: int | None = MOST_SHOWN,
    sort: Any = None,
    columns: Sequence[str] | None = None,
    exclude_columns: Sequence[str] = (),
    deleted: bool = False,
    ancestors_of: Any = None,
    descendants_of: Any = None,
) -> pd.DataFrame:
    """Find saved models by their fields.

    Parameters
    ----------
    model
        A class, or its name as a text, also where the class is gone.
    query
        A MongoDB query over the fields as the class has them now: ``{"rate": {"$gt": 0.1}}``. What an older version
        wrote is migrated for that; it is found by the names that it was written with too. Who made it and when are
        ``artifact.username``, ``artifact.creation_time``; of its run ``run.params.…``.
    handler
        Where they are; by default that of the engine, else the default one.
    exact
        True: no models of subclasses.
    max_docs, sort, deleted, ancestors_of, descendants_of
        As of `Handler.find`; `sort` by fields as in the query.
    columns, exclude_columns
        Fields that are shown, all plain ones by default; also ``artifact.…`` and ``run.…``.

    Returns
    -------
    pandas.DataFrame
        A row for each saved model, not for those within others, indexed by ``artifact_id``, newest first.

    Raises
    ------
    QueryError
        If there is no such field, or the query cannot be answered exactly.
    NotAModelError
        If the class is no data model.

    Examples
    --------
    >>> import elliptio as eio
    >>> from elliptio.models import DataModel, find_models
    >>> class Training(DataModel, version=1):
    ...     rate: float
    >>> h = eio.Handler("lake")
    >>> artifacts = h.save_many([(Training(0.1), "slow"), (Training(0.5), "fast")])
    >>> list(find_models(Training, {"rate": {"$gt": 0.2}}, handler=h).rate)
    [0.5]

    """
    import pandas as pd

    handler = current_engine(handler)
    search = Search(handler, model, exact=exact)
    shown = search.columns(columns, exclude_columns)
    beside = {name: search.path(name) for name in shown if not search.is_field(name)}
    asked, order = search.query(query), search.order(sort)
    ask: Ask = partial(
        handler.search,
        columns=["model", *beside.values()],
        deleted=deleted,
        ancestors_of=ancestors_of,
        descendants_of=descendants_of,
        counted=isinstance(max_docs, Unasked),
    )
    found = _found(search, ask, asked, order, max_docs)
    found.warn_if_truncated("models")
    fields = [name for name in shown if name not in beside]
    rows = [_row(search, *pair, fields) for pair in zip(found.ids, found.columns["model"], strict=True)]
    index = pd.Index(found.ids, dtype="object", name=found.name)
    data = {name: found.columns[beside[name]] if name in beside else [row[name] for row in rows] for name in shown}
    return pd.DataFrame({name: _series(values, index) for name, values in data.items()}, index=index, columns=shown)


def _found(search: Search, ask: Ask, query: Query, order: list[tuple[str, Any]], max_docs: int | None) -> Found:
    """Find the models, in order: where documents do not have it as it is now, by looking at all that match."""
    if not order:
        return ask(query, max_docs=max_docs)
    if search.is_in_documents(order):
        return ask({"$and": [query, search.typed(order[0][0])]}, sort=order, max_docs=max_docs)
    key = document_sort_key(check_sort(order))
    shown, found = ask(query, max_docs=max_docs), ask(query, max_docs=0)
    known = search.documents(found.ids)
    places = sorted(range(len(found.ids)), key=lambda place: key(known[found.ids[place]]))[: len(shown.ids)]
    values = {name: [column[place] for place in places] for name, column in found.columns.items()}
    return replace(shown, ids=[found.ids[place] for place in places], columns=values)


def _row(search: Search, artifact_id: str, stored: Mapping[str, Any], wanted: Sequence[str]) -> Mapping[str, Any]:
    """Return the fields of a model: from its document where that has them as they are, else from its file."""
    known = search.groups.get(stored["schema"])
    paths = {name: search.now(name).split(".") for name in wanted}
    heads = list(dict.fromkeys(path[0] for path in paths.values()))
    fields = fields_of_row(stored, known, heads)
    if fields is None:
        heads += [name.split(".")[0] for name in wanted]
        fields = fields_of_model(model_of(search.handler.show(artifact_id), known), heads)
    return {name: value_at(fields, path if path[0] in fields else name.split(".")) for name, path in paths.items()}


def _series(values: list[Any], index: pd.Index[Any]) -> pd.Series[Any]:
    """Shape a column: numbers and texts get the types that pandas has for them, all else stays what it is."""
    import pandas as pd

    kinds = set(map(type, values))
    if kinds in ({bool}, {int}, {float}, {str}) and (kinds != {int} or all(abs(value) < 2**63 for value in values)):
        return pd.Series(values, index)
    return pd.Series(values, index, dtype="object")
