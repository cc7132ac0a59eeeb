"""Encode unions: which member a value is, is said where JSON itself does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elliptio.models.types import scalars
from elliptio.models.types.describing import label
from elliptio.models.types.problems import brief

if TYPE_CHECKING:
    from elliptio.models.types.encoders import Encoders
    from elliptio.models.types.taking import Encode, Encoding

_KINDS: dict[str, type] = {
    "list": list, "set": set, "frozenset": frozenset, "tuple": tuple, "tuple*": tuple, "dict": dict,
}  # fmt: skip


def union_encoder(of: list[Any], encoders: Encoders) -> Encode:
    """Compile the encoder of a union."""
    members = [each for each in of if each != "none"]
    optional = len(members) < len(of)
    if len(members) == 1:
        only = encoders.of(members[0])
        return lambda value, at: None if value is None else only(value, at)
    encode = _Choice(members, encoders).encode
    return (lambda value, at: None if value is None else encode(value, at)) if optional else encode


class _Choice:
    """Choose the member by the exact class of a value; of several, the first that takes it."""

    def __init__(self, members: list[Any], encoders: Encoders) -> None:
        self.members = members
        self.encoders = encoders
        self._compiled = [encoders.of(each) for each in members]
        self._by_class: dict[type, list[int]] | None = None

    def encode(self, value: Any, at: Encoding) -> Any:
        if self._by_class is None:
            self._by_class = self._sorted_by_class()
        first = self._by_class.get(type(value), [])
        if len(first) == 1 and len(self.members) == len(self._by_class):
            return self._marked(first[0], self._compiled[first[0]](value, at))
        for number in [*first, *(each for each in range(len(self.members)) if each not in first)]:
            fits, found = at.tries(self._compiled[number], value)
            if fits:
                return self._marked(number, found)
        if len(first) == 1:
            return self._compiled[first[0]](value, at)  # so that what is wrong in it is noted
        return at.unfit(f"it should be of type {' | '.join(map(label, self.members))}, and is {brief(value)}")

    def _marked(self, number: int, found: Any) -> Any:
        natural = scalars.UNMARKED.get(self.members[number]) if isinstance(self.members[number], str) else None
        return found if natural is type(found) else {"$member": number, "value": found}

    def _sorted_by_class(self) -> dict[type, list[int]]:
        found: dict[type, list[int]] = {}
        for number, member in enumerate(self.members):
            for cls in classes_of(member, self.encoders.schema):
                found.setdefault(cls, []).append(number)
        return found


def classes_of(member: Any, schema: Any, seen: tuple[str, ...] = ()) -> set[type]:
    """Give the exact classes of the values of a description; none where they cannot be told."""
    if isinstance(member, str):
        known = {name: kind for kind, name in scalars.NAMES.items()}
        return {scalars.HERE} if member == "path" else {known[member]} if member in known else set()
    if "file" in member:
        return set()
    what, of = next(iter(member.items()))
    if what in _KINDS:
        return {_KINDS[what]}
    if what == "union":
        return {cls for each in of for cls in classes_of(each, schema, seen)}
    if what == "class" and of not in seen:
        entry = schema.classes[of]
        if entry["kind"] == "alias":
            return classes_of(entry["is"], schema, (*seen, of))
        return {dict} if entry["kind"] == "typeddict" else {schema.bound[of]} if entry["kind"] != "base" else set()
    return set()
