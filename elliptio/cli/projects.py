"""Share among the verbs of pipelines: the project that they work on, parameters given as text, and lists to look at."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb

if TYPE_CHECKING:
    from elliptio.pipelines.listing import Listing
    from elliptio.pipelines.pipeline import Pipeline
    from elliptio.pipelines.session import BaseSession


def add_project_verb(verbs: Verb, name: str, summary: str, run: Any, **more: Any) -> Any:
    """Add the parser of a verb that works on a project."""
    parser = add_verb(verbs, name, summary, run, **more)
    parser.add_argument(
        "-p",
        "--path",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="a folder of the project (default: the working directory)",
    )
    return parser


@contextlib.contextmanager
def session(args: argparse.Namespace) -> Iterator[BaseSession]:
    """Open the project, on the lake that the options or its settings name; what its code prints is no result."""
    from elliptio.pipelines.session import opened

    lake = {"root": args.root, "index": args.index, "progress": False if args.no_progress else None}
    with output.aside(wanted=args.json), opened(args.path, lake) as found:
        yield found


def listing(args: argparse.Namespace) -> Listing:
    """Read what the files of the project define."""
    from elliptio.pipelines.listing import Listing

    return Listing(args.path)


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Add the options that say with which parameters."""
    parser.add_argument("-c", "--configuration", metavar="CONF", help="parameters of this configuration")
    parser.add_argument(
        "-P",
        "--param",
        type=parameter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter, which wins over the configuration; CRAFT.NAME=VALUE for one craft; the value as in YAML",
    )


def parameter(text: str) -> tuple[str, Any]:
    """Read ``name=value``, the value as YAML reads it."""
    from elliptio.cli.options import pair
    from elliptio.pipelines.project.yaml_text import YamlError, parse

    name, value = pair(text)
    try:
        return name, parse(value)[0]
    except YamlError as error:
        raise argparse.ArgumentTypeError(f"the value in {text!r} is no YAML: {error.problem}") from error


def parameters(args: argparse.Namespace, pipeline: Pipeline) -> dict[str, Any]:
    """Collect the parameters that are given, those of one craft in a mapping of its own."""
    from elliptio.pipelines.graphs.parameters import check_hints

    found: dict[str, Any] = {}
    for name, value in args.param:
        craft, _, own = name.rpartition(".")
        if craft:
            found.setdefault(craft, {})[own] = value
        else:
            found[name] = value
    check_hints(pipeline.crafts, found)
    return found


def print_rows(args: argparse.Namespace, rows: Sequence[Any], header: Sequence[str], cells: Any, nothing: str) -> None:
    """Print rows: as JSON, as a table, or, if there are none, a note."""
    if args.json:
        output.print_json(rows)
    elif rows:
        print("\n".join(output.table(header, [list(map(output.one_line, cells(row))) for row in rows], output.width())))
    else:
        output.notice("note", nothing, as_json=False)


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print names and what is to be said of each, below each other; those without anything are left out."""
    known = [(name, text) for name, text in facts if text]
    wide = max((len(name) for name, _ in known), default=0)
    for name, text in known:
        first, *more = text.split("\n")
        print(f"  {name:<{wide}}  {first}".rstrip())
        for line in more:
            print(f"  {'':<{wide}}  {line}".rstrip())


def value(given: Any) -> str:
    """Write a value as YAML would on one line."""
    import json

    from elliptio.documents import jsonable

    if isinstance(given, str):
        return given if given and given == given.strip() and given.isprintable() else json.dumps(given)
    return json.dumps(jsonable(given), ensure_ascii=False)
