"""Let users bring types of entries and places of their own: each subclass is registered by its name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import ParseResult

from elliptio.pipelines.catalog import types
from elliptio.pipelines.errors import DuplicateNameError

if TYPE_CHECKING:
    from elliptio.pipelines.catalog.entries import Entry


class ArtifactInteractor(ABC):
    """Turn assets into what is stored, and back: the type of entries that a user writes.

    A subclass names itself, ``class X(ArtifactInteractor, interactor_name="x")``, and may have a nested class ``Extra``
    (a dataclass, of pydantic too) that says what an entry's `extra` holds.

    Parameters
    ----------
    artifact
        The entry: its ``.name``, and its ``.extra`` as an ``Extra``.
    session
        The session, None where a catalog is used without one.

    Examples
    --------
    >>> class Reversed(ArtifactInteractor, interactor_name="reversed"):
    ...     def __init__(self, artifact, *args, session, **more):
    ...         self.place = artifact.extra["path"]
    ...     def load(self, **more):
    ...         return open(self.place).read()[::-1]
    ...     def save(self, asset, **more):
    ...         return asset[::-1].encode()
    >>> "reversed" in ArtifactInteractor.interactors()
    True

    """

    def __init_subclass__(cls, interactor_name: str | None = None, **more: Any) -> None:
        super().__init_subclass__(**more)
        if interactor_name is not None:
            taken = interactor_name in types.built_in()
            _register(types.CLASSES, interactor_name, cls, "type of entries", taken)

    def __init__(self, artifact: Entry, *args: Any, session: Any, **more: Any) -> None:
        self.artifact = artifact

    @abstractmethod
    def load(self, **more: Any) -> Any:
        """Load the asset."""

    @abstractmethod
    def save(self, asset: Any, **more: Any) -> Any:
        """Save an asset: return its bytes, or the path of a file, to be kept as the version.

        None: it is stored already. The version has no content then, and what depends on it is not skipped.
        """

    @classmethod
    def interactors(cls) -> Mapping[str, Any]:
        """Return what can be the type of an entry, by name: formats, and the classes of users."""
        return {**types.built_in(), **types.CLASSES}


class Backend(ABC):
    """Write and read bytes at a place that a user knows, by the prefix of paths: ``print://somewhere``.

    A subclass names its prefix, ``class X(Backend, prefix="print")``. Beside the keys of an entry, `put` and `get` are
    given what the caller gave: the parameters of a craft and its pipeline, or the keywords of `load` and `save`. One
    without ``**keys`` is given what it names.

    Parameters
    ----------
    session
        The session, None where a catalog is used without one.

    Examples
    --------
    >>> class Memory(Backend, prefix="memory-of-this-process"):
    ...     held = {}
    ...     def put(self, *, payload, fragment, **keys):
    ...         self.held[fragment.netloc + fragment.path] = payload
    ...     def get(self, *, fragment, **keys):
    ...         return self.held[fragment.netloc + fragment.path]
    >>> "memory-of-this-process" in Backend.backends()
    True

    """

    def __init_subclass__(cls, prefix: str | None = None, **more: Any) -> None:
        super().__init_subclass__(**more)
        if prefix is not None:
            _register(BACKENDS, prefix, cls, "backend", prefix in OWN_PREFIXES)

    def __init__(self, session: Any) -> None:
        self.session = session

    @abstractmethod
    def put(self, *, payload: bytes, fragment: ParseResult, **keys: Any) -> None:
        """Write bytes at a place; raise if that fails."""

    @abstractmethod
    def get(self, *, fragment: ParseResult, **keys: Any) -> bytes:
        """Read the bytes at a place; raise `FileNotFoundError` if there are none."""

    @classmethod
    def backends(cls) -> Mapping[str, type[Backend]]:
        """Return the backends of users by their prefixes."""
        return dict(BACKENDS)


BACKENDS: dict[str, type[Backend]] = {}
"""Backends of users, by their prefixes."""

OWN_PREFIXES = ("", "file", "s3", "lakefs")
"""Prefixes that elliptio knows itself."""


def _register(known: dict[str, Any], name: str, cls: type, what: str, taken: bool) -> None:
    """Register a class; one that is defined again, as a cell of a notebook does, takes the place of the older."""
    old = known.get(name)
    again = old is not None and (old.__module__, old.__qualname__) == (cls.__module__, cls.__qualname__)
    if taken or (old is not None and not again):
        whose = f"{old.__module__}.{old.__qualname__}" if old is not None else "elliptio"
        raise DuplicateNameError(f"There is a {what} {name!r} already, of {whose}: choose another name.")
    known[name] = cls
