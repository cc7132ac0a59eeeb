"""Encode scalars, and values whose type is not declared."""

from __future__ import annotations

import enum
import pathlib
from collections.abc import Iterable
from typing import Any

from elliptio.models.types import big, kinds, scalars
from elliptio.models.types.problems import brief
from elliptio.models.types.taking import Encode, Encoding


def encode_any(value: Any, at: Encoding) -> Any:
    """Encode a value whose type is not declared: what JSON has no word for says what it is."""
    cls = type(value)
    known = _ANY.get(cls)
    if known is not None:
        return known(value, at)
    if isinstance(value, pathlib.PurePath) and (cls is scalars.HERE or cls in scalars.PATHS):
        return {"$path": scalars.of_any_path(value)}
    if scalars.is_numpy(value):
        return _numpy(value, at)
    if kinds.kind_of(cls) is None and big.takes_class(cls):
        return at.file(value)
    if kinds.kind_of(cls) is None:
        for name, (kind, exact) in scalars.BUILTIN.items():
            if isinstance(value, kind):
                return _ANY[kind](exact(value), at) if name else None
        for kind in (dict, list, tuple, set, frozenset):
            if isinstance(value, kind):
                return as_builtin(value, kind, _ANY[kind], at)
    return at.tagged(value)


def as_builtin(value: Any, kind: type, encode: Encode, at: Encoding) -> Any:
    """Encode an instance of a subclass of a collection as that collection; it may hold itself."""
    if not at.enter(value):
        return None
    found = encode(kind(value.items() if kind is dict else value), at)
    at.leave(value)
    return found


def _numpy(value: Any, at: Encoding) -> Any:
    try:
        return {"$numpy": scalars.of_numpy(value)}
    except scalars.NoFormError as error:
        return at.unfit(str(error))


def _any_bytes(value: bytes, at: Encoding) -> Any:
    return at.file(value) if len(value) > big.LARGE else {"$bytes": scalars.ENCODERS["bytes"](value)}


def _any_scalar(name: str) -> Encode:
    exact = scalars.ENCODERS[name]

    def enc(value: Any, at: Encoding) -> Any:
        try:
            return {f"${name}": exact(value)}
        except scalars.NoFormError as error:
            return at.unfit(str(error))

    return enc


def _items(value: Iterable[Any], at: Encoding, encode: Encode, named: bool = False) -> list[Any]:
    """Encode what is in a container that was gone into."""
    path = at.path
    out: list[Any] = []
    for each in value:
        path[-1] = (each,) if named else len(out)
        out.append(encode(each, at))
    return out


def sequence_encoder(kind: Any, encode: Encode) -> Encode:
    """Compile the encoder of a list, tuple, set or frozenset."""
    name = kind.__name__
    unordered = kind in (set, frozenset)

    def enc(value: Any, at: Encoding) -> Any:
        if type(value) is not kind:
            if not isinstance(value, kind):
                return at.unfit(f"it should be of type {name}, and is {brief(value)}")
            return at.tagged(value) if kinds.kind_of(type(value)) else as_builtin(value, kind, enc, at)
        if not at.enter(value):
            return None
        out = _items(value, at, encode, unordered)
        at.leave(value)
        return _sorted(out) if unordered else out

    return enc


def _sorted(out: list[Any]) -> list[Any]:
    # So that equal sets are equal files, whatever order they are walked in.
    try:
        return sorted(out)
    except TypeError:
        return sorted(out, key=repr)


def _tagged_sequence(tag: str, encode: Encode) -> Encode:
    return lambda value, at: {tag: encode(value, at)}


def _any_dict(value: dict[Any, Any], at: Encoding) -> Any:
    natural = all(type(key) is str and not key.startswith("$") and scalars.of_str(key) is key for key in value)
    return natural_dict(value, at, encode_any) if natural else {"$dict": pairs(value, at, encode_any, encode_any)}


def natural_dict(value: dict[str, Any], at: Encoding, encode: Encode) -> Any:
    """Encode a dict whose keys JSON says itself."""
    if not at.enter(value):
        return None
    path, out = at.path, {}
    for key, each in value.items():
        path[-1] = (key,)
        out[key] = encode(each, at)
    at.leave(value)
    return out


