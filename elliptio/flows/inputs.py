"""Tell what the inputs of a flow are: values, or what streams them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import anyio

from elliptio.flows.errors import FloatingIOError, MismatchedIOError
from elliptio.flows.streams import IO
from elliptio.flows.topology import Topology
from elliptio.flows.values import IOVal, IOVals, values_of

_AT_ONCE = 100
"""So many values of an iterator are taken at once, in a thread."""

_NEITHER = (
    "The inputs of a flow are a list of IOVal(name=…, value=…), or a mapping of names to values; {!r} is neither."
)


def sorted_inputs(topology: Topology, inputs: Any) -> dict[str, list[Any]]:
    """Sort what was given by stream: a list of things for each, of which each is a value or streams values.

    Raises
    ------
    MismatchedIOError
        If something is no input, or is for a stream that a processor writes.
    FloatingIOError
        If an input is missing.

    """
    given: dict[str, list[Any]] = {}
    if isinstance(inputs, Mapping):
        given = {name: [value] for name, value in inputs.items()}
    else:
        if inputs is not None and not isinstance(inputs, IOVal | IOVals | Iterable):
            raise MismatchedIOError(_NEITHER.format(inputs))
        for item in [inputs] if isinstance(inputs, IOVal | IOVals) else inputs or ():
            if not isinstance(item, IOVal | IOVals):
                raise MismatchedIOError(_NEITHER.format(item))
            given.setdefault(item.name, []).extend(values_of(item))
    for name in given:
        if not isinstance(name, str) or name in topology.writers:
            writer = topology.writers.get(name)
            raise MismatchedIOError(
                f"{name!r} cannot be an input: the processor {writer.name!r} writes it."
                if writer
                else f"{name!r} is no name of a stream."
            )
    if floating := topology.inputs - given.keys():
        strange = sorted(given.keys() - topology.inputs)
        read_by_none = f" Nobody in it reads what was given: {', '.join(strange)}." if strange else ""
        missing = ", ".join(sorted(floating))
        raise FloatingIOError(f"Flow requires supplied values for inputs: {missing}.{read_by_none}")
    return given


def is_plain(value: Any) -> bool:
    """Tell whether something is one value, not what streams values."""
    if isinstance(value, IO | Iterator | AsyncIterable) and not hasattr(value, "__array__"):
        return _is_file(value)
    return not _of_a_lake(value)


def stream_of(value: Any, artifact_rows: Any) -> AsyncGenerator[list[Any], None]:
    """Stream the values that something stands for, in lists."""
    if isinstance(value, IO):
        return _of_io(value)
    if isinstance(value, AsyncIterable):
        return _of_async(value)
    if isinstance(value, Iterator):
        return _of_iterator(value)
    return artifact_rows(value)  # type: ignore[no-any-return]


async def _of_io(io: IO[Any]) -> AsyncGenerator[list[Any], None]:
    stream = io.stream()
    while (values := await stream.take()) is not None:
        yield values


async def _of_async(values: AsyncIterable[Any]) -> AsyncGenerator[list[Any], None]:
    try:
        async for value in values:
            yield [value]
    finally:
        if isinstance(values, AsyncGenerator):
            with anyio.CancelScope(shield=True):
                await values.aclose()


async def _of_iterator(values: Iterator[Any]) -> AsyncGenerator[list[Any], None]:
    if type(values).__name__.endswith(("_iterator", "iterator")) and type(values).__module__ == "builtins":
        while batch := _some(values, _AT_ONCE * 10):
            yield batch
        return
    # A generator may take its time, and must not hold up the event loop.
    try:
        while batch := await anyio.to_thread.run_sync(partial(_some, values, 1)):
            yield batch
    finally:
        if isinstance(values, Generator):
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(values.close)


def _some(values: Iterator[Any], most: int) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found.append(value)
        if len(found) == most:
            break
    return found


def _is_file(value: Any) -> bool:
    # What pandas reads a table in pieces with has `read` and `close` too, but streams tables.
    return all(callable(getattr(value, name, None)) for name in ("read", "readline", "close"))


def _of_a_lake(value: Any) -> bool:
    """Tell whether a value is an artifact, whose values are streamed."""
    return type(value).__module__.startswith("elliptio.") and hasattr(value, "artifact_id")


def with_artifacts(given: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Replace entries of catalogs by the artifacts of their current versions; this asks the lake.

    Raises
    ------
    MismatchedIOError
        If the catalog of an entry is gone.
    VersionNotFoundError, MissingKeysError
        If an entry has no version, or one for each combination of its keys.

    """
    return {name: [_current(value) if is_entry(value) else value for value in values] for name, values in given.items()}


def is_entry(value: Any) -> bool:
    """Tell whether a value is an entry of a catalog."""
    return type(value).__module__ == "elliptio.pipelines.catalog.entries"


def _current(entry: Any) -> Any:
    reference = vars(entry).get("_catalog")
    catalog = reference() if reference is not None else None
    if catalog is None:
        raise MismatchedIOError(
            f"The entry {entry.name!r} belongs to no catalog that is there any more. Give the artifact instead: "
            f"catalog.current({entry.name!r})."
        )
    return catalog.current(entry.name)
