"""Make a project's sources importable, and find what a dotted name such as ``module.craft`` names in them.

One process may hold sessions of several projects, whose modules may have equal names: those of the project that was
made importable last are the ones that `import` gives, the others are kept and come back with their project.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from elliptio.pipelines.code.places import raised_at
from elliptio.pipelines.errors import ProjectError, UnknownNameError
from elliptio.pipelines.project.names import meant
from elliptio.pipelines.project.places import Project
from elliptio.system.warn import warn

_lock = threading.RLock()
_set_aside: dict[str, dict[str, ModuleType]] = {}
"""Folder of sources → its modules, while those of another project have their names."""
_folders: list[str] = []
"""Folders of sources that were made importable, the last one first."""
_looked_at: set[tuple[str, str]] = set()


_YOUNG = 2
"""Seconds after a change of a file in which what was compiled of it may be of the text before."""


class _NoStaleBytecode:
    """Removes what Python compiled of a source within the second of a change of it, before it is imported.

    Python compares full seconds and the length only: who edits ``5`` to ``6`` and runs again within a second would
    run what was there before.
    """

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Look at the file that a module will be loaded from; finding it is left to others."""
        for folder in path if path is not None else _folders[:1]:
            if any(folder == each or folder.startswith(each + os.sep) for each in _folders):
                place = os.path.join(folder, name.rpartition(".")[2])
                _remove_young(f"{place}.py")
                _remove_young(os.path.join(place, "__init__.py"))


def _remove_young(source: str) -> None:
    with contextlib.suppress(OSError, ValueError, NotImplementedError):
        compiled = importlib.util.cache_from_source(source)
        with open(compiled, "rb") as file:
            head = file.read(16)
            is_by_time, changed = not any(head[4:8]), int.from_bytes(head[8:12], "little")
            is_young = is_by_time and os.fstat(file.fileno()).st_mtime < changed + _YOUNG
        if is_young:
            os.unlink(compiled)


_no_stale_bytecode = _NoStaleBytecode()


class ShadowedModuleWarning(UserWarning):
    """A module of the project's sources has the name of one that is installed."""


def make_importable(project: Project) -> None:
    """Put the project's sources first on ``sys.path``, and on ``PYTHONPATH`` for the processes to come; once.

    A module of them that has the name of an installed one is a warning that names both.
    """
    folder = str(project.sources)
    with _lock:
        if _folders[:1] == [folder] and folder in sys.path:
            return
        is_new = folder not in _folders
        _make_first(folder)
    if is_new:
        _warn_of_shadowed(project)


class _Begin:
    """Beginning of messages: who names what is imported. It is looked up where there is a message."""

    def __init__(self, where: object) -> None:
        self._where = where

    def __str__(self) -> str:
        where = str(self._where)
        return f"{where}: " if where else ""


def load(dotted: str, project: Project, *, where: object = "") -> Any:
    """Import what a dotted name names: ``module.craft``.

    Parameters
    ----------
    where
        Who names it, for messages, as a text or what has one: ``pipelines/definitions.yaml:4: pipeline 'nightly'``.

    Raises
    ------
    UnknownNameError
        If there is no such module, or it has no such name; the message says which are like it.
    ProjectError
        If the module cannot be imported; the cause is the cause.

    """
    begin = _Begin(where)
    name, _, attribute = dotted.rpartition(".")
    if not name or not all(part.isidentifier() for part in dotted.split(".")):
        raise UnknownNameError(f"{begin}{dotted!r} is no name of a craft: write module.craft.")
    make_importable(project)
    module = _module(name, project, begin)
    try:
        return getattr(module, attribute)
    except AttributeError:
        pass
    public = [each for each in vars(module) if not each.startswith("_")]
    raise UnknownNameError(
        f"{begin}the module {name!r} ({module.__file__ or 'a folder'}) has no {attribute!r}; {meant(attribute, public)}"
    )


def load_entrypoint(project: Project) -> Any:
    """Import the module of the project's entry point, and return its session class; None if it names none.

    The module may lie in the sources or be named from the project's root.
    """
    if project.entrypoint is None:
        return None
    name, factory = project.entrypoint
    begin = f"{project.file}: [{project.table}.entrypoints]: "
    make_importable(project)
    root = str(project.root)
    is_added = root not in sys.path
    if is_added:
        sys.path.append(root)
    try:
        module = _module(name, project, begin)
    finally:
        if is_added and root in sys.path:
            sys.path.remove(root)
    if factory is None:
        return None
    if not hasattr(module, factory):
        public = [each for each in vars(module) if not each.startswith("_")]
        raise UnknownNameError(f"{begin}the module {name!r} has no {factory!r}; {meant(factory, public)}")
    return getattr(module, factory)


def _module(name: str, project: Project, begin: object) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise UnknownNameError(f"{begin}there is no module {name!r}; {_hint(name, project)}") from None
        raise _broken(name, project, begin, error) from error
    except Exception as error:
        raise _broken(name, project, begin, error) from error


