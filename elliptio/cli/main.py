"""Run the command ``elliptio``: read arguments, run a verb, turn what goes wrong into a line and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from elliptio import __version__
from elliptio.cli import output
from elliptio.cli.options import Parser, UsageError, add_common, defaults
from elliptio.cli.wording import as_the_command_says, meant
from elliptio.errors import ElliptioError
from elliptio.masking import hide_password

GROUPS = {
    "Save": ("upload", "link", "hash"),
    "Find and fetch": ("ui", "find", "show", "get", "open", "identify"),
    "See what came from what": ("lineage", "compare", "reproduce"),
    "Look at runs": ("runs", "metrics"),
    "Give names that can move": ("tag", "untag", "tags"),
    "Run pipelines of a project": (
        "pipelines",
        "configurations",
        "artifacts",
        "snapshots",
        "catalog",
        "compile",
        "new",
        "step",
    ),
    "Run flows of values": ("flows",),
    "Keep a lake whole": ("verify", "du", "delete", "gc", "flush", "reindex", "relocate", "cache"),
    "Begin, and set up": ("demo", "config", "doctor", "completion"),
}
"""The verbs, as the help shows them: each is a module of its name in `elliptio.cli.verbs`."""

VERBS = tuple(verb for members in GROUPS.values() for verb in members)

OK, USAGE, INTERRUPTED, NOBODY_READS = 0, 2, 130, 141

_EPILOG = """\
elliptio VERB --help says more, with examples.
Exit codes: 0 done; 1 it failed, or there is no such artifact; 2 wrong usage; 130 interrupted.
Of compare and reproduce: 0 the same; 1 something differs; 2 it failed.
Where a setting is not given here, see: elliptio config
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv
        Arguments after the name of the command; by default those of the process.

    Returns
    -------
    int
        The exit code.

    """
    arguments = _joined(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments[: arguments.index("--") if "--" in arguments else None]
    output.open_missing_streams()
    _use_utf8()
    args = defaults()
    try:
        with contextlib.redirect_stdout(output.Shown(sys.stdout)):
            code = _run(arguments, args, as_json)
            sys.stdout.flush()
    except BrokenPipeError:
        output.drop_stdout()
        return NOBODY_READS
    except OSError as error:  # such as a full disk
        output.drop_stdout()
        output.notice("error", f"cannot print: {error}", as_json=as_json, type=type(error).__name__)
        return int(args.failed)
    except KeyboardInterrupt:
        output.notice("error", "interrupted", as_json=as_json, type="KeyboardInterrupt")
        return INTERRUPTED
    return code


def build_parser(only: str | None = None) -> Parser:
    """Assemble the parser from those of the verbs; `only` one of them where no other is needed: it takes a while."""
    parser = Parser(
        prog="elliptio",
        usage="elliptio VERB ... [options]",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"elliptio {__version__}")
    add_common(parser)
    # argparse knows no groups of verbs: the description lists them.
    verbs = parser.add_subparsers(metavar="VERB", prog="elliptio", help=argparse.SUPPRESS)
    lines = ["Save files with one call; find them again by who made them, from what, with which code."]
    for title, members in GROUPS.items():
        lines += ["", title]
        for verb in members:
            if only not in (None, verb):
                continue
            import_module(f"elliptio.cli.verbs.{verb}").add_parser(verbs)
            lines.append(f"  {verb:<16}{parser.verbs[verb].summary}")
    parser.description = "\n".join(lines)
    return parser


def _run(arguments: Sequence[str], args: argparse.Namespace, as_json: bool) -> int:
    parser = build_parser(_verb_of(arguments))
    try:
        innermost = _check_words(parser, arguments)
        _, unknown = parser.parse_known_args(arguments, namespace=args)
        if unknown:
            innermost.error(_unknown(innermost, unknown))
        args.command = parser
        if args.run is None and as_json:
            parser.error("say what to do: there is no verb")
        if args.run is None:
            parser.print_help()
            return OK
        with _notices(args):
            return int(args.run(args))
    except SystemExit as done:  # --help and --version
        return done.code if isinstance(done.code, int) else OK
    except UsageError as error:
        _say_usage(error, as_json)
        return USAGE
    except BrokenPipeError:
        raise
    except Exception as error:
        if args.verbose:
            output.Shown(sys.stderr).write("".join(traceback.format_exception(error)))
        output.notice("error", _described(error), as_json=as_json, type=type(error).__name__)
        return int(args.failed)


def _verb_of(arguments: Sequence[str]) -> str | None:
    """Return the verb that is given, if it is one and works on nothing but itself."""
    word = next((word for place, word in enumerate(arguments) if _is_verb(arguments, place)), "")
    return word if word in VERBS and word != "completion" else None


def _check_words(parser: Parser, arguments: Sequence[str]) -> Parser:
    """Refuse a verb and options that there are not, and say which may be meant; return the parser of the verb.

    argparse looks at the values first, and would blame them.
    """
    given = arguments[: arguments.index("--") if "--" in arguments else None]
    verbs = (place for place in range(len(given)) if _is_verb(given, place))
    while parser.verbs and (place := next(verbs, None)) is not None:
        names = parser.verbs
        if given[place] not in names:
            there = f": {parser.prog} --help lists them" if len(names) > 9 else f": say {', '.join(names)}"
            parser.error(f"there is no verb {given[place]!r}{_hint(meant(given[place], names)) or there}")
        parser = names[given[place]]
    for word in given:
        name = word.partition("=")[0]
        if name.startswith("--") and name not in parser.options:
            parser.error(f"there is no option {name}{_hint(meant(name, parser.options)) or ': --help lists them'}")
    return parser


def _unknown(parser: Parser, words: Sequence[str]) -> str:
    """Say what to do about words that the verb does not take."""
    if words[0].startswith("-"):
        return f"there is no option {words[0]}: {parser.prog} --help lists them"
    pair = "=" in words[0] and next((each for each in parser.options if parser.takes_pair(each)), None)
    advice = f"did you mean {pair} {words[0]}?" if pair else f"{parser.prog} --help says what it takes"
    return f"there is no place for {words[0]!r}; {advice}"


def _is_verb(given: Sequence[str], place: int) -> bool:
    """Tell whether a word is no option, nor the value of one that may stand before the verb."""
    before = given[place - 1] if place else ""
    return not given[place].startswith("-") and before not in ("--root", "--index", "--path", "-p")


def _hint(close: str | None) -> str:
    return f"; did you mean {close!r}?" if close else ""


def _described(error: Exception) -> str:
    if isinstance(error, ElliptioError | OSError):
        return as_the_command_says(str(error))
    return f"unexpected {type(error).__name__}: {error} (--verbose shows where)"


def _say_usage(error: UsageError, as_json: bool) -> None:
    if as_json:
        output.notice("error", str(error), as_json=True, type="UsageError")
    else:
        print(f"{error.usage}{error.prog}: error: {output.one_line(hide_password(str(error)))}", file=sys.stderr)


def _joined(arguments: Sequence[str]) -> list[str]:
    """Let ``--sort -path`` be two words: argparse takes what begins with ``-`` for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--sort" and argument[:1] == "-" and argument[1:2] not in ("-", ""):
            joined[-1] = f"--sort={argument}"
        else:
            joined.append(argument)
    return joined


def _use_utf8() -> None:
    for stream, errors in ((sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


class _Notices(logging.Handler):
    """Log records as lines on stderr."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record; a warning says that it is one."""
        kind = "warning" if record.levelno >= logging.WARNING else "log"
        output.notice(kind, as_the_command_says(record.getMessage()), as_json=self._as_json)


@contextlib.contextmanager
def _notices(args: argparse.Namespace) -> Iterator[None]:
    """Show the library's warnings, and with ``--verbose`` all that it logs."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        output.notice("warning", as_the_command_says(str(message)), as_json=args.json)

    logger, shown = logging.getLogger("elliptio"), _Notices(args.json)
    level = logger.level
    logger.addHandler(shown)
    logger.setLevel(logging.DEBUG if args.verbose else logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(shown)
