"""``elliptio compare``: what differs between two artifacts, or between one and here and now."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import ID_HELP, Verb, add_verb, handler

SAME, DIFFERENT, FAILED = 0, 1, 2

_EPILOG = """\
Exit codes, as those of diff: 0 the same; 1 something differs; 2 it failed, or wrong usage. Who and when do not count.
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    summary = "show what differs between two artifacts, or between one and here and now"
    parser = add_verb(verbs, "compare", summary, run, epilog=_EPILOG)
    parser.add_argument("a", metavar="A", help=ID_HELP)
    parser.add_argument(
        "b", metavar="B", nargs="?", help="another; without it, packages, Python, machine and git of this command"
    )
    parser.set_defaults(failed=FAILED)


def run(args: argparse.Namespace) -> int:
    """Compare and print."""
    with handler(args) as h:
        found = h.compare(args.a, args.b)
    if args.json:
        output.print_json(found.to_dict())
    else:
        print(found)
    return SAME if found.same else DIFFERENT
