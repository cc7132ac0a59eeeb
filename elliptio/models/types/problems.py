"""Name places in a value, and what is wrong there: `layers[3].weights`, `table['k']`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from elliptio.errors import ElliptioError
from elliptio.models.errors import DamagedModelError, FieldTypeError, UnfitValueError

LEVELS = 150
"""So deep may a value nest: parsers of JSON give up at about 1,000 levels, and one of these takes up to four."""

Step = str | int | tuple[Any] | None
"""A field, the number of an item, or (in a tuple) the key of an entry."""

E = TypeVar("E", bound=Exception)

_SHOWN = 20
"""Problems that a message lists; the error's `problems` has all of them."""


@dataclass(frozen=True)
class Problem:
    """A place in a value or a class, and what is wrong there."""

    path: str
    says: str

    def __str__(self) -> str:
        return f"{self.path}: {self.says}" if self.path else self.says


class UsersError(ElliptioError):
    """Carry the error of a user's own code past what takes errors for damage, to whoever decodes."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def place(path: Iterable[Step]) -> str:
    """Write a path as Python would."""
    text = "".join(map(_step, path)).removeprefix(".")
    return text if len(text) <= 300 else f"{text[:200]}…{text[-80:]}"


def _step(step: Step) -> str:
    if isinstance(step, str):
        return f".{step}"
    if isinstance(step, int):
        return f"[{step}]"
    return "" if step is None else f"[{brief(step[0])}]"


def brief(value: Any) -> str:
    """Show a value in a message: builtin scalars as they are, others by their type, for a `repr` may do anything."""
    if type(value) in (int, float, bool, str, bytes, type(None)):
        text = repr(value) if type(value) is not int or value.bit_length() < 200 else "a large int"
        return text if len(text) <= 60 else f"{text[:40]}…{text[-10:]}"
    if isinstance(value, tuple) and len(value) < 5:
        return f"({', '.join(map(brief, value))}{',' * (len(value) == 1)})"
    return f"<{type(value).__qualname__}>"


def unfit(problems: Sequence[Problem], what: str) -> UnfitValueError:
    """Make the error that names all problems of a value; it has them as `problems`, too."""
    return _with(UnfitValueError(f"{what} cannot be saved: {_listed(problems)}"), problems)


def no_form(problems: Sequence[Problem], what: str) -> FieldTypeError:
    """Make the error that names all fields of a class that have no faithful form; it has them as `problems`, too."""
    return _with(FieldTypeError(f"{what} cannot be a data model: {_listed(problems)}"), problems)


def damaged(path: Iterable[Step], says: str) -> DamagedModelError:
    """Make the error that names where plain data or a description is not what elliptio writes."""
    where = place(path)
    return DamagedModelError(f"{where}: {says}" if where else says)


def _with(error: E, problems: Sequence[Problem]) -> E:
    error.problems = tuple(problems)  # type: ignore[attr-defined]
    return error


def _listed(problems: Sequence[Problem]) -> str:
    more = len(problems) - _SHOWN
    return "; ".join(map(str, problems[:_SHOWN])) + (f"; and {more:,} more" if more > 0 else "")
