"""Keep what is known of a class with fields: its description, the classes that it reaches, and a hash over both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from elliptio.models.types import kinds
from elliptio.models.types.describing import Describer
from elliptio.models.types.problems import Problem, no_form

_KEPT = "__elliptio_schema__"
"""Attribute of a class that holds its schema: it goes when the class goes."""


@dataclass(frozen=True, eq=False)
class Schema:
    """The description of a class with fields, and of all that it reaches.

    Attributes
    ----------
    root
        KEY of the class itself.
    classes
        The table: KEY → what the class is, plain JSON that stands alone.
    bound
        KEY → class, of all that are reached.
    hash
        sha256 over the fields of the table; where the classes are defined, what they are called and their versions
        are no part of it, so that it stays when a class is moved or renamed.
    named
        Serializers and storages of the annotations, by ``"serializer:NAME"`` and ``"storage:NAME"``.

    """

    root: str
    classes: dict[str, dict[str, Any]]
    bound: dict[str, Any]
    hash: str
    named: dict[str, Any]
    made: list[Any] = field(default_factory=list, repr=False)
    """Compiled of it when it is first needed."""

    @cached_property
    def whole_hash(self) -> str:
        """Hash of all that is stored of it, names and versions as well."""
        return whole_hash_of(self.root, self.classes)


def schema_of(cls: Any, *, localns: Mapping[str, Any] | None = None) -> Schema:
    """Describe a class with fields, once per class.

    Parameters
    ----------
    cls
        A data model, dataclass, attrs or pydantic class, NamedTuple, TypedDict or Enum.
    localns
        Names of the function that it is defined in. A class may have them as ``__model_locals__``, too.

    Raises
    ------
    FieldTypeError
        If fields have no faithful form, or their annotations cannot be resolved (yet): all of them, by path.

    """
    kept = vars(cls).get(_KEPT) if hasattr(cls, "__dict__") else None
    if kept is not None:
        found: Schema = kept
        return found
    describer = Describer(localns)
    try:
        described = describer.describe(cls, None, {})
    except RecursionError:
        described = describer.refuse("its fields nest too deep, or are a generic class that holds itself")
    if not describer.problems and (not isinstance(described, dict) or "class" not in described):
        describer.problems.append(Problem("", "it is no class with fields that are known"))
    if describer.problems:
        raise no_form(describer.problems, cls.__qualname__ if isinstance(cls, type) else repr(cls))
    root = described["class"]
    schema = Schema(root, describer.classes, describer.bound, hash_of(describer.classes, root), describer.named)
    if kinds.kind_of(cls) != "enum":
        type.__setattr__(cls, _KEPT, schema)
    return schema


def whole_hash_of(root: str, classes: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what is stored of a schema."""
    return hashlib.sha256(json.dumps([root, classes], sort_keys=True).encode()).hexdigest()


def hash_of(classes: Mapping[str, Mapping[str, Any]], root: str) -> str:
    """Hash the fields of a class and of all that it reaches, in the order in which they are reached."""
    order = [root]
    parts = [_numbered({k: v for k, v in classes[key].items() if k not in ("class", "name", "version")}, order)
             for key in _each(order)]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _each(order: list[str]) -> Any:
    # It grows while it is walked.
    number = 0
    while number < len(order):
        yield order[number]
        number += 1


def _numbered(part: Any, order: list[str]) -> Any:
    if isinstance(part, dict):
        if set(part) == {"class"} and isinstance(part["class"], str):
            if part["class"] not in order:
                order.append(part["class"])
            return {"class": order.index(part["class"])}
        return {key: _numbered(each, order) for key, each in part.items()}
    return [_numbered(each, order) for each in part] if isinstance(part, list) else part


def renamed(part: Any, names: Mapping[str, str]) -> Any:
    """Copy a description with other KEYs."""
    if isinstance(part, dict):
        if isinstance(part.get("class"), str) and set(part) == {"class"}:
            return {"class": names.get(part["class"], part["class"])}
        return {key: renamed(each, names) for key, each in part.items()}
    return [renamed(each, names) for each in part] if isinstance(part, list) else part
