"""``elliptio snapshots``: a pipeline plus the exact artifacts that it took and made."""

from __future__ import annotations

import argparse
from typing import Any

from elliptio.cli import output
from elliptio.cli.options import Verb, add_group
from elliptio.cli.projects import add_project_verb, print_facts, print_rows, session, value

SHORT = 12
"""Characters of an id that people see."""

ID = "an id of a snapshot, a beginning of it, GRAPH:TAG or GRAPH:latest"


def add_parser(verbs: Verb) -> None:
    """Add the verb, and its own."""
    own = add_group(verbs, "snapshots", "look at what pipelines were run with and made, compare it, give it names")
    ls = add_project_verb(own, "ls", "list the snapshots, the newest first", _ls)
    ls.add_argument("pipeline", nargs="?", metavar="PIPELINE", help="only those of this one")
    show = add_project_verb(own, "show", "show a snapshot: its parameters and its artifacts", _show)
    show.add_argument("snapshot", metavar="SNAPSHOT", help=ID)
    diff = add_project_verb(own, "diff", "show what differs between two snapshots", _diff)
    diff.add_argument("snapshot", metavar="SNAPSHOT", help=ID)
    diff.add_argument("other", metavar="OTHER", help="the other one")
    tag = add_project_verb(own, "tag", "give a snapshot a name that can move to another later", _tag)
    tag.add_argument("snapshot", metavar="SNAPSHOT", help=ID)
    tag.add_argument("name", metavar="TAG", help="such as prod")
    tag.add_argument("--overwrite", action="store_true", help="move the tag if it names another snapshot")


def _ls(args: argparse.Namespace) -> int:
    from elliptio.pipelines.looking import snapshot_rows

    def cells(row: Any) -> list[str]:
        return [
            row["id"][:SHORT],
            row["graph"],
            output.cell(row["creation_time"]),
            output.cell(row["username"], 20),
            ", ".join(row["tags"]),
        ]

    with session(args) as sess:
        rows = [row for row in snapshot_rows(sess) if args.pipeline in (None, row["graph"])]
    print_rows(args, rows, ["SNAPSHOT", "PIPELINE", "TIME (UTC)", "BY", "TAGS"], cells, "There are no snapshots.")
    return 0


def _show(args: argparse.Namespace) -> int:
    from elliptio.pipelines.looking import snapshot_of

    with session(args) as sess:
        found = snapshot_of(sess, args.snapshot)
        rows = found.rows()
    if args.json:
        crafts = [craft.name for craft in found.graph.crafts]
        output.print_json(
            {"id": found.id, "graph": found.name, "crafts": crafts, "parameters": found.parameters, "artifacts": rows}
        )
        return 0
    print(f"Snapshot {found.id}")
    given = {craft: values for craft, values in found.parameters.items() if values}
    lines = [
        f"{craft}: {', '.join(f'{name}={value(one)}' for name, one in values.items())}"
        for craft, values in given.items()
    ]
    names = ", ".join(craft.name for craft in found.graph.crafts)
    print_facts([("pipeline", found.name), ("crafts", names), ("parameters", "\n".join(lines))])
    cells = [[row["entry"], _keys(row["keys"]), row["role"], row["artifact_id"] or ""] for row in rows]
    print("\n".join(output.table(["ENTRY", "KEYS", "ROLE", "ARTIFACT"], cells, output.width())))
    return 0


def _keys(keys: dict[str, Any]) -> str:
    return ", ".join(f"{name}={one}" for name, one in keys.items())


def _diff(args: argparse.Namespace) -> int:
    from elliptio.pipelines.looking import snapshot_of

    with session(args) as sess:
        rows = snapshot_of(sess, args.snapshot).differences(snapshot_of(sess, args.other))
    if args.json:
        names = ("what", "name", "here", "there")
        output.print_json([dict(zip(names, row, strict=True)) for row in rows])
    elif rows:
        cells = [[what, name, output.cell(here), output.cell(there)] for what, name, here, there in rows]
        print("\n".join(output.table(["WHAT", "NAME", "HERE", "THERE"], cells, output.width())))
    else:
        output.notice("note", "They are the same.", as_json=False)
    return 0


def _tag(args: argparse.Namespace) -> int:
    from elliptio.pipelines.looking import snapshot_of

    with session(args) as sess:
        found = snapshot_of(sess, args.snapshot)
        found.tag(args.name, overwrite=args.overwrite)
    if args.json:
        output.print_json({"tag": args.name, "graph": found.name, "id": found.id})
    else:
        print(output.one_line(f"{found.name}:{args.name} is {found.id}"))
    return 0
