"""Remember the schemas that models of a lake were saved with, and whose class each is now."""

from __future__ import annotations

import functools
import json
import logging
import threading
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elliptio.lake import records
from elliptio.models import identity
from elliptio.models.errors import DamagedModelError, FieldTypeError, MigrationError
from elliptio.models.migrations import MIGRATIONS, check_names, hook_of, migrated
from elliptio.models.types import Schema, schema_of
from elliptio.models.types.decoding import check_table
from elliptio.models.types.problems import brief
from elliptio.models.types.schema import hash_of as hash_of_fields
from elliptio.models.types.schema import whole_hash_of

if TYPE_CHECKING:
    from elliptio.lake.lake import Lake
    from elliptio.models.model import DataModel

log = logging.getLogger(__name__)

KIND = "models"
"""Kind of the records of schemas."""

_told: weakref.WeakKeyDictionary[Lake, set[str]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def schema(cls: type[DataModel]) -> Schema:
    """Return the schema of a class.

    Raises
    ------
    FieldTypeError
        If a field has a type that has no faithful form.

    """
    found = schema_of(cls)
    if cls.__model_locals__ is not None:
        # The frames of the functions around it can go now.
        cls.__model_locals__ = None
    return found


@dataclass(frozen=True)
class Known:
    """A schema that models were saved with.

    Attributes
    ----------
    hash
        SHA-256 of it.
    root
        Key of the model itself among the classes.
    classes
        What is stored of the classes, by key.
    cls
        The class that it is now; None where there is none.
    why
        Why there is none.

    """

    hash: str
    root: str
    classes: Mapping[str, Any]
    cls: type[DataModel] | None = None
    why: str = ""

    @property
    def entry(self) -> Mapping[str, Any]:
        """Entry of the model's own class among the classes."""
        found: Mapping[str, Any] = self.classes[self.root]
        return found

    @property
    def fields(self) -> Mapping[str, Any]:
        """Descriptions of its fields by name."""
        found: Mapping[str, Any] = self.entry["fields"]
        return found


def remember(lake: Lake, known: Known) -> None:
    """Record a schema in a lake, once."""
    with _lock:
        told = _told.setdefault(lake, set())
        if known.hash in told:
            return
    about = {name: known.entry[name] for name in ("name", "class", "version")}
    content = {"root": known.root, "classes": json.dumps(known.classes)}
    records.add_missing(lake, KIND, {known.hash: (about, content)}, username="")
    with _lock:
        told.add(known.hash)


def known_schemas(lake: Lake) -> Iterator[Known]:
    """Yield the schemas that models of a lake were saved with, and whose class each is now."""
    for record in records.find(lake, KIND, {}):
        try:
            root = record["content"]["root"]
            classes = _table(record["record_id"], root, record["content"]["classes"])
            cls, why = class_of(root, classes)
        except (AttributeError, LookupError, TypeError, ValueError, RecursionError, DamagedModelError) as error:
            log.warning("The schema %s is damaged: what was saved with it is not found. %s", record.get("_id"), error)
        else:
            yield Known(record["record_id"], root, classes, cls, why)


@functools.lru_cache(maxsize=1000)
def _table(hash: str, root: str, content: str) -> Mapping[str, Any]:
    """Read the classes of a schema; anybody who writes the index could have put others there."""
    classes: dict[str, Any] = json.loads(content)
    if whole_hash_of(root, classes) != hash:
        raise DamagedModelError("Its SHA-256 is another: somebody changed it.")
    check_table(classes, root)
    return classes


def class_of(key: str, classes: Mapping[str, Any]) -> tuple[type[DataModel] | None, str]:
    """Find the class that an entry of a table of classes is now, and say why there is none."""
    version = classes[key].get("version")
    if type(version) is not int:
        return None, f"its version is {brief(version)}, which is no number: it is damaged"
    cls, why = identity.class_of(classes[key], lambda cls: _fits(cls, key, classes))
    if cls is not None:
        try:
            schema(cls)
        except FieldTypeError as error:
            return None, str(error)
    return cls, why


def _fits(cls: type[DataModel], key: str, classes: Mapping[str, Any]) -> int:
    """Tell whether a class has the fields that were saved (2), or its migrations lead from them to its own (1)."""
    try:
        own, entry = schema(cls), classes[key]
    except FieldTypeError:
        return 0
    if has_fields(own, key, classes):
        return 2
    if entry["version"] == cls.__model_version__:
        # Of nested models, other versions can be migrated themselves.
        return int(_without_keys(own.classes[own.root]["fields"]) == _without_keys(entry["fields"]))
    if hook_of(cls) is not None or entry["version"] in cls.__dict__[MIGRATIONS]:
        return 1
    try:
        check_names(cls, entry["fields"], "")
    except MigrationError:
        return 0
    return int(entry["version"] < cls.__model_version__)


def has_fields(own: Schema, key: str, classes: Mapping[str, Any]) -> bool:
    """Tell whether a class has exactly the fields that were saved."""
    # Mostly it is the very same table, which need not be hashed.
    return (key == own.root and classes == own.classes) or hash_of_fields(classes, key) == own.hash


def _without_keys(part: Any) -> Any:
    """Copy a description without which classes it means."""
    if isinstance(part, dict):
        return {name: None if name == "class" else _without_keys(each) for name, each in part.items()}
    return [_without_keys(each) for each in part] if isinstance(part, list) else part


def known_of(cls: type[DataModel]) -> Known:
    """Return the schema that models of a class are saved with now."""
    own = schema(cls)
    return Known(own.whole_hash, own.root, own.classes, cls)


def is_now(known: Known) -> bool:
    """Tell whether models that were saved with a schema are as their class is now."""
    if known.cls is None:
        return False
    own = schema(known.cls)
    same = known.entry["version"] == known.cls.__model_version__
    return bool(same) and _reached(known.classes, {"class": known.root}) == _reached(own.classes, {"class": own.root})


def as_now(known: Known, name: str) -> bool:
    """Tell whether a field was saved as it is now: of what no class takes, all are."""
    if known.cls is None:
        return True
    own = schema(known.cls)
    now = own.classes[own.root]["fields"].get(name)
    if known.entry["version"] != known.cls.__model_version__ and (
        hook_of(known.cls) is not None or known.cls.__dict__[MIGRATIONS]
    ):
        return False
    return bool(_reached(known.classes, known.fields.get(name)) == _reached(own.classes, now))


def _reached(classes: Mapping[str, Any], part: Any, seen: tuple[str, ...] = ()) -> Any:
    """Write a description out, with the fields and versions of the classes in it, whatever those are called."""
    if isinstance(part, list):
        return [_reached(classes, each, seen) for each in part]
    if not isinstance(part, dict):
        return part
    key = part.get("class")
    if set(part) != {"class"} or not isinstance(key, str):
        return {name: _reached(classes, each, seen) for name, each in part.items()}
    if key in seen:
        return {"class": seen.index(key)}
    entry = {name: each for name, each in classes[key].items() if name not in ("class", "name")}
    return {"class": {name: _reached(classes, each, (*seen, key)) for name, each in entry.items()}}


def renamed(known: Known) -> dict[str, str]:
    """Tell which fields the migrations of a class only rename, by their older names: they are tried on marks."""
    cls, version = known.cls, known.entry["version"]
    if cls is None or version == cls.__model_version__:
        return {}
    marks: dict[str, Any] = {name: object() for name in known.fields}
    try:
        hook = hook_of(cls)
        made: Any = migrated(cls, version, dict(marks)) if hook is None else hook(version, dict(marks))
        now = made if hook is None else {name: getattr(made, name) for name in made.__dataclass_fields__}
    except Exception as error:  # users' code, which does more than rename
        log.debug("The migration of %s from version %s does more than rename: %s", cls, version, error)
        return {}
    return {old: new for old, mark in marks.items() for new, value in now.items() if value is mark and old != new}
