"""Publishing one artifact: stage, copy and hash, describe, make visible, record."""

from __future__ import annotations

import contextvars
import io
import os
import shutil
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from elliptio import naming, provenance, spool, transfer
from elliptio.artifact import not_written
from elliptio.errors import IndexUnavailableError, MetadataError
from elliptio.hashing import HashingReader
from elliptio.lake import Lake
from elliptio.metadata import FileRecord, Labels, Metadata, to_document, to_manifest
from elliptio.provenance import Packages, Provenance
from elliptio.sources import Source, files_in

MAX_DOCUMENT_BYTES = 15 * 1024 * 1024
"""MongoDB takes documents of 16 MB; a little is left for what is added on the way."""


class Publication:
    """One artifact on its way into a lake.

    Attributes
    ----------
    artifact_id, root_key
        Its identifier, and its place relative to the lake's root.

    """

    def __init__(
        self, lake: Lake, *, run_id: str, labels: dict[str, Any], based_on: Callable[[], list[str]], progress: bool
    ) -> None:
        self._lake = lake
        self._run_id = run_id
        self._labels = labels
        # Asked for when the artifact is described: what was loaded while it was being made counts.
        self._based_on = based_on
        self._progress = progress
        self.artifact_id, self._moment = naming.new_id("artifact")
        self._collecting = _Collecting()
        self.username = provenance.username()
        self.root_key = naming.remote_root(self.artifact_id, self._moment, self.username)
        self.lake_id = lake.lake_id
        self.staging = lake.store.begin(self.root_key)

    def save(self, sources: Sequence[Source]) -> list[FileRecord]:
        """Copy local files into the staged artifact."""
        concurrency = self._lake.store.concurrency
        return transfer.save(sources, self.staging, naming.FILES, concurrency=concurrency, progress=self._progress)

    @property
    def folder(self) -> Path:
        """Local folder in which files can be written before they are collected."""
        return self.staging.folder / naming.FILES

    def collect(self, declared: Sequence[str]) -> tuple[list[FileRecord], list[str]]:
        """Take what was written in `folder`: declared names first, then the others; return those others too.

        Raises
        ------
        NotWrittenError
            If a declared file is not there, or nothing at all was written.

        """
        written = {source.relpath: source for source in files_in(self.folder)}
        missing = [name for name in declared if name not in written]
        if missing or not written:
            raise not_written(missing or ["at least one file"])
        others = [name for name in written if name not in set(declared)]
        sources = [written[name] for name in [*declared, *others]]
        if not self.staging.in_place:
            return self.save(sources), others
        for source in sources:
            _make_own(source.path)
        concurrency = self._lake.store.concurrency
        return transfer.hash_in_place(sources, concurrency=concurrency, progress=self._progress), others

    def publish(self, files: list[FileRecord], *, local_root: str, logs: Sequence[FileRecord] = ()) -> Metadata:
        """Describe the artifact, make it visible and record it."""
        facts = self._collecting.result()
        records = [*logs]
        if facts.diff is not None:
            records.append(self.put_log("git.diff", facts.diff.encode("utf-8", "replace")))
        metadata = self._describe(facts, files, records, local_root)
        document = to_document(metadata, self.root_key)
        manifest = to_manifest(metadata, self.root_key)
        if len(manifest) > MAX_DOCUMENT_BYTES // 4:
            _check_size(document)
        self.staging.put(naming.MANIFEST, io.BytesIO(manifest))
        self.staging.publish()
        try:
            self._lake.add(document, facts.environment)
            spool.flush_if_any(self._lake)
        except IndexUnavailableError as error:
            spool.keep(self._lake, self.artifact_id, self.root_key, error)
        return metadata

    def put_log(self, name: str, content: bytes) -> FileRecord:
        """Add a log to the staged artifact."""
        reader = HashingReader(io.BytesIO(content))
        self.staging.put(f"{naming.LOGS}/{name}", cast("BinaryIO", reader))
        return FileRecord(name, reader.size, reader.sha256)

    def discard(self) -> None:
        """Leave nothing behind."""
        self.staging.discard()

    def describe_unpublished(self) -> Metadata:
        """What can be said of the artifact while it is being made."""
        return Metadata(
            username=self.username,
            hostname=provenance.hostname(),
            argv=provenance.argv(),
            artifact_id=self.artifact_id,
            run_id=self._run_id,
            creation_time=self._moment,
            based_on=self._based_on(),
            labels=self._labels,
            remote_root=f"{self._lake.store.root}/{self.root_key}",
            lake_id=self.lake_id,
        )

    def _describe(
        self, facts: Provenance, files: list[FileRecord], logs: list[FileRecord], local_root: str
    ) -> Metadata:
        return Metadata(
            username=self.username,
            hostname=facts.hostname,
            argv=facts.argv,
            artifact_id=self.artifact_id,
            run_id=self._run_id,
            creation_time=self._moment,
            python_packages=Packages(facts.environment["python_packages"]),
            based_on=self._based_on(),
            labels=self._labels if self._labels.keys() != vars(Labels()).keys() else Labels(**self._labels),
            remote_root=f"{self._lake.store.root}/{self.root_key}",
            local_root=local_root,
            files=files,
            file_count=len(files),
            total_size=sum(record.size for record in files),
            fingerprint=naming.fingerprint([(record.relpath, record.sha256) for record in files]),
            log_relpaths=[record.relpath for record in logs],
            logs=logs,
            environment_id=facts.environment["_id"],
            environment=facts.environment,
            git=facts.git,
            working_directory=facts.working_directory,
            notebook=facts.notebook,
            lake_id=self.lake_id,
        )


class _Collecting:
    """Provenance, gathered while the files are on their way where git has to be asked; else it takes no time."""

    def __init__(self) -> None:
        self._facts: Provenance | None = None
        self._thread: threading.Thread | None = None
        if provenance.in_repository():
            context = contextvars.copy_context()
            self._thread = threading.Thread(target=context.run, args=(self._collect,), name="elliptio-provenance")
            self._thread.start()

    def _collect(self) -> None:
        self._facts = provenance.collect()

    def result(self) -> Provenance:
        if self._thread is not None:
            self._thread.join()
        # In a thread that failed the reason was shown by the thread; here it is raised.
        return self._facts or provenance.collect()


def _check_size(document: dict[str, Any]) -> None:
    import bson

    size = len(bson.encode(document))
    if size > MAX_DOCUMENT_BYTES:
        raise MetadataError(
            f"The metadata takes {size:,} bytes; at most {MAX_DOCUMENT_BYTES:,} fit. "
            "Shorten the labels or the file names, or save fewer files at once."
        )


def _make_own(path: str) -> None:
    """Turn a link into a file of its own: what is published must not change with what it links to."""
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode) or status.st_nlink > 1:
        copy = f"{path}.copy"
        shutil.copyfile(path, copy)
        os.replace(copy, path)
