"""Decode lists, tuples, sets, dicts, literals and unions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from elliptio.models.types import scalars
from elliptio.models.types.problems import brief, damaged

if TYPE_CHECKING:
    from elliptio.models.types.decoding import Decode, Decoding


def sequence(at: Decoding, kind: type, decode: Decode) -> Decode:
    """Compile the decoder of a list, set, frozenset, or tuple of any length."""
    path = at.path

    def dec(plain: Any) -> Any:
        if type(plain) is not list:
            if type(plain) is dict and "$class" in plain and kind is tuple:
                return at.instance(plain)
            at.damaged(f"it should be the items of a {kind.__name__}, and is {brief(plain)}")
        at.enter()
        out: list[Any] = []
        for each in plain:
            path[-1] = len(out)
            out.append(decode(each))
        path.pop()
        if kind is list:
            return out
        try:
            return kind(out)
        except TypeError as error:
            raise damaged(path, f"its items cannot be in a set: {error}") from None

    return dec


def fixed(at: Decoding, of: Any) -> Decode:
    """Compile the decoder of a tuple of a certain length."""
    if not isinstance(of, list):
        at.damaged("a tuple has a list of types")
    decoders = [at.of(each) for each in of]

    def dec(plain: Any) -> Any:
        if type(plain) is dict and "$class" in plain:
            return at.instance(plain)
        if type(plain) is not list or len(plain) != len(decoders):
            at.damaged(f"it should be {len(decoders)} items of a tuple, and is {brief(plain)}")
        at.enter()
        out: list[Any] = []
        for each, decode in zip(plain, decoders, strict=True):
            at.path[-1] = len(out)
            out.append(decode(each))
        at.path.pop()
        return tuple(out)

    return dec


def mapping(at: Decoding, of: Any) -> Decode:
    """Compile the decoder of a dict."""
    if not isinstance(of, list) or len(of) != 2:
        at.damaged("a dict has a type of its keys and one of its values")
    key, item = map(at.of, of)
    texts = of[0] == "str"

    def dec(plain: Any) -> Any:
        return natural(at, plain, item) if texts and type(plain) is dict else pairs(at, plain, key, item)

    return dec


def natural(at: Decoding, plain: dict[str, Any], decode: Decode) -> dict[str, Any]:
    """Decode a dict that JSON says itself."""
    at.enter()
    path, out = at.path, {}
    for key, each in plain.items():
        path[-1] = (key,)
        out[key] = decode(each)
    path.pop()
    return out


def pairs(at: Decoding, plain: Any, key: Decode, item: Decode) -> dict[Any, Any]:
    """Decode a dict that is said by its entries."""
    if type(plain) is not list:
        at.damaged(f"it should be the entries of a dict, and is {brief(plain)}")
    at.enter()
    out: dict[Any, Any] = {}
    for number, each in enumerate(plain):
        at.path[-1] = number
        if type(each) is not list or len(each) != 2:
            at.damaged(f"it should be a key and a value, and is {brief(each)}")
        name = key(each[0])
        try:
            if name in out:
                at.damaged(f"the key {brief(name)} is there twice")
        except TypeError as error:
            raise damaged(at.path, f"it cannot be a key: {error}") from None
        at.path[-1] = (name,)
        out[name] = item(each[1])
    at.path.pop()
    return out


def literal(at: Decoding, of: Any) -> Decode:
    """Compile the decoder of a Literal."""
    if not isinstance(of, list):
        at.damaged("a Literal has a list of members")
    known = {json.dumps(each, sort_keys=True): each for each in of}

    def dec(plain: Any) -> Any:
        text = json.dumps(plain, sort_keys=True)
        if text not in known:
            at.damaged(f"it should be one of {', '.join(map(brief, of))}, and is {brief(plain)}")
        return at.any(plain)

    return dec


def union(at: Decoding, of: Any) -> Decode:
    """Compile the decoder of a union."""
    if not isinstance(of, list) or not of:
        at.damaged("a union has a list of types")
    optional = "none" in of
    members = [each for each in of if each != "none"]
    decoders = [at.of(each) for each in members]
    if len(members) == 1:
        only = decoders[0]
        return lambda plain: None if plain is None and optional else only(plain)
    natural = {kind: decoders[members.index(name)] for name, kind in scalars.UNMARKED.items() if name in members}
    if "float" in members:
        natural.setdefault(int, decoders[members.index("float")])

    def dec(plain: Any) -> Any:
        if plain is None and optional:
            return None
        if type(plain) in natural:
            return natural[type(plain)](plain)
        if type(plain) is not dict or set(plain) != {"$member", "value"}:
            at.damaged(f"it should say which type it is, and is {brief(plain)}")
        number = plain["$member"]
        if type(number) is not int or not 0 <= number < len(decoders):
            at.damaged(f"there is no member {brief(number)}")
        return decoders[number](plain["value"])

    return dec
