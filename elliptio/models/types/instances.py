"""Decode objects by their fields, and members of enums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from elliptio.models.types import kinds
from elliptio.models.types.big import Lazy
from elliptio.models.types.bigness import Bigness, holds_file
from elliptio.models.types.problems import brief

if TYPE_CHECKING:
    from elliptio.models.types.decoding import Decode, Decoding


def fields_decoder(at: Decoding, key: str, entry: Mapping[str, Any]) -> Decode:
    """Compile the decoder of a class with fields."""
    kind, described = entry.get("kind"), entry.get("fields")
    if kind not in ("model", "dataclass", "namedtuple", "typeddict", "attrs", "pydantic"):
        at.damaged(f"{brief(kind)} is no kind of class")
    if not isinstance(described, Mapping):
        at.damaged(f"the class {brief(key)} has no fields")
    required = entry.get("required", ()) if kind == "typeddict" else described
    lazy = Bigness(at.classes, at.root).fields(described) if kind == "model" else set()
    pairs = []
    for name, each in described.items():
        at.path.append(str(name))
        pairs.append((name, at.of(each)))
        at.path.pop()
    many = kind == "typeddict" or kind == "pydantic"
    path = at.path

    def dec(plain: Any) -> Any:
        if type(plain) is not dict:
            at.damaged(f"it should be the fields of a class, and is {brief(plain)}")
        if "$class" in plain:
            return at.instance(plain)
        at.enter()
        if many or plain.keys() != described.keys():
            _check_names(at, plain, described, required, kind)
        fields: dict[str, Any] = {}
        for name, decode in pairs:
            if name in plain:
                path[-1] = name
                part = plain[name]
                big = name in lazy and holds_file(part)
                fields[name] = _lazy(at, described[name], part) if big else decode(part)
        path[-1] = None
        if many:
            fields = _in_order(at, fields, plain, kind)
        made = at.build(key, entry, fields)
        path.pop()
        return made

    return dec


def _check_names(at: Decoding, plain: Any, described: Any, required: Any, kind: Any) -> None:
    missing = next((name for name in required if name not in plain), None)
    if missing is not None:
        at.damaged(f"the field {missing!r} is missing")
    extra = next((name for name in plain if name not in described), None)
    if extra is not None and not (kind == "pydantic" and extra == kinds.SET):
        at.damaged(f"the class has no field {brief(extra)}")


def _in_order(at: Decoding, fields: dict[str, Any], plain: dict[str, Any], kind: Any) -> dict[str, Any]:
    if kind == "typeddict":
        return {name: fields[name] for name in plain}
    if kinds.SET in plain:
        given = plain[kinds.SET]
        if type(given) is not list or any(type(each) is not str or each not in fields for each in given):
            at.damaged(f"it should name fields, and is {brief(given)}")
        return {**fields, kinds.SET: given}
    return fields


def _lazy(at: Decoding, description: Any, plain: Any) -> Lazy:
    path = list(at.path)

    def get() -> Any:
        return at.again(list(path)).run(description, plain)

    return Lazy(get, plain)


def member_decoder(at: Decoding, key: str, entry: Mapping[str, Any]) -> Decode:
    """Compile the decoder of an Enum."""
    members = entry.get("members")
    if not isinstance(members, Mapping):
        at.damaged(f"the Enum {brief(key)} has no members")

    def dec(plain: Any) -> Any:
        if type(plain) is dict and "$class" in plain:
            return at.instance(plain)
        if type(plain) is dict and entry.get("flag"):
            return _flags(at, key, entry, members, plain)
        if type(plain) is not str or plain not in members:
            at.damaged(f"it should be a member of {entry.get('name')}, and is {brief(plain)}")
        known = members[plain]
        value = {"value": known["value"]} if isinstance(known, Mapping) and "value" in known else {}
        return at.build(key, entry, {"name": plain, **value})

    return dec


def _flags(at: Decoding, key: str, entry: Mapping[str, Any], members: Any, plain: dict[str, Any]) -> Any:
    names, bits = plain.get("names"), [plain.get("value"), plain.get("rest", 0)]
    right = type(names) is list and all(type(each) is str and each in members for each in names)
    if not right or set(plain) - {"names", "value", "rest"} or any(type(each) is not int for each in bits):
        at.damaged(f"it should be a combination of members of {entry.get('name')}")
    return at.build(key, entry, dict(plain))
