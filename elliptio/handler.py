"""The handler: one user at one lake, and the verbs beside those of its unit of work."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from elliptio.config import at_its_file, load_settings
from elliptio.errors import DocumentNotFoundError
from elliptio.keeping import Keeping
from elliptio.lake import spool
from elliptio.lake.opening import open_lake
from elliptio.run import Run
from elliptio.runs.running import joined
from elliptio.runs.scopes import Scope
from elliptio.system import current_handler
from elliptio.system.background import Background

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from elliptio.artifacts.artifact import Artifact
    from elliptio.artifacts.file import RemoteFile
    from elliptio.finding.search import Found
    from elliptio.finding.tags import Tags
    from elliptio.lineage.comparison.comparison import Comparison
    from elliptio.lineage.comparison.sides import Side
    from elliptio.lineage.lineage import Direction, Lineage
    from elliptio.lineage.reproduction.reproduction import Reproduction
    from elliptio.protocols import Index, Store
    from elliptio.runs.runs import Runs
    from elliptio.ui.framing import Framed


class Handler(Keeping):
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

    Raises
    ------
    ConfigError
        If the settings are wrong or contradict each other.
    MissingExtraError
        If the root needs a package that is not installed.

    Examples
    --------
    >>> from pathlib import Path
    >>> import elliptio as eio
    >>> written = Path("data.csv").write_text("1,2")
    >>> h = eio.Handler("lake")
    >>> artifact = h.upload("data.csv", {"project": "penguins"})
    >>> found = h.find({"labels.project": "penguins"})
    >>> h.get(found.index[0]) == artifact
    True

    """

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
        url = index if isinstance(index, str) else None
        settings = load_settings({"index": url, "durability": durability, "progress": progress})
        lake = open_lake(settings, root, index, collection=collection, remote_file_cls=remote_file_cls)
        super().__init__(lake, joined(lake), settings, Background())
        current_handler.opened(self)

    @classmethod
    def _of_project(cls, folder: Path, given: Mapping[str, Any] | None = None) -> Self:
        """Make the handler of a project's settings, wherever the process stands; what is `given` wins."""
        handler = cls.__new__(cls)
        settings = load_settings(given, directory=folder)
        # What is relative lies in the project, as its other places do, wherever its command is called.
        settings |= {name: at_its_file(settings[name], folder) for name in ("root", "index")}
        lake = open_lake(settings, None, None, collection=None, remote_file_cls=None)
        Keeping.__init__(handler, lake, joined(lake), settings, Background())
        current_handler.opened(handler)
        return handler

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.store.root!r}, index={self.index.address!r}, run_id={self.run_id!r})"

    @property
    def store(self) -> Store:
        """Store that holds this lake's files."""
        return self.lake.store

    @property
    def index(self) -> Index:
        """Index that holds this lake's documents."""
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
        if self._scope.run is not None:
            self._scope.run.flush()
        self.lake.close()
        if error is not None:
            raise error

    def tag(self, artifact: str | Artifact, name: str, *, overwrite: bool = False) -> None:
        """Give an artifact a name that can move to another one later, as `Tags.give` does: ``h.get("tag:prod")``."""
        self.tags.give(artifact, name, overwrite=overwrite)

    @property
    def tags(self) -> Tags:
        """Tags of this lake: ``h.tags()`` lists them, ``h.tags.history(name)`` tells all moves of one."""
        from elliptio.finding.tags import Tags

        return Tags(self.lake)

    @property
    def runs(self) -> Runs:
        """Runs of this lake: ``h.runs(query)`` finds them, ``h.runs.tree(run_id)`` shows one with all in it."""
        from elliptio.runs.runs import Runs

        return Runs(self.lake)

    @property
    def current_run(self) -> Run | None:
        """Run that the code at hand is part of, as begun by `run` here or by the process that started this one."""
        scope = self._scope.here()
        return None if scope.run is None else self._inside(scope)

    def _inside(self, scope: Scope) -> Run:
        return Run(self.lake, scope, self._settings, self._background)

    def ui(self, *, origin: str | None = None, port: int = 0, height: int = 760) -> Framed:
        """Show this lake in a notebook, as `elliptio ui` does in the browser: in a frame, served by this process.

        What is looked at there leaves no trace. Asked again in the same way, it returns the view that is there.

        Parameters
        ----------
        origin
            Origin of the page that may show it in a frame, such as ``"http://localhost:8888"``; by default that of the
            Jupyter server that began this kernel, if that is known.
        port
            Where it listens on this machine; 0: a port that is free.
        height
            Of the frame, in pixels.

        Returns
        -------
        Framed
            ``.url`` opens it in a tab of its own, ``.close()`` ends it; so does the end of the process.

        Raises
        ------
        MissingExtraError
            If the extra ``ui`` is not installed.
        ConfigError
            If the origin is none, or the port is taken.

        """
        # By its name: it is a layer above, of which this one knows nothing else.
        found: Framed = import_module("elliptio.ui").framed(self, origin=origin, port=port, height=height)
        return found

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
            "username": …}`` of a deleted artifact, else None). An empty result has the same columns. A deleted
            artifact is there only if the file was the only one that it had: no hashes are kept of more.

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

        """
        from elliptio.finding.frame import to_frame

        return to_frame(self.owners(path, large=large))

    def owners(self, path: str | os.PathLike[str], *, large: bool = True) -> Found:
        """Tell whose file this is without pandas: parameters, columns and errors as of `identify`."""
        from elliptio.finding.identification import identify

        return identify(self.lake, path, large=large)

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
        from elliptio.finding.references import resolve
        from elliptio.lineage.lineage import lineage

        spool.flush_if_any(self.lake)
        return lineage(self.lake, resolve(self.lake, artifact_id), direction=direction, depth=depth)

    def compare(self, a: str | Artifact | Run, b: str | Artifact | Run | None = None) -> Comparison:
        """Tell what differs between two artifacts or runs, or between one and here and now.

        Parameters
        ----------
        a, b
            What `get` takes, artifacts, also of another lake, or runs and their identifiers. Without `b`, packages,
            Python, machine and git are compared with those of this process, and who, when and how it runs.

        Returns
        -------
        Comparison
            ``.same``, ``.packages``, ``.python``, ``.machine``, ``.git``, ``.labels``, ``.files``, ``.who_when``; it
            shows itself as a table.

        Raises
        ------
        DocumentNotFoundError
            If there is no such artifact or run, or it is not published yet.
        IndexUnavailableError
            If the index cannot be reached.

        """
        from elliptio.lineage.comparison import sides
        from elliptio.lineage.comparison.comparison import compare

        other = sides.of_here(self._settings["git_diff"].value) if b is None else self._side(b)
        return compare(self._side(a), other)

    def _side(self, one: str | Artifact | Run) -> Side:
        from elliptio.artifacts.artifact import Artifact
        from elliptio.lineage.comparison import sides

        if isinstance(one, Run) or (isinstance(one, str) and one.startswith("run_")):
            return sides.of_run(self.lake, one if isinstance(one, str) else one.run_id)
        artifact = one if isinstance(one, Artifact) else self.show(one)
        if not artifact.metadata.fingerprint:
            raise DocumentNotFoundError(f"{artifact.artifact_id} is not published yet.")
        return sides.of_artifact(artifact)

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

        Without `run`, no recorded code is run. Nothing is written to any other checkout or environment.

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

        """
        from elliptio.finding.references import resolve
        from elliptio.lineage.reproduction.reproduction import Reproduction

        identifier, url = resolve(self.lake, artifact_id), self._settings["index"].value
        found = Reproduction(self, identifier, into, ancestors=ancestors, index_url=url)
        if not dry_run:
            found.run() if run else found.prepare()
        return found
