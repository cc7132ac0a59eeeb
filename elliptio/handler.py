"""The verbs: upload, new, get, find."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from elliptio import naming
from elliptio.artifacts.artifact import Artifact, NewArtifact
from elliptio.artifacts.files import Block, FileMaker, Files
from elliptio.finding.frame import to_frame
from elliptio.finding.loading import artifact_of, files_of, metadata_of, neighbours_of, run_of
from elliptio.finding.references import latest
from elliptio.finding.search import TruncatedWarning, search
from elliptio.lake import spool
from elliptio.lineage.lineage import relatives
from elliptio.link_verbs import LinkVerbs
from elliptio.protocols import Document
from elliptio.saving import output
from elliptio.saving.publication import Publication, discarding, keeping
from elliptio.saving.sources import PathLike, find_sources
from elliptio.session import BasedOn, LabelsLike
from elliptio.system.background import Pending
from elliptio.system.os_errors import explained

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.run import Run

log = logging.getLogger(__name__)


class Handler(LinkVerbs):
    """Saves files to a lake and finds them again.

    Parameters
    ----------
    root
        Where files lie: a folder, ``s3://bucket/prefix``, or a `Store`. By default the setting ``root``, else a
        folder in the user's data folder.
    index
        Where documents lie: ``mongodb://host/db``, ``sqlite:///path``, or an `Index`. By default the setting
        ``index``, else the lake's own embedded index.
    remote_file_cls
        `LocalFile` or `S3File`: take the root from ``ELLIPTIO_LOCAL_ROOT`` or ``ELLIPTIO_S3_BUCKET_NAME``.
    collection
        A pymongo or mongomock collection for the documents, instead of `index`.
    durability
        ``"full"`` (default) flushes to disk before a save returns; ``"fast"`` leaves that to the system, so that a
        power cut may take the last artifacts.
    progress
        False: no progress bars.

    Attributes
    ----------
    lake
        The store, the index over it, and their identity.
    run_id, based_on
        Identifies this handler's unit of work, and what was loaded in it so far, in order, once each: what the next
        artifact is based on. Inside ``with h.run(…)`` the run has its own.

    Raises
    ------
    ConfigError
        If the settings are wrong or contradict each other.
    MissingExtraError
        If the root needs a package that is not installed.

    """

    @overload
    def upload(
        self,
        local_paths: PathLike | Iterable[PathLike],
        labels: LabelsLike = None,
        *,
        based_on: BasedOn | None = None,
        wait: Literal[True] = True,
    ) -> Artifact: ...

    @overload
    def upload(
        self,
        local_paths: PathLike | Iterable[PathLike],
        labels: LabelsLike = None,
        *,
        based_on: BasedOn | None = None,
        wait: Literal[False],
    ) -> Pending[Artifact]: ...

    def upload(
        self,
        local_paths: PathLike | Iterable[PathLike],
        labels: LabelsLike = None,
        *,
        based_on: BasedOn | None = None,
        wait: bool = True,
    ) -> Artifact | Pending[Artifact]:
        """Save files as one artifact.

        Parameters
        ----------
        local_paths
            A file, a folder (with all it holds), or any iterable of them, generators included.
        labels
            `Labels` or a dict.
        based_on
            What the artifact was made from, instead of what this handler loaded.
        wait
            False: save in the background, one artifact after the other, and return at once. Leave the files alone
            until then: if one changes before it was copied, that is an error. `close`, and the end of the program,
            wait for what is still to be saved; an error that nobody asked for is raised by `close`, or shown at the
            end of the program.

        Returns
        -------
        Artifact or concurrent.futures.Future
            With files named relative to the deepest folder that all the paths share. With ``wait=False``, a future
            whose ``.result()`` it is.

        Raises
        ------
        SourceNotFoundError
            If paths do not exist.
        SourceError
            If there is nothing to save, or something that cannot be saved.
        MetadataError
            If labels cannot be stored.
        StoreError, IndexUnavailableError
            If the store or the index fails.

        """
        sources, local_root = find_sources(local_paths, lake=self.store.root if self.store.scheme == "file" else None)
        if not wait and based_on is None:
            based_on = self._scope().loaded()
        publication = self._begin(labels, based_on)

        def finish() -> Artifact:
            with discarding(publication):
                metadata = publication.publish(publication.save(sources), local_root=local_root)
            return artifact_of(self.lake, metadata)

        return finish() if wait else self._background.submit(finish, drop=publication.discard)

    @contextlib.contextmanager
    def new(
        self,
        relpaths: PathLike | Iterable[PathLike] | None = None,
        labels: LabelsLike = None,
        *,
        based_on: BasedOn | None = None,
        log_output: bool = False,
    ) -> Iterator[NewArtifact]:
        """Make an artifact by writing its files inside a ``with`` block; it is published when the block ends.

        Parameters
        ----------
        relpaths
            Names of the files that will be written. Without it, everything written to ``new.folder`` or
            ``new.files[name]`` is collected.
        labels, based_on
            As for `upload`.
        log_output
            Keep what Python code prints and logs in the block as ``logs/output.log``, secrets masked.

        Yields
        ------
        NewArtifact
            Its ``.file`` and ``.files[name]`` have a ``.local_path`` (and, on a local lake, a ``.remote_url``) to
            write to.

        Raises
        ------
        NotWrittenError
            If a declared file, or any file at all, was not written. Nothing is published then, nor when the block
            raises.

        """
        names = [relpaths] if isinstance(relpaths, str | os.PathLike) else relpaths
        declared = naming.check_declared([] if names is None else names)
        publication = self._begin(labels, based_on)
        block = Block(publication.folder, in_place=publication.staging.in_place)
        with discarding(publication):
            artifact = self._new_artifact(publication, block, declared, grows=names is None)
            try:
                with output.captured() if log_output else contextlib.nullcontext() as printed:
                    yield artifact
            finally:
                block.end()
        with keeping(publication):
            if block.failure is not None:
                raise block.failure
            records, others = publication.collect(declared)
            if declared and others:
                log.warning("Also saved, though not declared: %s.", ", ".join(others[:20]))
            metadata = publication.publish(records, local_root="", output=printed.text() if printed else None)
        artifact._publish(metadata, files_of(self.lake, metadata, naming.LOGS))

    def get(self, artifact_id: str | Artifact, *, track: bool = True) -> Artifact:
        """Load an artifact, and remember it as what the next one is based on.

        Parameters
        ----------
        artifact_id
            Identifier, or a beginning of it that fits only one. ``"tag:NAME"``: what this tag names now.
            ``"NAME:latest"``: the newest artifact with a file of exactly this name, or with it as label ``dataset`` or
            ``project``.
        track
            False leaves `based_on` as it is.

        Raises
        ------
        DocumentNotFoundError
            If there is no such artifact, or the beginning fits several, or the file, the dataset and the project NAME
            have different newest ones.
        IndexUnavailableError
            If the index cannot be reached.

        """
        spool.flush_if_any(self.lake)
        return self._loaded(self.lake.get(self._identifier(artifact_id)), track)

    def latest(self, query: Mapping[str, Any] | None = None, *, track: bool = True) -> Artifact:
        """Load the newest artifact that matches a query, as `get` does.

        Parameters
        ----------
        query
            As for `find`. What was made by `reproduce` does not count, unless the query asks for ``reproduces``.
        track
            As for `get`.

        Raises
        ------
        DocumentNotFoundError
            If none matches.
        QueryError
            If the query is malformed or not supported.
        IndexUnavailableError
            If the index cannot be reached.

        """
        return self._loaded(latest(self.lake, query), track)

    def _loaded(self, document: Document, track: bool) -> Artifact:
        metadata = metadata_of(self.lake, document)
        if track:
            self._scope().load(metadata.artifact_id)
        return artifact_of(self.lake, metadata)

    def find(
        self,
        query: Mapping[str, Any] | None = None,
        *,
        max_docs: int = 1000,
        sort: Any = None,
        columns: Sequence[str] | None = None,
        exclude_columns: Sequence[str] = ("python_packages",),
        deleted: bool = False,
        ancestors_of: str | Artifact | None = None,
        descendants_of: str | Artifact | None = None,
    ) -> pd.DataFrame:
        """Find artifacts with a MongoDB query.

        Parameters
        ----------
        query
            Such as ``{"username": "andy", "labels.project": "x"}``; everything without it. ``python_packages.<name>``
            and the other fields of the environment can be queried too.
        max_docs
            At most so many rows; 0 means all. A warning says if there are more, and how many (counted to 10,000).
        sort
            ``"path"``, ``"-path"`` or a list of ``(path, 1 or -1)``; newest first without it.
        columns
            Only these, dotted paths such as ``"labels.project"`` included.
        exclude_columns
            Left out when `columns` is not given.
        deleted
            True: deleted artifacts too; the column ``deleted`` says ``{"time": …, "username": …}`` of them.
        ancestors_of, descendants_of
            Only what this artifact was made from, or what was made of it, over all generations.

        Returns
        -------
        pandas.DataFrame
            One row an artifact, indexed by ``artifact_id``; columns ``creation_time`` (UTC), ``username``,
            ``file_relpaths``, ``argv``, then the others sorted. An empty result has the same columns.

        Raises
        ------
        QueryError
            If the query, the sort or a column is malformed or not supported.
        IndexUnavailableError
            If the index cannot be reached.

        """
        above, below = (None if near is None else self._identifier(near) for near in (ancestors_of, descendants_of))
        found = search(
            self.lake,
            query,
            max_docs=max_docs,
            sort=sort,
            columns=columns,
            exclude=exclude_columns,
            deleted=deleted,
            among=relatives(self.lake, ancestors_of=above, descendants_of=below),
        )
        if found.truncated:
            warnings.warn(
                f"Showing {found.truncated} artifacts that match; max_docs=0 shows all.",
                TruncatedWarning,
                stacklevel=2,
            )
        return to_frame(found)

    def run(
        self, name: str, params: Mapping[str, Any] | None = None, *, labels: LabelsLike = None
    ) -> contextlib.AbstractContextManager[Run]:
        """Record a piece of work: what is saved inside the ``with`` block belongs to it, and is based on what it loads.

        Runs nest. What was loaded before the block counts inside it; what is loaded inside counts only there. Child
        processes that are started inside go on in it.

        Parameters
        ----------
        name
            What kind of work it is, such as ``"train"``.
        params
            What it depends on, by name; secrets that are recognised are masked.
        labels
            `Labels` or a dict.

        Returns
        -------
        contextlib.AbstractContextManager
            Gives a `Run`, whose ``log`` records metrics. When the block ends the run is finished, or failed if it
            raises; if the process is killed, that is found out by whoever looks next.

        Raises
        ------
        MetadataError
            If name, parameters or labels cannot be stored.
        StoreError
            If the store cannot be written.

        """
        from elliptio.run import running

        return running(self, name, params, labels)

    @property
    def current_run(self) -> Run | None:
        """Run that the code at hand is part of, as begun by `run` here or by the process that started this one."""
        from elliptio.run import Run

        scope = self._scope()
        return None if scope.run is None else Run(self, scope)

    def _new_artifact(self, publication: Publication, block: Block, declared: list[str], *, grows: bool) -> NewArtifact:
        with explained("make", str(block.folder)):
            block.folder.mkdir(parents=True, exist_ok=True)
        for name in declared:
            block.path(name)
        metadata = publication.describe_unpublished()
        prefix = f"{publication.root_key}/{naming.FILES}"
        make = FileMaker(self.store, prefix, block=block, downloads=self.lake.downloads)
        files = Files(declared, make, grows=grows)
        logs = Files([], FileMaker(self.store, prefix))
        artifact = NewArtifact(metadata, files, logs, partial(neighbours_of, self.lake), partial(run_of, self.lake))
        artifact.folder = block.folder
        return artifact
