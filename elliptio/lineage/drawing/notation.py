"""A lineage in the notations of other programs: Mermaid, Graphviz, networkx."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from elliptio.errors import MissingExtraError
from elliptio.lineage.drawing import runs
from elliptio.lineage.drawing.nodes import Link, Node, details, family, subtitle, title
from elliptio.lineage.drawing.runs import Step, with_steps

if TYPE_CHECKING:
    import networkx

_WIDTH = 60
_WELL, _LOST = "#4a9472", "#c0564a"
"""Colours of runs."""

_MERMAID_CLASSES = (
    "classDef asked stroke-width:4px",
    "classDef deleted stroke-dasharray:5 4",
    "classDef unknown opacity:0.6",
)
_DOT_STYLES = {"here": "rounded", "deleted": "rounded,dashed", "unknown": "rounded,dotted"}


def mermaid(nodes: Sequence[Node], links: Sequence[Link], asked: str) -> str:
    """Write a flowchart; identifiers stand in comments, because Mermaid has no place for them."""
    drawing = _Drawing(nodes, links)
    lines = ["flowchart LR"]
    for name, box in drawing.named():
        left, right = ("([", "])") if isinstance(box, Step) else ("[", "]")
        label = "<br>".join(map(mermaid_text, drawing.lines(box)))
        identifier = re.sub(r"[^\w-]", "_", box.run_id if isinstance(box, Step) else box)
        lines += [f"%% {name} is {identifier}", f'{name}{left}"{label}"{right}']
    lines += [f"{one} --> {other}" for one, other in drawing.arrows()]
    lines += _MERMAID_CLASSES
    short = drawing.short
    lines += [f"class {short[node.artifact_id]} {node.state}" for node in nodes if node.state != "here"]
    lines.append(f"class {short[asked]} asked")
    for kind, color in (("run", _WELL), ("lost", _LOST)):
        steps = [name for name, box in drawing.named() if drawing.is_lost(box) is (kind == "lost")]
        lines += [f"classDef {kind} stroke:{color}", f"class {','.join(steps)} {kind}"] if steps else []
    return "\n    ".join(lines) + "\n"


def dot(nodes: Sequence[Node], links: Sequence[Link], asked: str) -> str:
    """Write a graph for Graphviz; the tooltips have identifiers and all files."""
    drawing = _Drawing(nodes, links)
    lines = ["digraph lineage {", "rankdir=LR", 'node [shape=box, fontname="sans-serif", fontsize=11]']
    for name, box in drawing.named():
        label, hint = _dot_text(drawing.lines(box)), _dot_text(drawing.details(box))
        if isinstance(box, Step):
            look = f'shape=ellipse, color="{_LOST if drawing.is_lost(box) else _WELL}"'
        else:
            look = f'style="{_DOT_STYLES[drawing.nodes[box].state]}"' + (", penwidth=3" if box == asked else "")
        lines.append(f'{name} [label="{label}", tooltip="{hint}", {look}]')
    lines += [f"{one} -> {other}" for one, other in drawing.arrows()]
    return "\n    ".join(lines) + "\n}\n"


class _Drawing:
    """Boxes of artifacts and runs, with short names, because others may have written the identifiers."""

    def __init__(self, nodes: Sequence[Node], links: Sequence[Link]) -> None:
        self.nodes = {node.artifact_id: node for node in nodes}
        edges = [(parent, child) for child, parent in family(nodes, links)]
        self.boxes, self.edges = with_steps(list(self.nodes), edges, self.nodes)
        self.short = {box: f"n{number}" for number, box in enumerate(self.boxes)}
        self._runs = runs.runs_of(nodes)

    def named(self) -> list[tuple[str, str | Step]]:
        return [(self.short[box], box) for box in self.boxes]

    def arrows(self) -> list[tuple[str, str]]:
        return [(self.short[one], self.short[other]) for one, other in self.edges]

    def lines(self, box: str | Step) -> list[str]:
        if isinstance(box, Step):
            return list(self._runs[box.run_id].lines(_WIDTH, _WIDTH))
        node = self.nodes[box]
        return [line for line in (title(node, _WIDTH), subtitle(node, _WIDTH)) if line]

    def is_lost(self, box: str | Step) -> bool | None:
        """Tell whether a run failed or was killed; None of an artifact."""
        return self._runs[box.run_id].lost if isinstance(box, Step) else None

    def details(self, box: str | Step) -> list[str]:
        return runs.details(self._runs[box.run_id].run) if isinstance(box, Step) else details(self.nodes[box])


def graph(nodes: Sequence[Node], links: Sequence[Link]) -> networkx.DiGraph[str]:
    """Make a graph whose edges lead from parents to children.

    Raises
    ------
    MissingExtraError
        If networkx is not installed.

    """
    try:
        import networkx
    except ImportError as error:
        raise MissingExtraError(f"Graphs need networkx: pip install 'elliptio[lineage]' ({error})") from error

    made = networkx.DiGraph()
    for node in nodes:
        names = ("creation_time", "username", "file_relpaths", "labels", "run_id")
        facts = {name: node.document.get(name) for name in names}
        made.add_node(node.artifact_id, generation=node.generation, state=node.state, **facts)
    made.add_edges_from((parent, child) for child, parent in family(nodes, links))
    return made


def mermaid_text(text: str) -> str:
    """Write a text so that Mermaid shows it as it is."""
    # Mermaid has no quoting but numbers of letters. A dot or a dash before a space would begin a list; a colon is one
    # of its own only within a time.
    return re.sub(r"[^\w .,:-]|[.-](?=\s)|(?<!\d):|:(?!\d\d)", lambda found: f"#{ord(found[0])};", text)


def _dot_text(lines: Sequence[str]) -> str:
    # Graphviz reads entities, so that no tag is left where this stands in a page.
    quoted = (escape(line, quote=False).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return "\\n".join(quoted)
