"""Draw a pipeline: as SVG, which a notebook shows by itself, and as a flowchart of Mermaid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from elliptio.lineage.drawing.frames import captioned, framed
from elliptio.lineage.drawing.layout import layout
from elliptio.lineage.drawing.notation import mermaid_text
from elliptio.lineage.drawing.svg import HEIGHT, picture_html
from elliptio.pipelines.crafts.craft import CraftFunction

MOST_BOXES = 300
"""Limit of boxes in a picture: the first crafts are drawn, and a note counts the others."""

LETTERS = 27
"""Letters of a line that fit into a box."""

Box: TypeAlias = tuple[str, str]
"""Its kind and its name."""

CRAFT, ENTRY, VOLATILE, BEFORE = "craft", "entry", "volatile", "version before of the entry"
"""Kinds of boxes; the last is of what a craft reads and writes."""

# Attributes, not styles: those are taken away where a picture is not trusted. The boxes bring their own background, and
# their borders, the lines and the note differ from white and from almost black by 3 to 1 at least.
_LOOKS = {
    CRAFT: f'rx="{HEIGHT // 2}" fill="#dcefe6" stroke="#4a9472"',
    ENTRY: 'rx="6" fill="#eef2f7" stroke="#718096"',
    BEFORE: 'rx="6" fill="#eef2f7" stroke="#718096"',
    VOLATILE: 'rx="6" fill="#f7f8fa" stroke="#718096" stroke-dasharray="5 4"',
}


@dataclass(frozen=True, repr=False)
class Picture:
    """A picture of a pipeline, which a notebook shows by itself.

    Attributes
    ----------
    svg
        As SVG.
    text
        As lines of text, for where no picture can be shown.

    """

    svg: str
    text: str

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return picture_html(self.svg, self.text)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def mermaid(crafts: Sequence[CraftFunction]) -> str:
    """Write a flowchart: crafts with round ends, entries as cylinders, values that are passed on with a dashed line."""
    boxes, edges, _ = _boxes(crafts, None)
    short = {box: f"n{number}" for number, box in enumerate(boxes)}
    shapes = {CRAFT: '(["{}"])', ENTRY: '[("{}")]', BEFORE: '[("{} (before)")]', VOLATILE: '["{}"]'}
    lines = ["flowchart LR"]
    lines += [f"{short[box]}{shapes[box[0]].format(mermaid_text(box[1]))}" for box in boxes]
    lines += [f"{short[one]} --> {short[other]}" for one, other in edges]
    passed = [short[box] for box in boxes if box[0] == VOLATILE]
    if passed:
        lines += ["classDef volatile stroke-dasharray:5 4", f"class {','.join(passed)} volatile"]
    return "\n    ".join(lines) + "\n"


def picture(crafts: Sequence[CraftFunction]) -> Picture:
    """Draw a pipeline, from what it takes on the left to what it makes on the right."""
    text = "\n".join(_lines(crafts)) or "a pipeline without crafts"
    boxes, edges, left_out = _boxes(crafts, MOST_BOXES)
    placed = layout(boxes, edges)
    note = f"… and {left_out:,} more crafts" if left_out else ""
    remarks = _remarks(crafts)

    def drawn(box: Box) -> tuple[str, str]:
        kind, name = box
        inside = captioned(f"{kind} {name}", _LOOKS[kind], name, remarks.get(box, ""), (LETTERS, LETTERS))
        return kind.partition(" ")[0], inside

    return Picture(framed("elliptio-pipeline", text, placed, drawn, note), text)


def _boxes(crafts: Sequence[CraftFunction], most: int | None) -> tuple[list[Box], list[tuple[Box, Box]], int]:
    """List boxes and the edges between them; with `most` only of the first crafts, and how many are left out."""
    boxes: dict[Box, None] = {}
    edges: dict[tuple[Box, Box], None] = {}
    for number, craft in enumerate(crafts):
        own: Box = (CRAFT, craft.name)
        takes, makes = _around(craft)
        new = dict.fromkeys([*takes, own, *makes])
        if most is not None and number and len(boxes.keys() | new.keys()) > most:
            return list(boxes), list(edges), len(crafts) - number
        boxes |= new
        edges |= dict.fromkeys([*((one, own) for one in takes), *((own, one) for one in makes)])
    return list(boxes), list(edges), 0


def _around(craft: CraftFunction) -> tuple[list[Box], list[Box]]:
    """List the boxes of what a craft takes, and of what it makes."""
    makes: list[Box] = [(VOLATILE if one.volatile else ENTRY, one.name) for one in craft.outputs]
    takes: list[Box] = [(VOLATILE if one.volatile else ENTRY, one.name) for one in craft.inputs]
    return [(BEFORE, name) if (kind, name) in makes else (kind, name) for kind, name in takes], makes


def _remarks(crafts: Sequence[CraftFunction]) -> dict[Box, str]:
    """Say what else there is to know of a box, in its second line."""
    made = {box for craft in crafts for box in _around(craft)[1]}
    found: dict[Box, str] = {}
    for craft in crafts:
        found[CRAFT, craft.name] = f"once per {', '.join(craft.per)}" if craft.per else craft.__module__
        for box in (one for side in _around(craft) for one in side):
            kinds = {VOLATILE: "volatile", BEFORE: "the version before", ENTRY: "" if box in made else "input"}
            found[box] = kinds[box[0]]
    return found


def _lines(crafts: Sequence[CraftFunction]) -> Iterator[str]:
    """Write each craft as a line: what it takes, its name, what it makes."""
    for craft in crafts:
        parts = [
            ", ".join(f"({one.name})" if one.volatile else one.name for one in craft.inputs),
            f"[{craft.name}]",
            ", ".join(f"({one.name})" if one.volatile else one.name for one in craft.outputs),
        ]
        yield " → ".join(part for part in parts if part)
