"""``elliptio compile``: modules of the notebooks of a project."""

from __future__ import annotations

import argparse
import dataclasses

from elliptio.cli import output
from elliptio.cli.options import Verb
from elliptio.cli.projects import add_project_verb, listing


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_project_verb(verbs, "compile", "make modules of the cells tagged craft in a project's notebooks", run)
    parser.add_argument("--force", action="store_true", help="overwrite modules that somebody edited, too")


def run(args: argparse.Namespace) -> int:
    """Compile them, and tell what became of each; 1 if a module was left as it is because somebody edited it."""
    from elliptio.pipelines.project.notebooks import compile_notebooks

    report = compile_notebooks(listing(args).project, force=args.force)
    if args.json:
        output.print_json(dataclasses.asdict(report))
    else:
        for what in ("written", "unchanged", "refused", "left_over"):
            for module in getattr(report, what):
                print(f"{what.replace('_', ' '):<10} {module}")
        if not (report.written or report.unchanged or report.refused):
            output.notice("note", "No notebook has a cell that is tagged craft.", as_json=False)
    if report.refused:
        output.notice(
            "error",
            f"{', '.join(report.refused)}: somebody edited what was compiled, so it is left as it is; move the edits "
            "to the notebook, or give --force",
            as_json=args.json,
            type="ProjectError",
        )
    return 0 if report.ok else 1
