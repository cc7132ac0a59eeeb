"""Hold the code of a craft as a value, and say what changed between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple


class Part(NamedTuple):
    """A function, a class or a constant that a craft's code reaches.

    Attributes
    ----------
    name
        Its qualified name, by the place of its file: ``lib.tables.clean``.
    kind
        "function", "method", "lambda", "class", "constant" or "object".
    place
        Where it stands, relative to the root: ``lib/tables.py:12``, or "notebook".
    digest
        The hash of what counts of it, in hex.
    bindings
        The hash of which parts its names stand for; empty if it reaches none.

    """

    name: str
    kind: str
    place: str
    digest: str
    bindings: str = ""

    @property
    def short_name(self) -> str:
        """The name without that of its module: ``Prices.parse``."""
        module = self.place.partition(":")[0].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        name = self.name.removeprefix(f"{module}.").removeprefix("__main__.")
        return name.rpartition("<locals>.")[2]


@dataclass(frozen=True)
class Code:
    """All that a function reaches.

    Attributes
    ----------
    digest
        The hash of all parts, in hex; packages do not count.
    parts
        The function itself, then all that it reaches, by name.
    unfollowed
        A sentence for each thing that could not be followed.
    distributions
        The versions of the distributions that this code imports, by name, sorted.

    """

    digest: str
    parts: tuple[Part, ...]
    unfollowed: tuple[str, ...] = ()
    distributions: Mapping[str, str] = field(default_factory=dict)


def joined(first: Code, second: Code) -> Code:
    """Join the code of a function with that of another one, which runs with it."""
    return Code(
        sha256(f"{first.digest} {second.digest}".encode()).hexdigest(),
        tuple(dict.fromkeys([*first.parts, *second.parts])),
        tuple(sorted({*first.unfollowed, *second.unfollowed})),
        dict(sorted({**first.distributions, **second.distributions}.items())),
    )


def as_record(code: Code) -> dict[str, Any]:
    """Return what is kept of a code, for `changes` later: plain values that JSON can hold.

    Examples
    --------
    >>> from elliptio.pipelines.code import Code, Part, as_record, changes
    >>> part = Part("lib.tables.clean", "function", "lib/tables.py:12", "aa" * 32)
    >>> before = as_record(Code("cc" * 32, (part,), (), {"pandas": "2.2.3"}))
    >>> edited = Part("lib.tables.clean", "function", "lib/tables.py:14", "bb" * 32)
    >>> changes(before, Code("dd" * 32, (edited,), (), {"pandas": "2.3.0"}))
    ['`clean` in lib/tables.py:14 changed', 'pandas 2.2.3 → 2.3.0']
    """
    parts: dict[str, list[str]] = {}
    for part in code.parts:
        parts.setdefault(f"{part.kind} {part.name}", []).append(_recorded(part))
    return {
        "digest": code.digest,
        "parts": {name: sorted(digests) for name, digests in sorted(parts.items())},
        "packages": dict(code.distributions),
    }


def _recorded(part: Part) -> str:
    # Only compared by people's sentences: the digest of the code is whole.
    return f"{part.digest[:20]} {part.bindings[:12]}".rstrip()


def changes(before: Mapping[str, Any], now: Code) -> list[str]:
    """Say in sentences what changed since a record of the same craft; an empty list if nothing did.

    Parameters
    ----------
    before
        What `as_record` gave.
    now
        The code as it is.

    """
    said = _of_parts(before.get("parts", {}), now)
    if not said and before.get("digest") != now.digest:
        said = _of_bindings(before.get("parts", {}), now) or ["its code changed"]
    old, new = before.get("packages", {}), now.distributions
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            said.append(_of_package(name, old.get(name), new.get(name)))
    return said


def _of_parts(before: Mapping[str, list[str]], now: Code) -> list[str]:
    known = {name: {digest.partition(" ")[0] for digest in digests} for name, digests in before.items()}
    said: list[str] = []
    gone = {name: digests for name, digests in known.items() if name not in {_key(part) for part in now.parts}}
    for number, part in enumerate(now.parts):
        if part.digest[:20] in known.get(_key(part), ()):
            continue
        moved = None if _key(part) in known else _moved(part, gone)
        if moved is not None:
            del gone[moved]
        what = "changed" if _key(part) in known else "is new" if moved is None else _from(moved, part)
        said.append(f"{_shown(part, number == 0)} {what}")
    for name in gone:
        kind, _, qualified = name.partition(" ")
        said.append(f"{_word(kind)} `{qualified}` is not used any more")
    return list(dict.fromkeys(said))


def _key(part: Part) -> str:
    return f"{part.kind} {part.name}"


def _moved(part: Part, gone: Mapping[str, set[str]]) -> str | None:
    """Find what is gone from one module and is, under its name, the same in another one."""
    for name, digests in gone.items():
        # A class names its methods with their modules: that it is the same cannot be told.
        is_same = part.kind == "class" or part.digest[:20] in digests
        if is_same and name.startswith(f"{part.kind} ") and name.endswith(f".{part.short_name}"):
            return name
    return None


def _from(moved: str, part: Part) -> str:
    module = moved.partition(" ")[2].removesuffix(f".{part.short_name}")
    return f"moved from {module}" + (", and may have changed" if part.kind == "class" else "")


def _of_bindings(before: Mapping[str, list[str]], now: Code) -> list[str]:
    return list(
        dict.fromkeys(
            f"{_shown(part, number == 0)} uses other code under the same names"
            for number, part in enumerate(now.parts)
            if _recorded(part) not in before.get(f"{part.kind} {part.name}", ())
        )
    )


def _word(kind: str) -> str:
    return "helper" if kind in ("function", "lambda") else kind


def _shown(part: Part, is_craft: bool) -> str:
    word = "" if is_craft else f"{_word(part.kind)} "
    return f"{word}`{part.short_name}` in {part.place}"


def _of_package(name: str, old: str | None, new: str | None) -> str:
    if old is None:
        return f"{name} {new} is used now"
    if new is None:
        return f"{name} {old} is not used any more"
    return f"{name} {old} → {new}"
