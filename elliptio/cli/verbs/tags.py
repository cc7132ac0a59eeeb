"""``elliptio tags``: what each tag names, or what one named when."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, handler

COLUMNS = ("tag", "artifact_id", "time", "username")


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "tags", "list the tags, or what one named when", run)
    parser.add_argument("--history", metavar="NAME", help="all moves of this tag, the last one first")


def run(args: argparse.Namespace) -> int:
    """List them, without pandas."""
    with handler(args) as h:
        moves = h.tags.moves(args.history)
    if args.json:
        output.print_json([{name: getattr(move, name) for name in COLUMNS} for move in moves])
    elif moves:
        width = output.width()
        rows = [
            [move.tag, move.artifact_id or "(removed)", output.cell(move.time), output.cell(move.username, width)]
            for move in moves
        ]
        print("\n".join(output.table(["TAG", "ARTIFACT", "TIME (UTC)", "BY"], rows, width)))
    else:
        output.notice("note", "There are no tags.", as_json=False)
    return 0
