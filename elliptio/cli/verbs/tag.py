"""``elliptio tag``: give an artifact a name that can move."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import ID_HELP, Verb, add_verb, handler


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "tag", "give an artifact a name that can move to another later", run)
    parser.add_argument("artifact_id", metavar="ID", help=ID_HELP)
    parser.add_argument("name", metavar="NAME", help="such as prod; the artifact is then tag:prod for every verb")
    parser.add_argument("--overwrite", action="store_true", help="move the tag if it names another artifact")


def run(args: argparse.Namespace) -> int:
    """Set the tag, and say what it names."""
    with handler(args) as h:
        found = h.show(args.artifact_id).artifact_id
        h.tag(found, args.name, overwrite=args.overwrite)
    if args.json:
        output.print_json({"tag": args.name, "artifact_id": found})
    else:
        print(output.one_line(f"tag:{args.name} is {found}"))
    return 0
