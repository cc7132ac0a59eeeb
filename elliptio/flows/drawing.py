"""Draw a flow: as lines of text, as a flowchart of Mermaid, and as SVG, which a notebook shows by itself.

All take plain values: steps as `Box`, streams as links ``(from, to, stream)``, where None instead of a step means the
world outside of the flow. So ``(None, "clean", "raw")`` is an input, and ``("clean", None, "rows")`` an output.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from elliptio.artifacts.display import printable
from elliptio.lineage.drawing.frames import captioned, framed
from elliptio.lineage.drawing.layout import layout
from elliptio.lineage.drawing.notation import mermaid_text
from elliptio.lineage.drawing.svg import HEIGHT, picture_html

MOST_BOXES = 300
"""Limit of boxes in a picture: the first steps are drawn, and a note counts the others."""

LETTERS, BELOW = 25, 30
"""Letters of the first line and of the second that fit into a box."""

Link: TypeAlias = tuple[str | None, str | None, str]
"""The step that writes a stream, a step that reads it, and the name of the stream; None is outside of the flow."""

Counts: TypeAlias = Mapping[str, str]
"""Remarks on streams, such as how many values they have."""

_Place: TypeAlias = tuple[Literal["step", "stream"], str]


@dataclass(frozen=True)
class Box:
    """A step of a flow, as it is drawn.

    Attributes
    ----------
    name
        Its name.
    kind
        ``"step"``, or ``"failed"`` for one that is shown as such.
    waits
        Streams that have to end before it starts.

    Examples
    --------
    >>> print(text([Box("fit", waits=frozenset({"rows"}))], [(None, "fit", "rows"), ("fit", None, "model")]))
    rows → ▌[fit] → model

    """

    name: str
    kind: Literal["step", "failed"] = "step"
    waits: frozenset[str] = frozenset()


# Attributes, not styles: those are taken away where a picture is not trusted. The boxes bring their own background, and
# their borders, the lines and the note differ from white and from almost black by 3 to 1 at least.
_LOOKS = {
    "step": f'rx="{HEIGHT // 2}" fill="#dcefe6" stroke="#4a9472"',
    "failed": f'rx="{HEIGHT // 2}" fill="#f8dfdc" stroke="#c0564a"',
    "stream": 'rx="6" fill="#f7f8fa" stroke="#718096" stroke-dasharray="5 4"',
    "input": 'rx="6" fill="#eef2f7" stroke="#718096"',
    "output": 'rx="6" fill="#eef2f7" stroke="#718096"',
}
_BAR = '<path d="M-2 -5V43" fill="none" stroke="#718096" stroke-width="4"/>'


def boxes_and_links(
    processors: Sequence[Mapping[str, Any]], failed: Collection[str] = ()
) -> tuple[list[Box], list[Link]]:
    """Make what is drawn of the documents of processors, as the plan of a flow has them: name, inputs, outputs, wait.

    Parameters
    ----------
    processors
        Their documents.
    failed
        Names of those that are shown as failed.

    """
    readers: dict[str, list[str | None]] = {}
    for one in processors:
        for name in one["inputs"]:
            readers.setdefault(name, []).append(one["name"])
    written = {name for one in processors for name in one["outputs"]}
    boxes: list[Box] = []
    links: list[Link] = []
    for one in processors:
        name = one["name"]
        boxes.append(Box(name, "failed" if name in failed else "step", frozenset(one.get("wait") or ())))
        links += [(None, name, stream) for stream in one["inputs"] if stream not in written]
        links += [(name, reader, stream) for stream in one["outputs"] for reader in readers.get(stream, [None])]
    return boxes, links


def text(steps: Sequence[Box], links: Sequence[Link], counts: Counts | None = None) -> str:
    """Write each step as a line: what it reads, its name, what it writes; a bar stands before those that wait."""
    counts = counts or {}

    def stream(name: str, step: Box | None = None) -> str:
        waited = "▌" if step and step.waits and step.waits != set(_reads(step, links)) and name in step.waits else ""
        said = f" ({printable(counts[name])})" if name in counts else ""
        return f"{waited}{printable(name)}{said}"

    lines = []
    for step in _ordered(steps, links):
        reads, writes = _reads(step, links), _writes(step, links)
        bar = "▌" if step.waits and step.waits >= set(reads) else ""
        mark = " ✗" if step.kind == "failed" else ""
        parts = [
            ", ".join(stream(name, step) for name in reads),
            f"{bar}[{printable(step.name)}]{mark}",
            ", ".join(map(stream, writes)),
        ]
        lines.append(" → ".join(part for part in parts if part))
    return "\n".join(lines) or "a flow without steps"


def mermaid(steps: Sequence[Box], links: Sequence[Link], counts: Counts | None = None) -> str:
    """Write a flowchart: steps joined by streams, those that wait with bars, inputs and outputs as round boxes."""
    counts = counts or {}
    short = {step.name: f"s{number}" for number, step in enumerate(steps)}
    outside = dict.fromkeys((source is None, name) for source, target, name in links if None in (source, target))
    ends = {end: f"{'i' if end[0] else 'o'}{number}" for number, end in enumerate(outside)}

    def said(name: str) -> str:
        return mermaid_text(f"{printable(name)}: {printable(counts[name])}" if name in counts else printable(name))

    lines = ["flowchart LR"]
    for step in steps:
        shape = '[["{}"]]' if step.waits else '["{}"]'
        lines.append(f"{short[step.name]}{shape.format(mermaid_text(printable(step.name)))}")
    lines += [f'{end}(["{said(name)}"])' for (_, name), end in ends.items()]
    for source, target, name in dict.fromkeys(links):
        if source is not None and target is not None:
            lines.append(f'{short[source]} -->|"{said(name)}"| {short[target]}')
        elif source is not None:
            lines.append(f"{short[source]} --> {ends[False, name]}")
        elif target is not None:
            lines.append(f"{ends[True, name]} --> {short[target]}")
    failed = [short[step.name] for step in steps if step.kind == "failed"]
    if failed:
        lines += ["classDef failed stroke:#c0564a", f"class {','.join(failed)} failed"]
    return "\n    ".join(lines) + "\n"


def svg(steps: Sequence[Box], links: Sequence[Link], counts: Counts | None = None) -> str:
    """Draw a flow from its inputs on the left to its outputs on the right."""
    drawn, left_out = _first(_ordered(steps, links), links)
    names = {step.name for step in drawn}
    links = [link for link in links if names.intersection(link[:2]) or link[:2] == (None, None)]
    placed = layout(*_graph(drawn, links))
    note = f"… and {left_out:,} more steps" if left_out else ""
    looks = _looks(drawn, links, counts or {})

    def box(place: _Place) -> tuple[str, str]:
        kind, remark, waits = looks[place]
        title = printable(" ".join((kind, place[1], remark)).strip())
        return kind, captioned(title, _LOOKS[kind], place[1], remark, (LETTERS, BELOW), _BAR if waits else "")

    return framed("elliptio-flow", text(drawn, links, counts), placed, box, note)


def html(steps: Sequence[Box], links: Sequence[Link], counts: Counts | None = None) -> str:
    """Show a flow in a notebook: the picture, or its text where pictures are not shown."""
    return picture_html(svg(steps, links, counts), text(steps, links, counts))


def _reads(step: Box, links: Sequence[Link]) -> list[str]:
    return list(dict.fromkeys(name for _, target, name in links if target == step.name))


def _writes(step: Box, links: Sequence[Link]) -> list[str]:
    return list(dict.fromkeys(name for source, _, name in links if source == step.name))


def _ordered(steps: Sequence[Box], links: Sequence[Link]) -> list[Box]:
    """Put those who write before those who read, and leave the order as it is otherwise."""
    before: dict[str, set[str]] = {step.name: set() for step in steps}
    for source, target, _ in links:
        if source in before and target in before and source != target:
            before[str(target)].add(str(source))
    ordered: list[Box] = []
    rest, done = list(steps), set[str]()
    while rest:
        # In a circle, which only an error draws, any one is first.
        ready = [step for step in rest if before[step.name] <= done] or rest[:1]
        ordered += ready
        done.update(step.name for step in ready)
        rest = [step for step in rest if step.name not in done]
    return ordered


def _first(steps: Sequence[Box], links: Sequence[Link]) -> tuple[list[Box], int]:
    """Take as many steps as fit into a picture with their streams, and count the others."""
    streams: dict[str, set[str]] = {step.name: set() for step in steps}
    for source, target, name in links:
        for step in (source, target):
            if step is not None:
                streams[step].add(name)
    seen: set[str] = set()
    for number, one in enumerate(steps):
        seen |= streams[one.name]
        if number and number + 1 + len(seen) > MOST_BOXES:
            return list(steps[:number]), len(steps) - number
    return list(steps), 0


def _graph(steps: Sequence[Box], links: Sequence[Link]) -> tuple[list[_Place], list[tuple[_Place, _Place]]]:
    """List what is drawn, and what is joined: steps with streams. A link to a step that is not drawn is left out."""
    names = {step.name for step in steps}
    places: dict[_Place, None] = {}
    edges: dict[tuple[_Place, _Place], None] = {}
    for step in steps:
        for name in _reads(step, links):
            places["stream", name] = None
        places["step", step.name] = None
    for source, target, name in links:
        places["stream", name] = None
        if source in names:
            edges[("step", str(source)), ("stream", name)] = None
        if target in names:
            edges[("stream", name), ("step", str(target))] = None
    return list(places), list(edges)


def _looks(steps: Sequence[Box], links: Sequence[Link], counts: Counts) -> dict[_Place, tuple[str, str, bool]]:
    """Say of each place its kind, its second line, and whether a bar stands before it."""
    found: dict[_Place, tuple[str, str, bool]] = {}
    for step in steps:
        some = step.waits and not step.waits >= set(_reads(step, links))
        waits = f"waits for {', '.join(sorted(step.waits))}" if some else "waits" if step.waits else ""
        remark = "failed" if step.kind == "failed" else waits
        found["step", step.name] = (step.kind, remark, bool(step.waits))
    for source, target, name in links:
        kind = "input" if source is None else "output" if target is None else "stream"
        if found.get(("stream", name), ("stream",))[0] == "stream":
            found["stream", name] = (kind, counts.get(name, "" if kind == "stream" else kind), False)
    return found
