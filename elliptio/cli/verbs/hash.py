"""``elliptio hash``: hash the files of a link that was made without."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import ID_HELP, Verb, add_verb, handler


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "hash", "hash the files of a link that was made with --no-hash", run)
    parser.add_argument("artifact_id", metavar="ID", help=ID_HELP)


def run(args: argparse.Namespace) -> int:
    """Hash, and print the fingerprint."""
    with handler(args) as h:
        metadata = h.hash(args.artifact_id).metadata
    if args.json:
        output.print_json({"artifact_id": metadata.artifact_id, "fingerprint": metadata.fingerprint})
    else:
        print(output.one_line(f"{metadata.artifact_id} has the fingerprint {metadata.fingerprint}"))
    return 0
