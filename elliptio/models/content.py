"""Write and read ``model.json``: the plain fields of a data model, the types of all, and where its big values lie."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from elliptio.documents import check_version
from elliptio.errors import ValueRefusedError
from elliptio.formats.libraries import check_options
from elliptio.formats.plain import name_of
from elliptio.models.errors import DamagedModelError
from elliptio.protocols import Format

FILE = "model.json"
"""Name of the file of an artifact that holds its plain fields."""


class Content(dict[str, Any]):
    """Content of ``model.json``."""


class ModelFile(Format):
    """The file of a data model's plain fields, the types of all, and where its big values lie."""

    name, suffixes, types = "model", (), ()

    def write(self, value: Any, file: BinaryIO, **options: Any) -> None:
        """Write what was taken apart; a model itself is saved by `Handler.save`."""
        check_options(self.name, options)
        if not isinstance(value, Content):
            raise ValueRefusedError(f"value is a {name_of(value)}: only data models are saved so, without a format.")
        try:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            text = json.dumps(value, separators=(",", ":")).encode()
        file.write(text)

    def read(self, file: BinaryIO, **options: Any) -> Mapping[str, Any]:
        """Read what is there, as it is written; ``artifact.load()`` makes the model of it.

        Raises
        ------
        DamagedModelError
            If it is none.

        """
        check_options(self.name, options)
        return parsed(file.read())


def parsed(content: bytes | str) -> dict[str, Any]:
    """Read ``model.json``.

    Raises
    ------
    DamagedModelError
        If it is not what elliptio writes.
    FormatError
        If a newer elliptio wrote it.

    """
    try:
        found = json.loads(content)
        good = (
            isinstance(found["root"], str)
            and all(isinstance(found[name], dict) for name in ("classes", "fields", "files"))
            and found["root"] in found["classes"]
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedModelError(f"model.json is damaged: {type(error).__name__}: {error}. Restore it.") from error
    if not good:
        raise DamagedModelError("model.json is damaged: it lacks classes, fields or files. Restore it.")
    check_version(found, FILE)
    return dict(found)
