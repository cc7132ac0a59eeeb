"""``elliptio artifacts``: the entries of a project's catalog, each a data set with versions in the lake."""

from __future__ import annotations

import argparse
from typing import Any

from elliptio.cli import output
from elliptio.cli.options import Verb, add_group
from elliptio.cli.projects import add_project_verb, listing, print_facts, print_rows, session, value

MOST = 5
"""Versions that are shown to people."""


def add_parser(verbs: Verb) -> None:
    """Add the verb, and its own."""
    own = add_group(verbs, "artifacts", "list the entries of a project's catalog, or show one")
    add_project_verb(own, "ls", "list the entries of the catalog", _ls)
    describe = add_project_verb(own, "describe", "show an entry, and its versions", _describe)
    describe.add_argument("name", metavar="NAME", help="name of an entry")


def _ls(args: argparse.Namespace) -> int:
    def cells(row: Any) -> list[str]:
        return [row["name"], row["type"], ", ".join(row["keys"]), row["path"] or "", row["where"]]

    rows = listing(args).entries()
    print_rows(args, rows, ["ENTRY", "TYPE", "KEYS", "PATH", "DEFINED IN"], cells, "The catalog has no entries.")
    return 0


def _describe(args: argparse.Namespace) -> int:
    from elliptio.pipelines.looking import version_rows

    found = listing(args).entry(args.name)
    with session(args) as sess:
        found["versions"] = version_rows(sess, args.name)
    if args.json:
        output.print_json(found)
        return 0
    print(f"Entry {found['name']}  ({found['where']})")
    facts = [("type", found["type"]), ("keys", ", ".join(found["keys"]))]
    facts += [(name, value(one)) for name, one in found["extra"].items()]
    facts += [(name.replace("_", " "), value(found[name])) for name in ("load_options", "save_options") if found[name]]
    print_facts([*facts, ("versions", _versions(found["versions"]))])
    return 0


def _versions(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "none in the lake"
    lines = [_version(row) for row in rows[:MOST]]
    return "\n".join([*lines, *([f"… and {len(rows) - MOST:,} more"] if len(rows) > MOST else [])])


def _version(row: dict[str, Any]) -> str:
    keys = ", ".join(f"{name}={one}" for name, one in row["keys"].items())
    parts = [row["artifact_id"], output.cell(row["creation_time"]), row["origin"], keys]
    return "  ".join(part for part in [*parts, "(current)" if row["current"] else ""] if part)
