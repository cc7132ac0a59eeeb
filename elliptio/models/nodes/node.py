"""Nodes as objects, and the classes of them that are defined."""

from __future__ import annotations

import dataclasses
import json
import sys
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, dataclass_transform

from elliptio import naming
from elliptio.lake import run_nodes
from elliptio.lake.run_records import now
from elliptio.models.errors import DamagedModelError, UnfitValueError
from elliptio.models.identity import path_of
from elliptio.models.model import enclosing as enclosing
from elliptio.models.nodes import values
from elliptio.models.nodes.columns import without_columns
from elliptio.models.types.hints import own_annotations
from elliptio.protocols import Document


def _new_id() -> str:
    return naming.new_id("run")[0]


@dataclasses.dataclass
class Stored:
    """Memory of what is stored of a node: its fields, and the run around it.

    `beyond` are values of fields that its class does not have, where the class that wrote it is not defined.
    """

    plain: dict[str, Any]
    schema: str
    parent: str | None
    beyond: dict[str, Any] | None = None


_classes: weakref.WeakValueDictionary[str, type[Node]] = weakref.WeakValueDictionary()
"""Classes of nodes that are defined, by ``module:qualname``; of those that were defined twice the newer."""


@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field,))
class NodeFields:
    """Make each subclass a dataclass whose fields are given by name."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__()
        without_columns(cls)
        dataclasses.dataclass(**{"eq": False, "kw_only": True, **options})(cls)


class Node(NodeFields):
    """Something that models can be attached to; it is a run of the lake.

    A subclass adds fields of its own, by annotations: ``class Run(Node): started_at: datetime``. They can be set anew:
    ``session.add(node); await session.commit()`` keeps that as a new line in the history of the node.

    Attributes
    ----------
    node_id
        Its identifier, which is the ``run_id`` of the run.
    node_parent_id
        Identifier of the node around it; None for a root.
    node_type
        What kind of node it is: ``__mapper_args__["polymorphic_identity"]`` of its class, else the name of that.
    node_created_at, node_updated_at
        When it was written, and when a field of it last changed.

    Examples
    --------
    >>> import elliptio as eio
    >>> from elliptio.models.sync import Node, current_node, read_node
    >>> h = eio.Handler("lake")
    >>> class Training(Node):
    ...     rate: float
    >>> with current_node(Training, rate=0.1) as node:
    ...     pass
    >>> read_node(node.node_id).rate, h.runs({"node.rate": 0.1}).name.iloc[0]
    (0.1, 'Training')

    """

    node_type: ClassVar[str] = "node"
    __model_locals__: ClassVar[Any] = None
    _stored: ClassVar[Any] = None

    node_id: str = dataclasses.field(init=False, default_factory=_new_id)
    node_parent_id: str | None = None
    node_created_at: datetime = dataclasses.field(init=False, default_factory=now, repr=False)
    node_updated_at: datetime = dataclasses.field(init=False, default_factory=now, repr=False)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        given = cls.__dict__.get("__mapper_args__") or {}
        cls.node_type = given.get("polymorphic_identity") or cls.__dict__.get("polymorphic_identity") or cls.__name__
        _classes[path_of(cls)] = cls
        namespace = {
            "__annotations__": own_annotations(cls),
            "__module__": cls.__module__,
            "__qualname__": cls.__qualname__,
        }
        cls.__model_locals__ = enclosing(sys._getframe(1), namespace)

    def __eq__(self, other: object) -> bool:
        return self.node_id == other.node_id if isinstance(other, Node) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.node_id)


_OF_ALL = frozenset(entry.name for entry in dataclasses.fields(Node))


def own_fields(cls: type[Node]) -> list[dataclasses.Field[Any]]:
    """List the fields that a class has beside those of all nodes."""
    return [entry for entry in dataclasses.fields(cls) if entry.name not in _OF_ALL]


def is_stored(node: Node) -> bool:
    """Tell whether a node was written, or read."""
    return node._stored is not None


def stored(node: Node) -> Stored:
    """Tell what is known to be stored of a node."""
    found: Stored = node._stored
    return found


def check(given: Any) -> None:
    """Refuse what is no node.

    Raises
    ------
    UnfitValueError
        If it is none; a TypeError.

    """
    if not isinstance(given, Node):
        raise UnfitValueError(f"A node is made of Node or of a class below it, such as Run(…); this is {given!r}.")


def written(node: Node) -> values.Written:
    """Shape the fields of a node as they are stored.

    Raises
    ------
    UnfitValueError
        If values have no faithful form.

    """
    beyond = {} if node._stored is None else node._stored.beyond or {}
    other = [name for name, value in beyond.items() if getattr(node, name, None) is not value]
    if other:
        raise UnfitValueError(f"{', '.join(other)} of {node.node_id} cannot be saved: its class is not defined here.")
    return values.write(node, [entry.name for entry in own_fields(type(node))])


def kind_of(node: Node, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Say of what kind a node is: its type, and its classes, the most special first."""
    classes = [path_of(cls) for cls in type(node).__mro__ if issubclass(cls, Node) and cls is not Node]
    return {"type": node.node_type, "classes": classes, "schema": json.dumps(schema)}


