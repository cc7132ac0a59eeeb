"""From a document of the index to an artifact that users hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from elliptio import naming
from elliptio.artifacts.artifact import Artifact, Neighbours
from elliptio.artifacts.display import MOST_NEIGHBOURS
from elliptio.artifacts.files import FileMaker, Files, RemoteFile
from elliptio.documents import from_document
from elliptio.errors import DocumentNotFoundError
from elliptio.finding.references import resolve
from elliptio.lake import spool
from elliptio.lake.checks import check_document, check_indexed
from elliptio.lake.lake import Lake
from elliptio.lake.manifests import manifest_of
from elliptio.metadata import FileRecord, Metadata
from elliptio.protocols import Document
from elliptio.provenance.collecting import Packages


def metadata_of(lake: Lake, document: Document) -> Metadata:
    """Complete a document with its environment and, where they are too many for it, its files."""
    environment = lake.environment(document.get("environment_id"))
    check_indexed(document, environment, f"The document of {document['_id']} in {lake.index.address}")
    root = f"{lake.store.root}/{document['remote_root']}"
    if document.get("file_count", 0) > len(document.get("files", ())):
        found, environment, _ = manifest_of(lake, document["remote_root"])
        check_document(found, environment, f"{root}/{naming.MANIFEST}")
        document = {**found, "tags": document.get("tags", [])}
    return from_document(document, environment, root, Packages.of_normalized(environment.get("python_packages", {})))


def artifact_of(lake: Lake, metadata: Metadata) -> Artifact:
    """Give metadata its files and logs."""
    files, logs = files_of(lake, metadata, naming.FILES), files_of(lake, metadata, naming.LOGS)
    return Artifact(metadata, files, logs, *lookups(lake))


def published(lake: Lake, artifact: str | Artifact) -> Artifact:
    """Load an artifact to look at it: it does not count as what the next one is based on.

    Raises
    ------
    DocumentNotFoundError
        If there is no such artifact, or it is not published yet.

    """
    if isinstance(artifact, Artifact):
        if not artifact.metadata.fingerprint:
            raise DocumentNotFoundError(f"{artifact.artifact_id} is not published yet.")
        return artifact
    spool.flush_if_any(lake)
    return artifact_of(lake, metadata_of(lake, lake.get(resolve(lake, artifact))))


def lookups(lake: Lake) -> tuple[Callable[[Metadata], Neighbours], Callable[[Metadata], Document | None]]:
    """Return what asks the index, when an artifact is shown, for what lies around it, and for its run."""
    return partial(neighbours_of, lake), partial(run_of, lake)


class LinkedFileMaker:
    """Makes the file objects of a link; where they lie is asked for when one is made."""

    def __init__(self, lake: Lake, link: str, records: Mapping[str, FileRecord]) -> None:
        self._lake = lake
        self._link = link
        self._records = records

    def __call__(self, relpath: str) -> RemoteFile:
        """Make the object of one file."""
        store, prefix = self._lake.place(self._link)
        return FileMaker(store, prefix, records=self._records, downloads=self._lake.downloads)(relpath)


def files_of(lake: Lake, metadata: Metadata, folder: str) -> Files:
    """File objects of a published artifact: its files, or its logs."""
    records = {record.relpath: record for record in (metadata.files if folder == naming.FILES else metadata.logs)}
    if metadata.link is not None and folder == naming.FILES:
        return Files(records, LinkedFileMaker(lake, metadata.link, records))
    prefix = f"{metadata.remote_root.removeprefix(lake.store.root + '/')}/{folder}"
    return Files(records, FileMaker(lake.store, prefix, records=records, downloads=lake.downloads))


def neighbours_of(lake: Lake, metadata: Metadata) -> Neighbours:
    """Find the first artifacts that are based on one, how many are, what it is based on that was deleted, its run."""
    query = {"based_on": metadata.artifact_id}
    found = list(lake.find(query, sort=[("creation_time", 1)], limit=MOST_NEIGHBOURS + 1))
    total = len(found) if len(found) <= MOST_NEIGHBOURS else lake.count(query)
    deleted = lake.deletions(metadata.based_on[:MOST_NEIGHBOURS]) if metadata.based_on else {}
    return Neighbours([document["artifact_id"] for document in found], total, deleted, run_of(lake, metadata))


def run_of(lake: Lake, metadata: Metadata) -> Document | None:
    """Document of the run that made an artifact; None if that was none of ``h.run``."""
    return next(lake.find_runs({"_id": metadata.run_id}, limit=1), None)
