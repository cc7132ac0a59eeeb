"""A lineage in the notations of other programs: Mermaid, Graphviz, networkx."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from elliptio.drawing.nodes import Link, Node, details, family, subtitle, title
from elliptio.errors import MissingExtraError

if TYPE_CHECKING:
    import networkx

_WIDTH = 60

_MERMAID_CLASSES = (
    "classDef asked stroke-width:4px",
    "classDef deleted stroke-dasharray:5 4",
    "classDef unknown opacity:0.6",
)
_DOT_STYLES = {"here": "rounded", "deleted": "rounded,dashed", "unknown": "rounded,dotted"}


def mermaid(nodes: Sequence[Node], links: Sequence[Link], asked: str) -> str:
    """Write a flowchart; identifiers stand in comments, because Mermaid has no place for them."""
    short = _names(nodes)
    lines = ["flowchart LR"]
    for node in nodes:
        name = short[node.artifact_id]
        label = "<br>".join(_mermaid_text(line) for line in (title(node, _WIDTH), subtitle(node, _WIDTH)) if line)
        identifier = re.sub(r"[^\w-]", "_", node.artifact_id)
        lines += [f"%% {name} is {identifier}", f'{name}["{label}"]']
    lines += [f"{short[parent]} --> {short[child]}" for child, parent in family(nodes, links)]
    lines += _MERMAID_CLASSES
    lines += [f"class {short[node.artifact_id]} {node.state}" for node in nodes if node.state != "here"]
    lines.append(f"class {short[asked]} asked")
    return "\n    ".join(lines) + "\n"


def dot(nodes: Sequence[Node], links: Sequence[Link], asked: str) -> str:
    """Write a graph for Graphviz; the tooltips have identifiers and all files."""
    short = _names(nodes)
    lines = ["digraph lineage {", "rankdir=LR", 'node [shape=box, fontname="sans-serif", fontsize=11]']
    for node in nodes:
        shown = [line for line in (title(node, _WIDTH), subtitle(node, _WIDTH)) if line]
        weight = ", penwidth=3" if node.artifact_id == asked else ""
        lines.append(
            f'{short[node.artifact_id]} [label="{_dot_text(shown)}", tooltip="{_dot_text(details(node))}", '
            f'style="{_DOT_STYLES[node.state]}"{weight}]'
        )
    lines += [f"{short[parent]} -> {short[child]}" for child, parent in family(nodes, links)]
    return "\n    ".join(lines) + "\n}\n"


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


def _names(nodes: Sequence[Node]) -> dict[str, str]:
    """Short names, because others may have written the identifiers."""
    return {node.artifact_id: f"n{number}" for number, node in enumerate(nodes)}


def _mermaid_text(text: str) -> str:
    # Mermaid has no quoting but numbers of letters. A dot or a dash before a space would begin a list; a colon is one
    # of its own only within a time.
    return re.sub(r"[^\w .,:-]|[.-](?=\s)|(?<!\d):|:(?!\d\d)", lambda found: f"#{ord(found[0])};", text)


def _dot_text(lines: Sequence[str]) -> str:
    # Graphviz reads entities, so that no tag is left where this stands in a page.
    quoted = (escape(line, quote=False).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return "\\n".join(quoted)
