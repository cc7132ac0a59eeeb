"""``elliptio step``: make one step of a pipeline from its data, for runners of any kind."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from elliptio.cli import output
from elliptio.cli.options import UsageError, Verb, add_group
from elliptio.cli.projects import add_project_verb
from elliptio.system.os_errors import explained

_EPILOG = """\
FILE is what `step.data()` gives a Runner, as JSON. The answer, on standard output, has the identifiers of what was
made.
The project and the lake are those that FILE names; --path, --root and --index say where they are on this machine.
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb, and its own."""
    own = add_group(verbs, "step", "make one step of a pipeline from its data, for runners of any kind")
    run = add_project_verb(own, "run", "make a step, and print the identifiers of what it made", _run, epilog=_EPILOG)
    run.add_argument("file", metavar="FILE", help="the step as JSON; - reads it from standard input")


def _run(args: argparse.Namespace) -> int:
    from elliptio.pipelines.builds.runners.elsewhere import run_step

    data = _read(args.file)
    if args.path is not None:
        data["root"] = str(Path(args.path).absolute())
    lake = {name: given for name, given in (("root", args.root), ("index", args.index)) if given is not None}
    data["lake"] = {**data["lake"], **lake}
    with output.aside(wanted=True):
        answer = run_step(data)
    output.print_json(answer)
    return 0


def _read(file: str) -> dict[str, Any]:
    name = "standard input" if file == "-" else file
    with explained("read", name):
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        data = json.loads(text)
    except ValueError as error:  # not UTF-8 is one, too
        raise UsageError(f"{name} is no step: it is not JSON: {error}") from error
    needed = ("root", "lake", "craft", "parameters", "context", "keys", "inputs", "key", "recipe", "again")
    lacking = [one for one in needed if one not in data] if isinstance(data, dict) else ["craft"]
    if lacking:
        raise UsageError(f"{name} is no step: it lacks {', '.join(map(repr, lacking))}")
    return dict(data)
