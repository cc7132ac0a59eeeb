"""The verbs of one unit of work: save, link, get, find, and do work inside it.

`Handler` is one for as long as it is open, `Run` is one for the length of its block: each has its scope.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from elliptio import naming
from elliptio.labels import LabelsLike, check_labels
from elliptio.reading import Reading
from elliptio.runs.running import running

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact, NewArtifact
    from elliptio.finding.references import BasedOn
    from elliptio.metadata import Metadata
    from elliptio.run import Run
    from elliptio.runs.scopes import Scope
    from elliptio.saving.publication import Publication
    from elliptio.saving.sources import Paths
    from elliptio.system.background import Pending


class Work(Reading):
    """One unit of work at one lake: what it saves is based on what it loaded. It is made as `Reading` is."""

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
        from elliptio.saving.sources import find_sources

        sources = find_sources(local_paths, lake=self.lake.store.folder)
        if not wait and based_on is None:
            based_on = self._scope.here().loaded()
        publication = self._publishing(labels, based_on)()
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
        from elliptio.artifacts.artifact import NewArtifact
        from elliptio.artifacts.files import files_of
        from elliptio.finding.loading import neighbours_of, run_of
        from elliptio.saving.sources import declared_in
        from elliptio.saving.writing import writing

        declared = declared_in(relpaths)
        publication = self._publishing(labels, based_on)()
        with writing(publication, declared, log_output=log_output) as written:
            lookups = partial(neighbours_of, self.lake), partial(run_of, self.lake)
            artifact = NewArtifact(written.metadata, written.files, written.logs, *lookups)
            artifact.folder = written.block.folder
            yield artifact
        artifact._publish(written.metadata, files_of(self.lake, written.metadata, naming.LOGS))

    def save(
        self,
        value: Any,
        name: str | os.PathLike[str] | None = None,
        labels: LabelsLike = None,
        *,
        format: str | None = None,
        based_on: BasedOn = None,
        **options: Any,
    ) -> Artifact:
        """Save a value as a file, by the suffix of its name; ``.load()`` of the artifact gives it back, equal.

        What a format would change is kept beside the data, or refused before anything is published.

        Parameters
        ----------
        value
            A table, an array, a text, plain values, an image, a figure, a model of scikit-learn, …; a
            `elliptio.models.DataModel`; or, where no name is given, a mapping from names to such values, which become
            the files of one artifact.
        name
            Of the file: ``"train.parquet"``. Without a suffix it gets the usual one of the value's class. Of a data
            model it is the label.
        labels, based_on
            As for `upload`.
        format
            Name of a format, instead of that of the suffix; ``"pickle"`` has to be named.
        options
            Passed on to the format, such as ``compression="zstd"`` of Parquet.

        Raises
        ------
        ValueRefusedError
            If a value would not come back equal. The message names where in it that is, and what to do.
        UnknownFormatError
            If there is no such format, none for this suffix, or none for this class.
        FormatOptionError
            If the format has no such option.
        MissingExtraError
            If a library is not installed.
        SourceError, MetadataError
            If a name or labels cannot be stored.
        StoreError, IndexUnavailableError
            If the store or the index fails.

        """
        from elliptio.saving import values

        planned = values.plan(value, name, format, options, self.lake)
        publication = self._publishing(labels, based_on)(**planned.facts)
        return self._artifact(values.save(publication, planned.files, options))

    def save_many(
        self, values: Iterable[tuple[Any, str]], labels: LabelsLike = None, *, based_on: BasedOn = None
    ) -> list[Artifact]:
        """Save values, each as an artifact of its own, whole or not at all.

        On a local lake they are flushed to disk once, and an error leaves none of them.

        Parameters
        ----------
        values
            Pairs of a value and its name, as for `save`.
        labels, based_on
            As for `upload`; of all of them.

        Returns
        -------
        list of Artifact
            In the order of the values.

        Raises
        ------
        ElliptioError
            As `save` does; nothing was saved then that does not fit.

        """
        return self._save_many(values, labels, based_on)

    def _save_many(
        self,
        pairs: Iterable[tuple[Any, str]],
        labels: LabelsLike = None,
        based_on: BasedOn = None,
        *,
        run_id: str | None = None,
    ) -> list[Artifact]:
        from elliptio.saving import values

        # What does not fit is found before anything is written.
        planned = values.plan_many(pairs, self.lake)
        publishing = self._publishing(labels, based_on, run_id=run_id)
        made = values.save_all([(one, publishing) for one in planned])
        return [self._artifact(metadata) for metadata in made]

    def link(self, place: Paths, labels: LabelsLike = None, *, hash: bool = True, based_on: BasedOn = None) -> Artifact:
        """Record files as an artifact, and leave their bytes where they are.

        Its files are read as those of any artifact. Before that their size and stamp (times of the last write and
        change, or the entity tag on S3) are compared with what was linked: what changed meanwhile is an error, never
        read by mistake.

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
        from elliptio.saving import linking, places
        from elliptio.saving.publication import discarding

        found = places.look(self.lake, place)
        publication = self._publishing(labels, based_on)()
        with discarding(publication):
            files = found.files
            if hash:
                files = linking.hash_files(self.lake, found.root, files, progress=self.progress)
            metadata = publication.publish(files, local_root="", empty_folders=found.empty_folders, link=found.root)
        return self._artifact(metadata)

    @contextlib.contextmanager
    def run(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        *,
        labels: LabelsLike = None,
        log_output: bool = False,
    ) -> Iterator[Run]:
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
        log_output
            Keep what Python code prints and logs in the block, secrets masked: ``h.runs.logs(run_id)["output.log"]``.

        Yields
        ------
        Run
            Its ``log`` records metrics. Commit, uncommitted changes, environment, command and working directory are
            recorded when it begins. When the block ends the run is finished, or failed if it raises, with the
            traceback in ``error``; if the process is killed, that is found out by whoever looks next.

        Raises
        ------
        MetadataError
            If name, parameters or labels cannot be stored.
        StoreError
            If the store cannot be written.

        """
        if self.lake.notice is not None:
            self.lake.notice()
        git_diff = self._settings["git_diff"].value
        begun = running(self.lake, self._scope, name, params, labels, log_output=log_output, git_diff=git_diff)
        with begun as scope:
            yield self._inside(scope)

    def _inside(self, scope: Scope) -> Run:
        """Make the run that has a scope, at the same lake."""
        raise NotImplementedError

    def _artifact(self, metadata: Metadata) -> Artifact:
        # As `artifact_of` does, in this file: a save goes through few.
        from elliptio.artifacts.artifact import Artifact
        from elliptio.artifacts.files import files_of
        from elliptio.finding.loading import neighbours_of, run_of

        files, logs = (files_of(self.lake, metadata, folder) for folder in (naming.FILES, naming.LOGS))
        return Artifact(metadata, files, logs, partial(neighbours_of, self.lake), partial(run_of, self.lake))

    def _publishing(
        self, labels: LabelsLike, based_on: BasedOn, *, run_id: str | None = None
    ) -> Callable[..., Publication]:
        # What many share is looked up once, and `based_on` may be an iterator.
        from elliptio.finding.references import identifiers_of
        from elliptio.saving.publication import Publication

        scope = self._scope.here()
        if self.lake.notice is not None:
            self.lake.notice()
        if scope.saving is not None:
            scope.saving()
        explicit = None if based_on is None else identifiers_of(self.lake, based_on)
        return partial(
            Publication,
            self.lake,
            run_id=run_id or scope.run_id,
            labels=check_labels(labels),
            based_on=scope.loaded if explicit is None else lambda: explicit,
            progress=self.progress,
            git_diff=self._settings["git_diff"].value,
        )
