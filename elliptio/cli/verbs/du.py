"""``elliptio du``: how much the artifacts of a lake hold."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, handler
from elliptio.cli.verbs.find import query

BY = {
    "user": "username",
    "project": "labels.project",
    "dataset": "labels.dataset",
    "datatype": "labels.datatype",
    "month": "creation_time",
    "run": "run_id",
}
"""Columns that say what sizes are summed up by."""

_EPILOG = """\
Sizes are those that were recorded. On a local lake equal files may share their place on the disk; what is only linked
lies elsewhere, and is counted by itself.

  elliptio du --by project
  elliptio du '{"username": "andy"}' --by month
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "du", "sum up how much the artifacts hold, by user or project", run, epilog=_EPILOG)
    parser.add_argument(
        "query", nargs="?", type=query, default={}, metavar="QUERY", help="only artifacts that match, as for find"
    )
    parser.add_argument("--by", choices=tuple(BY), default="user", help="what is summed up by (default: user)")


def run(args: argparse.Namespace) -> int:
    """Sum up and print, the largest first."""
    from elliptio.artifacts.display import human_size

    with handler(args) as h:
        columns = [BY[args.by], "total_size", "file_count", "link"]
        rows = h.search(args.query, max_docs=0, columns=columns).rows()
    sums: dict[str, list[int]] = {}
    linked = 0
    for row in rows:
        if row["link"] is not None:
            linked += row["total_size"]
            continue
        one = sums.setdefault(_name(row, args.by), [0, 0, 0])
        for place, number in enumerate((row["total_size"], row["file_count"], 1)):
            one[place] += number
    found = sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
    total = [sum(one[place] for one in sums.values()) for place in range(3)]
    if args.json:
        names = ("size", "files", "artifacts")
        parts = [{args.by: name, **dict(zip(names, one, strict=True))} for name, one in found]
        output.print_json({**dict(zip(names, total, strict=True)), "linked": linked, "by": parts})
        return 0
    header = ["SIZE", "FILES", "ARTIFACTS", args.by.upper()]
    lines = [
        [human_size(size), f"{files:,}", f"{artifacts:,}", output.cell(name) or "-"]
        for name, (size, files, artifacts) in [*found, ("total", total)]
    ]
    print("\n".join(output.table(header, lines, output.width())))
    if linked:
        print(f"{human_size(linked)} more are linked, and lie elsewhere")
    return 0


def _name(row: Mapping[str, Any], by: str) -> str:
    value = row[BY[by]]
    if by == "month":
        return f"{value.astimezone(UTC):%Y-%m}"
    return "" if value is None else str(value)
