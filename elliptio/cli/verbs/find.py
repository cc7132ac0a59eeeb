"""``elliptio find``: artifacts by a query, by shortcuts, or both."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from elliptio.cli import output
from elliptio.cli.options import ID_LENGTH, Verb, add_verb, full_id, handler, json_object, made_in, names, pair
from elliptio.naming import glob_pattern, named_moment

if TYPE_CHECKING:
    from elliptio.handler import Handler

LIMIT = 20

PLAIN = ("creation_time", "username", "file_relpaths", "file_count", "labels", "reproduces")
"""Columns of the table for people."""

MOST_FILES = 3

NARROW = 120
"""Columns of a terminal below which an artifact takes two lines."""

_EPILOG = """\
TIME is an age such as 30m, 24h, 7d or 2w, a day such as 2026-11-01, or an ISO datetime; UTC unless it says otherwise.
A pattern knows * (any text), ? (a character) and [abc]; * and ? take in folders, so '*.txt' finds data/a.txt.

  elliptio find --user andy --since 7d --file '*.csv'
  elliptio find '{"labels.project": "penguins", "python_packages.pandas": {"$regex": "^2"}}' --json
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "find", "find artifacts, the newest first", run, epilog=_EPILOG)
    parser.add_argument(
        "query",
        nargs="?",
        type=query,
        default={},
        metavar="QUERY",
        help="MongoDB query as (extended) JSON; the options below narrow it further",
    )
    parser.add_argument("--user", metavar="NAME", help="made by this user")
    parser.add_argument("--project", metavar="TEXT", help="with this label 'project'")
    parser.add_argument(
        "--label", type=pair, action="append", default=[], metavar="NAME=TEXT", help="with this label; may be repeated"
    )
    parser.add_argument("--since", type=since, metavar="TIME", help="made at this time or later")
    parser.add_argument("--until", type=until, metavar="TIME", help="made before this time, or on this day")
    parser.add_argument("--file", metavar="PATTERN", help="with a file of such a name")
    parser.add_argument("--based-on", metavar="ID", help="made from this artifact")
    parser.add_argument("--run", dest="made_in", metavar="RUN", help="made in this run, or in those of this name")
    parser.add_argument("--deleted", action="store_true", help="deleted artifacts too, with who deleted them and when")
    parser.add_argument("--sort", metavar="[-]PATH", help="such as total_size, or -total_size for the largest first")
    parser.add_argument(
        "--limit", type=limit, default=LIMIT, metavar="N", help=f"at most so many; 0 shows all (default: {LIMIT})"
    )
    parser.add_argument("--columns", type=names, metavar="A,B", help="only these, such as username,labels.project")


def run(args: argparse.Namespace) -> int:
    """Find and print; without pandas, which takes longer to load than most questions to answer."""
    with handler(args) as h:
        query = _query(args, h)
        columns = args.columns or ("all" if args.json else (*PLAIN, "deleted") if args.deleted else PLAIN)
        found = h.search(query, max_docs=args.limit, sort=args.sort, columns=columns, deleted=args.deleted)
    rows = found.rows()
    if args.json:
        output.print_json(rows)
    elif rows:
        width = output.width()
        lines = _columns_table(rows, args.columns, width) if args.columns else _summary(rows, width)
        print("\n".join(lines))
        more = "; --limit 0 shows all" if found.truncated else ""
        count = found.truncated or f"{len(rows):,} of {len(rows):,}"
        print(f"{count} artifact{'' if found.total == 1 else 's'}{more}")
    else:
        output.notice("note", "No artifacts match.", as_json=False)
    if found.truncated and args.json:
        message = f"Showing {found.truncated} artifacts that match; --limit 0 shows all."
        output.notice("warning", message, as_json=True)
    return 0


def query(text: str) -> dict[str, Any]:
    """Read a query; a plain word gets a hint."""
    import shlex

    if not text.lstrip().startswith(("{", "[")):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no query: give options such as --project {shlex.quote(text)}, or a JSON object in quotes, "
            """such as '{"labels.project": "penguins"}'"""
        )
    return json_object(text)


def _values(text: str) -> Any:
    """List the values of a label that was given as text: also a number, or true or false, that is written like that."""
    if text in ("true", "false"):
        return {"$in": [text, text == "true"]}
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return {"$in": [text, int(text)]}
    if re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?", text):
        return {"$in": [text, float(text)]}
    return text


