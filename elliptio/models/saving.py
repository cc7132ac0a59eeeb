"""Take models apart, and save them: plain fields as ``model.json``, big values as files beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from elliptio.formats.plain import name_of
from elliptio.metadata import VERSION
from elliptio.models.content import FILE, Content, ModelFile
from elliptio.models.errors import UnfitValueError
from elliptio.models.schemas import known_of, remember, schema
from elliptio.models.serializer.choosing import of_value
from elliptio.models.serializer.files import read, suffix_of, write
from elliptio.models.storage.values import place_of, put
from elliptio.models.types import Taken, asked, encode
from elliptio.protocols import Format
from elliptio.saving.values import Plan, Planned

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact
    from elliptio.handler import Handler
    from elliptio.lake.lake import Lake
    from elliptio.models.model import DataModel
    from elliptio.models.types import Big

_LONGEST = 1024
"""Characters of a field's exact form in the document; what is longer is read from the file."""


def apart(model: DataModel, label: str | None, lake: Lake) -> Plan:
    """Take a model apart into the files of its artifact, and what its document says of it.

    Raises
    ------
    FieldTypeError
        If a field has a type that has no faithful form.
    UnfitValueError
        If values do not fit, all of them at once.

    """
    own = schema(type(model))
    fields, taken = encode(own, model)
    classes = {**own.classes, **taken.classes}
    known = known_of(type(model))
    remember(lake, known)
    content = Content(version=VERSION, root=own.root, classes=classes, fields=fields, files={})
    files = [_file(relpath, big, content["files"]) for relpath, big in taken.files.items()]
    long: list[str] = []
    said = asked(own, model, long=long)
    entry = known.entry
    facts = {
        "name": entry["name"],
        "label": entry["name"] if label is None else label,
        "class": entry["class"],
        "version": entry["version"],
        "schema": known.hash,
        "fields": said,
        **_exact(fields, said, taken),
        **({"long": long} if long else {}),
        **({"stored": stored} if (stored := _stored(content["files"])) else {}),
    }
    return Plan(
        [one for one in files if one is not None] + [Planned(FILE, content, ModelFile(), None)], {"model": facts}
    )


def _stored(table: Mapping[str, Any]) -> list[str]:
    """Say where in storages values lie, so that it is known who else has them there."""
    return [place_of(entry["stored"]) for entry in table.values() if "stored" in entry]


def _exact(fields: Mapping[str, Any], said: Mapping[str, Any], taken: Taken) -> dict[str, Any]:
    """Say how the fields are written that queries see in another form, and which are too long for the document."""
    big = {relpath.split("/")[0] for relpath in taken.files}
    exact = {
        name: json.dumps(plain)
        for name, plain in fields.items()
        if name not in big and not _alike(plain, said.get(name))
    }
    short = {name: text for name, text in exact.items() if len(text) <= _LONGEST}
    elsewhere = sorted(exact.keys() - short.keys())
    return {name: value for name, value in (("exact", short), ("elsewhere", elsewhere)) if value}


def _alike(plain: Any, said: Any) -> bool:
    if type(plain) is not type(said):
        return False
    if type(plain) is list:
        return len(plain) == len(said) and all(map(_alike, plain, said))
    if type(plain) is dict:
        return plain.keys() == said.keys() and all(_alike(plain[name], said[name]) for name in plain)
    return bool(plain == said)


def _file(relpath: str, big: Big, table: dict[str, Any]) -> Planned | None:
    """Plan the file of a big value; or, where its field names a storage, put it there."""
    how = big.serializer or of_value(big.value)
    if how is None:
        raise UnfitValueError(f"{relpath}: nothing is known that makes a file of a {name_of(big.value)}.")
    if big.storage is not None:
        table[relpath] = {"stored": put(big.storage, how, big.value)}
        return None
    name = relpath + suffix_of(how)
    table[relpath] = {"relpath": name}
    return Planned(name, big.value, _Recorded(how, table[relpath]), None)


class _Recorded(Format):
    """A format that keeps the record of what it wrote where ``model.json`` is written from."""

    def __init__(self, how: Any, record: dict[str, Any]) -> None:
        self.name = getattr(how, "format", None) or how.name
        self._how, self._record = how, record

    def write(self, value: Any, file: BinaryIO, **options: Any) -> Mapping[str, Any] | None:
        """Write a value, and keep the record of that."""
        self._record.update(write(self._how, value, file))
        return self._record.get("options")

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Read the value back by that record."""
        return read(self._record, file)


def save_models(handler: Handler, models: Mapping[str, DataModel], *, run_id: str | None = None) -> dict[str, Artifact]:
    """Save models, each whole or not at all, and return their artifacts by label; `run_id` makes them that run's.

    Raises
    ------
    UnfitValueError
        If values of one do not fit; nothing of any is saved then.

    """
    artifacts = handler._save_many([(model, label) for label, model in models.items()], run_id=run_id)
    return dict(zip(models, artifacts, strict=True))
