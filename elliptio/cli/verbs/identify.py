"""``elliptio identify``: which artifacts hold exactly this file."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, handler
from elliptio.cli.verbs.find import deletion, labels

_EPILOG = """\
Exit code 1: no artifact holds it. Of deleted artifacts this is known only if the file was the only one they had.
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    summary = "tell whose file this is: the artifacts that hold exactly its content"
    parser = add_verb(verbs, "identify", summary, run, epilog=_EPILOG)
    parser.add_argument("path", metavar="PATH", help="a local file, under whatever name")
    parser.add_argument(
        "--no-large",
        dest="large",
        action="store_false",
        help="do not look into artifacts of more than 10,000 files, whose lists have to be read one by one",
    )


def run(args: argparse.Namespace) -> int:
    """Identify; a line an artifact, the newest first."""
    with handler(args) as h:
        found = h.owners(args.path, large=args.large)
    rows = found.rows()
    if args.json:
        output.print_json(rows)
    elif rows:
        width = output.width()
        header = ["ARTIFACT", "TIME (UTC)", "USER", "FILE", "LABELS"]
        cells = [
            [
                row["artifact_id"],
                output.cell(row["creation_time"]),
                output.cell(row["username"], width),
                output.cell(row["relpath"], width)
                + (f" +{len(row['relpaths']) - 1:,}" if len(row["relpaths"]) > 1 else ""),
                labels(row, width),
                deletion(row),
            ]
            for row in rows
        ]
        if any(row["deleted"] for row in rows):
            header.append("DELETED")
        print("\n".join(output.table(header, [line[: len(header)] for line in cells], width)))
    else:
        output.notice("note", "No artifact holds exactly this file.", as_json=False)
    return 0 if rows else 1
