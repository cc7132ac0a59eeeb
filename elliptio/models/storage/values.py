"""Put a value into a storage, and fetch it by the record that is left in the model."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from typing import IO, Any

from elliptio.errors import IntegrityError, ValueRefusedError
from elliptio.formats.plain import name_of
from elliptio.models.errors import DamagedModelError, UnknownSerializerError
from elliptio.models.identity import path_of
from elliptio.models.serializer.files import How, read, to_bytes
from elliptio.models.storage.aws import S3Storage
from elliptio.models.storage.defining import STORAGES, Storage, do
from elliptio.models.storage.file import FileSystemStorage


def put(storage: Storage, how: How, value: Any) -> dict[str, Any]:
    """Keep a value in a storage, and return the record by which `fetch` gives it back: JSON, which stands alone.

    It is that of `elliptio.models.serializer.files.write`, with ``storage``, ``spec`` or ``storage_class``,
    ``location``, ``size`` and ``sha256``.

    Raises
    ------
    UnknownSerializerError
        If the storage or the serializer is not registered, so that nobody could read it again.
    ValueRefusedError
        If the value would not come back equal.

    """
    about = named(storage)
    content, record = to_bytes(how, value)
    location = do(storage, "create", content)
    try:
        same = json.loads(json.dumps(location)) == location
    except (TypeError, ValueError):
        same = False
    if not same:
        raise ValueRefusedError(f"The storage {storage.name!r} gave the location {location!r:.200}, which is no JSON.")
    sha256 = hashlib.sha256(content).hexdigest()
    return {**about, "location": location, "size": len(content), "sha256": sha256, **record}


def named(storage: Storage) -> dict[str, Any]:
    """Say which storage it is, so that `storage_of` finds it.

    Raises
    ------
    UnknownSerializerError
        If nobody could find it.

    """
    if type(storage) in _PARTS:  # what a subclass does more is only known to the class
        return {"storage": storage.name, "spec": dict(storage.spec() or {})}
    name = getattr(storage, "name", None)
    known = STORAGES.get(name) if isinstance(name, str) else None
    if known is None or type(known) is not type(storage):
        raise UnknownSerializerError(
            f"The storage {name!r} ({path_of(type(storage))}) is not registered, so nobody could read what lies there: "
            "call .register() of it where it is defined."
        )
    return {"storage": storage.name, "storage_class": path_of(type(storage))}


def fetch(record: Mapping[str, Any], *, may_run_code: bool = False) -> Any:
    """Give back the value of a record, verified. The record may be anything: nothing that it names is imported.

    Raises
    ------
    IntegrityError
        If the bytes are not those that were kept.
    UnknownSerializerError
        If the storage or the serializer has to be registered first.
    DamagedModelError
        If that is no record.
    MissingKeyError
        If nothing lies there any more.

    """
    return read(record, io.BytesIO(content_of(record)), may_run_code=may_run_code)


class StoredValue:
    """Open a value in a storage as `elliptio.models.looking.peek_file` opens a file of an artifact: all of it is read.

    Attributes
    ----------
    relpath
        Name of it in messages.

    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record
        self.relpath = f"{record.get('storage')}, {record.get('location')!r:.200}"

    def open(self, mode: str = "rb") -> IO[Any]:
        """Open it for reading, verified."""
        return io.BytesIO(content_of(self._record))


def content_of(record: Mapping[str, Any]) -> bytes:
    """Read the bytes of a record, verified."""
    sha256, size = _part(record, "sha256", str), _part(record, "size", int)
    if "location" not in record:
        raise DamagedModelError("The record of a value in a storage says no location.")
    found = do(storage_of(record), "read", record["location"])
    where = f"{record['storage']}, {record['location']!r:.200}"
    if not isinstance(found, bytes | bytearray | memoryview):
        raise IntegrityError(f"{where}: there is a {name_of(found)}, where there should be bytes.")
    content = bytes(found)
    if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
        raise IntegrityError(
            f"{where}: the {len(content):,} bytes there are not the {size:,} that were saved: somebody changed them."
        )
    return content


def place_of(record: Mapping[str, Any]) -> str:
    """Say in one text where a value lies: in which storage, and where in it."""
    return json.dumps([record.get("storage"), record.get("location")])


def delete(record: Mapping[str, Any]) -> bool:
    """Delete what a record refers to, and tell whether that was done.

    Where equal bytes lie in one place, another lake may have them there too, so they stay. Of storages that do not say
    so, the caller makes sure that nobody else has `place_of` it.
    """
    storage = storage_of(record)
    if storage.shares:
        return False
    do(storage, "delete", record.get("location"))
    return True


def storage_of(record: Mapping[str, Any]) -> Storage:
    """Find the storage of a record: one of its name that is registered and has it, else that of its spec.

    Raises
    ------
    UnknownSerializerError
        If it has to be registered first; a LookupError.
    DamagedModelError
        If that is no record.

    """
    name = _part(record, "storage", str)
    known, spec = STORAGES.get(name), record.get("spec")
    if known is not None and (spec is None or spec == known.spec() or do(known, "exists", record.get("location"))):
        return known
    if spec is not None:
        return from_spec(spec, name)
    home = record.get("storage_class")
    hint = f"import the module that registers {home}." if isinstance(home, str) else "register it."
    raise UnknownSerializerError(f"Nobody registered the storage {name!r}; {hint}")


def from_spec(spec: Any, name: str = "") -> Storage:
    """Make a built-in storage from what its ``spec()`` said.

    Raises
    ------
    DamagedModelError
        If that is none.

    """
    if isinstance(spec, Mapping):
        make = _KINDS.get(str(spec.get("kind")))
        rest = {key: part for key, part in spec.items() if key != "kind"}
        if make is not None and rest.keys() == _PARTS[make] and all(type(part) is str for part in rest.values()):
            made: Storage = make(**rest, name=name)
            return made
    raise DamagedModelError(f"There is no storage as {spec!r:.200}: it is damaged, or a newer elliptio wrote it.")


_KINDS: dict[str, Any] = {FileSystemStorage.kind: FileSystemStorage, S3Storage.kind: S3Storage}
_PARTS: dict[Any, set[str]] = {FileSystemStorage: {"directory"}, S3Storage: {"bucket", "prefix"}}


def _part(record: Mapping[str, Any], key: str, kind: type) -> Any:
    found = record.get(key)
    if type(found) is not kind:
        raise DamagedModelError(f"The record of a value in a storage has {found!r:.80} as its {key}.")
    return found
