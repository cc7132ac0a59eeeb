"""Publishing one artifact: stage, copy and hash, describe, make visible, record."""

from __future__ import annotations

import contextlib
import contextvars
import io
import logging
import os
import secrets
import shutil
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from elliptio import naming
from elliptio.artifacts.artifact import not_written
from elliptio.artifacts.hashing import HashingReader
from elliptio.documents import fields_of, to_document, to_manifest
from elliptio.errors import ElliptioError, MetadataError
from elliptio.labels import readable_labels
from elliptio.lake import spool
from elliptio.lake.lake import Lake
from elliptio.lake.parents import warn_of_deleted
from elliptio.lake.view import view_of
from elliptio.metadata import FileRecord, Metadata, fingerprint_of
from elliptio.provenance import collecting
from elliptio.provenance.collecting import Provenance
from elliptio.saving import transfer
from elliptio.saving.equal_files import twins_in
from elliptio.saving.sources import Source, Sources, check_ends, sources_in
from elliptio.system import ending
from elliptio.system.file_systems import copy_file
from elliptio.system.os_errors import explained

log = logging.getLogger(__name__)

MAX_DOCUMENT_BYTES = 15 * 1024 * 1024
"""MongoDB takes documents of 16 MB; a little is left for what is added on the way."""


SAYS = "The files are saved, but cannot be found yet"
"""Trouble that there is as long as the index has not been told."""


