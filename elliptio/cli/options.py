"""Share among the verbs their common options, the reading of text as values, and the handler they work with."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from elliptio.errors import DocumentNotFoundError

if TYPE_CHECKING:
    from elliptio.config import Setting
    from elliptio.errors import ConfigError
    from elliptio.handler import Handler

Verb: TypeAlias = "argparse._SubParsersAction[Parser]"

ID_HELP = "artifact_id, a beginning of it that fits only one, tag:NAME or NAME:latest"

RUN_HELP = "run_id, a beginning of it that fits only one, or a name: of several runs of that name the newest is taken"

ID_LENGTH = len("artifact_") + 36
"""Characters of a complete artifact_id."""


class UsageError(Exception):
    """The command was not given as it must be; `usage` shows how, where a parser noticed it."""

    def __init__(self, message: str, usage: str = "", prog: str = "elliptio") -> None:
        super().__init__(message)
        self.usage = usage
        self.prog = prog


class Parser(argparse.ArgumentParser):
    """An argument parser that raises where argparse prints and exits, and tells what it knows.

    Attributes
    ----------
    summary
        What a verb does, in one line.

    """

    summary = ""

    @property
    def options(self) -> list[str]:
        """The long names of its options."""
        return [name for action in self._actions for name in action.option_strings if name.startswith("--")]

    def takes_pair(self, option: str) -> bool:
        """Tell whether the value of an option is a name and a value."""
        action = self._option_string_actions.get(option)
        return action is not None and "=" in str(action.metavar)

    @property
    def verbs(self) -> dict[str, Parser]:
        """The parsers of its verbs, by name."""
        found = [action.choices for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        return dict(found[0]) if found else {}

    def error(self, message: str) -> NoReturn:
        """Raise a `UsageError`."""
        raise UsageError(message, self.format_usage(), self.prog)


def defaults() -> argparse.Namespace:
    """Return the common options that are not given, and the exit code of a verb that fails."""
    return argparse.Namespace(
        root=None, index=None, path=None, json=False, verbose=False, no_progress=False, run=None, failed=1
    )


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that may stand before and after the verb."""
    # SUPPRESS: a verb's parser must not reset what was given before the verb.
    group = parser.add_argument_group("common options")
    group.add_argument(
        "--root", metavar="ROOT", default=argparse.SUPPRESS, help="the lake: a folder or s3://bucket/prefix"
    )
    group.add_argument(
        "--index",
        metavar="URL",
        default=argparse.SUPPRESS,
        help="where documents lie: mongodb://host/db or sqlite:///path",
    )
    group.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document; errors and warnings as JSON on stderr",
    )
    group.add_argument("--no-progress", action="store_true", default=argparse.SUPPRESS, help="no progress bars")
    group.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=argparse.SUPPRESS,
        help="log to stderr, with a traceback for an error",
    )


def add_verb(verbs: Verb, name: str, summary: str, run: Callable[[argparse.Namespace], int], **more: Any) -> Any:
    """Add the parser of a verb.

    Parameters
    ----------
    verbs
        What `argparse` calls subparsers.
    name, summary
        The verb, and what it does in one line.
    run
        Does it, and returns the exit code.
    more
        For the parser, such as ``epilog``.

    """
    parser = verbs.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **more,
    )
    add_common(parser)
    parser.summary = summary
    parser.set_defaults(run=run)
    return parser


def add_group(verbs: Verb, name: str, summary: str, **more: Any) -> Any:
    """Add a verb that has verbs of its own; return what they are added to, as to `verbs`."""
    parser: Parser

    def run(args: argparse.Namespace) -> int:
        parser.error(f"say what to do: {', '.join(parser.verbs)}")

    parser = add_verb(verbs, name, summary, run, usage=f"elliptio {name} VERB ... [options]", **more)
    return parser.add_subparsers(metavar="VERB", title="verbs", prog=f"elliptio {name}")


def pair(text: str) -> tuple[str, str]:
    """Read ``name=value``."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not name=value")
    return name, value


def names(text: str) -> list[str]:
    """Read ``a,b``."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError("name at least one")
    return found


def json_object(text: str) -> dict[str, Any]:
    """Read a JSON object in MongoDB's extended JSON, so that ``{"$date": "2026-11-01T00:00:00Z"}`` is a datetime."""
    from elliptio.documents import read_query

    try:
        value = read_query(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'must be a JSON object such as {{"project": "x"}}, not {text!r}')
    return value


def opened_at(args: argparse.Namespace, root: str | None) -> contextlib.closing[Handler]:
    """Open a lake, whether or not it is there; it is closed with the block."""
    from elliptio.handler import Handler

    return contextlib.closing(Handler(root, args.index, progress=False if args.no_progress else None))


@contextlib.contextmanager
def handler(args: argparse.Namespace, *, new: bool = False) -> Iterator[Handler]:
    """Open the lake that the options and settings name, which must be there unless it may be `new`; close it then."""
    from elliptio.errors import ConfigError
    from elliptio.surroundings import is_missing

    with opened_at(args, args.root) as opened:
        if not new and is_missing(opened):
            raise ConfigError(
                f"There is no lake at {opened.store.root}: nothing was ever saved there. "
                "Mend --root, or see where it comes from: elliptio config"
            )
        yield opened


def settings(args: argparse.Namespace, problems: list[ConfigError] | None = None) -> dict[str, Setting]:
    """Resolve the settings as a handler with these options would; collect problems where there is a list for them."""
    from elliptio.config import load_settings

    progress = False if args.no_progress else None
    return load_settings({"root": args.root, "index": args.index, "progress": progress}, problems=problems)


def full_id(opened: Handler, given: str) -> str:
    """Find the artifact_id of what a user names; a complete one may belong to another lake and is taken as it is."""
    whole = given.startswith("artifact_") and len(given) >= ID_LENGTH
    return given if whole else opened.show(given).artifact_id


def of_runs(given: str) -> dict[str, Any]:
    """Write a condition on runs that a user names: by identifier, a beginning of it, or their name."""
    if re.fullmatch("run_[0-9a-f-]*", given):
        return {"$or": [{"_id": {"$regex": f"^{given}"}}, {"name": given}]}
    return {"name": given}


def made_in(opened: Handler, given: str) -> dict[str, Any]:
    """Write a condition on artifacts: made in the runs that a user names."""
    found = opened.runs.search(of_runs(given), max_docs=0, columns=[]).ids
    if re.fullmatch("run_[0-9a-f-]*", given):  # maybe a handler's own, which is only known by what it made
        return {"$or": [{"run_id": {"$regex": f"^{given}"}}, {"run_id": {"$in": found}}]}
    if not found:
        raise _no_run(given)
    return {"run_id": {"$in": found}}


def run_of(opened: Handler, given: str) -> str:
    """Find the run_id of the newest run that a user names; what is no name may still be a beginning, or an own run."""
    found = opened.runs.search({"name": given}, max_docs=1, columns=["status"]).ids
    if found or given.startswith("run_"):
        return found[0] if found else given
    raise _no_run(given)


def _no_run(given: str) -> DocumentNotFoundError:
    return DocumentNotFoundError(f"No run has the name {given!r}; `elliptio runs` lists them.")