def pairs(value: dict[Any, Any], at: Encoding, key: Encode, item: Encode) -> Any:
    """Encode a dict by its entries."""
    if not at.enter(value):
        return None
    path, out = at.path, []
    for each, inner in value.items():
        path[-1] = (each,)
        out.append([key(each, at), item(inner, at)])
    at.leave(value)
    return out


_ANY: dict[type, Encode] = {
    type(None): lambda value, at: None,
    bool: lambda value, at: value,
    int: lambda value, at: scalars.of_int(value),
    float: lambda value, at: scalars.of_float(value),
    str: lambda value, at: scalars.of_str(value),
    bytes: _any_bytes,
    list: sequence_encoder(list, encode_any),
    dict: _any_dict,
    **{kind: _any_scalar(name) for kind, name in scalars.NAMES.items()
       if name not in ("none", "bool", "int", "float", "str", "bytes", "path")},
    **{kind: _tagged_sequence(f"${kind.__name__}", sequence_encoder(kind, encode_any))
       for kind in (tuple, set, frozenset)},
}  # fmt: skip


def numpy_encoder(name: str) -> Encode:
    """Compile the encoder of a class of numpy's scalars."""

    def enc(value: Any, at: Encoding) -> Any:
        import numpy as np

        wanted = getattr(np, f"{name}_" if name in ("bool", "str", "bytes") else name)
        if not isinstance(value, wanted):
            return at.unfit(f"it should be of type numpy.{name}, and is {brief(value)}")
        try:
            found = scalars.of_numpy(value)
        except scalars.NoFormError as error:
            return at.unfit(str(error))
        return found[1] if found[0] == name else {"$numpy": found}

    return enc


def path_encoder(name: str) -> Encode:
    """Compile the encoder of a class of paths."""
    wanted = getattr(pathlib, name)

    def enc(value: Any, at: Encoding) -> Any:
        if not isinstance(value, wanted) or (type(value) is not scalars.HERE and type(value) not in scalars.PATHS):
            return at.unfit(f"it should be of type {name}, and is {brief(value)}")
        return scalars.of_any_path(value)

    return enc


def _odd(value: Any, at: Encoding, name: str) -> Any:
    """Encode what is not exactly of the declared class, but may stand there."""
    if scalars.fits(value, name):
        if scalars.is_numpy(value):
            return _numpy(value, at)
        if isinstance(value, enum.Enum):
            return at.tagged(value)
        if name == "float" and isinstance(value, int):
            name = "int"
        return SCALARS[name](scalars.BUILTIN[name][1](value), at)
    if name == "path" and type(value) in scalars.PATHS and isinstance(value, pathlib.Path):
        return scalars.of_path(value)
    more = ""
    if scalars.is_below(value, name):
        more = f", which is a subclass that would not come back; give it a plain {name}"
    return at.unfit(f"it should be of type {name}, and is {brief(value)}{more}")


def _scalar(name: str, kind: type) -> Encode:
    exact = scalars.ENCODERS[name]

    def enc(value: Any, at: Encoding) -> Any:
        if type(value) is not kind:
            return _odd(value, at, name)
        try:
            return exact(value)
        except scalars.NoFormError as error:
            return at.unfit(str(error))

    return enc


def _plain_float(value: Any, at: Encoding) -> Any:
    if type(value) is float:
        return value if value - value == 0.0 else scalars.of_float(value)
    return scalars.of_int(value) if type(value) is int else _odd(value, at, "float")


def _plain_str(value: Any, at: Encoding) -> Any:
    if type(value) is str:
        return value if value.isascii() else scalars.of_str(value)
    return _odd(value, at, "str")


def _plain_bytes(value: Any, at: Encoding) -> Any:
    if type(value) is bytes:
        return at.file(value) if len(value) > big.LARGE else scalars.ENCODERS["bytes"](value)
    return _odd(value, at, "bytes")


def _plain_bool(value: Any, at: Encoding) -> Any:
    return value if type(value) is bool else _odd(value, at, "bool")


SCALARS: dict[str, Encode] = {
    **{name: _scalar(name, scalars.HERE if name == "path" else kind) for kind, name in scalars.NAMES.items()},
    "float": _plain_float,
    "str": _plain_str,
    "bytes": _plain_bytes,
    "bool": _plain_bool,
}
