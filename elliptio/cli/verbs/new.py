"""``elliptio new``: a small project that works, to begin with."""

from __future__ import annotations

import argparse
from pathlib import Path

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "new", "lay out a small project that works, to begin with", run)
    parser.add_argument("folder", metavar="DIR", help="a new folder, or an empty one")


def run(args: argparse.Namespace) -> int:
    """Lay it out, and say what to do next."""
    import shlex

    from elliptio.pipelines.project.layout import lay_out

    root = Path(args.folder).expanduser()
    files = [path.relative_to(root.absolute()).as_posix() for path in lay_out(root)]
    if args.json:
        output.print_json({"root": str(root.absolute()), "files": files})
        return 0
    print("\n".join(f"{root}/{name}" for name in files))
    print(f"\nNext:  cd {shlex.quote(str(root))}  and  elliptio pipelines run report")
    return 0
