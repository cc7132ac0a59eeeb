"""Tell in which parameters runs of one name differ: what a reader of a sweep wants to know of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from elliptio.artifacts.display import printable
from elliptio.naming import shorten
from elliptio.protocols import Document

MOST_OF_VALUE = 30
"""Characters of a value."""


def differing(runs: Iterable[Document]) -> dict[str, str]:
    """Say of each run by what it differs from those of its name: ``"rate=0.1 layers=3"``; nothing where by nothing."""
    named: dict[str, list[Document]] = {}
    for run in runs:
        named.setdefault(str(run.get("name")), []).append(run)
    return {identifier: text for alike in named.values() for identifier, text in _texts(alike).items()}


def _texts(alike: list[Document]) -> dict[str, str]:
    given = {str(run["_id"]): dict(_flat(run.get("params"))) for run in alike}
    shown: dict[str, list[str]] = {identifier: [] for identifier in given}
    for name in dict.fromkeys(name for params in given.values() for name in params):
        values = {identifier: params[name] for identifier, params in given.items() if name in params}
        exact = set(map(repr, values.values()))
        if len(exact) == 1 and len(values) == len(given):
            continue
        show = _short if len(set(map(_short, values.values()))) == len(exact) else repr
        for identifier, value in values.items():
            shown[identifier].append(f"{printable(name)}={printable(show(value))}")
    return {identifier: " ".join(facts) for identifier, facts in shown.items()}


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else shorten(str(value), MOST_OF_VALUE)


def _flat(params: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield parameters, those inside of others as ``optimizer.rate``."""
    for name, value in params.items() if isinstance(params, Mapping) else ():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
