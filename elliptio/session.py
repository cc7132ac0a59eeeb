"""A session: one user at one lake, and the verbs beside saving and finding."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.files import RemoteFile
from elliptio.config import load_settings
from elliptio.errors import DocumentNotFoundError, MetadataError
from elliptio.finding.frame import moves_frame, to_frame
from elliptio.finding.identification import identify
from elliptio.finding.loading import artifact_of, metadata_of
from elliptio.finding.references import LATEST, is_name, resolve
from elliptio.labels import Labels
from elliptio.lake import spool, tagging, tags
from elliptio.lake.opening import open_lake
from elliptio.lake.upkeep import upkeep
from elliptio.lake.upkeep.upkeep import Orphan, ReindexReport
from elliptio.lake.upkeep.verification import VerifyReport, verify, verify_runs, verify_tags
from elliptio.lineage.comparison.comparison import Comparison, compare
from elliptio.lineage.lineage import Direction, Lineage, lineage
from elliptio.provenance.collecting import username
from elliptio.run_verbs import RunVerbs
from elliptio.system import current_handler
from elliptio.system.background import Background

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.lineage.reproduction.reproduction import Reproduction
    from elliptio.protocols import Index, Store

LabelsLike = Labels | Mapping[str, Any] | None
BasedOn = str | Artifact | Iterable[str | Artifact]


class Session(RunVerbs):
    """What `Handler` has beside saving and finding; its docstring says how to make one."""

    def __init__(
        self,
        root: str | os.PathLike[str] | Store | None = None,
        index: str | Index | None = None,
        *,
        remote_file_cls: type[RemoteFile] | None = None,
        collection: Any = None,
        durability: str | None = None,
        progress: bool | None = None,
    ) -> None:
        self._settings = load_settings(
            {"index": index if isinstance(index, str) else None, "durability": durability, "progress": progress}
        )
        self.lake = open_lake(
            self._settings,
            root=root,
            index=None if isinstance(index, str) else index,
            collection=collection,
            remote_file_cls=remote_file_cls,
        )
        self.progress = bool(self._settings["progress"].value)
        self._join()
        self._background = Background()
        current_handler.opened(self)

    def __repr__(self) -> str:
        root, index = self.lake.store.root, self.lake.index.address
        return f"{type(self).__name__}({root!r}, index={index!r}, run_id={self.run_id!r})"

    @property
    def store(self) -> Store:
        """The store that holds this lake's files."""
        return self.lake.store

    @property
    def index(self) -> Index:
        """The index that holds this lake's documents."""
        return self.lake.index

    def __enter__(self) -> Self:
        current_handler.opened(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: object) -> None:
        try:
            self.close()
        except Exception as error:
            if raised is None:
                raise
            raised.add_note(f"A save in the background failed too: {error}")

    def close(self) -> None:
        """Wait for what is saved in the background, and release connections; they are opened again when needed.

        Raises
        ------
        ElliptioError
            The first error of a save with ``wait=False`` whose future nobody has asked.

        """
        current_handler.closed(self)
        error = self._background.finish()
        if self._root.run is not None:
            self._root.run.flush()
        self.lake.close()
        if error is not None:
            raise error

    def flush(self) -> list[str]:
        """Record artifacts that were saved while the index could not be reached, and return their identifiers.

        Every call that reaches the index does so by itself.

        Raises
        ------
        IndexUnavailableError
            If the index still cannot be reached.

        """
        return spool.flush(self.lake)

    def tag(self, artifact: str | Artifact, name: str, *, overwrite: bool = False) -> None:
        """Give an artifact a name that can move to another one later: ``h.get("tag:prod")``.

        An artifact can have several tags, a tag names one artifact. Of several who set it at once, one succeeds.

        Parameters
        ----------
        artifact
            An artifact, or whatever `get` takes.
        name
            Any text of up to 80 bytes without ``/``, ``:`` and characters that cannot be printed.
        overwrite
            True: move the tag if it names another artifact.

        Raises
        ------
        TagTakenError
            If it names another artifact, unless `overwrite`; the message says which, and who set it when.
        MetadataError
            If this cannot be the name of a tag.
        DocumentNotFoundError
            If there is no such artifact.
        StoreError
            If the store cannot be written.

        Notes
        -----
        If the index cannot be reached the tag is set all the same, and `get` knows it. A `SpooledWarning` says that
        `find` does not know it yet.

        In a command that `reproduce` runs the lake's tags stay as they are: this process alone sees what it tags.

        """
        tagging.tag(self.lake, self._identifier(artifact), name, overwrite=overwrite, username=username())

    def untag(self, name: str) -> None:
        """Take a tag away. Its history stays. In a command that `reproduce` runs, it is gone for this process alone.

        Raises
        ------
        DocumentNotFoundError
            If there is no such tag.
        StoreError
            If the store cannot be written.

        """
        tagging.untag(self.lake, name, username=username())

    def tags(self, history: str | None = None) -> pd.DataFrame:
        """List the tags, or all moves of one.

        Parameters
        ----------
        history
            Name of a tag: what it named since when and who moved it, the last move first.

        Returns
        -------
        pandas.DataFrame
            Columns ``tag``, ``artifact_id`` (None in a history where the tag was taken away), ``time`` (UTC) and
            ``username``: when it was set, and by whom. One row a tag, in the order of their names, or one a move.

        Raises
        ------
        DocumentNotFoundError
            If there never was such a tag.
        FormatError
            If a move in its history is damaged.
        StoreError
            If the store cannot be read.

        """
        moves = tags.current(self.lake).values() if history is None else tags.history(self.lake, history)
        return moves_frame(list(moves))

    def identify(self, path: str | os.PathLike[str], *, large: bool = True) -> pd.DataFrame:
        """Tell whose file this is: the artifacts that hold a file of exactly this content, under whatever name.

        Parameters
        ----------
        path
            A local file; it is read once.
        large
            False: do not look into artifacts of more than 10,000 files. Only their ``metadata.json`` lists the files,
            so it is read of each such artifact that is large enough.

        Returns
        -------
        pandas.DataFrame
            One row an artifact, the newest first, indexed by ``artifact_id``; columns ``relpath`` (its name there),
            ``creation_time`` (UTC), ``username``, ``labels``, ``based_on``, ``argv``, ``git``, ``relpaths`` (all its
            names, if it is there more than once), ``remote_root``, ``run_id``, ``deleted`` (``{"time": …,
            "username": …}`` of a deleted artifact, else None). An empty result has the same columns.

        Raises
        ------
        SourceNotFoundError
            If the path does not exist.
        SourceError
            If it is a folder, or anything else but a file.
        StoreError
            If it cannot be read.
        IndexUnavailableError
            If the index cannot be reached.

        Notes
        -----
        Of a deleted artifact this can be told only if the file was the only one that it had: no hashes are kept of
        more.

        """
        return to_frame(identify(self.lake, path, large=large))

    def lineage(
        self, artifact_id: str | Artifact, *, direction: Direction = "both", depth: int | None = None
    ) -> Lineage:
        """Show what an artifact was made from, and what was made of it, over all generations.

        Parameters
        ----------
        artifact_id
            As for `get`; a deleted artifact's will do.
        direction
            ``"up"``: only what it was made from. ``"down"``: only what was made of it.
        depth
            So many generations; all without it.

        Raises
        ------
        DocumentNotFoundError
            If there is, and was, no such artifact.
        QueryError
            If the direction or the depth is none.
        IndexUnavailableError
            If the index cannot be reached.

        """
        spool.flush_if_any(self.lake)
        return lineage(self.lake, self._identifier(artifact_id), direction=direction, depth=depth)

    def compare(self, a: str | Artifact, b: str | Artifact | None = None) -> Comparison:
        """Tell what differs between two artifacts, or between one and here and now.

        Parameters
        ----------
        a, b
            What `get` takes, or artifacts, also of another lake. Without `b`, packages, Python, machine and git are
            compared with those of this process, and who, when and how it runs.

        Returns
        -------
        Comparison
            ``.same``, ``.packages``, ``.python``, ``.machine``, ``.git``, ``.labels``, ``.files``, ``.who_when``; it
            shows itself as a table.

        Raises
        ------
        DocumentNotFoundError
            If there is no such artifact, or it is not published yet.
        IndexUnavailableError
            If the index cannot be reached.

        """
        return compare(
            self._published(a),
            None if b is None else self._published(b),
            git_diff=self._settings["git_diff"].value,
        )

    def reproduce(
        self,
        artifact_id: str | Artifact,
        into: str | os.PathLike[str] | None = None,
        *,
        run: bool = False,
        ancestors: bool = False,
        dry_run: bool = False,
    ) -> Reproduction:
        """Make an artifact again: restore its code and packages, verify its inputs, and run its command if asked to.

        Parameters
        ----------
        artifact_id
            As for `get`.
        into
            A new or empty folder for code and environment; by default one in the working directory.
        run
            True: run the command on this lake, and compare what it makes with the artifact, file by file.
        ancestors
            True: make all that it was made from again too, the oldest first, each compared with its own original.
        dry_run
            True: only tell what would be done, and what cannot be restored. The inputs are read for that.

        Returns
        -------
        Reproduction
            ``.obstacles`` (what cannot be restored as it was), ``.command``, ``.folder``; with `run`, ``.results`` and
            ``.same``. It shows itself.

        Raises
        ------
        DocumentNotFoundError
            If there is no such artifact.
        ReproductionError
            If the folder is not empty, or something cannot be restored that was not known to be an obstacle. With
            `run`, if the command cannot be run: nothing is restored then.
        IndexUnavailableError
            If the index cannot be reached.

        Notes
        -----
        Without `run`, no recorded code is run. Nothing is written to any other checkout or environment.

        """
        from elliptio.lineage.reproduction.reproduction import Reproduction

        folder = None if into is None else Path(into)
        url = self._settings["index"].value
        found = Reproduction(self, self._identifier(artifact_id), folder, ancestors=ancestors, index_url=url)
        if run and not dry_run:
            found.run()
        elif not dry_run:
            found.prepare()
        return found

    def _published(self, artifact: str | Artifact) -> Artifact:
        """Load an artifact, without taking it for what the next one is based on."""
        if isinstance(artifact, Artifact):
            if not artifact.metadata.fingerprint:
                raise DocumentNotFoundError(f"{artifact.artifact_id} is not published yet.")
            return artifact
        spool.flush_if_any(self.lake)
        return artifact_of(self.lake, metadata_of(self.lake, self.lake.get(self._identifier(artifact))))

    def _identifier(self, artifact: str | Artifact) -> str:
        """Identifier of what a user names, or a beginning of it."""
        return resolve(self.lake, identifier_of(artifact))

    def _identifiers(self, based_on: BasedOn) -> list[str]:
        several = [based_on] if isinstance(based_on, str | Artifact) else list(based_on)
        identifiers = [entry.artifact_id if isinstance(entry, Artifact) else entry for entry in several]
        for identifier in identifiers:
            known = isinstance(identifier, str) and (identifier.startswith("artifact_") or is_name(identifier))
            if not known or not identifier.isprintable():
                shown = repr(identifier) if isinstance(identifier, str) else f"a {type(identifier).__name__}"
                raise MetadataError(f"based_on takes artifacts or their identifiers ('artifact_…'), not {shown}.")
        return list(dict.fromkeys(resolve(self.lake, identifier) for identifier in identifiers))

    def verify(self, artifact_id: str | Artifact | None = None) -> VerifyReport:
        """Read every file of one artifact, or of the whole lake, its tags and its runs; compare it with the record.

        Returns
        -------
        VerifyReport
            ``.ok``, ``.problems`` (artifact, file, what is wrong), and how much was read.

        """
        if artifact_id is not None:
            return verify(self.lake, [self.lake.get(self._identifier(artifact_id))], progress=self.progress)
        documents = self.lake.find({}, sort=(), limit=0)
        report = verify(self.lake, documents, progress=self.progress)
        report.problems += [*verify_tags(self.lake), *verify_runs(self.lake)]
        return report

    def reindex(self) -> ReindexReport:
        """Rebuild the index from the store alone: add every artifact that is not in it, and tags. Idempotent."""
        return upkeep.reindex(self.lake)

    def gc(self, dry_run: bool = True, *, grace: timedelta = upkeep.GRACE) -> list[Orphan]:
        """List what interrupted saves left behind; with ``dry_run=False``, remove what is older than `grace`."""
        return upkeep.gc(self.lake, dry_run=dry_run, grace=grace)

    def delete(self, artifact_id: str | Artifact, force: bool = False) -> None:
        """Delete an artifact's files for good; a tombstone keeps its place in the lineage.

        Only a whole identifier will do, no beginning of it, or ``tag:NAME``. Its tags are taken away. A command that
        `reproduce` runs deletes only what it made itself; anything else stays, and a warning is logged.

        Raises
        ------
        InUseError
            If other artifacts are based on it or tags name it, unless `force`.
        DocumentNotFoundError
            If there is no such artifact.

        """
        named = identifier_of(artifact_id)
        if named.endswith(LATEST):
            raise DocumentNotFoundError(f"Deleting takes the whole artifact_id, not {named!r}: it is for good.")
        upkeep.delete_artifact(self.lake, resolve(self.lake, named), force=force, username=username())


def identifier_of(artifact: str | Artifact) -> str:
    """Identifier of an artifact that a user names."""
    if isinstance(artifact, Artifact):
        return artifact.artifact_id
    if not isinstance(artifact, str):
        raise DocumentNotFoundError(f"An artifact_id is a text, not a {type(artifact).__name__}.")
    return artifact
