"""Make models of their artifacts: the user's own class where it is there, else a `Record`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field
from dataclasses import fields as fields_of
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from elliptio.errors import ElliptioError, FileKeyError
from elliptio.models import identity
from elliptio.models.content import FILE, parsed
from elliptio.models.errors import DamagedModelError, MigrationError, NotAModelError
from elliptio.models.looking import open_array
from elliptio.models.migrations import hook_of, migrated
from elliptio.models.model import DataModel, Origin, attach, loaded, origin_of
from elliptio.models.record import Record
from elliptio.models.schemas import class_of, has_fields, schema
from elliptio.models.serializer.files import read
from elliptio.models.storage.values import fetch
from elliptio.models.types import Lazy, UsersError, decode, maker, problems_of, schema_of
from elliptio.models.types.kinds import kind_of

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact

Builder = Callable[[dict[str, Any]], Any]


def load_model(artifact: Artifact, *, strict: bool = False) -> Any:
    """Make the model that an artifact holds.

    Parameters
    ----------
    artifact
        The artifact.
    strict
        True: where its class is not here, or cannot take what was saved, that is an error, and no `Record`.

    Raises
    ------
    NotAModelError
        If it holds none.
    MigrationError
        If `strict`; the message says why.
    DamagedModelError
        If it is not what elliptio writes.

    """
    return Loading(artifact, strict=strict).model()


class Loading:
    """One artifact on the way back into a model.

    Attributes
    ----------
    artifact
        The artifact.
    content
        What its ``model.json`` holds.

    """

    def __init__(self, artifact: Artifact, *, strict: bool = False, content: Mapping[str, Any] | None = None) -> None:
        if artifact.metadata.model is None:
            raise NotAModelError(f"{artifact.artifact_id} is not a data model: read it with .load() or .files.")
        self.artifact = artifact
        self.content = _content_of(artifact) if content is None else content
        self._strict = strict

    def model(self) -> Any:
        """Make the model."""
        content = self.content
        return decode(
            content["classes"], content["root"], content["fields"], builders=self._builder, open_file=self.open_file
        )

    def open_file(self, relpath: str) -> Any:
        """Read a big value."""
        record = self.record(relpath)
        if "stored" in record:
            return fetch(record["stored"])
        file = self.artifact.files[str(record.get("relpath"))]
        if record.get("format") == "npy" and file.is_local:
            return open_array(file)
        with open(file, "rb") as opened:
            return read(record, opened)

    def stored(self) -> list[Mapping[str, Any]]:
        """List the records of the values that lie in storages."""
        records = [self.record(relpath) for relpath in self.content["files"]]
        return [record["stored"] for record in records if isinstance(record.get("stored"), Mapping)]

    def record(self, relpath: str) -> Mapping[str, Any]:
        """Return what was recorded of a big value when it was written."""
        found = self.content["files"].get(relpath)
        if not isinstance(found, Mapping):
            raise DamagedModelError(f"{self.artifact.artifact_id} says nothing of the file {relpath!r}. Restore it.")
        return found

    def _builder(self, key: str, entry: Mapping[str, Any]) -> Builder:
        """Return what makes an object of a class of its fields."""
        if entry.get("kind") == "model":
            return self._model_builder(key, entry)
        try:
            return maker(self._class(entry), entry)
        except LookupError:
            why = f"no {entry.get('kind')} {entry.get('class')} is defined here"
            return partial(self._record, entry, why)

    def _class(self, entry: Mapping[str, Any]) -> type | None:
        """Find a class that is no model; one that is not named by the fields now must have those that were saved."""
        found = identity.found_at(str(entry.get("class")), self._near)
        if found in self._near:
            return found
        if found is not None:
            return found if kind_of(found) == entry.get("kind") and _takes(found, entry) else None
        # It may have moved, with the model or by itself.
        named = [one for one in self._near if one.__name__ == entry.get("name") and kind_of(one) == entry.get("kind")]
        members = set(entry.get("members", ()))
        fitting = [one for one in named if _takes(one, entry) and members <= set(getattr(one, "__members__", ()))]
        return fitting[0] if len(fitting) == 1 else None

    @cached_property
    def _near(self) -> list[type]:
        """Classes that the fields of the model's class name now, those of functions among them."""
        cls, _ = class_of(self.content["root"], self.content["classes"])
        return [] if cls is None else [one for one in schema(cls).bound.values() if isinstance(one, type)]

    def _model_builder(self, key: str, entry: Mapping[str, Any]) -> Builder:
        cls, why = class_of(key, self.content["classes"])
        if cls is None:
            if self._strict:
                raise MigrationError(f"{entry.get('name')!r} of {self.artifact.artifact_id} cannot be made: {why}.")
            return partial(self._record, entry, why)
        same = entry["version"] == cls.__model_version__
        if same and has_fields(schema(cls), key, self.content["classes"]):
            return self._same(cls)
        return partial(self._migrated, cls, entry)

    def _same(self, cls: type[DataModel]) -> Builder:
        """Return what makes a model of the fields that its class has now."""
        slots = any(each.__dict__.get("__slots__") for each in cls.__mro__ if each is not DataModel)
        new, simple = object.__new__, not slots and not hasattr(cls, "__post_init__")

        def make(fields: dict[str, Any]) -> Any:
            lazy = {name: value for name, value in fields.items() if type(value) is Lazy}
            if simple and not lazy:
                # There may be very many of them in one model.
                made = new(cls)
                made.__dict__.update(fields)
                return made
            plain = {name: value for name, value in fields.items() if name not in lazy}
            return loaded(cls, plain, lazy, self)

        return make

    def _migrated(self, cls: type[DataModel], entry: Mapping[str, Any], fields: dict[str, Any]) -> Any:
        version, hook = entry["version"], hook_of(cls)
        try:
            if hook is not None and version != cls.__model_version__:
                return self._unread(hook(version, fields))
            data = migrated(cls, version, fields)
        except MigrationError as error:
            return self._refused(entry, fields, error)
        except Exception as error:
            raise UsersError(error) from error
        try:
            made = self._constructed(cls, data, version)
            _check(made, version)
        except MigrationError as error:
            return self._refused(entry, fields, error)
        return made

    def _refused(self, entry: Mapping[str, Any], fields: Mapping[str, Any], error: MigrationError) -> Record:
        if self._strict:
            raise error
        return self._record(entry, str(error), fields)

    def _constructed(self, cls: type[DataModel], data: Mapping[str, Any], version: int) -> DataModel:
        """Make a model of the fields that steps led to; the others have their defaults."""
        fields = {one.name: _default(one) for one in fields_of(cls) if one.name not in data} | {**data}
        lazy = {name: value for name, value in fields.items() if isinstance(value, Lazy)}
        there = {name: value for name, value in fields.items() if name not in lazy and value is not MISSING}
        try:
            made: DataModel = loaded(cls, there, lazy, self)
        except Exception as error:  # constructors of users
            raise MigrationError(
                f"{cls.__qualname__} (version {cls.__model_version__}) cannot be made of version {version}: "
                f"{type(error).__name__}: {error}"
            ) from error
        return made

    def _unread(self, made: Any) -> Any:
        """Let fields that were handed on unread be loaded when they are touched."""
        if isinstance(made, DataModel) and origin_of(made) is None:
            values = {one.name: getattr(made, one.name) for one in fields_of(made)}
            lazy = {name: value for name, value in values.items() if isinstance(value, Lazy)}
            for name in lazy:
                object.__delattr__(made, name)
            attach(made, lazy, self)
        return made

    def _record(self, entry: Mapping[str, Any], why: str, fields: Mapping[str, Any]) -> Record:
        lazy = {name: value for name, value in fields.items() if isinstance(value, Lazy)}
        version = entry.get("version")
        number = version if isinstance(version, int) else None
        return Record(str(entry.get("name")), number, fields, origin=Origin(self, lazy), why=why)


def _content_of(artifact: Artifact) -> Mapping[str, Any]:
    try:
        file = artifact.files[FILE]
    except FileKeyError as error:
        raise DamagedModelError(f"{artifact.artifact_id} lacks {FILE}: {error}") from error
    return parsed(file.download_string())


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _check(made: DataModel, version: int) -> None:
    """Refuse what a class was made of that does not fit its fields; what was not read yet is what it was."""
    origin = origin_of(made)
    unread = {} if origin is None else origin.fields
    values = {one.name: getattr(made, one.name) for one in fields_of(made) if one.name not in unread}
    problems = problems_of(schema(type(made)), values)
    if problems:
        raise MigrationError(
            f"{type(made).__qualname__} (version {made.__model_version__}) cannot take version {version}: "
            f"{problems[0]}. Write @migration(…), or model_migrate."
        )


def _takes(cls: type, entry: Mapping[str, Any]) -> bool:
    """Tell whether a class has the fields that were saved of it."""
    if entry.get("kind") == "enum":
        return True
    try:
        own = schema_of(cls)
    except ElliptioError:
        return False
    return set(own.classes[own.root]["fields"]) == set(entry.get("fields", ()))
