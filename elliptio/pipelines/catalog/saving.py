"""Publish versions of entries: values, bytes, files and links, each with its entry in the document."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio.metadata import FileRecord, Metadata, ValueRecord
from elliptio.pipelines.catalog.held import names_in
from elliptio.pipelines.catalog.keys import Keys
from elliptio.saving.publication import Batch, Publication, discarding
from elliptio.saving.sources import find_sources

if TYPE_CHECKING:
    from elliptio.protocols import Format, Staging
    from elliptio.provenance.collecting import Provenance
    from elliptio.work import Work


@dataclasses.dataclass(frozen=True)
class Label:
    """Hold what is recorded of a version beside its content.

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
    seen
        Code and environment, where the run around it has seen them: a craft's code is that of the beginning of a build.

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
    seen: Provenance | None = None

    def entry(self, holds: Sequence[str] = ()) -> dict[str, Any]:
        """Write down which version it is, and what its content `holds` of the project's code."""
        entry: dict[str, Any] = {"project": self.project, "name": self.name, "keys": dict(self.keys)}
        entry["origin"] = self.origin
        if self.step is not None:
            entry["step"] = self.step
        if self.aside:
            entry["aside"] = True
        if holds:
            entry["holds"] = list(holds)
        return entry

    def publication(self, work: Work, beside: Publication | None = None) -> Publication:
        """Begin a publication of it; where there is one `beside`, what that knows of the code is not asked again."""
        recipe = None if self.recipe is None else dict(self.recipe)
        labels = None if self.labels is None else dict(self.labels)
        publishing = work._publishing(labels, self.based_on)
        return publishing(entry=self.entry(), recipe=recipe, seen=self.seen, beside=beside)


class Staged:
    """A version on its way into the lake: nobody sees it before it is published.

    Parameters
    ----------
    publication
        Of its artifact.
    files
        Records of its files.
    options
        For `Publication.publish`.

    """

    def __init__(self, publication: Publication, files: Sequence[FileRecord], **options: Any) -> None:
        self.publication = publication
        self._files = list(files)
        self._options = {"local_root": "", **options}

    @property
    def sha256(self) -> str | None:
        """Of its file; None where it has not exactly one."""
        return self._files[0].sha256 if len(self._files) == 1 else None

    @property
    def staging(self) -> Staging:
        """Its files on their way into the store."""
        return self.publication.staging

    def publish(self, batch: Batch | None = None) -> Metadata:
        """Make it visible, or let that be done with others of a `batch`."""
        with discarding(self.publication):
            return self.publication.publish(self._files, **self._options, batch=batch)

    def discard(self) -> None:
        """Leave nothing behind."""
        self.publication.discard()


def stage_value(
    work: Work, label: Label, value: Any, relpath: str, format: Format, options: Mapping[str, Any], root: Path
) -> Staged:
    """Write a value by a format; `root` is that of the project, whose code it may hold."""
    from elliptio.saving import values

    publication = label.publication(work)
    with discarding(publication):
        planned = [values.Planned(relpath, value, format, None)]
        staged = Staged(publication, values.write(publication, planned, options))
        if getattr(format, "runs_code", False):
            publication.tell(entry=label.entry(names_in(publication.folder / relpath, root)))
        return staged


def stage_content(work: Work, label: Label, content: bytes, relpath: str) -> Staged:
    """Write bytes."""
    publication = label.publication(work)
    with discarding(publication):
        path = publication.folder / relpath
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return Staged(publication, publication.collect([relpath])[0])


def stage_file(work: Work, label: Label, path: Path, beside: Publication | None = None) -> Staged:
    """Copy a file."""
    sources = find_sources(path, lake=work.lake.store.folder)
    publication = label.publication(work, beside)
    with discarding(publication):
        return Staged(publication, publication.save(sources.files), local_root=sources.root)


def stage_link(work: Work, label: Label, path: Path, value: ValueRecord | None = None) -> Staged:
    """Hash a file where it lies."""
    from elliptio.saving import linking, places

    found = places.look(work.lake, path)
    publication = label.publication(work)
    with discarding(publication):
        files = linking.hash_files(work.lake, found.root, found.files, progress=work.progress)
        if value is not None:
            files = [dataclasses.replace(one, value=value) for one in files]
        return Staged(publication, files, link=found.root)


def stage_nothing(work: Work, label: Label) -> Staged:
    """Note that a version was stored elsewhere, by whoever knows how: it has no content here."""
    return Staged(label.publication(work), [])
