"""``elliptio reproduce``: make an artifact again, and tell whether the result is the same."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from elliptio.cli import output
from elliptio.cli.options import ID_HELP, UsageError, Verb, add_verb, handler

if TYPE_CHECKING:
    from elliptio.lineage.reproduction.reproduction import Reproduction

SAME, DIFFERENT, FAILED = 0, 1, 2

_EPILOG = """\
Exit codes: 0 it is prepared, or made again and byte for byte the same; 1 something differs or was not made;
2 it failed, the command cannot be run, or wrong usage. Nothing recorded is run without --run, or a yes at the prompt.
With --run nothing is restored if something prevents running the command (✗), or if something cannot be restored (!)
and neither --yes was given nor anybody can be asked. Without --run, whatever can be is restored.
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    summary = "make an artifact again: its code, its packages, its command"
    parser = add_verb(verbs, "reproduce", summary, run, epilog=_EPILOG)
    parser.add_argument("artifact_id", metavar="ID", help=ID_HELP)
    parser.add_argument("--into", type=Path, metavar="DIR", help="new or empty folder (default: ./reproduction_ID)")
    parser.add_argument("--run", dest="execute", action="store_true", help="run the command, and compare the result")
    parser.add_argument("-y", "--yes", action="store_true", help="run it whatever cannot be restored, and do not ask")
    parser.add_argument(
        "--ancestors", action="store_true", help="make all that it was made from again too, the oldest first"
    )
    parser.add_argument("--dry-run", action="store_true", help="only tell what cannot be restored")
    parser.set_defaults(failed=FAILED)


def run(args: argparse.Namespace) -> int:
    """Plan and print, prepare, ask, run and print."""
    if args.dry_run and args.execute:
        raise UsageError("--dry-run and --run contradict each other")
    if args.yes and not args.execute:
        raise UsageError("--yes goes with --run")
    code = SAME
    with handler(args) as h:
        _say("Verifying the inputs, and looking for code and packages …")
        found = h.reproduce(args.artifact_id, args.into, ancestors=args.ancestors, dry_run=True)
        if not args.json:
            print(found)
        if not args.dry_run:
            code = _go_on(found, args)
    if args.json:
        output.print_json(found.to_dict())
    return code


def _go_on(found: Reproduction, args: argparse.Namespace) -> int:
    from elliptio.lineage.reproduction.showing import result_lines

    agreed = args.execute and (args.yes or not found.obstacles)
    can_ask = sys.stdin is not None and sys.stdin.isatty() and not args.json
    if args.execute:
        found.check()
        if not agreed and not can_ask:
            raise UsageError("not everything can be restored, so nothing was; --yes restores and runs it all the same")
    found.prepare(_say)
    if not found.can_run:
        _say(f"Prepared in {found.folder}, but the command cannot be run")
        return FAILED
    _say(f"Prepared in {found.folder}")
    if not agreed and not (can_ask and _is_wanted(found)):
        return SAME
    stream = sys.stderr if args.json else sys.stdout
    found.run(lambda line: print(line, file=stream, flush=True), say=_say)
    if not args.json:
        print("\n".join(result_lines(found.results or ())))
    return SAME if found.same else DIFFERENT


def _is_wanted(found: Reproduction) -> bool:
    print(f"Run it now: {output.one_line(found.command)} ? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _say(message: str) -> None:
    print(output.one_line(message), file=sys.stderr, flush=True)
