"""Publish versions of entries: values, bytes, files and links, each with its entry in the document."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio.metadata import Metadata, ValueRecord
from elliptio.pipelines.catalog.keys import Keys
from elliptio.saving import linking, places, values
from elliptio.saving.publication import Publication, discarding
from elliptio.saving.sources import find_sources

if TYPE_CHECKING:
    from elliptio.protocols import Format
    from elliptio.work import Work


@dataclasses.dataclass(frozen=True)
class Label:
    """What is recorded of a version beside its content.

    Attributes
    ----------
    project, name, keys
        Whose version it is.
    origin
        How it came to be.
    step
        Key of the step that made it.
    aside
        Whether it is kept without becoming the current one.
    recipe
        What a craft made it from.
    based_on
        Identifiers of what it was made from; None: what was loaded.
    labels
        The user's labels.

    """

    project: str
    name: str
    keys: Keys
    origin: str
    step: str | None = None
    aside: bool = False
    recipe: Mapping[str, Any] | None = None
    based_on: list[str] | None = None
    labels: Mapping[str, Any] | None = None

    def publication(self, work: Work) -> Publication:
        """Begin a publication of it."""
        entry: dict[str, Any] = {"project": self.project, "name": self.name, "keys": dict(self.keys)}
        entry["origin"] = self.origin
        if self.step is not None:
            entry["step"] = self.step
        if self.aside:
            entry["aside"] = True
        recipe = None if self.recipe is None else dict(self.recipe)
        labels = None if self.labels is None else dict(self.labels)
        return work._publication(labels, self.based_on, entry=entry, recipe=recipe)


def save_value(
    work: Work, label: Label, value: Any, relpath: str, format: Format, options: Mapping[str, Any]
) -> Metadata:
    """Save a value by a format."""
    return values.save(label.publication(work), [values.Planned(relpath, value, format, None)], options)


def save_content(work: Work, label: Label, content: bytes, relpath: str) -> Metadata:
    """Save bytes."""
    publication = label.publication(work)
    with discarding(publication):
        path = publication.folder / relpath
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        files, _, _ = publication.collect([relpath])
        return publication.publish(files, local_root="")


def save_file(work: Work, label: Label, path: Path, value: ValueRecord | None = None) -> Metadata:
    """Save a copy of a file."""
    sources = find_sources(path, lake=work.lake.store.folder)
    publication = label.publication(work)
    with discarding(publication):
        files = publication.save(sources.files)
        if value is not None:
            files = [dataclasses.replace(one, value=value) for one in files]
        return publication.publish(files, local_root=sources.root)


def link_file(work: Work, label: Label, path: Path, value: ValueRecord | None = None) -> Metadata:
    """Record a file where it lies, with its hash."""
    found = places.look(work.lake, path)
    publication = label.publication(work)
    with discarding(publication):
        files = linking.hash_files(work.lake, found.root, found.files, progress=work.progress)
        if value is not None:
            files = [dataclasses.replace(one, value=value) for one in files]
        return publication.publish(files, local_root="", link=found.root)


def save_nothing(work: Work, label: Label) -> Metadata:
    """Record that a version was stored elsewhere, by whoever knows how: it has no content here."""
    publication = label.publication(work)
    with discarding(publication):
        return publication.publish([], local_root="")
