"""``elliptio metrics``: what was measured in a run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from elliptio.cli import output
from elliptio.cli.options import RUN_HELP, Verb, add_verb, handler, run_of
from elliptio.cli.verbs.find import limit
from elliptio.errors import QueryError
from elliptio.naming import listed

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 20


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "metrics", "list what was measured in a run", run)
    parser.add_argument("run_id", metavar="RUN", help=RUN_HELP)
    parser.add_argument("names", nargs="*", metavar="METRIC", help="only these metrics")
    parser.add_argument(
        "--limit", type=limit, default=LIMIT, metavar="N", help=f"the last so many; 0 shows all (default: {LIMIT})"
    )


def run(args: argparse.Namespace) -> int:
    """Print a row for each time that something was measured, the last ones."""
    with handler(args) as h:
        run_id = run_of(h, args.run_id)
        frame = h.runs.metrics(run_id)
    known = [name for name in frame.columns if name not in ("time", "step")]
    for name in args.names:
        if name not in known:
            raise QueryError(f"{run_id} has no metric {name!r}: it has {listed(known)}.")
    wanted = list(dict.fromkeys(args.names)) or known
    rows = _rows(frame.dropna(subset=wanted, how="all") if wanted else frame)
    shown = rows[-args.limit :] if args.limit else rows
    if args.json:
        output.print_json([{name: row[name] for name in ("time", "step", *wanted)} for row in shown])
    elif rows:
        cells = [[output.cell(row[name]) for name in ("time", "step", *wanted)] for row in shown]
        print("\n".join(output.table(["TIME (UTC)", "STEP", *map(output.one_line, wanted)], cells, output.width())))
    else:
        output.notice("note", "Nothing was measured in this run.", as_json=False)
    if len(shown) < len(rows):
        message = f"Showing the last {len(shown):,} of {len(rows):,}; --limit 0 shows all."
        output.notice("note", message, as_json=args.json)
    return 0


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Make plain values of a DataFrame; what was not measured in a row is None."""
    columns = {name: frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
