"""``elliptio reindex``: put into the index what lies in the store and is missing there."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, handler


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    add_verb(verbs, "reindex", "rebuild the index from the files of the lake: add what is missing there", run)


def run(args: argparse.Namespace) -> int:
    """Reindex, and list what could not be read."""
    with handler(args) as h:
        report = h.reindex()
    if args.json:
        counts = {name: getattr(report, name) for name in ("artifacts", "tombstones", "already_there", "problems")}
        output.print_json({"ok": report.ok, **counts})
    else:
        for problem in report.problems:
            print(output.one_line(f"{problem.artifact_id} {problem.message}"))
        print(
            f"{report.artifacts:,} artifacts and {report.tombstones:,} deletions were added; "
            f"{report.already_there:,} artifacts were there already; {len(report.problems):,} problems were found"
        )
    return 0 if report.ok else 1
