"""``elliptio gc``: what interrupted saves and deletes left behind."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, handler

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "gc", "list what interrupted saves and deletes left behind, or remove it", run)
    parser.add_argument("--delete", action="store_true", help="remove what is older than --grace; for good")
    parser.add_argument(
        "--grace",
        type=age,
        default=timedelta(hours=24),
        metavar="AGE",
        help="what is younger may still be in the making, such as 30m, 24h, 7d or 2w (default: 24h)",
    )


def run(args: argparse.Namespace) -> int:
    """List, and remove if asked to."""
    from elliptio.artifacts.display import human_size

    with handler(args) as h:
        orphans = h.gc(dry_run=not args.delete, grace=args.grace)
    if args.json:
        output.print_json(
            [
                {
                    "key": orphan.key,
                    "size": orphan.size,
                    "age_seconds": round(orphan.age.total_seconds(), 3),
                    "removed": orphan.removed,
                }
                for orphan in orphans
            ]
        )
        return 0
    rows = [
        (output.one_line(orphan.key), human_size(orphan.size), _age_text(orphan.age), "yes" if orphan.removed else "no")
        for orphan in orphans
    ]
    if rows:
        print("\n".join(output.table(("FOLDER", "SIZE", "AGE", "REMOVED"), rows, width=10_000)))
    size = human_size(sum(orphan.size for orphan in orphans))
    removed = sum(orphan.removed for orphan in orphans)
    print(
        f"{len(orphans):,} found ({size}), {removed:,} removed{'' if args.delete or not orphans else '; see --delete'}"
    )
    return 0


def age(text: str) -> timedelta:
    """Read an age: a number of minutes, hours, days or weeks."""
    found = re.fullmatch(r"([0-9]+)([mhdw])", text.strip())
    try:
        if found:
            return timedelta(**{UNITS[found[2]]: int(found[1])})
    except OverflowError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no age: give one such as 30m, 24h, 7d or 2w")


def _age_text(found: timedelta) -> str:
    minutes = max(int(found.total_seconds() // 60), 0)
    if minutes < 60:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes < 48 * 60 else f"{minutes // (24 * 60)}d"
