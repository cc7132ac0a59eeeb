"""``elliptio link``: record files as an artifact, and leave them where they are."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, full_id, handler
from elliptio.cli.verbs.upload import add_labels, labels_of


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "link", "record files as one artifact, and leave them where they are", run)
    parser.add_argument(
        "places", nargs="+", metavar="PLACE", help="a file, a folder with all it holds, or s3://bucket/prefix"
    )
    parser.add_argument("--no-hash", action="store_true", help="read nothing now: elliptio hash does it later")
    add_labels(parser)


def run(args: argparse.Namespace) -> int:
    """Link, and print the artifact."""
    from elliptio.artifacts.display import artifact_text

    labels = labels_of(args)
    with handler(args, new=True) as h:
        based_on = [full_id(h, given) for given in args.based_on]
        artifact = h.link(args.places, labels, hash=not args.no_hash, based_on=based_on)
        if args.json:
            output.print_json(output.artifact_document(artifact, whole=False))
        else:
            # Nothing can be based on it yet: the index need not be asked.
            print(artifact_text(artifact.metadata, []))
    return 0
