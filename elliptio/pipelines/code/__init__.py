"""Stub."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Code:
    digest: str
    parts: tuple[Any, ...] = ()
    unfollowed: tuple[str, ...] = ()
    distributions: dict[str, str] = field(default_factory=dict)


class Reader:
    def __init__(self, roots: Any) -> None: ...
    def code_of(self, function: Any, *, packages: Any = "imported") -> Code:
        return Code(hashlib.sha256(function.__code__.co_code + repr(function.__code__.co_consts).encode()).hexdigest())


def as_record(code: Code) -> dict[str, Any]:
    return {}


def changes(before: Any, now: Code) -> list[str]:
    return []
