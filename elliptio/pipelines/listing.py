"""List what a project defines, without a lake, and without importing a craft that nobody asks for."""

from __future__ import annotations

import functools
import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio.errors import ElliptioError
from elliptio.pipelines.project.configurations import Configurations, read_configurations
from elliptio.pipelines.project.definitions import Definitions, read_definitions
from elliptio.pipelines.project.names import meant
from elliptio.pipelines.project.places import Project, find_project
from elliptio.pipelines.project.settings import Settings, hide, shown
from elliptio.pipelines.project.settings_files import read_settings
from elliptio.pipelines.project.yaml_files import Reader

if TYPE_CHECKING:
    from elliptio.pipelines.catalog.entries import Entry
    from elliptio.pipelines.crafts.craft import CraftFunction
    from elliptio.pipelines.pipeline import Pipeline
    from elliptio.pipelines.session import BaseSession


class Listing:
    """List what the files of a project define, as plain values.

    Parameters
    ----------
    root_folder
        A folder of the project; the working directory without it.

    Raises
    ------
    ProjectError
        If there is no project, or a file of it is wrong.

    """

    def __init__(self, root_folder: str | os.PathLike[str] | None = None) -> None:
        self.project: Project = find_project(root_folder)

    @functools.cached_property
    def _session(self) -> BaseSession | None:
        """The session of a project that has a class or hooks of its own: those may decide about what there is."""
        if self.project.entrypoint is None:
            return None
        from elliptio.pipelines.session import Session

        session: BaseSession = Session(self.project.root)
        return session

    @functools.cached_property
    def _reader(self) -> Reader:
        if self._session is not None:
            return self._session._reader
        place = self.project.place("configuration")
        settings = Settings() if place is None else read_settings(place, Reader(self.project.root))
        return Reader(self.project.root, settings)

    @functools.cached_property
    def _definitions(self) -> Definitions:
        return read_definitions(self.project.place("pipelines_definitions"), self._reader)

    @functools.cached_property
    def _configurations(self) -> Configurations:
        return read_configurations(self.project.place("parameters"), self._reader)

    @functools.cached_property
    def _entries(self) -> dict[str, Entry]:
        if self._session is not None:
            return dict(self._session.catalog._entries)
        from elliptio.pipelines.catalog.catalog import Catalog
        from elliptio.pipelines.catalog.reading import read_entries

        place = self.project.place("catalog")
        return {} if place is None else Catalog(read_entries(place, self._reader), root=self.project.root)._entries

    # --- pipelines ---

    def pipelines(self) -> list[dict[str, Any]]:
        """List the pipelines: ``name``, ``crafts`` (as the files name them), ``where``, ``error`` where it has one."""
        found = []
        for name in self._definitions:
            row: dict[str, Any] = {"name": name, "where": self._definitions.where(name), "crafts": [], "error": None}
            try:
                row["crafts"] = [operator.dotted for operator in self._definitions[name]]
            except ElliptioError as error:
                row["error"] = str(error)
            found.append(row)
        return found

    def pipeline(self, name: str) -> dict[str, Any]:
        """Describe a pipeline: its stages, its crafts, what it needs, what it makes.

        Raises
        ------
        UnknownNameError
            If there is none of this name.

        """
        from elliptio.pipelines.defined import DefinedPipelines
        from elliptio.pipelines.graphs.order import stages
        from elliptio.pipelines.project.importing import make_importable

        where = self._definitions.where(name)
        make_importable(self.project)
        pipeline: Pipeline = DefinedPipelines(self._definitions, self.project)[name]
        crafts = pipeline.crafts
        made = {(one.name, one.volatile) for craft in crafts for one in craft.outputs}
        taken = [one for craft in crafts for one in craft.inputs if (one.name, one.volatile) not in made]
        return {
            "name": name,
            "where": where,
            "stages": [[craft.name for craft in stage] for stage in stages(crafts)],
            "inputs": list(dict.fromkeys(one.name for one in taken)),
            "outputs": list(dict.fromkeys(one.name for craft in crafts for one in craft.outputs if not one.volatile)),
            "volatiles": list(dict.fromkeys(one.name for craft in crafts for one in craft.outputs if one.volatile)),
            "crafts": [_craft(craft, self.project.root) for craft in crafts],
        }

    # --- configurations ---

    def configurations(self) -> list[dict[str, Any]]:
        """List the configurations: ``name``, ``from`` (names of its bases), ``where``."""
        known = self._configurations
        return [{"name": name, "from": known.bases(name), "where": known.where(name)} for name in known]

    def configuration(self, name: str) -> dict[str, Any]:
        """Describe a configuration: where it is, and its parameters, those of its bases among them.

        Raises
        ------
        UnknownNameError
            If there is none of this name.

        """
        known = self._configurations
        parameters = known[name]
        return {"name": name, "from": known.bases(name), "where": known.where(name), "parameters": shown(parameters)}

    # --- entries ---

    def entries(self) -> list[dict[str, Any]]:
        """List the entries of the catalog: ``name``, ``type``, ``keys``, ``path``, ``where``."""
        return [
            {
                "name": name,
                "type": entry.type,
                "keys": list(entry.keys),
                "path": None if entry.pattern is None else self._hidden(entry.pattern.text),
                "where": entry.place,
            }
            for name, entry in sorted(self._entries.items())
        ]

    def entry(self, name: str) -> dict[str, Any]:
        """Describe an entry; passwords are left out.

        Raises
        ------
        UnknownNameError
            If there is none of this name.

        """
        from elliptio.pipelines.errors import UnknownNameError

        entry = self._entries.get(name)
        if entry is None:
            raise UnknownNameError(f"There is no entry {name!r} in the catalog; {meant(name, self._entries)}")
        return {
            "name": name,
            "type": entry.type,
            "where": entry.place,
            "keys": list(entry.keys),
            "extra": self._hidden(_plain(entry.extra)),
            "load_options": self._hidden(dict(entry.load_options)),
            "save_options": self._hidden(dict(entry.save_options)),
        }

    def _hidden(self, value: Any) -> Any:
        """Leave out what is secret, by the names of values and by those of the settings."""
        if isinstance(value, dict):
            return {key: self._hidden(each) for key, each in shown(value).items()}
        if isinstance(value, list):
            return [self._hidden(each) for each in value]
        return _without_login(hide(shown(value), self._reader.settings)) if isinstance(value, str) else value