def since(text: str) -> datetime:
    """Read a time: an age, a day (its beginning) or a datetime."""
    return _moment(text, timedelta())


def until(text: str) -> datetime:
    """Read a time: an age, a day (its end) or a datetime."""
    return _moment(text, timedelta(days=1))


def _moment(text: str, of_day: timedelta) -> datetime:
    try:
        return named_moment(text.strip(), datetime.now(tz=UTC), of_day)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def limit(text: str) -> int:
    """Read how many are shown at most."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number, or 0 for all")
    return int(text)


def _query(args: argparse.Namespace, opened: Handler) -> dict[str, Any]:
    """Combine the query with the shortcuts."""
    parts: list[dict[str, Any]] = [args.query] if args.query else []
    if args.user is not None:
        parts.append({"username": args.user})
    if args.project is not None:
        parts.append({"labels.project": args.project})
    parts += [{f"labels.{name}": _values(value)} for name, value in args.label]
    if args.since is not None:
        parts.append({"creation_time": {"$gte": args.since}})
    if args.until is not None:
        parts.append({"creation_time": {"$lt": args.until}})
    if args.file is not None:
        parts.append({"file_relpaths": {"$regex": glob_pattern(args.file)}})
    if args.based_on is not None:
        parts.append({"based_on": full_id(opened, args.based_on)})
    if args.made_in is not None:
        parts.append(made_in(opened, args.made_in))
    if len(parts) < 2:
        return parts[0] if parts else {}
    return {"$and": parts}


def _columns_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], width: int) -> list[str]:
    header = list(dict.fromkeys(["artifact_id", *columns]))
    most = max(60, width) if width == output.UNLIMITED else 60
    cells = [[output.cell(row[name], most) for name in header] for row in rows]
    return output.table(header, cells, width)


def _summary(rows: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """Show artifacts to people: a table where the terminal is wide, else two lines each; identifiers are never cut."""
    whole = width == output.UNLIMITED
    width = max(width, ID_LENGTH)
    cells = [
        [
            row["artifact_id"],
            output.cell(row["creation_time"]),
            output.cell(row["username"], width if whole else 20),
            _files(row, width if whole else 40),
            labels(row, width if whole else 30),
            *([deletion(row)] if "deleted" in row else []),
        ]
        for row in rows
    ]
    if width >= NARROW:
        header = ["ARTIFACT", "TIME (UTC)", "USER", "FILES", "LABELS", "DELETED"]
        return output.table(header[: len(cells[0])], cells, width)
    return [
        line.rstrip()
        for identifier, time, user, files, labelled, *deleted in cells
        for line in (
            _beside(identifier, f"  {time}  {user}", width),
            output.cut(f"    {files}  {labelled}", width),
            *(output.cut(f"    deleted {text}", width) for text in deleted if text),
        )
    ]


def _beside(identifier: str, more: str, width: int) -> str:
    """Join the identifier and as much of the rest as there is room for."""
    room = width - len(identifier)
    return identifier + (output.cut(more, room) if room > 3 else "")


def _files(row: Mapping[str, Any], width: int) -> str:
    names, count = row["file_relpaths"], row.get("file_count")
    names = [str(name) for name in names] if isinstance(names, list) else []
    shown = names[:MOST_FILES]
    count = max(count if isinstance(count, int) else 0, len(names))
    again = " (made again)" if row.get("reproduces") else ""
    if not shown:
        return f"{count:,} files{again}"
    more = f" +{count - len(shown):,}" if count > len(shown) else ""
    return output.cut(output.one_line(", ".join(shown)), width) + more + again


def deletion(row: Mapping[str, Any]) -> str:
    """Say when an artifact was deleted, and by whom."""
    deleted = row["deleted"]
    return f"{output.cell(deleted.get('time'))} by {output.cell(deleted.get('username'), 20)}" if deleted else ""


def labels(row: Mapping[str, Any], width: int) -> str:
    """Write an artifact's labels for a table."""
    given = row["labels"] if isinstance(row["labels"], dict) else {}
    return " ".join(
        f"{output.cell(name, max(20, width - 10))}={output.cell(value, width)}"
        for name, value in given.items()
        if value not in ("", None, {}, [])
    )
