"""Save values: choose the format of each, write it into an artifact that is being made, and record how."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

from elliptio.artifacts.hashing import HashingWriter
from elliptio.errors import FormatOptionError, MetadataError, SourceError, ValueRefusedError
from elliptio.formats.choosing import for_saving
from elliptio.formats.plain import name_of
from elliptio.lake.lake import Lake
from elliptio.metadata import FileRecord, Metadata, ValueRecord
from elliptio.naming import check_declared
from elliptio.protocols import Format
from elliptio.saving.publication import Batch, Publication, discarding
from elliptio.saving.together import publish_all
from elliptio.system.os_errors import explained


class Planned(NamedTuple):
    """A value that is to be saved: the name of its file, its format, and its own name among several."""

    relpath: str
    value: Any
    format: Format
    name: str | None


class Plan(NamedTuple):
    """Files of one artifact that is to be saved, and further fields of its metadata."""

    files: list[Planned]
    facts: Mapping[str, Any]


APART = "__elliptio_apart__"
"""Method of what is an artifact of its own, such as a data model: of its label and the lake it makes a `Plan`."""


def plan(
    value: Any, name: str | os.PathLike[str] | None, format: str | None, options: Mapping[str, Any], lake: Lake
) -> Plan:
    """Choose names and formats of what is to be saved: a value with a name, or a mapping from names to values.

    Raises
    ------
    SourceError
        If a name cannot be one of a file, or two values would get the same.
    UnknownFormatError
        If there is no format for one.
    FormatOptionError
        If what is an artifact of its own is to be saved otherwise.
    ValueRefusedError
        If the format of a suffix takes no such value, or a value has no name.

    """
    if isinstance(value, type) and hasattr(value, APART):
        raise ValueRefusedError(f"{value.__qualname__} is a class: save an object of it.")
    if hasattr(type(value), APART):
        return _apart(value, name, format, options, lake)
    if name is not None:
        if not isinstance(name, str | os.PathLike):
            hint = "the value comes first, h.save(value, name)" if isinstance(value, str) else "give labels as labels=…"
            raise ValueRefusedError(f"The name of a value is a text, not a {name_of(name)}: {hint}.")
        chosen = for_saving(value, os.fspath(name), format)
        planned = [Planned(chosen.relpath, value, chosen.format, None)]
    else:
        planned = [_named(each, one, format) for each, one in _several(value).items()]
    check_declared([one.relpath for one in planned])
    return Plan(planned, {})


def plan_many(pairs: Iterable[tuple[Any, str]], lake: Lake) -> list[Plan]:
    """Choose names and formats of values that become an artifact each.

    Raises
    ------
    ValueRefusedError
        If they are no pairs of a value and its name.

    """
    if not isinstance(pairs, Iterable):
        raise ValueRefusedError(f"Give pairs of a value and its name, not a {name_of(pairs)}.")
    plans = []
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueRefusedError(f"Give pairs of a value and its name: a {name_of(pair)} is none.")
        plans.append(plan(*pair, None, {}, lake))
    return plans


def _apart(value: Any, label: object, format: str | None, options: Mapping[str, Any], lake: Lake) -> Plan:
    if format is not None or options:
        what = f"format={format!r}" if format is not None else ", ".join(f"{name}=…" for name in options)
        raise FormatOptionError(f"A {name_of(value)} is saved in its own way: leave {what} out.")
    if label is not None and not isinstance(label, str):
        raise ValueRefusedError(f"The label of a {name_of(value)} is a text, not {label!r}: give labels as labels=….")
    found: Plan = getattr(value, APART)(label, lake)
    check_declared([one.relpath for one in found.files])
    return found


def _several(values: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise ValueRefusedError(f'The {name_of(values)} needs a name: h.save(value, "name").')
    if not values:
        raise SourceError("There is nothing to save: the mapping from names to values is empty.")
    for name in values:
        if not isinstance(name, str):
            raise ValueRefusedError(
                f'{name!r} is no name of a value: to save a dict itself, name it, such as h.save(value, "params.json").'
            )
    return values


def _named(name: str, value: Any, format: str | None) -> Planned:
    if hasattr(type(value), APART):
        raise ValueRefusedError(
            f"The {name_of(value)} {name!r} is an artifact of its own: h.save(value, {name!r}), or "
            f"h.save_many([(value, {name!r}), …])."
        )
    chosen = for_saving(value, name, format)
    return Planned(chosen.relpath, value, chosen.format, name)


def save_all(plans: Iterable[tuple[Plan, Callable[..., Publication]]]) -> list[Metadata]:
    """Write values of several artifacts of one lake and publish them together; leave nothing behind if that fails.

    Beside each plan is what begins its artifact.
    """
    batch, made = Batch(), list[Metadata]()
    first: Publication | None = None
    with contextlib.ExitStack() as block:
        for plan, begin in plans:
            publication = begin(beside=first, **plan.facts)
            block.enter_context(discarding(publication))
            first = first or publication
            made.append(publication.publish(write(publication, plan.files, {}), local_root="", batch=batch))
        if first is not None:
            publish_all(first.lake, batch)
    return made


def save(publication: Publication, planned: list[Planned], options: Mapping[str, Any]) -> Metadata:
    """Write values and publish them; leave nothing behind if that fails."""
    with discarding(publication):
        return publication.publish(write(publication, planned, options), local_root="")


def write(publication: Publication, planned: list[Planned], options: Mapping[str, Any]) -> list[FileRecord]:
    """Write values into an artifact that is being made, and return the records of their files."""
    files = [_write(publication, one, options) for one in planned]
    if publication.staging.in_place:
        return files
    sent, _, _ = publication.collect([one.relpath for one in planned])
    return [dataclasses.replace(file, value=one.value) for file, one in zip(sent, files, strict=True)]


def _write(publication: Publication, planned: Planned, options: Mapping[str, Any]) -> FileRecord:
    path = os.path.join(publication.folder, planned.relpath)
    with explained("write", path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with io.FileIO(path, "xb") as raw:
            # What is hashed on its way need not be read again.
            hashing = HashingWriter(raw)
            with io.BufferedWriter(cast("io.RawIOBase", hashing)) as file:
                try:
                    kept = planned.format.write(planned.value, file, **options) or {}
                except (ValueRefusedError, FormatOptionError) as error:
                    raise type(error)(f"{planned.relpath}: {error}") from error
            size, sha256 = hashing.written()
    record = ValueRecord(planned.format.name, name_of(planned.value), _checked(kept, planned), planned.name)
    return FileRecord(planned.relpath, size, sha256, value=record)


def _checked(options: Mapping[str, Any], planned: Planned) -> Mapping[str, Any]:
    """Refuse options that could not be recorded: what reads the file would not have them."""
    if not options:
        return options
    try:
        same = json.loads(json.dumps(options)) == options
    except (TypeError, ValueError):
        same = False
    if not same:
        raise MetadataError(
            f"The options {options!r} of {planned.relpath!r} cannot be recorded: give texts, numbers, booleans, lists "
            "and dicts."
        )
    return options
