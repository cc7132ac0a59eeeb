"""``elliptio untag``: take a tag away."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, handler


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "untag", "take a tag away; its history stays", run)
    parser.add_argument("name", metavar="NAME", help="the tag, such as prod")


def run(args: argparse.Namespace) -> int:
    """Take it away, and say so."""
    with handler(args) as h:
        h.tags.remove(args.name)
    if args.json:
        output.print_json({"untagged": args.name})
    else:
        print(output.one_line(f"tag:{args.name} was removed"))
    return 0
