"""``elliptio relocate``: make a lake whose files were moved or copied work at its new place."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import UsageError, Verb, add_verb, opened_at, settings

_EPILOG = """\
Move or copy the files first, with any tool, .elliptio included. Nothing is changed at the old place, which may be gone.

  elliptio relocate s3://old-bucket/lake s3://new-bucket/lake
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    summary = "make a lake that was moved or copied work at its new place, and check that all of it is there"
    parser = add_verb(verbs, "relocate", summary, run, epilog=_EPILOG)
    parser.add_argument("old", metavar="OLD_ROOT", help="where the lake was: a folder or s3://bucket/prefix")
    parser.add_argument("new", metavar="NEW_ROOT", help="where it lies now")


def run(args: argparse.Namespace) -> int:
    """Relocate; list what is missing, and the settings that still name the old place."""
    from elliptio.surroundings import relocate

    if args.root is not None:
        raise UsageError("relocate takes the old and the new root: leave out --root")
    with opened_at(args, args.old) as old, opened_at(args, args.new) as new:
        report, outdated = relocate(old, new, settings(args))
    if args.json:
        listed = [{"name": entry.name, "value": entry.shown, "origin": entry.origin} for entry in outdated]
        output.print_json({"ok": report.ok, **vars(report), "settings": listed})
        return 0 if report.ok else 1
    for problem in report.problems:
        print(output.one_line(f"{problem.artifact_id} {problem.message}"))
    restored = ", whose identity was restored" if report.identity_restored else ""
    print(
        f"{new.store.root} is {report.lake_id}{restored}: {report.artifacts:,} artifacts are there; "
        f"{report.carried:,} entries were taken over from the old index, {report.recorded:,} were read from the files; "
        f"{len(report.problems):,} problems were found"
    )
    for entry in outdated:
        print(f"The setting {entry.name} ({entry.origin}) still names the old place: {entry.shown}")
    return 0 if report.ok else 1
