"""The verbs of a handler that keep a lake whole: look, mend, remove, and add what comes to be known later."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from elliptio.errors import DocumentNotFoundError
from elliptio.lake import run_records, spool
from elliptio.lake.upkeep import GRACE
from elliptio.provenance.collecting import username
from elliptio.runs.facts import note
from elliptio.work import Work

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact
    from elliptio.lake.upkeep.orphans import Orphan
    from elliptio.lake.upkeep.upkeep import ReindexReport
    from elliptio.lake.upkeep.verification import VerifyReport


class Keeping(Work):
    """Keep a lake whole.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as made:
    ...     made.file.upload_string("1,2")
    >>> h.verify().ok, h.gc()
    (True, [])

    """

    def flush(self) -> list[str]:
        """Record artifacts that were saved while the index could not be reached, and return their identifiers.

        Every call that reaches the index does so by itself.

        Raises
        ------
        IndexUnavailableError
            If the index still cannot be reached.

        """
        return spool.flush(self.lake)

    def verify(self, artifact_id: str | Artifact | None = None) -> VerifyReport:
        """Read every file of one artifact, or of the whole lake, its tags and its runs; compare it with the record.

        Returns
        -------
        VerifyReport
            ``.ok``, ``.problems`` (artifact, file, what is wrong), and how much was read. The last one is kept in the
            lake, where `elliptio ui` shows it; of one artifact only if something is, or was, wrong with it.

        """
        from elliptio.finding.references import resolve
        from elliptio.finding.search import warn_if_index_is_lost
        from elliptio.lake.upkeep import verdicts
        from elliptio.lake.upkeep.verification import verify, verify_lake

        if artifact_id is None:
            warn_if_index_is_lost(self.lake)
            report, identifier = verify_lake(self.lake, progress=self.progress), None
        else:
            identifier = resolve(self.lake, artifact_id)
            document = self.lake.get(identifier)
            report, identifier = verify(self.lake, [document], progress=self.progress), document["_id"]
        verdicts.keep(self.lake, identifier, report, username=username())
        return report

    def reindex(self) -> ReindexReport:
        """Rebuild the index from the store alone: add every artifact that is not in it, and tags. Idempotent."""
        from elliptio.lake.upkeep import upkeep

        return upkeep.reindex(self.lake)

    def gc(self, dry_run: bool = True, *, grace: timedelta = GRACE) -> list[Orphan]:
        """List what interrupted saves left; unless `dry_run`, remove what is older than `grace` and not being saved."""
        from elliptio.lake.upkeep import orphans

        return orphans.gc(self.lake, dry_run=dry_run, grace=grace)

    def delete(self, artifact_id: str | Artifact, force: bool = False) -> str | None:
        """Delete an artifact's files for good; a tombstone keeps its place in the lineage.

        Only a whole identifier will do, no beginning of it, or ``tag:NAME``. Its tags are taken away. A command that
        `reproduce` runs deletes only what it made itself; anything else stays, and a warning is logged. The answer is
        the identifier, None where the artifact stays.

        Raises
        ------
        InUseError
            If other artifacts are based on it or tags name it, unless `force`.
        DocumentNotFoundError
            If there is no such artifact.

        """
        from elliptio.finding.references import LATEST, identifier_of, resolve
        from elliptio.lake.upkeep import upkeep

        named = identifier_of(artifact_id)
        if named.endswith(LATEST):
            raise DocumentNotFoundError(f"Deleting takes the whole artifact_id, not {named!r}: it is for good.")
        identifier = resolve(self.lake, named)
        return identifier if upkeep.delete_artifact(self.lake, identifier, force=force, username=username()) else None

    def note(self, artifact_id: str | Artifact, text: str) -> None:
        """Add a remark to an artifact or a run, such as ``"wrong units before May"``: who made it when is recorded.

        The artifact itself stays as it is. Cards show its notes, and they can be asked for: ``{"notes.text": …}``.

        Parameters
        ----------
        artifact_id
            As for `get`, or the identifier of a run.
        text
            The remark; secrets that are recognised are masked.

        Raises
        ------
        DocumentNotFoundError
            If there is no such artifact or run.
        MetadataError
            If it is no text, or too long.
        StoreError, IndexUnavailableError
            If the store cannot be written, or the index not be reached.

        """
        from elliptio.finding.references import resolve
        from elliptio.lake import notes

        remark = note(text)
        spool.flush_if_any(self.lake)
        if isinstance(artifact_id, str) and artifact_id.startswith("run_"):
            run_records.note(self.lake, run_records.get(self.lake, artifact_id)["_id"], remark)
        else:
            notes.add(self.lake, self.lake.get(resolve(self.lake, artifact_id))["_id"], remark)

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
        from elliptio.finding.loading import metadata_of
        from elliptio.finding.references import resolve

        spool.flush_if_any(self.lake)
        document = self.lake.get(resolve(self.lake, artifact_id))
        if document.get("link") is not None:
            from elliptio.saving import linking

            document = linking.hash_later(self.lake, document, progress=self.progress)
        return self._artifact(metadata_of(self.lake, document))
