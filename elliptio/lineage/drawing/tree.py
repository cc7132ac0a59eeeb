"""Draw a lineage as a tree for the terminal: what it was made from grows upwards, what was made of it downwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from elliptio.artifacts.display import printable
from elliptio.lineage.drawing.nodes import DeadEnd, Link, Node, cut, family, subtitle, title
from elliptio.lineage.drawing.runs import Shown, runs_of

MOST_SIBLINGS = 20
MOST_IN_A_CHAIN = 7
MOST_LINES = 300
"""Lines in one direction."""

_WIDTH = 40


@dataclass(frozen=True)
class Again:
    """An artifact that has its line elsewhere."""

    artifact_id: str


@dataclass(frozen=True)
class More:
    """Artifacts that are left out, and after which one the tree goes on."""

    count: int
    then: str | None = None


Entry: TypeAlias = str | Again | More


def tree(nodes: Sequence[Node], links: Sequence[Link], asked: str) -> str:
    """Draw it; an artifact that several ways lead to has one line, and is referred to from the others."""
    known = {node.artifact_id: node for node in nodes}
    write = partial(_text, known=known, made_by=runs_of(nodes))
    inside = family(nodes, links)
    above = [link for link in inside if all(known[name].generation <= 0 for name in link)]
    below = [(parent, child) for child, parent in inside if min(known[child].generation, known[parent].generation) >= 0]
    up, down = _lines(asked, above, write, "┌─"), _lines(asked, below, write, "└─")
    return "\n".join([*reversed(up), f"▶ {write(asked)}", *down])


def _lines(start: str, steps: Sequence[Link], write: Callable[[Entry], str], corner: str) -> list[str]:
    """Write the lines of all that is reached from an artifact, going from the first of a step to the second."""
    entries = _entries(start, steps)
    lines: list[str] = []
    waiting: list[tuple[Entry, str, bool]] = []

    def enter(found: Sequence[Entry], indent: str) -> None:
        waiting.extend((entry, indent, number == 0) for number, entry in enumerate(reversed(found)))

    enter(entries.get(start, ()), "")
    while waiting:
        entry, indent, last = waiting.pop()
        lines.append(f"{indent}{corner if last else '├─'} {write(entry)}")
        following = entry.then if isinstance(entry, More) else entry
        after = [following] if isinstance(entry, More) and following else entries.get(str(following), ())
        if not isinstance(entry, Again):
            enter(after, indent + ("   " if last else "│  "))
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"… {len(lines) - MOST_LINES:,} more lines"]
    return lines


def _entries(start: str, steps: Sequence[Link]) -> dict[str, list[Entry]]:
    """List what hangs on each artifact: each hangs on the one from which it is nearest to the start."""
    following: dict[str, list[str]] = {}
    for one, other in steps:
        following.setdefault(one, []).append(other)
    reached = {start: None}
    entries: dict[str, list[Entry]] = {}
    waiting = [start]
    for name in waiting:
        found: list[Entry] = []
        for other in following.get(name, ()):
            found.append(Again(other) if other in reached else other)
            if other not in reached:
                reached[other] = None
                waiting.append(other)
        entries[name] = found
    for found in entries.values():
        # What goes on comes first, so that it is not what is left out of very many.
        found.sort(key=lambda entry: not entries.get(entry) if isinstance(entry, str) else 2)
    _fold(waiting, entries)
    return entries


def _fold(order: Sequence[str], entries: dict[str, list[Entry]]) -> None:
    """Leave out the middle of long chains, and the rest of very many siblings."""
    chained: set[str] = set()
    for name in order:
        chain = [name]
        while name not in chained and len(found := entries[chain[-1]]) == 1 and isinstance(found[0], str):
            chain.append(found[0])
        if len(chain) > MOST_IN_A_CHAIN:
            entries[chain[2]] = [More(len(chain) - 5, chain[-2])]
        chained.update(chain[:-1])
        if len(entries[name]) > MOST_SIBLINGS:
            entries[name][MOST_SIBLINGS - 1 :] = [More(len(entries[name]) - MOST_SIBLINGS + 1)]


def _again(node: Node) -> str:
    name = str((node.run or {}).get("name")) if isinstance(node, DeadEnd) else ""
    return cut(f"run {name}", _WIDTH) if name else title(node, _WIDTH)


def _text(entry: Entry, known: Mapping[str, Node], made_by: Mapping[str, Shown]) -> str:
    if isinstance(entry, More):
        return f"… {entry.count:,} more …"
    if isinstance(entry, Again):
        return f"{printable(entry.artifact_id)}  {_again(known[entry.artifact_id])}  (again)"
    node = known[entry]
    run = "" if node.run is None else made_by[str(node.run["_id"])].in_a_line(_WIDTH)
    if isinstance(node, DeadEnd):
        return f"{printable(entry)}  {run}"
    names = title(node, _WIDTH) if node.state != "unknown" else ""
    return "  ".join(part for part in (printable(entry), names, subtitle(node, _WIDTH), run and f"by {run}") if part)
