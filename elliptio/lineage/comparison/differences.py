"""Compare two sets of facts, files or texts. Values in, differences out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple


class Change(NamedTuple):
    """A fact that differs: its name, and its value on each side; None where a side has none."""

    name: str
    a: Any
    b: Any

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """Kind of the difference, seen from a: what only b has was added."""
        if self.a is None:
            return "added"
        return "removed" if self.b is None else "changed"


def changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Change]:
    """List what differs between two mappings, by name."""
    pairs = (Change(name, a.get(name), b.get(name)) for name in sorted(a.keys() | b.keys()))
    return [pair for pair in pairs if not is_same(pair.a, pair.b)]


def flattened(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by dotted path; what is empty says nothing, so it counts as missing."""
    return dict(_leaves(facts, ""))


def diffs_differ(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool | None:
    """Tell whether uncommitted changes differ; None if that was not recorded.

    Each side has ``dirty`` (whether there were any; None if unknown) and ``diff`` (a hash of what was recorded).
    """
    if all(side.get("diff") or side.get("dirty") is False for side in (a, b)):
        return bool(a.get("diff") != b.get("diff"))
    return True if {a.get("dirty"), b.get("dirty")} == {True, False} else None


def text_diff(a: str, b: str, names: tuple[str, str], max_lines: int) -> str:
    """Compare two texts in a unified diff, cut after so many lines; empty if they are equal."""
    import difflib

    lines = difflib.unified_diff(_lines(a), _lines(b), *names, lineterm="")
    shown = list(itertools.islice(lines, max_lines))
    hidden = sum(1 for _ in lines)
    if hidden:
        shown.append(f"… and {hidden:,} more lines")
    return "".join(f"{line}\n" for line in shown)


def _lines(text: str) -> list[str]:
    """Split at line feeds alone, and mark an end that has none."""
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += "\n\\ No newline at end of file"
    else:
        lines.pop()
    return lines


def _leaves(facts: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        elif value is not None and value != "" and value != []:
            yield f"{prefix}{name}", value


def is_same(a: Any, b: Any) -> bool:
    """Tell whether two values are the same; what is no number at all is the same as itself."""
    # To Python, True is 1.
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    return bool(a == b or (a != a and b != b))
