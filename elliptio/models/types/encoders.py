"""Compile the encoders of descriptions: closures that note all problems as they go.

A closure takes the value and the `Encoding` under way. What does not fit is noted with its path, and None stands in its
place, so one pass finds all problems.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import cached_property
from typing import Any

from elliptio.models.types import big, kinds, plain, scalars
from elliptio.models.types.decoding import literal_values
from elliptio.models.types.free import (
    SCALARS,
    as_builtin,
    encode_any,
    natural_dict,
    numpy_encoder,
    pairs,
    path_encoder,
    sequence_encoder,
)
from elliptio.models.types.problems import brief
from elliptio.models.types.schema import Schema
from elliptio.models.types.taking import Encode, Encoding
from elliptio.models.types.unions import union_encoder

_SEQUENCES: dict[str, type] = {"list": list, "tuple*": tuple, "set": set, "frozenset": frozenset}


class Encoders:
    """The compiled encoders of a schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._classes: dict[str, Encode] = {}

    def of(self, description: Any) -> Encode:
        """Compile the encoder of a description."""
        if isinstance(description, str):
            return encode_any if description == "any" else SCALARS[description]
        what, of = next(iter(description.items()))
        if "file" in description:
            return self._file(description)
        if what in _SEQUENCES:
            return sequence_encoder(_SEQUENCES[what], self.of(of))
        known: dict[str, Callable[[Any], Encode]] = {
            "class": self._class, "union": self._union, "dict": self._dict, "tuple": self._tuple,
            "literal": self._literal, "numpy": numpy_encoder, "path": path_encoder,
        }  # fmt: skip
        return known[what](of)

    def _class(self, key: str) -> Encode:
        if key not in self._classes:
            box: list[Encode] = []
            self._classes[key] = lambda value, at: box[0](value, at)  # for fields that hold their own class
            entry = self.schema.classes[key]
            kind = entry["kind"]
            if kind == "alias":
                made = self.of(entry["is"])
            elif kind == "base":
                made = _base_encoder(self.schema.bound[key])
            elif kind == "enum":
                made = _enum_encoder(self.schema.bound[key])
            else:
                made = self._object(key, kind, entry)
            box.append(made)
            self._classes[key] = made
        return self._classes[key]

    def _object(self, key: str, kind: str, entry: dict[str, Any]) -> Encode:
        cls = self.schema.bound[key]
        pairs = [(name, self.of(each)) for name, each in entry["fields"].items()]
        if kind == "typeddict":
            return _typeddict_encoder(cls.__name__, dict(pairs), entry["required"])
        pydantic = kind == "pydantic"
        # What the constructor makes is made again.
        extra = kind != "pydantic" and not hasattr(cls, "__post_init__") and not hasattr(cls, "__attrs_post_init__")
        number = len(pairs)

        def enc(value: Any, at: Encoding) -> Any:
            if type(value) is not cls:
                if isinstance(value, cls):
                    return at.tagged(value)
                return at.unfit(f"it should be of type {cls.__name__}, and is {brief(value)}")
            if not at.enter(value):
                return None
            path, out = at.path, {}
            for name, encode in pairs:
                path[-1] = name
                try:
                    field = getattr(value, name)
                except AttributeError:
                    at.unfit("it has no value")
                    continue
                out[name] = encode(field, at)
            at.leave(value)
            if extra and len(getattr(value, "__dict__", ())) > number:
                _check_extra(value, out, at)
            if pydantic:
                _check_pydantic(value, out, at)
            return out

        return enc

    def _dict(self, of: list[Any]) -> Encode:
        key, item = map(self.of, of)
        texts = of[0] == "str"

        def enc(value: Any, at: Encoding) -> Any:
            if type(value) is not dict:
                if not isinstance(value, dict):
                    return at.unfit(f"it should be of type dict, and is {brief(value)}")
                return as_builtin(value, dict, enc, at)
            if texts and all(type(each) is str and (each.isascii() or scalars.of_str(each) is each) for each in value):
                return natural_dict(value, at, item)
            return pairs(value, at, key, item)

        return enc

    def _tuple(self, of: list[Any]) -> Encode:
        encoders = [self.of(each) for each in of]

        def enc(value: Any, at: Encoding) -> Any:
            if type(value) is not tuple:
                if isinstance(value, tuple):
                    return at.tagged(value) if kinds.kind_of(type(value)) else as_builtin(value, tuple, enc, at)
                return at.unfit(f"it should be of type tuple, and is {brief(value)}")
            if len(value) != len(encoders):
                return at.unfit(f"it should be a tuple of {len(encoders)} items, and has {len(value)}")
            if not at.enter(value):
                return None
            path = at.path
            out: list[Any] = []
            for encode, each in zip(encoders, value, strict=True):
                path[-1] = len(out)
                out.append(encode(each, at))
            at.leave(value)
            return out

        return enc

    def _literal(self, of: list[Any]) -> Encode:
        # A member is the same only if it is of the same type: Literal[1] is not True.
        known = {(type(value), value): each for each, value in literal_values(of, self.schema)}

        def enc(value: Any, at: Encoding) -> Any:
            try:
                return known[type(value), value]
            except (KeyError, TypeError):
                names = ", ".join(brief(each) for _, each in known)
                return at.unfit(f"it should be one of {names}, and is {brief(value)}")

        return enc

    def _file(self, description: dict[str, Any]) -> Encode:
        of, dtype = description["file"], description.get("dtype")
        serializer, storage = (
            self.schema.named.get(f"{role}:{description.get(role)}") for role in ("serializer", "storage")
        )
        check = None if isinstance(of, str) and of not in SCALARS and of != "any" else self.of(of)

        def enc(value: Any, at: Encoding) -> Any:
            if check is None:
                if not big.is_of(type(value), of):
                    return at.unfit(f"it should be of type {of}, and is {brief(value)}")
                if dtype is not None and not _is_dtype(value, dtype):
                    return at.unfit(f"it should be an array of {dtype}, and is one of {value.dtype}")
            else:
                # Only to see whether it fits: the value itself is what is written.
                before = len(at.problems)
                kept = at.files, at.classes
                at.files, at.classes = {}, {}
                check(value, at)
                at.files, at.classes = kept
                if len(at.problems) > before:
                    return None
            return at.file(value, serializer, storage)

        return enc

    def _union(self, of: list[Any]) -> Encode:
        return union_encoder(of, self)


