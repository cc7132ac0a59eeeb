"""Search for the models of one class, or of one name, by their fields as the class has them now.

A condition on a field is met by what a document says of it, where its schema has that field as the class has it now.
What other versions wrote, and lists that are too long for a document, are made into models and looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from elliptio.errors import QueryError
from elliptio.formats.libraries import meant
from elliptio.indexes.query.predicate import compile_query
from elliptio.models import identity
from elliptio.models.conditions import description_at, said, within_ends
from elliptio.models.errors import NotAModelError
from elliptio.models.meaning import Described, check_moments, check_values, ends, names_at
from elliptio.models.model import DataModel
from elliptio.models.rows import big_fields, model_of
from elliptio.models.schemas import Known, as_now, known_of, known_schemas, renamed, schema
from elliptio.models.types import asked
from elliptio.system.warn import warn

if TYPE_CHECKING:
    from elliptio.handler import Handler
    from elliptio.protocols import Document, Query

FIELDS = "model.fields"
"""Path of the fields in a document."""
_ALL = 1 << 62
_TYPES = {
    "int": "number", "float": "number", "decimal": "number", "timedelta": "number", "bool": "bool",
    "str": "string", "date": "string", "time": "string", "uuid": "string",
}  # fmt: skip
"""Descriptions of plain fields that always have a value, by what queries see of them."""
_LOGICAL = ("$and", "$or", "$nor")


@dataclass
class Search:
    """A search for the models of one class, or of one name.

    Attributes
    ----------
    handler, model, exact
        As `find_models` takes them.
    groups
        The schemas that such models were saved with.
    fields
        Descriptions of the fields that they have now, by name.

    """

    handler: Handler
    model: type[DataModel] | str
    exact: bool = False
    groups: dict[str, Known] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    _asked: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _unknown: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.model, str):
            defined = list(dict.fromkeys(identity.named(self.model)))
            if len(defined) != 1:
                self._of_name(self.model, defined)
                return
            self.model = defined[0]
        if not (isinstance(self.model, type) and issubclass(self.model, DataModel)) or self.model is DataModel:
            raise NotAModelError(f"{self.model!r} is no data model: give a class made with DataModel, or its name.")
        own = schema(self.model)
        self.fields.update(own.classes[own.root]["fields"])
        classes = {self.model} if self.exact else {one for one in identity.defined() if issubclass(one, self.model)}
        self.groups.update((known.hash, known) for known in self._known() if known.cls in classes)

    def _known(self) -> Iterator[Known]:
        return known_schemas(self.handler.lake)

    def _of_name(self, name: str, defined: Sequence[type[DataModel]]) -> None:
        """Take all that was saved under a name, whatever it is now; its fields are those of all versions."""
        from difflib import get_close_matches

        saved = list(self._known())
        for known in [*saved, *map(known_of, defined)]:
            if name in (known.entry["name"], known.entry["class"]):
                self.fields.update(known.fields)
        self.groups.update((one.hash, one) for one in saved if name in (one.entry["name"], one.entry["class"]))
        if not self.fields:
            names = {one.entry["name"] for one in saved} | {cls.__model_name__ for cls in identity.defined()}
            close = get_close_matches(name, names, n=1)
            guess = f"; did you mean {close[0]!r}?" if close else "."
            self._unknown = f"Nothing was saved as {name!r}, and no class of that name is defined{guess}"
            if close:
                warn(self._unknown, UserWarning)

    # --- names ---

    def is_field(self, name: str) -> bool:
        """Tell whether a name begins with that of a field, of this version or another."""
        head = name.split(".")[0]
        return head in self.fields or any(head in known.fields for known in self.groups.values())

    def now(self, name: str) -> str:
        """Return what a path of fields is called now: migrations may have renamed the first."""
        head, dot, rest = name.partition(".")
        return name if head in self.fields else f"{self._renamed.get(head, head)}{dot}{rest}"

    @cached_property
    def _renamed(self) -> Mapping[str, str]:
        return {old: new for known in self.groups.values() for old, new in renamed(known).items()}

    def path(self, name: Any) -> str:
        """Return the path in the document of what is asked for.

        Raises
        ------
        QueryError
            If there is no such field.

        """
        if not isinstance(name, str):
            raise QueryError(f"A field is named by a text, not by {name!r}.")
        if self.is_field(name):
            return f"{FIELDS}.{self.now(name)}"
        head, _, rest = name.partition(".")
        if rest and head in ("artifact", "run"):
            return rest if head == "artifact" else name
        raise self._no_field(name, head, self.fields)

    def _no_field(self, name: str, part: str, known: Iterable[str]) -> QueryError:
        if self._unknown:
            return QueryError(self._unknown)
        called = self.model if isinstance(self.model, str) else self.model.__qualname__
        return QueryError(
            f"There is no field {name!r} of {called}; {meant(part, known)} Who made it and when are "
            "'artifact.username', 'artifact.creation_time'."
        )

    def columns(self, wanted: Sequence[str] | None, exclude: Sequence[str]) -> list[str]:
        """Decide which columns to show: those that are wanted, else all plain fields."""
        for name in [*(wanted or ()), *exclude]:
            self.path(name)
        if wanted is not None:
            return [name for name in dict.fromkeys(wanted) if name not in exclude]
        classes = {key: entry for known in self._all() for key, entry in known.classes.items()}
        big = big_fields(self.fields, classes)
        return [name for name in self.fields if name not in exclude and name not in big]

    def _all(self) -> list[Known]:
        """List the schemas, that of the class as it is now last."""
        own = [] if isinstance(self.model, str) else [known_of(self.model)]
        return [*self.groups.values(), *own]

    # --- conditions ---

    def query(self, wanted: Any) -> Query:
        """Return the query over documents that finds them.

        Raises
        ------
        QueryError
            If it is malformed, or there is no such field.

        """
        conditions = self._translated({} if wanted is None else wanted)
        return {"$and": [self._schemas(self.groups), conditions]} if conditions else self._schemas(self.groups)

    def typed(self, path: str) -> Query:
        """Say what all documents have at the path of a field, so that an index can walk them in its order."""
        name = path.removeprefix(f"{FIELDS}.") if path.startswith(f"{FIELDS}.") else ""
        found = {_TYPES.get(str(known.fields.get(name))) for known in self.groups.values()}
        return {path: {"$type": found.pop()}} if len(found) == 1 and None not in found else {}

    @staticmethod
    def _schemas(hashes: Any) -> dict[str, Any]:
        several = sorted(hashes)
        # Of one value alone an index walks the documents in the order of their times.
        return {"model.schema": several[0] if len(several) == 1 else {"$in": several}}

    def _translated(self, wanted: Any) -> dict[str, Any]:
        if not isinstance(wanted, Mapping):
            raise QueryError(f"A query is a dict of conditions by field, not {wanted!r}.")
        conditions: list[dict[str, Any]] = []
        for name, operand in wanted.items():
            if name in _LOGICAL:
                if not isinstance(operand, list | tuple):
                    raise QueryError(f"{name} takes a list of queries, not {operand!r}.")
                conditions.append({name: [self._translated(part) for part in operand]})
            elif isinstance(name, str) and name.startswith("$"):
                conditions.append({name: operand})
            else:
                conditions.append(self._condition(name, operand))
        return conditions[0] if len(conditions) == 1 else {"$and": conditions} if conditions else {}

    def _condition(self, name: str, operand: Any) -> dict[str, Any]:
        """Return the condition on a field: of what is not in the documents as it is now, by looking at the models."""
        path = self.path(name)
        if not path.startswith(f"{FIELDS}."):
            return {path: operand}
        now = path.removeprefix(f"{FIELDS}.")
        value = self._said(now, operand)
        condition, looked_at = {path: value}, self._looked_at(now)
        meets = compile_query({"$or": [condition, {f"{FIELDS}.{name}": value}]})
        described = list(self._described({name, now}))
        check_values(name, described, operand, value)
        narrowed = self._narrowed(now, value)
        met, others = [], False
        for document in self._documents(looked_at):
            others = True
            if narrowed(document) and meets({"model": {"fields": self.asked(document)}}):
                met.append(document["_id"])
        if not others:
            self._check_saved(name, path, described, operand)
        plain = {"$and": [condition, {"$nor": looked_at}]} if others else condition
        return {"$or": [plain, {"_id": {"$in": met}}]} if met else plain

    def _said(self, now: str, operand: Any) -> Any:
        """Turn the values of a condition into the form that is stored for queries."""
        head, *rest = now.split(".")
        for known in reversed(self._all()):
            if head in known.fields:
                return said(description_at(known.fields[head], known.classes, rest), known.classes, operand)
        return operand

    def _described(self, names: Iterable[str]) -> Iterator[Described]:
        """Follow the names of a field, of now and then, in all schemas."""
        for known in self._all():
            for head, *rest in (name.split(".") for name in names):
                if head in known.fields:
                    for end in ends(known.fields[head], known.classes, rest):
                        yield end, known.classes

    def _check_saved(self, name: str, path: str, described: Sequence[Described], operand: Any) -> None:
        """Refuse what nothing that was saved can meet: parts that no class has, and datetimes of the other sort."""

        def is_there(**operator: Any) -> bool:
            query = {"$and": [self._schemas(self.groups), {path: {f"${each}": of for each, of in operator.items()}}]}
            return next(self.handler.lake.find(query, sort=[], limit=1, deleted=True), None) is not None

        if described:
            check_moments(name, described, operand, lambda kind: is_there(type=kind))
        elif not is_there(exists=True):
            head, *rest = path.removeprefix(f"{FIELDS}.").split(".")
            among = (names_at(one.fields[head], one.classes, rest) for one in self._all() if head in one.fields)
            raise self._no_field(name, rest[-1], {each for names in among for each in names})

    def _looked_at(self, now: str) -> list[dict[str, Any]]:
        """Say which documents do not have a field as it is now: one of these conditions holds for them."""
        head = now.split(".")[0]
        others = [known.hash for known in self.groups.values() if not as_now(known, head)]
        return [*([self._schemas(others)] if others else []), {"model.long": head}]

    def _narrowed(self, now: str, value: Any) -> Any:
        """Return what tells whether a model needs to be looked at: of a long list its ends may say that none is met."""
        head, _, rest = now.partition(".")
        within = compile_query(within_ends(f"{FIELDS}.{head}", rest, value))

        def narrowed(document: Document) -> bool:
            known = self.groups.get(document["model"]["schema"])
            return known is None or not as_now(known, head) or within(document)

        return narrowed

    def _documents(self, conditions: list[dict[str, Any]]) -> Iterator[Document]:
        """Find documents of which one of these conditions holds: an index serves each by itself only."""
        seen: set[str] = set()
        for condition in conditions:
            query = {"$and": [self._schemas(self.groups), condition]}
            for document in self.handler.lake.find(query, sort=[], limit=0, deleted=True):
                if document["_id"] not in seen:
                    seen.add(document["_id"])
                    yield document

    def asked(self, document: Document) -> Mapping[str, Any]:
        """Return what queries see of a document's model, as it is now; names that it was written with too."""
        found = self._asked.get(document["_id"])
        if found is None:
            artifact = self.handler._loaded(document, track=False)
            stored: Mapping[str, Any] = document["model"].get("fields", {})
            made = model_of(artifact, self.groups.get(document["model"]["schema"]))
            now = asked(schema(type(made)), made, most=_ALL) if isinstance(made, DataModel) else {}
            found = self._asked[document["_id"]] = {**stored, **now}
        return found

    def documents(self, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Return documents by identifier, with the fields that queries see of their models as these are now."""
        wanted = set(ids)
        return {
            document["_id"]: {**document, "model": {**document["model"], "fields": self.asked(document)}}
            for document in self._documents([{}])
            if document["_id"] in wanted
        }

    # --- order ---

    def order(self, sort: Any) -> list[tuple[str, Any]]:
        """Return what to sort the documents by.

        Raises
        ------
        QueryError
            If there is no such field.

        """
        pairs = [] if sort is None else [sort] if isinstance(sort, str) else list(sort)
        if len(pairs) == 2 and isinstance(pairs[0], str) and isinstance(pairs[1], int):
            pairs = [tuple(pairs)]
        order: list[tuple[str, Any]] = []
        for one in pairs:
            if isinstance(one, str):
                order.append((self.path(one.removeprefix("-")), -1 if one.startswith("-") else 1))
            elif isinstance(one, tuple | list) and len(one) == 2:
                order.append((self.path(one[0]), one[1]))
            else:
                raise QueryError(f"Sort by fields, or by (field, 1) and (field, -1), not by {one!r}.")
        return order

    def is_in_documents(self, order: Sequence[tuple[str, Any]]) -> bool:
        """Tell whether documents have all of these fields as they are now, so that an index can sort by them."""
        fields = [path.removeprefix(f"{FIELDS}.") for path, _ in order if path.startswith(f"{FIELDS}.")]
        conditions = [condition for name in fields for condition in self._looked_at(name)]
        return not conditions or next(self._documents(conditions), None) is None