class Publication:
    """One artifact on its way into a lake.

    Attributes
    ----------
    artifact_id, root_key
        Its identifier, and its place relative to the lake's root.

    """

    # Where the run around it has `seen` code and environment, they are not looked at again.
    def __init__(
        self,
        lake: Lake,
        *,
        run_id: str,
        labels: dict[str, Any],
        based_on: Callable[[], list[str]],
        progress: bool = True,
        git_diff: str = "all",
        seen: Provenance | None = None,
        beside: Publication | None = None,
        **facts: Any,
    ) -> None:
        self.lake = lake
        self._facts = facts
        self._run_id = run_id
        self._labels = labels
        # Asked for when the artifact is described: what was loaded while it was being made counts.
        self._based_on = based_on
        self._progress = progress
        self.artifact_id, self._moment = naming.new_id("artifact")
        self.username: str = collecting.username() if beside is None else beside.username
        # What is saved together was made by the same code: git is asked once.
        collecting_now = partial(_Collecting, self.username, git_diff, seen)
        self._collecting: _Collecting = collecting_now() if beside is None else beside._collecting
        # None where no code but the commit is to be recorded, nor outside of notebooks.
        no_cells = git_diff == "none" or "IPython" not in sys.modules
        self._executed_cells: Callable[[], list[str]] = list if no_cells else collecting.executed_cells
        self._cells = self._executed_cells()
        self.root_key = naming.remote_root(self.artifact_id, self._moment, self.username)
        self.lake_id = lake.lake_id
        self.staging = lake.store.begin(self.root_key)

    def upload(self, sources: Sources) -> Metadata:
        """Copy local files and publish them; leave nothing behind if that fails."""
        with discarding(self):
            files = self.save(sources.files)
            if self.staging.in_place:
                for name in sources.empty_folders:
                    with explained("make", str(self.folder / name)):
                        (self.folder / name).mkdir(parents=True, exist_ok=True)
            return self.publish(files, local_root=sources.root, empty_folders=sources.empty_folders)

    def tell(self, **facts: Any) -> None:
        """Say more of it, which is known only since its files were written."""
        self._facts.update(facts)

    def save(self, sources: Sequence[Source]) -> list[FileRecord]:
        """Copy local files into the staged artifact."""
        return transfer.save(
            sources,
            self.staging,
            naming.FILES,
            concurrency=self.lake.store.concurrency,
            progress=self._progress,
            twins=partial(twins_in, self.lake),
        )

    @property
    def folder(self) -> Path:
        """Local folder in which files can be written before they are collected."""
        return self.staging.folder / naming.FILES

    def collect(self, declared: Sequence[str]) -> tuple[list[FileRecord], list[str], list[str]]:
        """Take what was written in `folder`: declared names first, then the others; return those others, and folders.

        Raises
        ------
        NotWrittenError
            If a declared file is not there, or nothing at all was written.

        """
        self._cells = self._executed_cells()  # a block may have gone on over several
        make_own(self.folder, self.staging.folder)
        found = sources_in(self.folder)
        written = {source.relpath: source for source in found.files}
        missing = [name for name in declared if name not in written]
        if missing or not written:
            raise not_written(missing)
        wanted = set(declared)
        others = [name for name in written if name not in wanted]
        sources = [written[name] for name in [*declared, *others]]
        if not self.staging.in_place:
            return self.save(sources), others, found.empty_folders
        concurrency = self.lake.store.concurrency
        files = transfer.hash_in_place(sources, concurrency=concurrency, progress=self._progress)
        return files, others, found.empty_folders

    def publish(
        self,
        files: list[FileRecord],
        *,
        local_root: str,
        empty_folders: Sequence[str] = (),
        output: str | None = None,
        link: str | None = None,
        batch: Batch | None = None,
    ) -> Metadata:
        """Describe the artifact, make it visible and record it.

        `output` is what was printed meanwhile, `link` is where its files lie, if not in the lake. Where there is a
        `batch`, that makes it visible and records it.
        """
        facts, records = self._collecting.result(), list[FileRecord]()
        if output is not None or facts.diff is not None or self._cells:
            facts, records = self._put_logs(facts, output)
        metadata = self._describe(facts, files, records, local_root, empty_folders, link)
        fields = fields_of(metadata, self.root_key)
        document, manifest = to_document(fields), to_manifest(fields, metadata.environment)
        if len(manifest) > MAX_DOCUMENT_BYTES // 4:
            _check_size(document)
        self.staging.put(naming.MANIFEST, io.BytesIO(manifest))
        if batch is not None and self.staging.together:
            batch.append((self, document, metadata))
            return metadata
        self.staging.publish()
        with spool.telling(self.lake, note=self.artifact_id, content=self.root_key, says=SAYS) as told:
            self.lake.add(facts.environment, document)
        if told.done:
            if metadata.based_on:
                warn_of_deleted(self.lake, self.artifact_id, metadata.based_on)
            try:
                spool.flush_if_any(self.lake)
            except ElliptioError as error:
                log.info("What waits for the index goes on waiting: %s", error)
        return metadata

    def _put_logs(self, facts: Provenance, output: str | None) -> tuple[Provenance, list[FileRecord]]:
        """Add what was printed, not committed and executed to the staged artifact, with what was masked in it."""
        logs, masked = [], facts.redactions
        if output is not None:
            printed, found = collecting.redacted_output(output)
            logs.append(self.put_log(naming.OUTPUT_LOG, printed))
            masked = masked + found
        if facts.diff is not None:
            logs.append(self.put_log(naming.DIFF_LOG, facts.diff.encode("utf-8", "replace")))
        notebook, found = collecting.notebook_of(self._cells)
        if notebook is not None:
            logs.append(self.put_log(naming.CELLS_LOG, notebook))
            masked = masked + found
        return facts._replace(redactions=masked), logs

    def put_log(self, name: str, content: bytes) -> FileRecord:
        """Add a log to the staged artifact."""
        reader = HashingReader(io.BytesIO(content))
        self.staging.put(f"{naming.LOGS}/{name}", cast("BinaryIO", reader))
        return FileRecord(name, reader.size, reader.sha256)

    def discard(self) -> None:
        """Leave nothing behind."""
        self.staging.discard()

    def describe_unpublished(self) -> Metadata:
        """Describe the artifact while it is being made."""
        return Metadata(
            username=self.username,
            hostname=collecting.hostname(),
            argv=collecting.argv(),
            artifact_id=self.artifact_id,
            run_id=self._run_id,
            creation_time=self._moment,
            based_on=self._based_on(),
            labels=readable_labels(self._labels),
            remote_root=f"{self.lake.store.root}/{self.root_key}",
            lake_id=self.lake_id,
        )

    def _describe(
        self,
        facts: Provenance,
        files: list[FileRecord],
        logs: list[FileRecord],
        local_root: str,
        empty_folders: Sequence[str],
        link: str | None,
    ) -> Metadata:
        return Metadata(
            username=self.username,
            hostname=facts.hostname,
            argv=facts.argv,
            artifact_id=self.artifact_id,
            run_id=self._run_id,
            creation_time=self._moment,
            python_packages=facts.environment["python_packages"],
            based_on=self._based_on(),
            labels=readable_labels(self._labels),
            remote_root=f"{self.lake.store.root}/{self.root_key}",
            local_root=local_root if local_root.isascii() else _utf8(local_root),
            files=files,
            file_count=len(files),
            total_size=sum(record.size for record in files),
            fingerprint=fingerprint_of(files),
            log_relpaths=[record.relpath for record in logs],
            logs=logs,
            environment_id=facts.environment["_id"],
            environment=facts.environment,
            git=facts.git,
            working_directory=facts.working_directory,
            notebook=facts.notebook,
            empty_folders=list(empty_folders),
            link=link,
            **self._facts,
            redactions=facts.redactions,
            repository_root=facts.repository_root,
            reproduces=view_of(self.lake).claim([record.relpath for record in files], self.artifact_id),
            lake_id=self.lake_id,
        )


