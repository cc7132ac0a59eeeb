"""Draw a pipeline: as SVG, which a notebook shows by itself, and as a flowchart of Mermaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elliptio.pipelines.crafts.craft import CraftFunction


@dataclass(frozen=True)
class Picture:
    """A picture of a pipeline.

    Attributes
    ----------
    svg
        As SVG.
    text
        As lines of text.

    """

    svg: str
    text: str

    def _repr_svg_(self) -> str:
        return self.svg

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def mermaid(crafts: Sequence[CraftFunction]) -> str:
    """Write a flowchart: crafts as boxes, entries as cylinders, values that are passed on as circles."""
    lines = ["flowchart LR"]
    seen: dict[tuple[str, bool], str] = {}

    def node(name: str, volatile: bool) -> str:
        if (name, volatile) not in seen:
            seen[name, volatile] = f"d{len(seen)}"
            shape = '(("{}"))' if volatile else '[("{}")]'
            lines.append(f"    {seen[name, volatile]}{shape.format(_quoted(name))}")
        return seen[name, volatile]

    for number, craft in enumerate(crafts):
        lines.append(f'    c{number}["{_quoted(craft.name)}"]')
        lines += [f"    {node(one.name, one.volatile)} --> c{number}" for one in craft.inputs]
        lines += [f"    c{number} --> {node(one.name, one.volatile)}" for one in craft.outputs]
    return "\n".join(lines)


def _quoted(name: str) -> str:
    return name.replace('"', "#quot;")


def picture(crafts: Sequence[CraftFunction]) -> Picture:
    """Draw a pipeline."""
    return Picture("<svg xmlns='http://www.w3.org/2000/svg'/>", mermaid(crafts))
