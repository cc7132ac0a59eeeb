"""``elliptio runs``: the runs of a lake, or one of them as a tree."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, handler, names, of_runs, run_of
from elliptio.cli.verbs.find import limit, query

LIMIT = 20

PLAIN = ("creation_time", "name", "status", "username", "params", "metrics")


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "runs", "list the runs, the newest first, or show one as a tree", run)
    parser.add_argument(
        "query",
        nargs="?",
        type=_query,
        default={},
        metavar="NAME or QUERY",
        help="""a name, a run_id or a beginning of it, or a MongoDB query as (extended) JSON, such as
        '{"metrics.loss": {"$lt": 0.1}}'""",
    )
    parser.add_argument("--name", metavar="TEXT", help="of this name")
    parser.add_argument("--status", choices=("running", "finished", "failed", "killed"), help="that are so")
    parser.add_argument("--sort", metavar="[-]PATH", help="such as metrics.loss, or -creation_time")
    parser.add_argument(
        "--limit", type=limit, default=LIMIT, metavar="N", help=f"at most so many; 0 shows all (default: {LIMIT})"
    )
    parser.add_argument("--columns", type=names, metavar="A,B", help="only these, such as name,metrics.loss")
    parser.add_argument(
        "--tree", metavar="RUN", help="show this run instead (also by its name), with those in it and what each made"
    )


def run(args: argparse.Namespace) -> int:
    """Find and print; without pandas."""
    return _tree(args) if args.tree is not None else _list(args)


def _query(text: str) -> dict[str, Any]:
    """Read a query; a plain word names runs."""
    return query(text) if text.lstrip().startswith(("{", "[")) else of_runs(text)


def _list(args: argparse.Namespace) -> int:
    given = [{field: value} for field, value in (("name", args.name), ("status", args.status)) if value is not None]
    wanted = {"$and": [args.query, *given]} if given else args.query
    columns = args.columns or ("all" if args.json else PLAIN)
    with handler(args) as h:
        found = h.runs.search(wanted, max_docs=args.limit, sort=args.sort, columns=columns)
    rows = found.rows()
    if args.json:
        output.print_json(rows)
    elif rows:
        width = output.width()
        print("\n".join(output.table(["RUN", *map(_title, columns or ())], _cells(rows), width)))
    else:
        output.notice("note", "No runs match.", as_json=False)
    if found.truncated:
        message = f"Showing {found.truncated} runs that match; --limit 0 shows all."
        output.notice("note", message, as_json=args.json)
    return 0


def _title(column: str) -> str:
    return {"creation_time": "TIME (UTC)", "username": "BY"}.get(column, column if "." in column else column.upper())


def _cells(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [[_cell(value) for value in row.values()] for row in rows]


def _cell(value: Any) -> str:
    if not isinstance(value, dict):
        return output.cell(value)
    return " ".join(f"{output.cell(name, 20)}={output.cell(item, 20)}" for name, item in value.items())


def _tree(args: argparse.Namespace) -> int:
    with handler(args) as h:
        tree = h.runs.tree(run_of(h, args.tree))
    if args.json:
        every = [tree, *tree.descendants]
        output.print_json([one.document | {"artifacts": [made["_id"] for made in one.artifacts]} for one in every])
    else:
        print(tree)
    return 0