Batch = list[tuple[Publication, dict[str, Any], Metadata]]
"""Artifacts of one lake that are to be made visible and recorded together."""


class _Collecting:
    """Provenance, gathered while the files are on their way where git has to be asked; else it takes no time."""

    def __init__(self, user: str, git_diff: str, seen: Provenance | None) -> None:
        self._user = user
        self._git_diff = git_diff
        self._facts = seen
        self._thread: threading.Thread | None = None
        if seen is not None:
            return
        self._directory = collecting.code_directory()
        if self._directory is None:
            return
        if collecting.is_unchanged(self._directory) or ending.begun:
            self._collect()
        else:
            context = contextvars.copy_context()
            self._thread = threading.Thread(
                target=context.run, args=(self._collect_beside,), name="elliptio-provenance"
            )
            self._thread.start()

    def _collect_beside(self) -> None:
        collecting.load()
        self._collect()

    def _collect(self) -> None:
        self._facts = collecting.collect(self._directory, self._git_diff, user=self._user)

    def result(self) -> Provenance:
        if self._thread is not None:
            self._thread.join()
            if self._facts is None:  # the thread has shown why; ask again, here, so that it is raised
                self._collect()
        if self._facts is None:
            self._facts = collecting.collect(ask_git=False, user=self._user)
        return self._facts


def _check_size(document: dict[str, Any]) -> None:
    import bson

    size = len(bson.encode(document))
    if size > MAX_DOCUMENT_BYTES:
        raise MetadataError(
            f"The metadata takes {size:,} bytes; at most {MAX_DOCUMENT_BYTES:,} fit. "
            "Shorten the labels or the file names, or save fewer files at once."
        )


def _utf8(text: str) -> str:
    """`text` without what an index cannot hold: bytes of a path that are not UTF-8 show as U+FFFD."""
    return os.fsencode(text).decode("utf-8", "replace")


def make_own(folder: Path, beside: Path) -> None:
    """Turn the links below a folder into files and folders of its own.

    What is published must not change with what a link leads to, nor may what it leads to be touched. Copies are made
    in `beside`, on the same file system but outside `folder`, so that they take no name that is in use.

    Raises
    ------
    SourceError
        If a link leads to a folder that holds it: to copy it would not end.

    """
    ends = False
    for current, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(current, name)
            status = os.lstat(path)
            is_link = stat.S_ISLNK(status.st_mode)
            if not is_link and (name in folders or status.st_nlink == 1):
                continue
            copy = beside / f".copy-{secrets.token_hex(8)}"
            if os.path.isdir(path):
                if not ends:
                    check_ends(folder)
                    ends = True
                shutil.copytree(path, copy, copy_function=copy_file)
                os.unlink(path)
            elif stat.S_ISREG(os.stat(path).st_mode):
                copy_file(path, str(copy))
            else:
                continue  # `files_in` says what it is
            os.rename(copy, path)
        # What was a link to a folder is walked too: it may hold links itself.
        folders[:] = [name for name in folders if not os.path.islink(os.path.join(current, name))]


@contextlib.contextmanager
def keeping(publication: Publication) -> Iterator[None]:
    """Keep what a block wrote where only collecting it fails: it may have taken hours to make."""
    try:
        with explained("collect what was written in", str(publication.folder)):
            yield
    except ElliptioError as error:
        if not any(publication.folder.rglob("*")):
            _discard(publication, error)
        else:
            error.add_note(f"What the block wrote is still in {publication.folder}; `gc` removes it later.")
        raise
    except BaseException as error:
        _discard(publication, error)
        raise


@contextlib.contextmanager
def discarding(publication: Publication) -> Iterator[None]:
    """Leave nothing behind of a publication that fails."""
    try:
        yield
    except BaseException as error:
        _discard(publication, error)
        raise


def _discard(publication: Publication, error: BaseException) -> None:
    """Leave nothing behind; where that fails too, the first error is the one that says why."""
    try:
        publication.discard()
    except ElliptioError as failure:
        error.add_note(f"What was staged of it is still there, and `gc` removes it later: {failure}")
