"""``elliptio verify``: read every file and compare it with what was recorded."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import ID_HELP, Verb, add_verb, handler


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "verify", "read every file and compare it with what was recorded", run)
    parser.add_argument(
        "artifact_id",
        nargs="?",
        metavar="ID",
        help=f"only this artifact: {ID_HELP}",
    )


def run(args: argparse.Namespace) -> int:
    """Verify, and list what is wrong."""
    from elliptio.artifacts.display import human_size

    with handler(args) as h:
        report = h.verify(args.artifact_id)
    if args.json:
        output.print_json(report.to_dict())
    else:
        for problem in report.problems:
            print(output.one_line(f"{problem.artifact_id} {problem.relpath or '-'} {problem.message}"))
        if report.not_hashed:
            print(f"{report.not_hashed:,} linked files are not hashed: only their size and stamp were compared")
        print(
            f"{report.artifacts:,} artifacts with {report.files:,} files ({human_size(report.bytes)}) were read; "
            f"{len(report.problems):,} problems were found"
        )
    return 0 if report.ok else 1
