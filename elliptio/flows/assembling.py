"""The format of sealed streams: ``artifact.load()`` makes the list of their values of all files of the artifact."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from elliptio.errors import ValueRefusedError
from elliptio.formats.libraries import check_options, need
from elliptio.formats.plain import name_of
from elliptio.protocols import Format


class StreamFormat(Format):
    """The first file of a sealed stream, which says what the others hold."""

    name, suffixes, types = "stream", (), ()

    def write(self, value: Any, file: BinaryIO, **options: Any) -> None:
        """Refuse it: streams are sealed by flows."""
        raise ValueRefusedError(
            f"value is a {name_of(value)}: a stream is sealed by its flow, start_flow(…, record=h)."
        )

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Read what is there, as it is written; ``artifact.load()`` gives the values."""
        check_options(self.name, options)
        return json.load(file)

    def assemble(self, artifact: Any, *, strict: bool) -> Any:
        """Give the values of the stream that an artifact holds."""
        for library in ("anyio", "msgspec"):
            need(library, "elliptio[flows]", "A sealed stream")
        from elliptio.flows.sealing.values import load_stream

        return load_stream(artifact)


STREAM = StreamFormat()