def _without_login(text: str) -> str:
    """Mask the password in a connection string of ODBC."""
    import re

    return re.sub(r"(?i)\b(pwd|password)\s*=\s*(\{[^}]*\}|[^;]*)", r"\1=***", text)


def _plain(extra: Any) -> dict[str, Any]:
    """Make a mapping of what an entry has in `extra`, the ``Extra`` of a user's class too."""
    if isinstance(extra, dict):
        return extra
    fields = getattr(extra, "__dataclass_fields__", None) or getattr(type(extra), "model_fields", None) or vars(extra)
    return {name: getattr(extra, name) for name in fields}


def _craft(craft: CraftFunction, root: Path) -> dict[str, Any]:
    from elliptio.pipelines.crafts.hints import REQUIRED

    function = craft.__wrapped__
    return {
        "name": craft.name,
        "function": craft.qualified,
        "where": _where(function, root),
        "summary": (inspect.getdoc(function) or "").partition("\n")[0],
        "inputs": [
            {"name": one.name, "parameter": one.parameter, "volatile": one.volatile, "needed": one.is_needed}
            for one in craft.inputs
        ],
        "outputs": [{"name": one.name, "volatile": one.volatile} for one in craft.outputs],
        "parameters": {
            name: {"needed": True} if value is REQUIRED else {"needed": False, "default": value}
            for name, value in craft.parameters.items()
        },
        "per": list(craft.per),
        "tags": list(craft.tags),
        "cache": craft.cache,
    }


def _where(function: Any, root: Path) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return ""
    path = Path(code.co_filename)
    shown_path = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    return f"{shown_path}:{code.co_firstlineno}"
