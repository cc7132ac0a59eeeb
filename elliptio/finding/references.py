"""Resolve what users call an artifact: its identifier, a beginning of it, ``tag:NAME``, or ``NAME:latest``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from elliptio.artifacts.artifact import Artifact
from elliptio.errors import DocumentNotFoundError, MetadataError
from elliptio.finding.search import newest, warn_if_index_is_lost
from elliptio.lake import tags
from elliptio.lake.lake import Lake
from elliptio.lake.view import view_of
from elliptio.protocols import Document

TAG = "tag:"
LATEST = ":latest"

MEANINGS = {"file_relpaths": "has a file of this name", "labels.dataset": "has it as label 'dataset'",
            "labels.project": "has it as label 'project'"}  # fmt: skip
"""Meanings of NAME in ``NAME:latest``."""

OTHERS = {"entry.name": "a version of an entry of a catalog", "model.label": "a data model with this label",
          "model.name": "a data model of this class", "labels.stream": "a sealed stream"}  # fmt: skip
"""Further meanings, which only a query finds."""


BasedOn = str | Artifact | Iterable[str | Artifact] | None
"""Artifacts that another is based on, as users give them."""


def is_name(reference: str) -> bool:
    """Tell whether this names an artifact by something else than its identifier."""
    return reference.startswith(TAG) or reference.endswith(LATEST)


def identifier_of(artifact: str | Artifact) -> str:
    """Return the identifier of an artifact, or what a user wrote for it."""
    if isinstance(artifact, str):
        return artifact
    if not isinstance(artifact, Artifact):
        raise DocumentNotFoundError(f"An artifact_id is a text, not a {type(artifact).__name__}.")
    return artifact.artifact_id


def identifiers_of(lake: Lake, based_on: str | Artifact | Iterable[str | Artifact]) -> list[str]:
    """Resolve what an artifact is said to be based on, each once.

    Raises
    ------
    MetadataError
        If something is neither an artifact nor what names one.
    DocumentNotFoundError
        If a tag or a name names nothing.

    """
    several = [based_on] if isinstance(based_on, str | Artifact) else list(based_on)
    identifiers = [entry.artifact_id if isinstance(entry, Artifact) else entry for entry in several]
    for identifier in identifiers:
        known = isinstance(identifier, str) and (identifier.startswith("artifact_") or is_name(identifier))
        if not known or not identifier.isprintable():
            shown = repr(identifier) if isinstance(identifier, str) else f"a {type(identifier).__name__}"
            raise MetadataError(f"based_on takes artifacts or their identifiers ('artifact_…'), not {shown}.")
    return list(dict.fromkeys(resolve(lake, identifier) for identifier in identifiers))


def resolve(lake: Lake, artifact: str | Artifact) -> str:
    """Resolve ``tag:NAME`` and ``NAME:latest`` to an identifier; anything else that names an artifact stays as it is.

    Raises
    ------
    DocumentNotFoundError
        If there is no such tag or artifact, or the name can mean several.

    """
    reference = identifier_of(artifact)
    if reference.startswith(TAG):
        return tagged(lake, reference.removeprefix(TAG))
    if reference.endswith(LATEST):
        return _latest(lake, reference.removesuffix(LATEST))
    if ":" in reference:  # which no identifier has
        _refuse_mistyped(reference)
    if reference.startswith("run_"):
        hint = "h.runs.tree, or elliptio runs --tree"
        raise DocumentNotFoundError(f"{reference!r} names a run, not an artifact: {hint}.")
    return reference


def tagged(lake: Lake, name: str) -> str:
    """Identifier of the artifact that a tag names, by the files of the lake.

    Raises
    ------
    DocumentNotFoundError
        If there is no such tag; the message says if it was removed.

    """
    try:
        return view_of(lake).named(tags.check_name(name))
    except MetadataError as error:
        raise DocumentNotFoundError(str(error)) from error


def latest(lake: Lake, query: Mapping[str, Any] | None) -> Document:
    """Find the newest artifact that matches a query.

    Raises
    ------
    DocumentNotFoundError
        If none does.

    """
    found = newest(lake, query)
    if found is None:
        warn_if_index_is_lost(lake)
        raise DocumentNotFoundError(f"No artifact in {lake.index.address} matches {dict(query or {})!r}.")
    return found


def _refuse_mistyped(reference: str) -> None:
    """Refuse ``NAME:lastest``, and say what is meant."""
    from difflib import SequenceMatcher

    name, _, word = reference.rpartition(":")
    if SequenceMatcher(None, word.lower(), LATEST[1:]).ratio() > 0.7:
        raise DocumentNotFoundError(f"{reference!r} names no artifact; did you mean '{name}{LATEST}'?")


def _latest(lake: Lake, name: str) -> str:
    found = {path: str(document["_id"]) for path in MEANINGS if (document := newest(lake, {path: name}))}
    if not found:
        others = [
            f"{what}: h.latest({{{path!r}: {name!r}}})" for path, what in OTHERS.items() if newest(lake, {path: name})
        ]
        raise DocumentNotFoundError(
            f"{name}{LATEST}: no artifact has a file of exactly this name, or it as label 'dataset' or 'project'. "
            + (f"There is {', and '.join(others)}." if others else "h.latest(query) takes the newest of any query.")
        )
    if len(set(found.values())) > 1:
        each = ", ".join(f"{artifact_id} {MEANINGS[path]}" for path, artifact_id in found.items())
        path = next(iter(found))
        raise DocumentNotFoundError(
            f"{name}{LATEST} can mean several artifacts: {each}. Say which: h.latest({{{path!r}: {name!r}}})."
        )
    return next(iter(found.values()))