def mark(node: Node, found: values.Written, parent: str | None, moment: datetime | None = None) -> None:
    """Note on a node that it is stored as it is; `moment` is when it was created."""
    beyond = None if node._stored is None else node._stored.beyond
    vars(node)["_stored"] = Stored(found.plain, json.dumps(found.schema), parent, beyond)
    node.node_parent_id = parent
    if moment is not None:
        node.node_created_at = node.node_updated_at = moment


def from_document(document: Document) -> Node:
    """Make the node that the document of a run tells of, of its own class or the nearest that is defined.

    Fields that this class does not have are attributes all the same.

    Raises
    ------
    DamagedModelError
        If it is not what elliptio writes.

    """
    try:
        return _made(document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DamagedModelError(f"The document of {document['_id']} is damaged: {error!r:.200}") from error


def _made(document: Document) -> Node:
    record = document.get(run_nodes.RECORD) or {}
    plain = json.loads(record.get("values") or "{}")
    classes = [str(name) for name in record.get("classes", ())]
    cls, exact = _class_of(classes, plain)
    node, schema = object.__new__(cls), str(record.get("schema") or "{}")
    found = {**_defaults(cls), **values.read(cls if exact else None, plain, json.loads(schema))}
    parent = document.get("parent")
    own = {entry.name for entry in own_fields(cls)}
    beyond = None if exact else {name: value for name, value in found.items() if name not in own}
    found |= {
        "node_id": document["_id"],
        "node_parent_id": parent,
        "node_created_at": document["creation_time"].astimezone(UTC),
        "node_updated_at": (record.get("updated") or document["creation_time"]).astimezone(UTC),
        "_stored": Stored({name: plain[name] for name in plain if name in own}, schema, parent, beyond),
    }
    if record.get("type", cls.node_type) != cls.node_type:
        found["node_type"] = record["type"]
    vars(node).update(found)
    return node


def _class_of(names: list[str], plain: Mapping[str, Any]) -> tuple[type[Node], bool]:
    """Find the class that wrote a node, else one of its name and fields, else the nearest base that is defined."""
    if not names:
        return Node, True
    if names[0] in _classes:
        return _classes[names[0]], True
    own = names[0].rpartition(":")[2].rpartition(".")[2]
    alike = [
        cls for cls in _classes.values()
        if cls.__name__ == own and {entry.name for entry in own_fields(cls)} == plain.keys()
    ]  # fmt: skip
    if len(alike) == 1:
        return alike[0], True
    return next((_classes[name] for name in names if name in _classes), Node), False


def _defaults(cls: type[Node]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in own_fields(cls):
        if entry.default is not dataclasses.MISSING:
            found[entry.name] = entry.default
        elif entry.default_factory is not dataclasses.MISSING:
            found[entry.name] = entry.default_factory()
        else:
            found[entry.name] = None
    return found
