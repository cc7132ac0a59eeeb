"""``elliptio lineage``: what an artifact was made from, and what was made of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio.cli import output
from elliptio.cli.options import ID_HELP, Verb, add_verb, handler

if TYPE_CHECKING:
    from elliptio.lineage.drawing.nodes import Node
    from elliptio.lineage.lineage import Lineage

FACTS = ("creation_time", "username", "file_relpaths", "labels", "run_id", "deleted")


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "lineage", "show what an artifact was made from, and what was made of it", run)
    parser.add_argument("artifact_id", metavar="ID", help=f"{ID_HELP}; also of a deleted one")
    parser.add_argument(
        "--direction",
        choices=("both", "up", "down"),
        default="both",
        help="up: only what it was made from; down: only what was made of it",
    )
    parser.add_argument("--depth", type=_generations, metavar="N", help="so many generations (default: all)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--mermaid", action="store_true", help="print it for Mermaid instead")
    instead.add_argument("--dot", action="store_true", help="print it for Graphviz instead")
    instead.add_argument("--svg", type=Path, metavar="FILE", help="draw it into this file instead")


def run(args: argparse.Namespace) -> int:
    """Follow it, and print or draw it."""
    with handler(args) as h:
        found = h.lineage(args.artifact_id, direction=args.direction, depth=args.depth)
        shown: dict[str, Any]
        if args.svg is not None:
            args.svg.write_text(found.to_svg(), encoding="utf-8")
            shown = {"svg": str(args.svg.absolute())}
        elif args.mermaid:
            shown = {"mermaid": found.to_mermaid()}
        elif args.dot:
            shown = {"dot": found.to_dot()}
        elif args.json:
            shown = _document(found)
        else:
            shown = {"tree": str(found)}
    if args.json:
        output.print_json(shown)
    else:
        print(next(iter(shown.values())).rstrip("\n"))
    return 0


def _generations(text: str) -> int:
    depth = int(text) if text.isdecimal() else 0
    if depth < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of generations, from 1")
    return depth


def _document(found: Lineage) -> dict[str, Any]:
    links = [{"child": child, "parent": parent} for child, parent in found.links]
    return {"artifact_id": found.artifact_id, "nodes": [_node(node) for node in found.nodes()], "links": links}


def _node(node: Node) -> dict[str, Any]:
    known = {"artifact_id": node.artifact_id, "generation": node.generation, "state": node.state}
    return known | {name: node.document[name] for name in FACTS if name in node.document}
