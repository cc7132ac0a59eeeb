"""``elliptio demo``: a small story on real data."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from elliptio.cli import output
from elliptio.cli.options import UsageError, Verb, add_verb


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "demo", "play a small story on real data, in a lake of its own", run)
    parser.add_argument("--ui", action="store_true", help="look at it in the browser then; needs the extra ui")


def run(args: argparse.Namespace) -> int:
    """Play the demo; with ``--json`` its story goes to stderr."""
    if args.index is not None:
        raise UsageError("demo keeps its documents in its own lake: leave out --index")
    from elliptio.cli.demo import story

    if not args.json and not args.ui:
        story.run(Path(args.root) if args.root else None)
        return 0
    root = Path(args.root) if args.root else story.default_root()
    if args.ui:
        from elliptio.ui import check_extra

        check_extra()
    with contextlib.redirect_stdout(sys.stderr) if args.json else contextlib.nullcontext():
        story.run(root)
    if not args.ui:
        output.print_json({"root": str(root)})
        return 0
    from elliptio.cli.verbs import ui

    args.root = str(root)
    return ui.serve(args, opening=True)
