"""The verbs of one unit of work that find and load artifacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from elliptio.finding.options import MOST_SHOWN, FindOptions, Options
from elliptio.lake import spool
from elliptio.runs.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.artifacts.artifact import Artifact
    from elliptio.config import Setting
    from elliptio.finding.search import Found
    from elliptio.lake.lake import Lake
    from elliptio.protocols import Document
    from elliptio.runs.scopes import Scope
    from elliptio.system.background import Background


class Reading:
    """Find and load artifacts of one lake in one unit of work.

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

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as made:
    ...     made.file.upload_string("1,2")
    >>> h.show(made.artifact_id).file.download_string(), h.based_on
    ('1,2', [])

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

    def get(self, artifact_id: str | Artifact, *, track: bool = True) -> Artifact:
        """Load an artifact, and remember it as what the next one is based on.

        Parameters
        ----------
        artifact_id
            Identifier, or a beginning of it that fits only one. ``"tag:NAME"``: what this tag names now.
            ``"NAME:latest"``: the newest artifact with a file of exactly this name, or with it as label ``dataset`` or
            ``project``.
        track
            False: only to look at; nothing that is read of it counts, as with `show`.

        Raises
        ------
        DocumentNotFoundError
            If there is no such artifact, or the beginning fits several, or the file, the dataset and the project NAME
            have different newest ones.
        IndexUnavailableError
            If the index cannot be reached.

        """
        from elliptio.finding.references import resolve

        spool.flush_if_any(self.lake)
        return self._loaded(self.lake.get(resolve(self.lake, artifact_id)), track)

    def show(self, artifact_id: str | Artifact) -> Artifact:
        """Load an artifact to look at it: neither that nor reading its files counts as what the next one is based on.

        Parameters and errors as of `get`, of which it is the short form with ``track=False``.
        """
        return self.get(artifact_id, track=False)

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
        from elliptio.finding.references import latest

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
            and the other fields of the environment can be queried too, and those of the run that made it:
            ``{"run.params.C": 1, "run.metrics.accuracy": {"$gt": 0.9}}``.
        max_docs
            At most so many rows; 0 and None mean all. Where none is given, a warning says if there are more, and how
            many (counted to 10,000).
        sort
            ``"path"``, ``"-path"`` or a list of ``(path, 1 or -1)``; newest first without it, and what was made to
            reproduce another after all others, unless the query asks for ``reproduces``.
        columns
            Only these, dotted paths such as ``"labels.project"`` and ``"run.metrics.loss"`` included; ``"all"``:
            all that there are, those too that say how an artifact is kept, such as ``remote_root``.
        exclude_columns
            Left out when `columns` are not named.
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
        from elliptio.finding.frame import to_frame
        from elliptio.finding.search import search

        wanted = Options(query, max_docs, sort, columns, exclude_columns, deleted, ancestors_of, descendants_of)
        found = search(self.lake, wanted, among=self._among(ancestors_of, descendants_of))
        found.warn_if_truncated("artifacts")
        return to_frame(found)

    def search(self, query: Mapping[str, Any] | None = None, **options: Unpack[FindOptions]) -> Found:
        """Find artifacts without pandas: ``.rows()`` of the result are plain dicts; options and errors as of `find`."""
        from elliptio.finding.search import search

        wanted = Options(query, **options)
        return search(self.lake, wanted, among=self._among(wanted.ancestors_of, wanted.descendants_of))

    def _among(self, *near: str | Artifact | None) -> list[str] | None:
        if near == (None, None):
            return None
        from elliptio.finding.references import resolve
        from elliptio.lineage.lineage import relatives

        above, below = (None if one is None else resolve(self.lake, one) for one in near)
        return relatives(self.lake, ancestors_of=above, descendants_of=below)

    def _loaded(self, document: Document, track: bool) -> Artifact:
        from elliptio.finding.loading import artifact_of, metadata_of

        metadata = metadata_of(self.lake, document)
        if track:
            self._scope.here().load(metadata.artifact_id)
        return artifact_of(self.lake, metadata, track=track)