def _is_dtype(value: Any, name: str) -> bool:
    import numpy as np

    kind: Any = getattr(np, f"{name}_" if name in ("bool", "str", "bytes") else name)
    return bool(np.issubdtype(value.dtype, kind))


def _check_extra(value: Any, out: dict[str, Any], at: Encoding) -> None:
    """Refuse attributes that are no fields; those with an underscore, and cached properties, can be made again."""
    for name in vars(value):
        cached = isinstance(getattr(type(value), name, None), cached_property)
        if name not in out and not name.startswith("_") and not cached:
            at.unfit(f"its attribute {name!r} is no field, and would be lost: declare it")


def _check_pydantic(value: Any, out: dict[str, Any], at: Encoding) -> None:
    lost = kinds.lost_of(value)
    if lost:
        at.unfit(lost)
    given = value.__pydantic_fields_set__
    if len(given) != len(out):
        out[kinds.SET] = sorted(given)


def _typeddict_encoder(name: str, encoders: dict[str, Encode], required: list[str]) -> Encode:
    def enc(value: Any, at: Encoding) -> Any:
        if not isinstance(value, dict):
            return at.unfit(f"it should be a dict of {name}, and is {brief(value)}")
        if not at.enter(value):
            return None
        path, out = at.path, {}
        for key, each in value.items():
            path[-1] = (key,)
            encode = encoders.get(key) if isinstance(key, str) else None
            if encode is None:
                at.unfit(f"{name} has no such key; it has {', '.join(encoders)}")
            else:
                out[key] = encode(each, at)
        for key in required:
            if key not in value:
                path[-1] = (key,)
                at.unfit(f"{name} needs this key")
        at.leave(value)
        return out

    return enc


def _base_encoder(cls: type) -> Encode:
    def enc(value: Any, at: Encoding) -> Any:
        if not isinstance(value, cls):
            return at.unfit(f"it should be of type {cls.__name__}, and is {brief(value)}")
        return encode_any(value, at)

    return enc


def _enum_encoder(cls: Any) -> Encode:
    def enc(value: Any, at: Encoding) -> Any:
        if type(value) is not cls and not (isinstance(value, enum.Enum) and isinstance(value, cls)):
            return at.unfit(f"it should be of type {cls.__name__}, and is {brief(value)}")
        return plain.member_plain(value)

    return enc
