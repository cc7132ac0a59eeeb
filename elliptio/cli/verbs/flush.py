"""``elliptio flush``: record what was saved while the index could not be reached."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, handler


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    add_verb(verbs, "flush", "record artifacts that were saved while the index could not be reached", run)


def run(args: argparse.Namespace) -> int:
    """Deliver, and print the identifiers."""
    with handler(args) as h:
        delivered = h.flush()
    if args.json:
        output.print_json(delivered)
    else:
        print("\n".join([*delivered, f"{len(delivered):,} artifact{'' if len(delivered) == 1 else 's'} recorded"]))
    return 0
