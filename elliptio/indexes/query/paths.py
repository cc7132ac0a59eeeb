"""Follow dotted paths in documents with arrays: as a query does, and as an index does.

Both follow MongoDB, where the two differ in small ways: a query that meets an array looks at its elements and at the
array itself; an index holds the elements only, and null where an element has no such field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from elliptio.errors import QueryError

Test = Callable[[Any], bool]
ARRAYS: Final = (list, tuple)
# dict first: the check of an abstract class is slow.
OBJECTS: Final = (dict, Mapping)


class Undefined:
    """Stand for no value: the type of `UNDEFINED` and `MISSING`."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()
"""The value that an index holds for an empty array: it sorts before None and equals no value."""

MISSING: Final = Undefined()
"""The value that a query finds where a document has no such field."""


def array_position(length: int, name: str) -> int:
    """Read the position in an array of this length that a path component like ``"0"`` names; -1 for none."""
    if name.isascii() and name.isdigit() and len(name) < 10 and (name == "0" or name[0] != "0"):
        position = int(name)
        return position if position < length else -1
    return -1


def split(path: str) -> tuple[str, ...]:
    """Split a dotted path into its components."""
    return tuple(path.split("."))


# --- queries -------------------------------------------------------------------------------------------------------


def on_path(path: str, test: Test, expand: bool = True) -> Test:
    """Make a predicate on documents, which holds where some element on the path passes the test.

    Parameters
    ----------
    path
        The dotted path.
    test
        Gets `MISSING` where an object on the way has no such field.
    expand
        Whether the elements of an array at the end of the path are tested before the array itself.
    """
    if "." in path:
        parts = split(path)
        return lambda document: _some(document, parts, 0, test, expand)

    def plain(document: Any) -> bool:
        value = document.get(path, MISSING)
        if expand and isinstance(value, ARRAYS) and any(map(test, value)):
            return True
        return test(value)

    return plain


def _some(value: Any, parts: tuple[str, ...], depth: int, test: Test, expand: bool) -> bool:
    while depth < len(parts):
        value = value.get(parts[depth], MISSING)
        depth += 1
        if depth < len(parts) and not isinstance(value, OBJECTS):
            return _some_in(value, parts, depth, test, expand) if isinstance(value, ARRAYS) else test(MISSING)
    if expand and isinstance(value, ARRAYS) and any(map(test, value)):
        return True
    return test(value)


def _some_in(array: Any, parts: tuple[str, ...], depth: int, test: Test, expand: bool) -> bool:
    chosen = array_position(len(array), parts[depth])
    after = depth + 1
    for position, element in enumerate(array):
        if isinstance(element, OBJECTS):
            if _some(element, parts, depth, test, expand):
                return True
            if position == chosen and _some(element, parts, after, test, expand):
                return True
        elif position == chosen:
            if after == len(parts):
                # An array picked by its position is not expanded.
                if test(element):
                    return True
            elif isinstance(element, ARRAYS) and _some_in(element, parts, after, test, expand):
                return True
    return False


# --- indexes -------------------------------------------------------------------------------------------------------

Descent = tuple[Any, tuple[str, ...]]


def descend(value: Any, path: tuple[str, ...]) -> Descent:
    """Follow fields down to the end of the path, or to the first array on the way.

    Returns
    -------
    tuple
        What was found (None where it is missing), and what is left of the path.
    """
    for depth, name in enumerate(path):
        if isinstance(value, OBJECTS):
            value = value.get(name)
        elif isinstance(value, ARRAYS):
            return value, path[depth:]
        else:
            return None, ()
    return value, ()


class Slot:
    """Follow one path of a compound index through a document: at its end, or (with a `path`) still on its way."""

    __slots__ = ("nested", "path", "positional", "value")

    def __init__(self, path: tuple[str, ...] = (), value: Any = None) -> None:
        self.path = path
        self.value = value
        self.positional: Descent | None = None
        self.nested = False

    def step(self, document: Mapping[str, Any]) -> tuple[Any, tuple[str, ...], bool]:
        """Follow the path through an object, or, where the object has no such field, to the chosen array element.

        Returns
        -------
        tuple
            Where it led, what is left of the path, and whether an element was chosen that is itself an array.
        """
        if not self.path:
            return self.value, (), False
        if self.path[0] in document:
            return *descend(document, self.path), False
        return (None, (), False) if self.positional is None else (*self.positional, self.nested)

    def inside(self, array: Any, rest: tuple[str, ...]) -> Slot:
        """Make the slot for the elements of an array; the one that a numeric component picks is looked up already."""
        slot = Slot(rest)
        position = array_position(len(array), rest[0])
        if position >= 0:
            slot.positional = descend(array[position], rest[1:])
            slot.nested = isinstance(array[position], ARRAYS)
        return slot


def index_keys(document: Mapping[str, Any], slots: list[Slot]) -> Iterator[tuple[Any, ...]]:
    """List the keys of a compound multikey index: a tuple of values for each element of the array on its paths.

    Raises
    ------
    QueryError
        If the paths lead through different arrays.
    """
    array: Any = None
    expand = True
    following: list[Slot] = []
    ends: list[int] = []
    for number, slot in enumerate(slots):
        value, rest, nested = slot.step(document)
        following.append(Slot(value=value))
        if not slot.path or not isinstance(value, ARRAYS):
            continue
        if array is not None and value is not array:
            raise QueryError("cannot sort by two lists of one document at once: sort by one of them")
        array, expand = value, expand and not nested
        if rest:
            following[number] = slot.inside(array, rest)
        else:
            ends.append(number)
    if array is None:
        yield tuple(slot.value for slot in following)
        return
    for element in array or (UNDEFINED,):
        for number in ends:
            following[number] = Slot(value=element if expand or not array else array)
        yield from index_keys(element if isinstance(element, OBJECTS) else {}, list(following))
