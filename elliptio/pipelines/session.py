"""A session: one project, its settings, its catalog, its pipelines, and the lake that keeps what they make."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from elliptio.pipelines import active
from elliptio.pipelines.catalog.catalog import Catalog
from elliptio.pipelines.coding import Codes
from elliptio.pipelines.errors import ProjectError
from elliptio.pipelines.hooks import Hooks
from elliptio.pipelines.project.importing import load_entrypoint, make_importable
from elliptio.pipelines.project.places import Project, find_project
from elliptio.pipelines.project.settings import Settings
from elliptio.pipelines.project.settings_files import read_settings
from elliptio.pipelines.project.yaml_files import Reader

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.handler import Handler
    from elliptio.pipelines.code import Code
    from elliptio.pipelines.crafts.craft import CraftFunction
    from elliptio.pipelines.defined import DefinedPipelines
    from elliptio.pipelines.project.configurations import Configurations
    from elliptio.pipelines.snapshots.lake import LakeBackend
    from elliptio.provenance.collecting import Provenance

F = TypeVar("F", bound=Callable[..., Any])


class UserSpace(SimpleNamespace):
    """A space for what users want to keep in a session: ``sess._["value"]`` and ``sess._.value`` are the same."""

    def __getitem__(self, name: str) -> Any:
        return vars(self)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __delitem__(self, name: str) -> None:
        del vars(self)[name]

    def __contains__(self, name: object) -> bool:
        return name in vars(self)

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self))

    def __len__(self) -> int:
        return len(vars(self))


class BaseSession(Hooks):
    """A project that is open: what a class of users that brings hooks derives from.

    Parameters
    ----------
    root_folder
        A folder of the project; the working directory without it. The project is the first one at or above it.
    handler
        Handler of the lake that keeps what is made; that of the project's settings without it.

    Attributes
    ----------
    root
        Root of the project.

    Raises
    ------
    ProjectNotFoundError
        If there is no ``pyproject.toml`` with a table ``[tool.elliptio.pipelines]`` or ``[tool.statisfactory]``.
    ProjectError
        If a file of the project is wrong.

    Examples
    --------
    >>> from elliptio.pipelines.session import BaseSession
    >>> class MySession(BaseSession):
    ...     custom_value = 1
    >>> @MySession.hook_post_init()
    ... def do_stuff(sess):
    ...     sess._["value"] = sess.custom_value
    ...     return sess

    """

    def __init__(self, root_folder: str | os.PathLike[str] | None = None, *, handler: Handler | None = None) -> None:
        if hasattr(self, "project"):  # made by `Session`, which gives an object of the project's own class
            return
        self.project: Project = find_project(root_folder)
        self.root: Path = self.project.root
        self._handler = handler
        self._space = UserSpace()
        if self.project.configuration.exists():
            # What is wrong in it is said now; where the table names a folder that is not there, when it is used.
            _ = self.settings
        make_importable(self.project)
        self.kept_codes: set[str] = set()
        self._codes: Codes | None = None
        self._seen: Provenance | None = None
        self._run_hooks("post_init", self)

    @classmethod
    def hook_post_init(cls, last: bool = True) -> Callable[[F], F]:
        """Register a function that is called with each new session of this class, and of those derived from it.

        Parameters
        ----------
        last
            False: before those that are registered already.

        """
        return cls._hook("post_init", last)

    @staticmethod
    def get_session() -> BaseSession:
        """Return the innermost session that the code at hand is in, by thread and task.

        Raises
        ------
        NoSessionError
            If it is in none.

        """
        return active.session()

    get_active_session = get_session

    def __enter__(self) -> Self:
        # Another project may have been opened since.
        make_importable(self.project)
        active.enter(self)
        return self

    def __exit__(self, *raised: object) -> None:
        active.leave(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.root)!r})"

    # --- what there is ---

    @property
    def _(self) -> UserSpace:
        return self._space

    @property
    def handler(self) -> Handler:
        """Handler of the lake that keeps what is made."""
        if self._handler is None:
            from elliptio.handler import Handler

            self._handler = Handler._of_project(self.root)
        return self._handler

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings that ``globals.yaml`` and ``locals.yaml`` give."""
        place = self.project.place("configuration")
        return Settings() if place is None else read_settings(place, Reader(self.root))

    @functools.cached_property
    def _reader(self) -> Reader:
        return Reader(self.root, self.settings)

    @functools.cached_property
    def catalog(self) -> Catalog:
        """Entries of the project, read when it is first asked for."""
        from elliptio.pipelines.catalog.reading import read_entries

        place = self.project.place("catalog")
        entries = [] if place is None else read_entries(place, self._reader)
        return Catalog(entries, handler=self.handler, project=self.project.project_slug, root=self.root, session=self)

    @functools.cached_property
    def parameters(self) -> Configurations:
        """Configurations by name, each as a dict of its own."""
        from elliptio.pipelines.project.configurations import read_configurations

        return read_configurations(self.project.place("parameters"), self._reader)

    @functools.cached_property
    def pipelines_definitions(self) -> DefinedPipelines:
        """Pipelines by name; only what one needs is imported."""
        from elliptio.pipelines.defined import DefinedPipelines
        from elliptio.pipelines.project.definitions import read_definitions

        found = read_definitions(self.project.place("pipelines_definitions"), self._reader)
        return DefinedPipelines(found, self.project)

    @functools.cached_property
    def backend(self) -> LakeBackend:
        """Backend that keeps graphs and snapshots."""
        from elliptio.pipelines.snapshots.lake import LakeBackend

        return LakeBackend(self.handler, self.project.project_slug, self.catalog)

    @functools.cached_property
    def git(self) -> Any:
        """Repository of the project, as a ``git.Repo``; None outside one."""
        import git

        try:
            return git.Repo(self.root, search_parent_directories=True)
        except git.GitError:
            return None

    @functools.cached_property
    def aws_session(self) -> Any:
        """Session of boto3: with the keys of the settings if they are there, else those of its own chain."""
        from elliptio.pipelines.catalog.credentials import aws_session

        return aws_session(self.settings)

    @functools.cached_property
    def lakefs_client(self) -> Any:
        """Client of boto3 for lakeFS's gateway; None where the settings have no ``LAKEFS_ENDPOINT``."""
        from elliptio.pipelines.catalog.credentials import lakefs_client

        return lakefs_client(self.settings)

    # --- code ---

    def begin(self) -> None:
        """Look at code and environment anew: a cell or a module may have changed since."""
        self._codes = Codes(self)
        self._seen = None

    @property
    def seen(self) -> Provenance:
        """Code and environment as they are recorded, as they were when they were last looked at anew."""
        if self._seen is None:
            from elliptio.provenance.collecting import collect

            self._seen = collect(git_diff=self.handler._settings["git_diff"].value)
        return self._seen

    @property
    def codes(self) -> Codes:
        """Code of crafts, as it was when it was last looked at anew."""
        if self._codes is None:
            self.begin()
        assert self._codes is not None
        return self._codes

    def code_of(self, craft: CraftFunction) -> Mapping[str, Any]:
        """Return ``digest`` and ``packages`` of a craft's code, accepted changes left out."""
        return self.codes.of(craft)

    def whole_code_of(self, craft: CraftFunction) -> Code:
        """Return all that is known of a craft's code."""
        return self.codes.whole(craft)

    # --- what was made ---

    def inputs(self, craft: str, run_id: str) -> dict[str, Any]:
        """Load what a run of a craft was given, by parameter: to look at what failed.

        Parameters
        ----------
        craft
            Its name.
        run_id
            The run of the craft; or of a build, with one run of that craft.

        Raises
        ------
        UnknownNameError
            If there is no such run.

        """
        from elliptio.pipelines.looking import inputs_of

        return inputs_of(self, craft, run_id)

    def snapshots(self, query: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Find snapshots of the project, the newest first.

        Parameters
        ----------
        query
            A MongoDB query over the columns.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``id``; columns ``graph``, ``creation_time`` (UTC), ``username``, ``tags``, ``parameters``.

        """
        from elliptio.pipelines.looking import snapshots_of

        return snapshots_of(self, query)


class Session(BaseSession):
    """A project that is open: ``with Session() as sess:`` runs its crafts and pipelines.

    Where the project names a class of its own, ``Session()`` gives an object of that class.

    Parameters
    ----------
    root_folder, handler
        As for `BaseSession`.

    """

    def __new__(cls, root_folder: str | os.PathLike[str] | None = None, *, handler: Handler | None = None) -> Any:
        """Make a session of the project's own class."""
        if cls is Session:
            project = find_project(root_folder)
            own = load_entrypoint(project)
            if own is not None:
                if not isinstance(own, type) or not issubclass(own, BaseSession):
                    raise ProjectError(
                        f"{project.file}: session_factory names {own!r}: name a class that derives from "
                        "elliptio.pipelines.session.BaseSession."
                    )
                return own(project.root, handler=handler) if own is not Session else super().__new__(cls)
        return super().__new__(cls)


@contextlib.contextmanager
def opened(root: str | os.PathLike[str] | None, lake: Mapping[str, Any] | None = None) -> Iterator[BaseSession]:
    """Open a session for the length of a block, and be in it; the handler that it made is closed then.

    Parameters
    ----------
    root
        As for `BaseSession`.
    lake
        Settings of the handler that win over the project's own, such as ``root`` and ``index``.

    """
    handler = None
    if any(value is not None for value in (lake or {}).values()):
        from elliptio.handler import Handler

        handler = Handler._of_project(find_project(root).root, lake)
    session: BaseSession = Session(root, handler=handler)
    try:
        with session:
            yield session
    finally:
        if session._handler is not None:
            session._handler.close()
