"""``elliptio ui``: look at a lake in the browser."""

from __future__ import annotations

import argparse
import dataclasses
import gc
import os
import sys
from pathlib import Path
from typing import Any

from elliptio.cli import output
from elliptio.cli.options import ID_HELP, UsageError, Verb, add_verb, handler, names

_EPILOG = """\
It prints an address with a token and opens it; nobody without the token, and no other page, gets in. What is looked at
leaves no trace in lineage. Interrupt it (Ctrl-C) to end it. More: docs/ui.md

  elliptio ui
  elliptio ui --root s3://bucket/lake --no-open --port 8123
  elliptio ui --write tags
  elliptio ui --export for_charlie tag:prod
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "ui", "look at a lake in the browser", run, epilog=_EPILOG)
    parser.add_argument("--export", type=Path, metavar="DIR", help="write pages of these artifacts there, to hand on")
    parser.add_argument("--with-files", action="store_true", help="with --export: write their files too")
    parser.add_argument("artifact_ids", nargs="*", metavar="ID", help=f"with --export: {ID_HELP}")
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of serving."""
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="listen on this port (default: one that is free)"
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="listen there (default: 127.0.0.1)")
    parser.add_argument(
        "--base-path", default="", metavar="/PATH", help="where a proxy shows it that passes paths on whole"
    )
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--write", type=names, default=[], metavar="tags,views", help="what may be changed (default: nothing)"
    )
    parser.add_argument("--token", metavar="TOKEN", help="what lets in (default: ELLIPTIO_UI_TOKEN, else a new one)")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="name of a proxy in front of it; may be repeated",
    )
    parser.add_argument(
        "--i-know", action="store_true", help="let other machines reach it, over a line that is not encrypted"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until it is interrupted, or write pages."""
    if args.export is not None:
        return export(args)
    if args.artifact_ids or args.with_files:
        raise UsageError("say where to write the pages of artifacts: --export DIR ID")
    token = args.token if args.token is not None else os.environ.get("ELLIPTIO_UI_TOKEN") or None
    options = {"host": args.host, "port": args.port, "base": args.base_path, "token": token}
    # Whoever gave it that way wants it in no log.
    tells = token is None or args.token is not None
    more = {"hosts": args.allow_host, "write": args.write, "exposed": args.i_know}
    return serve(args, opening=not args.no_open, tells=tells, **options, **more)


def export(args: argparse.Namespace) -> int:
    """Write pages of artifacts, and say where."""
    from elliptio.ui import check_extra

    if not args.artifact_ids:
        raise UsageError("say whose pages are written: --export DIR ID")
    check_extra()
    from elliptio.ui.exporting import export as written

    with handler(args) as h:
        found = written(h, args.export, args.artifact_ids, with_files=args.with_files)
    if args.json:
        output.print_json(dataclasses.asdict(found))
        return 0
    print(found.index)
    print(f"{found.pages:,} pages of {found.artifacts:,} artifacts, {found.files:,} files")
    if found.left_out:
        print(f"{found.left_out:,} more of their lineage are farther away, and were left out")
    if found.damaged:
        print(f"{found.damaged:,} files are not what was saved, so they are not shown: see elliptio verify")
    return 0


def serve(args: argparse.Namespace, *, opening: bool, tells: bool = True, **options: Any) -> int:
    """Print where a lake is shown, and show it until that is interrupted."""
    from elliptio.system.collector import uncollected
    from elliptio.ui import server_of

    with uncollected():
        made = server_of()
        gc.freeze()  # hundreds of modules, which stay as long as this process
    with handler(args) as h:
        server = made(h, **options)
        shown = server.url if tells else server.place
        if args.json:
            output.print_json({"url": shown, "port": server.port})
        else:
            print(shown)
            if server.ssh_line is not None:
                print(f"From where you came by ssh, first run: {server.ssh_line}")
        sys.stdout.flush()
        server.run(opening=opening)
    return 0
