"""The verbs of one unit of work: save, link, get, find, and do work inside it.

`Handler` is one for as long as it is open, `Run` is one for the length of its block: each has its scope.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from elliptio import naming
from elliptio.artifacts.artifact import Artifact, NewArtifact
from elliptio.artifacts.files import files_of
from elliptio.finding.frame import to_frame
from elliptio.finding.loading import metadata_of, neighbours_of, run_of
from elliptio.finding.options import MOST_SHOWN, FindOptions, Options
from elliptio.finding.references import BasedOn, identifiers_of, latest, resolve
from elliptio.finding.search import Found, search
from elliptio.labels import LabelsLike, check_labels
from elliptio.lake import spool
from elliptio.lineage.lineage import relatives
from elliptio.runs.recording import Recording
from elliptio.runs.running import running
from elliptio.saving import linking, places
from elliptio.saving.publication import Publication, discarding
from elliptio.saving.sources import Paths, declared_in, find_sources
from elliptio.saving.writing import writing
from elliptio.system.background import Background, Pending

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.config import Setting
    from elliptio.lake.lake import Lake
    from elliptio.metadata import Metadata
    from elliptio.protocols import Document
    from elliptio.run import Run
    from elliptio.runs.scopes import Scope


class Work:
    """One unit of work at one lake: what it saves is based on what it loaded.

    Parameters
    ----------
    lake
        The lake.
    scope
        What it is to the code inside it: an identifier, and what was loaded.
    settings
        Those of the handler.
    background
        What saves with ``wait=False``.

    """

    def __init__(self, lake: Lake, scope: Scope, settings: Mapping[str, Setting], background: Background) -> None:
        self.lake = lake
        self.progress = bool(settings["progress"].value)
        self._scope = scope
        self._settings = settings
        self._background = background

    def __getstate__(self) -> dict[str, Any]:
        # In another process a copy goes on in the run that this one is in.
        return {**self.__dict__, "_continues": self._scope.here().run is not None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        continues = state.pop("_continues")
        self.__dict__.update(state)
        if continues and self._scope.run is None:
            Recording(self.lake, self._scope)

    @property
    def run_id(self) -> str:
        """Identifier of this unit of work, which what it makes carries."""
        return self._scope.run_id

    @property
    def based_on(self) -> list[str]:
        """Identifiers of what was loaded in it so far, in order, once each: what its next artifact is based on.

        Those of a handler are what was loaded outside of ``with h.run(…)``.
        """
        return self._scope.loaded()

    @overload
    def upload(
        self, local_paths: Paths, labels: LabelsLike = None, *, based_on: BasedOn = None, wait: Literal[True] = True
    ) -> Artifact: ...

    @overload
    def upload(
        self, local_paths: Paths, labels: LabelsLike = None, *, based_on: BasedOn = None, wait: Literal[False]
    ) -> Pending[Artifact]: ...

    def upload(
        self, local_paths: Paths, labels: LabelsLike = None, *, based_on: BasedOn = None, wait: bool = True
    ) -> Artifact | Pending[Artifact]:
        """Save files as one artifact.

        Parameters
        ----------
        local_paths
            A file, a folder (with all it holds), or any iterable of them, generators included.
        labels
            `Labels` or a dict.
        based_on
            What the artifact was made from, instead of what was loaded.
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
        sources = find_sources(local_paths, lake=self.lake.store.folder)
        if not wait and based_on is None:
            based_on = self._scope.here().loaded()
        publication = self._publication(labels, based_on)
        if wait:
            return self._artifact(publication.upload(sources))
        return self._background.submit(lambda: self._artifact(publication.upload(sources)), drop=publication.discard)

    @contextlib.contextmanager
    def new(
        self,
        relpaths: Paths | None = None,
        labels: LabelsLike = None,
        *,
        based_on: BasedOn = None,
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
        declared = declared_in(relpaths)
        publication = self._publication(labels, based_on)
        with writing(publication, declared, log_output=log_output) as written:
            lookups = partial(neighbours_of, self.lake), partial(run_of, self.lake)
            artifact = NewArtifact(written.metadata, written.files, written.logs, *lookups)
            artifact.folder = written.block.folder
            yield artifact
        artifact._publish(written.metadata, files_of(self.lake, written.metadata, naming.LOGS))

    def link(self, place: Paths, labels: LabelsLike = None, *, hash: bool = True, based_on: BasedOn = None) -> Artifact:
        """Record files as an artifact, and leave their bytes where they are.

        Its files are read as those of any artifact. Before that their size and stamp (time of the last change, or the
        entity tag on S3) are compared with what was linked: what changed meanwhile is an error, never read by mistake.

        Parameters
        ----------
        place
            A file, a folder (with all it holds), or several, of this machine; or ``s3://bucket/prefix``: one object,
            or all below it.
        labels, based_on
            As for `upload`.
        hash
            False: read nothing now. `Handler.hash` does it later; until then only size and stamp tell whether a file
            changed.

        Raises
        ------
        SourceNotFoundError
            If there is nothing at a place.
        SourceError
            If it lies in the lake itself, is of another kind, or cannot be read.
        IntegrityError
            If a file changes while it is hashed.
        MetadataError
            If labels cannot be stored.
        StoreError, IndexUnavailableError
            If a store or the index fails.

        """
        found = places.look(self.lake, place)
        publication = self._publication(labels, based_on)
        with discarding(publication):
            files = found.files
            if hash:
                files = linking.hash_files(self.lake, found.root, files, progress=self.progress)
            metadata = publication.publish(files, local_root="", empty_folders=found.empty_folders, link=found.root)
        return self._artifact(metadata)

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
        return self._loaded(self.lake.get(resolve(self.lake, artifact_id)), track)

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

    def find(
        self,
        query: Mapping[str, Any] | None = None,
        *,
        max_docs: int | None = MOST_SHOWN,
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
            At most so many rows; 0 and None mean all. Where none is given, a warning says if there are more, and how
            many (counted to 10,000).
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
        wanted = Options(query, max_docs, sort, columns, exclude_columns, deleted, ancestors_of, descendants_of)
        found = search(self.lake, wanted, among=self._among(ancestors_of, descendants_of))
        found.warn_if_truncated("artifacts")
        return to_frame(found)

    def search(self, query: Mapping[str, Any] | None = None, **options: Unpack[FindOptions]) -> Found:
        """Find artifacts without pandas: ``.rows()`` of the result are plain dicts; options and errors as of `find`."""
        wanted = Options(query, **options)
        return search(self.lake, wanted, among=self._among(wanted.ancestors_of, wanted.descendants_of))

    @contextlib.contextmanager
    def run(self, name: str, params: Mapping[str, Any] | None = None, *, labels: LabelsLike = None) -> Iterator[Run]:
        """Record a piece of work: what is made inside the ``with`` block carries its identifier.

        What was loaded before the block counts inside it; what is loaded inside counts only there. Child processes
        that are started inside go on in it. Runs nest.

        Parameters
        ----------
        name
            What kind of work it is, such as ``"train"``.
        params
            What it depends on, by name; secrets that are recognised are masked.
        labels
            `Labels` or a dict.

        Yields
        ------
        Run
            Its ``log`` records metrics. When the block ends the run is finished, or failed if it raises; if the
            process is killed, that is found out by whoever looks next.

        Raises
        ------
        MetadataError
            If name, parameters or labels cannot be stored.
        StoreError
            If the store cannot be written.

        """
        if self.lake.notice is not None:
            self.lake.notice()
        with running(self.lake, self._scope, name, params, labels) as scope:
            yield self._inside(scope)

    def _inside(self, scope: Scope) -> Run:
        """Make the run that has a scope, at the same lake."""
        raise NotImplementedError

    def _among(self, *near: str | Artifact | None) -> list[str] | None:
        if near == (None, None):
            return None
        above, below = (None if one is None else resolve(self.lake, one) for one in near)
        return relatives(self.lake, ancestors_of=above, descendants_of=below)

    def _artifact(self, metadata: Metadata) -> Artifact:
        files, logs = (files_of(self.lake, metadata, folder) for folder in (naming.FILES, naming.LOGS))
        return Artifact(metadata, files, logs, partial(neighbours_of, self.lake), partial(run_of, self.lake))

    def _loaded(self, document: Document, track: bool) -> Artifact:
        metadata = metadata_of(self.lake, document)
        if track:
            self._scope.here().load(metadata.artifact_id)
        return self._artifact(metadata)

    def _publication(self, labels: LabelsLike, based_on: BasedOn) -> Publication:
        scope = self._scope.here()
        if self.lake.notice is not None:
            self.lake.notice()
        explicit = None if based_on is None else identifiers_of(self.lake, based_on)
        return Publication(
            self.lake,
            run_id=scope.run_id,
            labels=check_labels(labels),
            based_on=scope.loaded if explicit is None else lambda: explicit,
            progress=self.progress,
            git_diff=self._settings["git_diff"].value,
        )
