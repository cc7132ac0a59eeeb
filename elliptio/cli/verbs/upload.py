"""``elliptio upload``: save files as one artifact."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from elliptio.cli import output
from elliptio.cli.options import UsageError, Verb, add_verb, full_id, handler, json_object, pair

if TYPE_CHECKING:
    from elliptio.labels import Labels

NAMED = ("ticket", "project", "datatype", "dataset", "description")


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "upload", "save files and folders as one artifact", run)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a folder with all it holds")
    add_labels(parser)


def add_labels(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what an artifact is and what it was made from."""
    for name in NAMED:
        parser.add_argument(f"--{name}", metavar="TEXT", help=f"label {name!r}")
    parser.add_argument(
        "--label", type=pair, action="append", default=[], metavar="NAME=TEXT", help="any label; may be repeated"
    )
    parser.add_argument(
        "--labels",
        type=json_object,
        default={},
        metavar="JSON",
        help="labels as a JSON object, for values that are no text",
    )
    parser.add_argument(
        "--based-on",
        action="append",
        default=[],
        metavar="ID",
        help="an artifact that this one was made from; may be repeated",
    )


def run(args: argparse.Namespace) -> int:
    """Save, and print the artifact."""
    from elliptio.artifacts.display import artifact_text

    labels = labels_of(args)
    with handler(args, new=True) as h:
        artifact = h.upload(args.paths, labels, based_on=[full_id(h, given) for given in args.based_on])
        if args.json:
            output.print_json(output.artifact_document(artifact, whole=False))
        else:
            # Nothing can be based on it yet: the index need not be asked.
            print(artifact_text(artifact.metadata, []))
    return 0


def labels_of(args: argparse.Namespace) -> Labels | dict[str, Any] | None:
    """Make labels from the options for them."""
    named = [(name, getattr(args, name)) for name in NAMED if getattr(args, name) is not None]
    labels: dict[str, Any] = {}
    for name, value in [*args.labels.items(), *args.label, *named]:
        if name in labels:
            raise UsageError(f"the label {name!r} is given twice")
        labels[name] = value
    if labels.keys() <= {*NAMED, "infos"}:
        from elliptio.labels import Labels

        return Labels(**labels)
    return labels