def _broken(name: str, project: Project, begin: object, error: Exception) -> ProjectError:
    at = raised_at(error, project.root)
    return ProjectError(f"{begin}the module {name!r} cannot be imported: {type(error).__name__}: {error}{at}")


def _hint(name: str, project: Project) -> str:
    shown = project.sources.relative_to(project.root).as_posix()
    first, _, rest = name.partition(".")
    modules = list(_modules_below(project.sources))
    if first in ("sources", shown) and rest in modules:
        return f"{first!r} is the folder of sources itself: did you mean {rest!r}?"
    if not project.sources.is_dir():
        return f"the folder of sources, {shown!r}, is not there."
    return meant(name, modules)


def _modules_below(folder: Path, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Name the modules of a folder of sources."""
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return
    for each in inside:
        if each.suffix == ".py" and each.stem.isidentifier() and each.stem != "__init__":
            yield prefix + each.stem
        elif each.name.isidentifier() and each.name != "__pycache__" and each.is_dir() and depth < 8:
            if (each / "__init__.py").exists():
                yield prefix + each.name
            yield from _modules_below(each, f"{prefix}{each.name}.", depth + 1)


def _make_first(folder: str) -> None:
    """Give the modules of this folder the names that those of another project may have now."""
    _put_aside([other for other in _folders if other != folder])
    sys.modules.update(_set_aside.pop(folder, {}))
    if folder in _folders:
        _folders.remove(folder)
    _folders.insert(0, folder)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    if _no_stale_bytecode not in sys.meta_path:
        sys.meta_path.insert(0, _no_stale_bytecode)
    importlib.invalidate_caches()
    known = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    others = [each for each in known if each not in _folders]
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])


def _put_aside(folders: Sequence[str]) -> None:
    """Take the modules of other projects out of the way; whoever holds them keeps them."""
    sys.path[:] = [each for each in sys.path if each not in folders]
    theirs: dict[str, dict[str, ModuleType]] = {}
    # One look at each module, however many projects there were: thousands are loaded.
    beginnings = tuple(folder + os.sep for folder in folders)
    for name, module in list(sys.modules.items()):
        folder = _home(module, beginnings)
        if folder is not None and name.partition(".")[0] not in ("elliptio", "__main__"):
            theirs.setdefault(folder, {})[name] = module
    # Where a package without a file lies is asked of its parent, which must still be there.
    for modules in theirs.values():
        for name in modules:
            del sys.modules[name]
    _set_aside.update(theirs)


def _home(module: object, beginnings: tuple[str, ...]) -> str | None:
    """Find out of which folder a module was loaded; asked without attributes, which some modules make up."""
    about = vars(module) if isinstance(module, ModuleType) else {}
    file = about.get("__file__")
    for place in [file] if isinstance(file, str) else map(str, about.get("__path__", ())):
        if place.startswith(beginnings):
            for beginning in beginnings:
                if place.startswith(beginning) and "site-packages" not in place[len(beginning) :]:
                    return beginning.removesuffix(os.sep)
    return None


def _top_level(folder: Path) -> dict[str, Path]:
    """Find the modules and packages at the top of a folder of sources."""
    found: dict[str, Path] = {}
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return found
    for each in inside:
        if each.suffix == ".py" and each.stem.isidentifier():
            found.setdefault(each.stem, each)
        elif each.name.isidentifier() and each.name != "__pycache__" and any(each.glob("*.py")):
            found[each.name] = each / "__init__.py" if (each / "__init__.py").exists() else each
    return found


def _warn_of_shadowed(project: Project) -> None:
    ours = project.notebook_target.split("/")[0]
    for name, path in _top_level(project.sources).items():
        if name == "__init__" or (str(path), name) in _looked_at:
            continue
        _looked_at.add((str(path), name))
        loaded = sys.modules.get(name)
        is_loaded = loaded is not None and _home(loaded, (str(project.sources) + os.sep,)) is None
        # Jupyter installs a jupyter.py that nobody imports, and the folder of compiled notebooks is named so.
        other = _origin(loaded) if is_loaded else None if name == ours else _elsewhere(name, str(project.sources))
        if other is None or (os.path.exists(other) and os.path.samefile(other, path)):
            continue
        outcome = (
            f"`import {name}` gives the latter" if is_loaded else f"the former hides the latter from `import {name}`"
        )
        warn(
            f"The module {path} of the project has the name of an installed one, {other}: {outcome}. "
            "Rename that of the project.",
            ShadowedModuleWarning,
        )


def _origin(module: ModuleType | None) -> str:
    file = vars(module).get("__file__") if module is not None else None
    return file if isinstance(file, str) else "a part of Python itself"


def _elsewhere(name: str, folder: str) -> str | None:
    """Locate a module of this name outside of the project's sources; an empty folder of the name is none."""
    if name in sys.builtin_module_names:
        return "a part of Python itself"
    others = [each for each in sys.path if each not in ("", folder, os.getcwd()) and each not in _folders]
    try:
        spec = importlib.machinery.PathFinder.find_spec(name, others)
    except (ImportError, ValueError, AttributeError):
        return None
    return spec.origin if spec is not None and spec.loader is not None else None
