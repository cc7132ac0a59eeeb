"""Describe an artifact in a lineage at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from unicodedata import east_asian_width

from elliptio.artifacts.display import model_name, printable
from elliptio.protocols import Document

Link: TypeAlias = tuple[str, str]
"""(child, parent)"""

MOST_FILES = 20
"""Limit of files that are named where there is room for all that is known."""

MOST_NOTES = 3
"""Limit of notes that are shown, the last ones."""

ENDING = 6
"""Letters at the end of a long name that are kept."""


@dataclass(frozen=True)
class Node:
    """An artifact in a lineage, with what a reader wants to know of it at a glance.

    Attributes
    ----------
    artifact_id
        Its identifier.
    generation
        0 for the artifact that was asked about, -1 for what it is based on, 1 for what is based on it, and so on; the
        nearest where several ways lead there.
    state
        ``"here"``, ``"deleted"``, or ``"unknown"`` where this lake's index has never heard of it.
    document
        What the index holds of it; empty if unknown.
    run
        What the index holds of the run that made it, if that was one of ``with h.run(…)``.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as data:
    ...     data.file.upload_string("1,2")
    >>> with h.new(["model.txt"], based_on=data) as model:
    ...     model.file.upload_string("1.5")
    >>> [(node.generation, node.state) for node in h.lineage(model).nodes()]
    [(-1, 'here'), (0, 'here')]

    """

    artifact_id: str
    generation: int
    state: Literal["here", "deleted", "unknown"]
    document: Document = field(default_factory=dict, repr=False)
    run: Document | None = field(default=None, repr=False)


class DeadEnd(Node):
    """A run that failed or was killed, in the place of what it would have made; `artifact_id` is that of the run."""


def title(node: Node, width: int) -> str:
    """Name an artifact's data model, or its files, without folders, as far as there is room; else its identifier."""
    model = model_name(node.document)
    if model:
        return cut(model, width)
    names = [str(name).rpartition("/")[2] for name in node.document.get("file_relpaths") or ()]
    count = len(names) or int(node.document.get("file_count") or 0)
    joined = ", ".join(names)
    if not count:
        return cut(node.artifact_id, width)
    if not names:
        return cut(f"{count:,} files", width)
    if count == 1 or len(joined) <= width:
        return _shortened(joined, width)
    more = f" and {count - 1:,} more"
    if width - len(more) < ENDING:  # of the name nothing would be left to know it by
        more = f" +{count - 1:,}"
    return _shortened(names[0], width - len(more)) + more


def subtitle(node: Node, width: int) -> str:
    """Say who and when; whether it is a link, and has notes; and the state, unless the artifact is here."""
    facts = [_moment(node)] if _moment(node) else []
    facts += ["linked"] if node.document.get("link") else []
    facts += [node.state] if node.state != "here" else []
    facts += ["made again"] if node.document.get("reproduces") else []
    facts += ["noted"] if node.document.get("notes") else []
    who = node.document.get("username")
    room = width - sum(len(fact) + 2 for fact in facts)
    return "  ".join([cut(str(who), max(room, 4)), *facts] if who else facts)


def details(node: Node) -> list[str]:
    """List all that there is to say of an artifact, a line each."""
    names = [str(name) for name in node.document.get("file_relpaths") or ()]
    lines = [node.artifact_id, model_name(node.document), *names[:MOST_FILES]]
    if len(names) > MOST_FILES:
        lines.append(f"… and {len(names) - MOST_FILES:,} more files")
    lines.append(subtitle(node, 200))
    notes = node.document.get("notes") or ()
    lines += [f"note of {note.get('username')}: {note.get('text')!s:.200}" for note in notes[-MOST_NOTES:]]
    return [printable(line) for line in lines if line]


def family(nodes: Sequence[Node], links: Sequence[Link]) -> list[Link]:
    """List the links that lead from one of these nodes to another, each once."""
    known = {node.artifact_id for node in nodes}
    return [link for link in dict.fromkeys(links) if link[0] != link[1] and known.issuperset(link)]


def cut(text: str, width: int) -> str:
    """Cut `text` to one line of so many columns, those of wide letters counted twice."""
    text = printable(text)
    if len(text) * 2 <= width or sum(map(_columns, text)) <= width:
        return text
    kept, room = "", width - 1
    for letter in text[:width]:
        room -= _columns(letter)
        if room < 0:
            break
        kept += letter
    return kept.rstrip() + "…"


def _shortened(name: str, width: int) -> str:
    """Shorten `name` to so many columns, with its end: that says what kind of file it is."""
    short = cut(name, width)
    end = printable(name)[-ENDING:]
    room = width - sum(map(_columns, end))
    return short if not short.endswith("…") or room < ENDING else cut(name, room) + end


def _columns(letter: str) -> int:
    return 2 if east_asian_width(letter) in "WF" else 1


def _moment(node: Node) -> str:
    moment = node.document.get("creation_time")
    if not isinstance(moment, datetime):
        return ""
    return f"{moment.astimezone(UTC) if moment.tzinfo else moment:%Y-%m-%d %H:%M}"
