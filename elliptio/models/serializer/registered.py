"""Hold what users register by name: the same class again is fine, another one under its name is not."""

from __future__ import annotations

from typing import Generic, TypeVar

from elliptio.models.errors import DuplicateModelError, UnfitValueError
from elliptio.models.identity import file_of, path_of

T = TypeVar("T")


class Registered(Generic[T]):
    """Know things by their names.

    Parameters
    ----------
    what
        Word for one of them in messages: ``"serializer"``.

    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._known: dict[str, T] = {}

    def add(self, one: T, name: object, built_in: str | None = None) -> None:
        """Add one under a name; of those of one class, as a cell that is run again makes them, the newest holds.

        Parameters
        ----------
        one
            What is registered.
        name
            Its name.
        built_in
            Where one of this name is, if elliptio brings it.

        Raises
        ------
        UnfitValueError
            If that is no name.
        DuplicateModelError
            If another one has it.

        """
        if type(name) is not str or not name:
            raise UnfitValueError(
                f"{path_of(type(one))} has the name {name!r}: give it one of text that stays, name = …, by which what "
                "it wrote is read for ever."
            )
        known = self._known.get(name)
        taken = built_in
        if known is not None and not same_class(type(known), type(one)):
            taken = path_of(type(known))
        if taken is not None:
            raise DuplicateModelError(
                f"There is a {self._what} {name!r} already, {taken}; {path_of(type(one))} needs another name."
            )
        self._known[name] = one

    def get(self, name: str) -> T | None:
        """Give the one of a name; None where nobody registered it."""
        return self._known.get(name)

    def newest_first(self) -> list[T]:
        """List all of them."""
        return list(self._known.values())[::-1]


def same_class(one: type, other: type) -> bool:
    """Tell whether two classes are one that was defined again: by a cell, a reload, a script that is imported too."""
    if one is other:
        return True
    if one.__qualname__ != other.__qualname__:
        return False
    return one.__module__ == other.__module__ or file_of(one) == file_of(other) is not None
