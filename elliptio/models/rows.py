"""Make models, and rows of their fields, of what documents say; files are read only for what those do not say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from elliptio.models.content import Content
from elliptio.models.loading import Loading, load_model
from elliptio.models.model import DataModel, loaded
from elliptio.models.record import Record
from elliptio.models.schemas import Known, is_now, schema
from elliptio.models.types import decode, maker

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact

_ROW = ""
"""Key of what a row has of the model, whose class may be among those of its fields too."""


def model_of(artifact: Artifact, known: Known | None) -> Any:
    """Make the model of an artifact; of its document, where that says all of its fields."""
    stored: Mapping[str, Any] = artifact.metadata.model or {}
    if known is None or big_fields(known.fields, known.classes):
        return load_model(artifact)
    plain = _plain(stored, known.fields, known.classes)
    if plain is None:
        return load_model(artifact)
    content = Content(root=known.root, classes=known.classes, fields=plain, files={})
    return Loading(artifact, content=content).model()


def fields_of_row(stored: Mapping[str, Any], known: Known | None, wanted: Sequence[str]) -> Mapping[str, Any] | None:
    """Decode fields of a model from its document; None where that does not have all of them as they are."""
    if known is None or known.cls is None or not is_now(known):
        return None
    if not big_fields(known.fields, known.classes).isdisjoint(wanted):
        return None
    plain = _plain(stored, [name for name in wanted if name in known.fields], known.classes)
    if plain is None:
        return None
    bound = {**schema(known.cls).bound, known.root: known.cls}
    if any(key not in bound for key, entry in known.classes.items() if entry["kind"] != "alias"):
        return None  # some have moved, which a `Loading` finds
    fields = {name: kind for name, kind in known.fields.items() if name in plain}
    classes = {**known.classes, _ROW: {**known.entry, "kind": "dataclass", "fields": fields}}

    def builders(key: str, entry: Mapping[str, Any]) -> Any:
        if key == _ROW:
            return dict
        return partial(_rebuilt, bound[key]) if entry["kind"] == "model" else maker(bound[key], entry)

    return decode(classes, _ROW, plain, builders=builders, open_file=_no_file)  # type: ignore[no-any-return]


def fields_of_model(made: Any, wanted: Sequence[str]) -> Mapping[str, Any]:
    """Take fields of a model, or of a record, as far as it has them."""
    if isinstance(made, Record):
        return {name: made[name] for name in wanted if name in made}
    return {name: getattr(made, name) for name in wanted if name in made.__dataclass_fields__}


def value_at(value: Any, path: Sequence[str]) -> Any:
    """Follow a path into fields, dicts and lists; None where it leads nowhere."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, Record):
            value = value[part] if part in value else None  # noqa: SIM401
        elif isinstance(value, list | tuple):
            value = value[int(part)] if part.isdigit() and int(part) < len(value) else None
        else:
            value = getattr(value, part, None)
    return value


def big_fields(fields: Mapping[str, Any], classes: Mapping[str, Any]) -> set[str]:
    """Name the fields whose values are big, or hold what is."""
    return {name for name, description in fields.items() if _is_big(description, classes)}


def _is_big(description: Any, classes: Mapping[str, Any], seen: frozenset[str] = frozenset()) -> bool:
    if isinstance(description, list):
        return any(_is_big(one, classes, seen) for one in description)
    if not isinstance(description, Mapping):
        return False
    if "file" in description:  # beside the serializer that its hint names
        return True
    what, of = next(iter(description.items()))
    if what != "class":
        return what != "literal" and _is_big(of, classes, seen)
    fields = {} if of in seen else classes.get(of, {}).get("fields", {})
    return any(_is_big(one, classes, seen | {of}) for one in fields.values())


def _plain(
    stored: Mapping[str, Any], names: Sequence[str] | Mapping[str, Any], classes: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Take fields as they are written from a document; None where it does not say all of them, or is damaged."""
    try:
        exact = {name: text for name, text in stored.get("exact", {}).items() if name in names}
        if not {*stored.get("elsewhere", ()), *stored.get("long", ())}.isdisjoint(set(names) - exact.keys()):
            return None
        found = {name: json.loads(exact[name]) if name in exact else _as_json(stored["fields"][name]) for name in names}
        # Classes that hints do not name, of subclasses and in fields of type `Any`, are described in the file alone.
        if any('"$class"' in text and _names_others(found[name], classes) for name, text in exact.items()):
            return None
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return None
    return found


def _names_others(plain: Any, classes: Mapping[str, Any]) -> bool:
    """Tell whether a value that is written names classes that are not in a table."""
    if isinstance(plain, dict):
        other = "$class" in plain and plain["$class"] not in classes
        return other or any(_names_others(each, classes) for each in plain.values())
    return isinstance(plain, list) and any(_names_others(each, classes) for each in plain)


def _as_json(value: Any) -> Any:
    """Give back what JSON has: an index may give whole numbers of a class of its own."""
    if isinstance(value, dict):
        return {name: _as_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return int(value) if isinstance(value, int) and type(value) is not bool else value


def _rebuilt(cls: type[DataModel], fields: Mapping[str, Any]) -> DataModel:
    return loaded(cls, fields, {}, None)  # type: ignore[no-any-return]


def _no_file(relpath: str) -> Any:
    return None
