"""``elliptio doctor``: can the store and the index be reached and written, and how to mend what can't."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, opened_at, settings
from elliptio.errors import ConfigError, ElliptioError, MissingExtraError
from elliptio.health import FAIL, INDEX_MEND, OK, ROOT_MEND, Check, git_check, lake_checks


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    add_verb(verbs, "doctor", "check that the store and the index can be used, and say how to mend what can't", run)


def run(args: argparse.Namespace) -> int:
    """Check, and leave nothing behind."""
    checks = []
    for check in _checks(args):
        checks.append(check)
        if not args.json:
            print(_line(check), flush=True)
    ok = all(check.status != FAIL for check in checks)
    if args.json:
        output.print_json({"ok": ok, "checks": checks})
    return 0 if ok else 1


def _checks(args: argparse.Namespace) -> Iterator[Check]:
    import platform

    from elliptio import __version__

    yield Check(OK, "versions", f"elliptio {__version__}, Python {platform.python_version()}, {platform.platform()}")
    try:
        found = settings(args)
    except ConfigError as error:
        yield Check(FAIL, "settings", str(error), "correct the setting where the message says it is")
        return
    yield Check(OK, "settings", f"root from {found['root'].origin}, index from {found['index'].origin}")
    yield from _lake_checks(args)
    yield git_check()


def _lake_checks(args: argparse.Namespace) -> Iterator[Check]:
    try:
        block = opened_at(args, args.root)
    except MissingExtraError as error:
        what, _, mend = str(error).partition(": ")
        yield Check(FAIL, "extras", what, mend.partition(" (")[0])
        return
    except ElliptioError as error:
        yield Check(FAIL, "lake", str(error), f"{ROOT_MEND}; {INDEX_MEND}")
        return
    with block as h:
        yield from lake_checks(h)


def _line(check: Check) -> str:
    arrow = f" -> {check.mend}" if check.mend else ""
    return f"{check.status:<4}  {check.name:<9}  {output.one_line(check.detail)}{arrow}"
