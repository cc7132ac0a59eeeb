"""Give the values of an artifact as a stream: those that were sealed, the rows of its only table, or its files."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from itertools import chain, islice, repeat
from typing import Any

import anyio.to_thread

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.file import RemoteFile
from elliptio.documents import NewerFormatError
from elliptio.errors import FormatError
from elliptio.flows.errors import FlowCancelledError, StepFailedError, TamperedDataError
from elliptio.flows.sealing.segments import FILE, JSON, PACKED, TABLES, VALUE, decode
from elliptio.flows.sealing.writing import VERSION
from elliptio.flows.serializing.exact import unpack
from elliptio.formats import registry
from elliptio.naming import STREAM
from elliptio.runs import scopes

MANY = 1_000
"""Small values that are given at once."""

_TABLES = frozenset({"parquet", "feather", "csv", "tsv", "jsonl", "excel"})


def values_of(artifact: Artifact) -> Iterator[Any]:
    """Give the values of a sealed stream; of another artifact the rows of its only table as dicts, else its files.

    Reading them counts: what is made of them is based on the artifact.

    Raises
    ------
    StepFailedError, FlowCancelledError
        After the last value, if the stream had not come to its end when it was sealed.
    ElliptioError
        If the artifact cannot be read.

    Examples
    --------
    >>> import elliptio as eio
    >>> import pandas as pd
    >>> h = eio.Handler("lake")
    >>> list(values_of(h.save(pd.DataFrame({"a": [1, 2]}), "t.parquet")))
    [{'a': 1}, {'a': 2}]

    """
    return chain.from_iterable(batches_of(artifact))


def load_stream(artifact: Artifact) -> Any:
    """Give the list of the values of a sealed stream; of another artifact the values of its files."""
    manifest = _manifest(artifact)
    return artifact._values() if manifest is None else list(chain.from_iterable(_sealed(artifact, manifest)))


def batches_of(artifact: Artifact) -> Iterator[list[Any]]:
    """Give the same values, as many at once as are small; large ones one by one."""
    manifest = _manifest(artifact)
    if manifest is not None:
        yield from _sealed(artifact, manifest)
        return
    tables = [file for name, file in artifact.files.items() if _is_table(name)]
    if len(tables) == 1:
        yield from _rows(tables[0].load())
    else:
        yield from ([file] for file in artifact.files.values())


async def stream_of(artifact: Artifact) -> AsyncGenerator[list[Any], None]:
    """Give the same values from an event loop, which goes on meanwhile."""
    batches = batches_of(artifact)

    def following() -> list[Any] | None:
        return next(batches, None)

    while (found := await anyio.to_thread.run_sync(scopes.carried().run, following)) is not None:
        yield found


def _manifest(artifact: Artifact) -> dict[str, Any] | None:
    """Read what a sealed stream says of itself; None if it is none."""
    first = next(iter(artifact.files), "")
    if not first.endswith(STREAM):
        return None
    try:
        content = json.loads(artifact.files[first].download_string())
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("elliptio") != "stream":
        return None
    if content.get("version") != VERSION:
        raise NewerFormatError(
            f"{artifact.artifact_id} is a stream of version {content.get('version')!r}, written by a newer elliptio; "
            f"this one reads up to version {VERSION}. Run: pip install --upgrade elliptio"
        )
    return content


def _sealed(artifact: Artifact, manifest: dict[str, Any]) -> Iterator[list[Any]]:
    for entry in manifest["segments"]:
        count = 0
        for values in _read(artifact.files[entry["file"]], entry):
            count += len(values)
            yield values
        if count != entry["count"]:
            raise TamperedDataError(f"{entry['file']} of {artifact.artifact_id} holds {count}, not {entry['count']}.")
    said = f"The stream {manifest['stream']!r} of {artifact.artifact_id} is not whole"
    if manifest["status"] == "failed":
        cause = manifest.get("cause") or {}
        what = f"the step {cause.get('step')!r} failed with {cause.get('kind')}: {cause.get('text')}"
        raise StepFailedError(f"{said}: {what}", cause)
    if manifest["status"] != "done":
        raise FlowCancelledError(f"{said}: its flow was cancelled.")


def _read(file: RemoteFile, entry: dict[str, Any]) -> Iterator[list[Any]]:
    kind = entry["kind"]
    if kind == JSON:
        with file.open() as lines:
            while some := list(map(decode, islice(lines, MANY))):
                yield some
    elif kind == PACKED:
        with file.open() as packed:
            values = unpack(packed.read())
        yield from (values[at : at + MANY] for at in range(0, len(values), MANY))
    elif kind == VALUE:
        yield [file.load()]
    elif kind == TABLES:
        yield from ([part] for part in _parts(file.load(), entry))
    elif kind == FILE:
        yield [file]
    else:
        raise TamperedDataError(f"{file.relpath} is of a kind that is not known: {kind!r}.")


def _parts(whole: Any, entry: dict[str, Any]) -> Iterator[Any]:
    """Cut the tables out of one that has the rows of all."""
    from elliptio.formats.arrow import value_of

    at, description = 0, entry["description"]
    for rows, labels in zip(entry["rows"], entry.get("ranges") or repeat(None)):  # noqa: B905 - without end
        if labels is not None:
            description = {**description, "index": {**description["index"], "range": labels}}
        yield value_of(whole.slice(at, rows), description)
        at += rows


def _is_table(name: str) -> bool:
    return any(format.name in _TABLES for format in registry.with_suffix(name))


def _rows(table: Any) -> Iterator[list[dict[str, Any]]]:
    """Give the rows of a table as dicts of plain values; what is missing is None."""
    library = type(table).__module__.partition(".")[0]
    if library == "polars":
        frame = table.to_frame() if type(table).__name__ == "Series" else table
        yield from (frame.slice(at, MANY).to_dicts() for at in range(0, len(frame), MANY))
        return
    if library == "pandas":
        table = _of_pandas(table)
    yield from (table.slice(at, MANY).to_pylist() for at in range(0, table.num_rows, MANY))


def _of_pandas(table: Any) -> Any:
    import pyarrow as pa

    frame = table.to_frame() if type(table).__name__ == "Series" else table
    named = [name for name in frame.index.names if name is not None]
    frame = frame.reset_index(level=named) if named else frame
    frame = frame.set_axis(list(map(str, frame.columns)), axis=1)
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise FormatError(f"The rows of the table cannot be given as plain values: {error}") from error
