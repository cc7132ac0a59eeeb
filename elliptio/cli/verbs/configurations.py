"""``elliptio configurations``: sets of parameters for pipelines."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from elliptio.cli import output
from elliptio.cli.options import Verb, add_group
from elliptio.cli.projects import add_project_verb, listing, print_rows, value


def add_parser(verbs: Verb) -> None:
    """Add the verb, and its own."""
    own = add_group(verbs, "configurations", "list the configurations of a project, or show one")
    add_project_verb(own, "ls", "list the configurations", _ls)
    summary = "show the parameters of a configuration, those of its bases too"
    describe = add_project_verb(own, "describe", summary, _describe)
    describe.add_argument("name", metavar="NAME", help="name of a configuration")


def _ls(args: argparse.Namespace) -> int:
    rows = listing(args).configurations()
    header = ["CONFIGURATION", "FROM", "DEFINED IN"]
    print_rows(
        args,
        rows,
        header,
        lambda row: [row["name"], ", ".join(row["from"]), row["where"]],
        "This project has no configurations.",
    )
    return 0


def _describe(args: argparse.Namespace) -> int:
    found = listing(args).configuration(args.name)
    if args.json:
        output.print_json(found)
        return 0
    bases = f"  from {', '.join(found['from'])}" if found["from"] else ""
    print(f"Configuration {found['name']}{bases}  ({found['where']})")
    _print(found["parameters"], "  ")
    return 0


def _print(parameters: Mapping[str, Any], indent: str) -> None:
    for name, one in parameters.items():
        if isinstance(one, Mapping) and one:
            print(f"{indent}{name}:")
            _print(one, f"{indent}  ")
        else:
            print(f"{indent}{name}: {value(one)}")
