"""Compare any number of sides, section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from elliptio.lineage.comparison.differences import is_same
from elliptio.lineage.comparison.sides import Side

SECTIONS = ("labels", "params", "metrics", "git", "packages", "python", "machine", "files", "who_when")
"""Sections of facts, in the order in which they are shown."""

UNKNOWN = "not recorded"


class Row(NamedTuple):
    """A fact of all sides: its name, a value for each side (None where it has none), and whether all are the same."""

    name: str
    values: tuple[Any, ...]
    same: bool


def compare_several(sides: Sequence[Side]) -> dict[str, list[Row]]:
    """List the facts of all sides by section, sorted by name, those that differ first.

    A section is compared among the sides that have it, as between two sides; what fewer than two have is left out.
    """
    found: dict[str, list[Row]] = {}
    for section in SECTIONS:
        facts = [_git(side.git) if section == "git" else side.facts.get(section) for side in sides]
        if sum(one is not None for one in facts) > 1:
            found[section] = _rows(facts, never_same=UNKNOWN if section == "git" else None)
    return found


def _rows(facts: Sequence[Mapping[str, Any] | None], never_same: str | None) -> list[Row]:
    names = sorted({name for one in facts if one is not None for name in one})
    rows = []
    for name in names:
        # What has no such section is not asked, and does not differ.
        asked = [one.get(name) for one in facts if one is not None]
        same = all(is_same(asked[0], value) for value in asked[1:]) and (never_same is None or asked[0] != never_same)
        rows.append(Row(name, tuple(None if one is None else one.get(name) for one in facts), same))
    return sorted(rows, key=lambda row: row.same)


def _git(git: Mapping[str, Any]) -> dict[str, Any]:
    """Say what `compare_git` compares: the commit, and what was not committed, which may not be known."""
    changed = git.get("diff") or ("none" if git.get("dirty") is False else UNKNOWN)
    return {"commit": git.get("commit"), "uncommitted changes": changed}
