"""Serialize by a format: its plain file, and before it what the format keeps beside, where there is any."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from elliptio.errors import FormatError
from elliptio.formats import registry
from elliptio.models.serializer.defining import Serializer
from elliptio.protocols import Format

HEAD = b"elliptio value 1\n"
"""Bytes before a line with the options, which the file follows; a file that begins so by itself gets them too."""


class FormatSerializer(Serializer[Any]):
    """Serialize values of some classes by a format.

    In a model the file of such a field is an ordinary one, ``frame.parquet``, and what the format keeps beside it is
    recorded with it. Bytes alone hold both.

    Examples
    --------
    >>> from elliptio.models.serializer.json import json_serializer
    >>> json_serializer.serialize({"size": [8, 8]})
    b'{"size": [8, 8]}'
    >>> json_serializer.deserialize(json_serializer.serialize({"size": (8, 8), "loss": float("inf")}))
    {'size': (8, 8), 'loss': inf}

    """

    format: str

    def __init__(self, name: str, format: str, types: tuple[str, ...], **options: Any) -> None:
        self.name, self.format, self.types = name, format, types
        self.suffix = next(iter(registry.get(format).suffixes), ".bin")
        self._options = options

    def __repr__(self) -> str:
        return f"<serializer {self.name}>"

    def prepare(self, value: Any) -> Any:
        """Return what is written in place of a value."""
        return value

    def write(self, value: Any, file: BinaryIO) -> Mapping[str, Any]:
        """Write a value as the plain file of its format, and return the options with which the format reads it."""
        return registry.get(self.format).write(self.prepare(value), file, **self._options) or {}

    def serialize(self, value: Any, /) -> bytes:
        """Turn a value into the bytes of its file.

        Raises
        ------
        ValueRefusedError
            If the format would not give it back equal.

        """
        file = io.BytesIO()
        options = self.write(value, file)
        return packed(file.getvalue(), options)

    def deserialize(self, data: bytes, /) -> Any:
        """Turn the bytes of a file into its value.

        Raises
        ------
        FormatError
            If they are damaged.

        """
        content, options = unpacked(data)
        return registry.get(self.format).read(io.BytesIO(content), **options)


class _AnyFormat(FormatSerializer):
    def __init__(self, format: Format) -> None:
        self.name = self.format = format.name
        self.types, self.suffix, self._options = format.types, next(iter(format.suffixes), ".bin"), {}


def of_format(format: Format) -> FormatSerializer:
    """Make a serializer of a format that is registered."""
    return _AnyFormat(format)


def packed(content: bytes, options: Mapping[str, Any]) -> bytes:
    """Put options before the bytes of a file, if there are any."""
    if not options and not content.startswith(HEAD):
        return content
    return HEAD + json.dumps(options).encode() + b"\n" + content


def unpacked(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """Take bytes of a file and options apart.

    Raises
    ------
    FormatError
        If the options are damaged.

    """
    if not data.startswith(HEAD):
        return data, {}
    line, _, content = data[len(HEAD) :].partition(b"\n")
    try:
        options = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"The options before the value are damaged: {error}.") from error
    if type(options) is not dict:
        raise FormatError(f"The options before the value are damaged: they are a {type(options).__name__}.")
    return content, options
