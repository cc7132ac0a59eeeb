"""From a document of the index to an artifact that users hold."""

from __future__ import annotations

from functools import partial

from elliptio import naming
from elliptio.artifacts.artifact import Artifact, Neighbours
from elliptio.artifacts.display import MOST_NEIGHBOURS
from elliptio.artifacts.files import files_of
from elliptio.documents import from_document
from elliptio.lake.checks import check_document, check_indexed
from elliptio.lake.lake import Lake
from elliptio.lake.manifests import manifest_of
from elliptio.metadata import Metadata
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
        document = {**found, "tags": document.get("tags", []), "notes": document.get("notes", [])}
    return from_document(document, environment, root, Packages(environment.get("python_packages", {})))


def artifact_of(lake: Lake, metadata: Metadata, *, track: bool) -> Artifact:
    """Give metadata its files and logs, to look at or to read, and what asks the index for what lies around it."""
    files, logs = (files_of(lake, metadata, folder, track=track) for folder in (naming.FILES, naming.LOGS))
    return Artifact(metadata, files, logs, partial(neighbours_of, lake), partial(run_of, lake))


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
