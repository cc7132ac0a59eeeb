"""``elliptio delete``: remove an artifact's files for good."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import ID_LENGTH, UsageError, Verb, add_verb, handler


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "delete", "remove an artifact's files for good", run)
    parser.add_argument("artifact_id", metavar="ID", help="the whole artifact_id, no beginning of it; or tag:NAME")
    parser.add_argument("--force", action="store_true", help="also if other artifacts are based on it, or tags name it")


def run(args: argparse.Namespace) -> int:
    """Delete, and say so."""
    tagged = args.artifact_id.startswith("tag:")
    if not tagged and (len(args.artifact_id) < ID_LENGTH or ":" in args.artifact_id):
        raise UsageError(f"delete takes the whole artifact_id, not {args.artifact_id!r}: it is for good")
    with handler(args) as h:
        deleted = h.delete(args.artifact_id, force=args.force)
    if args.json:
        output.print_json({"deleted": deleted})
    elif deleted is not None:
        print(f"{deleted} was deleted")
    return 0
