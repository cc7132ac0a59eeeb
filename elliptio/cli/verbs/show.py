"""``elliptio show``: what is recorded about one artifact."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from elliptio.cli import output
from elliptio.cli.options import ID_HELP, Verb, add_verb, handler
from elliptio.naming import DIFF_LOG

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "show", "show what is recorded about an artifact", run)
    parser.add_argument("artifact_id", metavar="ID", help=ID_HELP)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--packages", action="store_true", help="print the installed packages instead, as for pip install -r"
    )
    instead.add_argument("--diff", action="store_true", help="print the uncommitted changes instead, as for git apply")
    instead.add_argument("--log", metavar="NAME", help="print one of its logs instead, such as output.log")


def run(args: argparse.Namespace) -> int:
    """Look it up and print it."""
    with handler(args) as h:
        artifact = h.show(args.artifact_id)
        if args.json:
            document = output.artifact_document(artifact, whole=True)
            output.print_json({**document, "git_diff": _diff(artifact)} if args.diff else document)
        elif args.packages:
            _print_pins(artifact.metadata.python_packages)
        elif args.diff:
            _print_diff(artifact)
        elif args.log is not None:
            output.print_content(artifact.logs[args.log].download_string())
        else:
            print(artifact)
    return 0


def _print_pins(packages: Mapping[str, str]) -> None:
    """Print what names a package and a version; pip would take anything else for an option or another source."""
    from elliptio.rules import is_pin

    for name, version in sorted(packages.items()):
        if is_pin(name, version):
            print(f"{name}=={version}")
        else:
            message = f"{name!r} {version!r} is no name and version of a package, and is left out."
            output.notice("warning", message, as_json=False)


def _print_diff(artifact: Artifact) -> None:
    diff = _diff(artifact)
    if diff is None:
        output.notice("warning", "No uncommitted changes are recorded for this artifact.", as_json=False)
    else:
        output.print_content(diff if diff.endswith("\n") else f"{diff}\n")


def _diff(artifact: Artifact) -> str | None:
    return artifact.logs[DIFF_LOG].download_string() if DIFF_LOG in artifact.logs else None
