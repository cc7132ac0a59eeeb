"""``elliptio catalog``: take over the catalog of another tool."""

from __future__ import annotations

import argparse
from pathlib import Path

from elliptio.cli import output
from elliptio.cli.options import Verb, add_group
from elliptio.cli.projects import add_project_verb

_EPILOG = """\
  elliptio catalog import kedro conf/base/catalog.yml --to catalog/kedro.yaml

Types, paths, options and factories are taken over. Credentials are left out, and named: nothing secret is read or
written.
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb, and its own."""
    own = add_group(verbs, "catalog", "take over the catalog of another tool")
    parser = add_project_verb(own, "import", "write a catalog from that of another tool", _import, epilog=_EPILOG)
    parser.add_argument("tool", choices=("kedro",), metavar="TOOL", help="the other tool: kedro")
    parser.add_argument("file", metavar="FILE", type=Path, help="its catalog, a YAML file")
    parser.add_argument(
        "--to", metavar="FILE", type=Path, help="a new file, below --path if that is given (default: standard output)"
    )


def _import(args: argparse.Namespace) -> int:
    from elliptio.pipelines.project.kedro import import_catalog

    found = import_catalog(args.file)
    if args.to is not None:
        args.to = Path(args.path or ".", args.to)
        args.to.parent.mkdir(parents=True, exist_ok=True)
        with args.to.open("x", encoding="utf-8", newline="\n") as file:
            file.write(found.text)
    if args.json:
        to = None if args.to is None else str(args.to.absolute())
        output.print_json({"to": to, "entries": found.entries, "notes": found.notes, "text": found.text})
        return 0
    if args.to is None:
        output.print_content(found.text)
    for note in found.notes:
        output.notice("note", note, as_json=False)
    if args.to is not None:
        print(f"{args.to}: {len(found.entries):,} {'entry' if len(found.entries) == 1 else 'entries'}")
    return 0
