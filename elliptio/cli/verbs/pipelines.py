"""``elliptio pipelines``: run what changed, and see before what that is and why."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from elliptio.cli import output
from elliptio.cli.options import Verb, add_group
from elliptio.cli.projects import (
    add_parameters,
    add_project_verb,
    listing,
    parameters,
    print_facts,
    print_rows,
    session,
    value,
)
from elliptio.cli.wording import as_the_command_says

_RUN = """\
  elliptio pipelines run report -c base -P top=6 -P shop.crafts.add_turnover.discount=0.3
  elliptio pipelines run report --select +train -j 4

Select as in dbt: train, +train (and what it needs), train+ (and what needs it), tag:nightly.
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb, and its own."""
    own = add_group(verbs, "pipelines", "run the pipelines of a project: only what changed")
    add_project_verb(own, "ls", "list the pipelines", _ls)
    _named(own, "describe", "show the stages of a pipeline, and what its crafts take and make", _describe)
    plan = _named(own, "plan", "show what a run would do, and why; nothing runs", _plan)
    add_parameters(plan)
    _add_which(plan)
    run = _named(own, "run", "run what changed", _run, epilog=_RUN)
    add_parameters(run)
    _add_which(run)
    run.add_argument(
        "-j", "--jobs", type=_number, metavar="N", help="so many steps at once (in processes, without --runner)"
    )
    run.add_argument(
        "--runner", metavar="RUNNER", help="where steps run: inline, threads, processes or dask://host:port"
    )
    plot = _named(own, "plot", "draw a pipeline, as SVG", _plot)
    plot.add_argument("--svg", type=Path, metavar="FILE", help="draw it into this file")
    plot.add_argument("--mermaid", action="store_true", help="print it for Mermaid instead")
    accept = _named(own, "accept", "record that a change of code does not change results", _accept)
    accept.add_argument("craft", nargs="?", metavar="CRAFT", help="only of this craft (default: all that changed)")
    accept.add_argument("--reason", required=True, metavar="TEXT", help="why results stay the same")
    audit = _named(own, "audit", "run steps again at random, and compare what they make, byte for byte", _audit)
    add_parameters(audit)
    audit.add_argument("--sample", default="5%", metavar="N", help="so many steps, or a part of them (default: 5%%)")
    audit.add_argument("--select", action="append", metavar="CRAFT", help="only of these crafts; may be repeated")
    audit.add_argument("--seed", type=int, metavar="N", help="choose the same steps as an audit with this seed")


def _named(own: Verb, name: str, summary: str, run: Any, **more: Any) -> Any:
    parser = add_project_verb(own, name, summary, run, **more)
    parser.add_argument("name", metavar="NAME", help="name of a pipeline")
    return parser


def _add_which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--select", action="append", metavar="CRAFT", help="only these crafts; may be repeated")
    parser.add_argument("--refresh", action="store_true", help="make all again, whatever is there")


def _number(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of steps, from 1")
    return number


# --- looking ---


def _ls(args: argparse.Namespace) -> int:
    def cells(row: Any) -> list[str]:
        crafts = ", ".join(one.rpartition(".")[2] for one in row["crafts"])
        return [row["name"], f"error: {row['error']}" if row["error"] else crafts, row["where"]]

    rows = listing(args).pipelines()
    print_rows(args, rows, ["PIPELINE", "CRAFTS", "DEFINED IN"], cells, "This project defines no pipelines.")
    return 0


def _describe(args: argparse.Namespace) -> int:
    with output.aside(wanted=args.json):
        found = listing(args).pipeline(args.name)
    if args.json:
        output.print_json(found)
        return 0
    print(f"Pipeline {found['name']}  ({found['where']})")
    print_facts([(what, ", ".join(found[what])) for what in ("inputs", "outputs", "volatiles")])
    crafts = {craft["name"]: craft for craft in found["crafts"]}
    for number, stage in enumerate(found["stages"], 1):
        for name in stage:
            craft = crafts[name]
            print(f"\n{number}. {name}  ({craft['where']})")
            if craft["summary"]:
                print(f"  {output.one_line(craft['summary'])}")
            print_facts(_facts(craft))
    return 0


def _facts(craft: dict[str, Any]) -> list[tuple[str, str]]:
    def names(some: list[dict[str, Any]]) -> str:
        return ", ".join(f"{one['name']} (volatile)" if one["volatile"] else one["name"] for one in some)

    given = [name if one["needed"] else f"{name}={value(one['default'])}" for name, one in craft["parameters"].items()]
    return [
        ("takes", names(craft["inputs"])),
        ("makes", names(craft["outputs"])),
        ("parameters", ", ".join(given)),
        ("once per", ", ".join(craft["per"])),
        ("tags", ", ".join(craft["tags"])),
        ("skipped", "" if craft["cache"] else "never"),
    ]


def _plot(args: argparse.Namespace) -> int:
    from elliptio.pipelines.active import inside

    with session(args) as sess, inside(sess):
        pipeline = sess.pipelines_definitions[args.name]
        name = "mermaid" if args.mermaid else "svg"
        text = pipeline.to_mermaid() if args.mermaid else pipeline.plot().svg
    if args.svg is not None and not args.mermaid:
        args.svg.write_text(text, encoding="utf-8")
        text = str(args.svg.absolute())
    if args.json:
        output.print_json({name: text})
    else:
        output.print_content(text.rstrip("\n") + "\n")
    return 0


# --- running ---


def _plan(args: argparse.Namespace) -> int:
    with session(args) as sess:
        pipeline = sess.pipelines_definitions[args.name]
        plan = pipeline.plan(
            parameters(args, pipeline), args.configuration, refresh=args.refresh, select=args.select, volatiles=False
        )
    if args.json:
        steps = [{name: row[name] for name in ("craft", "keys", "status", "why")} for row in plan.rows.rows()]
        output.print_json({"pipeline": plan.name, "steps": steps, "unfollowed": plan.unfollowed, "news": plan.news})
    else:
        print(plan.text(output.width()))
    return 0


def _run(args: argparse.Namespace) -> int:
    runner = args.runner or ("processes" if (args.jobs or 1) > 1 else "inline")
    with session(args) as sess:
        pipeline = sess.pipelines_definitions[args.name]
        build = pipeline.run(
            parameters(args, pipeline),
            configuration=args.configuration,
            refresh=args.refresh,
            select=args.select,
            volatiles=False,
            runner=runner,
            workers=args.jobs,
            on_error="return",
        )
    if args.json:
        snapshot = None if build.snapshot is None else build.snapshot.id
        output.print_json(
            {
                "pipeline": build.name,
                "ok": build.ok,
                "run_id": build.run_id,
                "snapshot": snapshot,
                "steps": build.rows.rows(),
                "news": build.news,
            }
        )
    else:
        print(build.text(output.width()))
    if build.error is not None:
        message = as_the_command_says(str(build.error))
        output.notice("error", message, as_json=args.json, type=type(build.error).__name__)
    return 0 if build.ok else 1


# --- trusting ---


def _accept(args: argparse.Namespace) -> int:
    with session(args) as sess:
        found = sess.pipelines_definitions[args.name].accept(args.craft, reason=args.reason)
    if args.json:
        output.print_json(found)
    elif not found:
        output.notice("note", "Nothing to accept: no code changed since its outputs were made.", as_json=False)
    for one in [] if args.json else found:
        made = len(one.artifact_ids)
        print(f"{one.craft}: accepted, {made:,} {'artifact' if made == 1 else 'artifacts'} noted")
        for change in one.changes:
            print(f"  {output.one_line(change)}")
    return 0


def _audit(args: argparse.Namespace) -> int:
    with session(args) as sess:
        pipeline = sess.pipelines_definitions[args.name]
        found = pipeline.audit(
            parameters(args, pipeline), args.configuration, sample=args.sample, select=args.select, seed=args.seed
        )
    if args.json:
        facts = {"pipeline": found.name, "ok": found.ok, "tried": found.tried, "of": found.of, "seed": found.seed}
        output.print_json({**facts, "steps": found.plain()})
    else:
        print(found.text(output.width()))
    return 0 if found.ok else 1
