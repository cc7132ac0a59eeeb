"""Say the members of enums and literals in plain JSON."""

from __future__ import annotations

import base64
import enum
from typing import Any, Protocol

from elliptio.models.types import scalars


class Describes(Protocol):
    """The part of a describer that members of enums and literals need."""

    def describe(self, hint: Any, scope: Any, variables: Any) -> Any:
        """Describe an annotation."""

    def refuse(self, says: str) -> Any:
        """Note that there is no form."""


def enum_entry(cls: type[enum.Enum]) -> dict[str, Any]:
    """Describe the members of an Enum by name: with their values, where those are plain."""
    members = {
        name: {"value": member.value} if _is_plain(member.value) else {} for name, member in cls.__members__.items()
    }
    return {"members": members, **_more(cls)}


def _is_plain(value: Any) -> bool:
    if type(value) is float:
        return value - value == 0.0
    return value is None or type(value) is bool or _is_natural(value)


def _is_natural(value: Any) -> bool:
    if type(value) is int:
        return scalars.of_int(value) is value
    return type(value) is str and scalars.of_str(value) is value


def member_plain(member: enum.Enum) -> Any:
    """Say a member by its name; a combination of flags by their names, and by the bits that have none."""
    cls, name = type(member), member._name_
    if name is not None and cls.__members__.get(name) is member:
        return name
    names, rest = [], member.value
    for each in cls:
        if each.value and rest & each.value == each.value:
            names.append(each._name_)
            rest &= ~each.value
    return {"names": names, "value": member.value, **({"rest": rest} if rest else {})}


def literal_plain(value: Any, describer: Describes) -> Any:
    """Say a member of a Literal as it would stand in a field of type `Any`."""
    if isinstance(value, enum.Enum):
        described = describer.describe(type(value), None, {})
        return {"$class": described["class"], "fields": member_plain(value)}
    if type(value) is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if type(value) is int:
        return scalars.of_int(value)
    if type(value) is str:
        return scalars.of_str(value)
    if value is None or type(value) is bool:
        return value
    return describer.refuse(f"Literal[{value!r}] is no literal")


def _more(cls: type[enum.Enum]) -> dict[str, bool]:
    flag = {"flag": True} if issubclass(cls, enum.Flag) else {}
    return {**flag, **({"plain": True} if issubclass(cls, int | float | str) else {})}
