"""What a handler does with files that stay where they are."""

from __future__ import annotations

from collections.abc import Iterable

from elliptio.artifacts.artifact import Artifact
from elliptio.finding.loading import artifact_of, metadata_of
from elliptio.labels import check_labels
from elliptio.lake import spool
from elliptio.saving import linking, places
from elliptio.saving.publication import Publication, discarding
from elliptio.saving.sources import PathLike
from elliptio.session import BasedOn, LabelsLike, Session


class LinkVerbs(Session):
    """A part of `Handler`."""

    def link(
        self,
        place: PathLike | Iterable[PathLike],
        labels: LabelsLike = None,
        *,
        hash: bool = True,
        based_on: BasedOn | None = None,
    ) -> Artifact:
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
            False: read nothing now. `hash` does it later; until then only size and stamp tell whether a file changed.

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
        publication = self._begin(labels, based_on)
        with discarding(publication):
            files = found.files
            if hash:
                files = linking.hash_files(self.lake, found.root, files, progress=self.progress)
            metadata = publication.publish(files, local_root="", link=found.root)
        return artifact_of(self.lake, metadata)

    def hash(self, artifact_id: str | Artifact) -> Artifact:
        """Hash the files of a link that was made with ``hash=False``; one that is hashed stays as it is.

        Parameters
        ----------
        artifact_id
            As for `get`.

        Returns
        -------
        Artifact
            With the hashes, and the fingerprint that follows from them.

        Raises
        ------
        DocumentNotFoundError
            If there is no such artifact.
        IntegrityError
            If a file is not what it was when it was linked.
        MissingKeyError
            If a file is gone.
        StoreError, IndexUnavailableError
            If a store or the index fails.

        """
        spool.flush_if_any(self.lake)
        document = self.lake.get(self._identifier(artifact_id))
        metadata = metadata_of(self.lake, document)
        if metadata.link is not None:
            linking.hash_later(self.lake, metadata, document["remote_root"], progress=self.progress)
            metadata = metadata_of(self.lake, self.lake.get(metadata.artifact_id))
        return artifact_of(self.lake, metadata)

    def _begin(self, labels: LabelsLike, based_on: BasedOn | None) -> Publication:
        scope = self._scope()
        explicit = None if based_on is None else self._identifiers(based_on)
        return Publication(
            self.lake,
            run_id=scope.run_id,
            labels=check_labels(labels),
            based_on=scope.loaded if explicit is None else lambda: explicit,
            progress=self.progress,
            git_diff=self._settings["git_diff"].value,
        )
