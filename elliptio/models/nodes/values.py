"""Turn the fields of a node into what is stored, and back: by the types that are declared, as those of models."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from elliptio.models.errors import DamagedModelError, UnfitValueError
from elliptio.models.identity import found_at
from elliptio.models.record import Record
from elliptio.models.schemas import class_of
from elliptio.models.types import asked, decode, encode, maker, schema_of
from elliptio.models.types.kinds import kind_of


@dataclass(frozen=True)
class Written:
    """Fields of a node as they are stored.

    Attributes
    ----------
    plain
        Each as JSON, exactly.
    asked
        Each as queries see it; none for what they cannot see.
    schema
        What is needed to read `plain` again besides; plain JSON.

    """

    plain: dict[str, Any]
    asked: dict[str, Any]
    schema: dict[str, Any]


def write(node: Any, names: Collection[str]) -> Written:
    """Write some of the fields of a node.

    Raises
    ------
    FieldTypeError
        If fields have types that have no faithful form.
    UnfitValueError
        If values do not fit; the message names each by its path.

    """
    if not names:
        return Written({}, {}, {})
    schema = schema_of(type(node))
    if vars(type(node)).get("__model_locals__") is not None:
        type(node).__model_locals__ = None  # the frames around it can go now
    # What is no field, such as those of a class that is not here, is kept by the node, not by its class.
    bare = object.__new__(type(node))
    vars(bare).update({one.name: getattr(node, one.name) for one in dataclasses.fields(node)})
    fields, taken = encode(schema, bare)
    if taken.files:
        raise UnfitValueError(
            f"{', '.join(taken.files)} of {type(node).__name__} cannot be saved: what is large is attached as a model."
        )
    entry = schema.classes[schema.root]
    own = {**entry, "fields": {name: hint for name, hint in entry["fields"].items() if name in names}}
    classes = {**schema.classes, **taken.classes, schema.root: own}
    said = asked(schema, node)
    return Written(
        {name: plain for name, plain in fields.items() if name in names},
        {name: value for name, value in said.items() if name in names},
        {"root": schema.root, "classes": classes},
    )


def read(cls: type | None, plain: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Read fields back; `cls` is None where no class of nodes that is defined has written them."""
    if not plain:
        return {}
    near = [] if cls is None else [one for one in schema_of(cls).bound.values() if isinstance(one, type)]
    root, classes = schema["root"], schema["classes"]
    builders = partial(_builder, root, classes, near)
    return dict(decode(classes, root, dict(plain), builders=builders, open_file=_no_file))


def _builder(
    root: str, classes: Mapping[str, Any], near: list[type], key: str, entry: Mapping[str, Any]
) -> Callable[[dict[str, Any]], Any]:
    if key == root:
        return dict
    kind, path = entry.get("kind"), str(entry.get("class"))
    cls = class_of(key, classes)[0] if kind == "model" else found_at(path, near)
    try:
        return maker(cls if cls is None or kind_of(cls) == kind else None, entry)
    except LookupError:
        name, version = str(entry.get("name")), entry.get("version")
        return partial(Record, name, version, why=f"no {kind} {path} is defined here")


def _no_file(relpath: str) -> Any:
    raise DamagedModelError(f"A node has no files, but {relpath!r} is named.")
