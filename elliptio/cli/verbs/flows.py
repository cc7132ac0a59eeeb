"""``elliptio flows``: start flows, see how they go, and work for them."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from elliptio.cli import output
from elliptio.cli.options import Verb, add_group, add_verb, pair
from elliptio.cli.projects import print_rows
from elliptio.naming import several

if TYPE_CHECKING:
    from elliptio.flows import Execution, Flow, Status, Supervisor

_RUN = """\
  elliptio flows run shop.crafts:flow --input day=2026-11-01 --input 'factors=[1, 2]'
  elliptio flows run shop.crafts:flow --input count=5 --redis redis://localhost

A value is read as JSON, and what is none is a text. One input given several times has several values.
"""

_WORKER = """\
  elliptio flows worker shop.crafts --redis redis://localhost

ELLIPTIO_FLOWS_SECRET is what values are signed with, the same for all. It stops by SIGTERM or Ctrl-C, and leaves its
steps to other workers.
"""

_SETTINGS = {
    "lease": "SECONDS",
    "ttl": "SECONDS",
    "attempts": "N",
    "limit": "VALUES",
    "limit_bytes": "BYTES",
    "io_read_timeout": "SECONDS",
    "io_read_pending_timeout": "SECONDS",
    "flow_execution_advancement_timeout": "SECONDS",
}
"""Those that are options; a secret on a command line would be seen by all users of the machine."""

_MOST = 20
"""So many values of an output are shown."""

_PAUSE = 0.5
"""Seconds between two looks."""


def add_parser(verbs: Verb) -> None:
    """Add the verb, and its own."""
    own = add_group(verbs, "flows", "start flows of values, see how they go, and work for them")
    _named(own, "ls", "list the flows, the newest first", _ls)
    show = _named(own, "show", "show how a flow goes: its streams, its steps, who holds whom back", _show, True)
    show.add_argument("--follow", action="store_true", help="until it has ended")
    run = _named(own, "run", "run a flow, and show what comes out", _run, epilog=_RUN)
    run.add_argument("flow", metavar="MODULE:FLOW", help="a module, and the name of the flow in it")
    run.add_argument(
        "--input", type=_input, action="append", default=[], metavar="NAME=VALUE", help="a value; may be repeated"
    )
    run.add_argument("--workers", action="store_true", help="let workers run its steps, not this process")
    worker = _named(own, "worker", "run the steps that modules implement, until it is stopped", _worker, epilog=_WORKER)
    worker.add_argument("module", nargs="+", metavar="MODULE", help="implements processors")
    worker.add_argument("--concurrency", type=_number, metavar="N", help="so many steps at once (default: 100)")
    _named(own, "forget", "stop a flow, and remove all of it", _forget, True)


def _named(own: Verb, name: str, summary: str, run: Any, one: bool = False, **more: Any) -> Any:
    parser = add_verb(own, name, summary, run, **more)
    parser.add_argument("--redis", metavar="URL", help="where flows are kept (default: what ELLIPTIO_FLOWS_REDIS says)")
    for setting, unit in _SETTINGS.items():
        parser.add_argument(f"--{setting.replace('_', '-')}", dest=setting, metavar=unit, help=_help(setting))
    if one:
        parser.add_argument("id", metavar="ID", help="identifier of a flow, or a beginning of it that fits only one")
    return parser


def _help(setting: str) -> str:
    return f"instead of ELLIPTIO_FLOWS_{setting.upper()}"


def _number(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of steps, from 1")
    return number


def _input(text: str) -> tuple[str, Any]:
    name, value = pair(text)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


# --- looking ---


def _ls(args: argparse.Namespace) -> int:
    async def look() -> list[dict[str, Any]]:
        rows = []
        async with _supervisor(args) as supervisor:
            for flow_id in await supervisor.broker.flows():
                with contextlib.suppress(LookupError):  # forgotten meanwhile
                    rows.append(_row(await supervisor.status(flow_id), await supervisor.broker.flow(flow_id).plan()))
        return rows

    def cells(row: Any) -> list[str]:
        return [row["id"], output.cell(row["created"]), row["state"], ", ".join(row["steps"])]

    print_rows(args, _in_loop(look), ["FLOW", "TIME (UTC)", "STATE", "STEPS"], cells, "There are no flows.")
    return 0


def _row(status: Status, plan: Any) -> dict[str, Any]:
    created = datetime.fromtimestamp((plan or {}).get("created", 0), UTC)
    return {"id": status.id, "created": created, "state": status.state, "steps": list(status.steps)}


def _show(args: argparse.Namespace) -> int:
    async def look() -> Status:
        async with _supervisor(args) as supervisor:
            execution = await supervisor.flow(await _id(supervisor, args.id))
            if args.follow:
                await _follow(execution, args)
            found: Status = await execution.status()
            return found

    status = _in_loop(look)
    if args.json:
        output.print_json(_document(status))
    else:
        print(status)
    return 0


def _forget(args: argparse.Namespace) -> int:
    async def forget() -> str:
        async with _supervisor(args) as supervisor:
            flow_id = await _id(supervisor, args.id)
            await supervisor.forget(flow_id)
            return flow_id

    flow_id = _in_loop(forget)
    if args.json:
        output.print_json({"forgotten": flow_id})
    else:
        print(f"{flow_id} was forgotten")
    return 0


async def _id(supervisor: Supervisor, given: str) -> str:
    """Find the identifier of what a user names; one that nobody knows is taken as it is."""
    from elliptio.flows import FlowNotFoundError

    known = await supervisor.broker.flows()
    found = [given] if given in known else [one for one in known if one.startswith(given)]
    if len(found) > 1:
        raise FlowNotFoundError(
            f"{given!r} fits {len(found):,} flows: give more of it. `elliptio flows ls` lists them."
        )
    return found[0] if found else given


def _document(status: Status) -> dict[str, Any]:
    return {
        "id": status.id,
        "state": status.state,
        "streams": status.streams,
        "steps": status.steps,
        "missing": sorted(status.missing),
        "cause": dict(status.cause),
    }


# --- running ---


def _run(args: argparse.Namespace) -> int:
    with output.aside(wanted=args.json):
        flow = _flow(args.flow)
    failure: list[Exception] = []

    async def run() -> tuple[Status, dict[str, list[Any]]]:
        from elliptio.errors import ElliptioError
        from elliptio.flows import IOVal

        async with _supervisor(args, flow) as supervisor:
            execution = await supervisor.start_flow(
                flow, inputs=[IOVal(name=name, value=one) for name, one in args.input]
            )
            await _follow(execution, args)
            try:
                await execution.wait()
            except* ElliptioError as group:
                failure.append(group.exceptions[0])
            found = {}
            for name in () if failure else sorted(execution):
                found[name] = await execution[name].collect()
            return await execution.status(), found

    with output.aside(wanted=args.json):
        status, found = _in_loop(run)
    if args.json:
        output.print_json({**_document(status), "outputs": found})
    for name, values in {} if args.json else found.items():
        for value in values[:_MOST]:
            print(f"{name}: {output.cell(value, output.UNLIMITED)}")
        if len(values) > _MOST:
            print(f"{name}: … {len(values) - _MOST:,} more")
    if failure:
        raise failure[0]
    return 0


def _worker(args: argparse.Namespace) -> int:
    for name in args.module:
        _module(name)

    async def run() -> None:
        from elliptio.flows.executors.workers import CONCURRENCY, work

        async with _supervisor(args, workers=True) as supervisor:
            names = ", ".join(_implemented())
            output.notice("note", f"Takes steps of {names or 'nothing'} from {supervisor.broker!r}.", as_json=args.json)
            await work(supervisor, args.concurrency or CONCURRENCY)

    _in_loop(run)
    return 0


def _implemented() -> list[str]:
    from elliptio.flows.registry import implemented

    return implemented()


async def _follow(execution: Execution, args: argparse.Namespace) -> None:
    """Show a line for each stream until all steps have ended: on a terminal as it goes, else when the stream ends."""
    import anyio

    shown, lines, live = set[str](), 0, sys.stderr.isatty()
    while True:
        status = await execution.status()
        if not args.no_progress and not args.json:
            if live and lines:
                print(f"\x1b[{lines}F\x1b[J", end="", file=sys.stderr)
            news = [name for name, one in status.streams.items() if live or (one.state != "open" and name not in shown)]
            shown.update(news)
            lines = len(news)
            for name in news:
                print(_progress(name, status), file=output.Shown(sys.stderr))
        if status.state != "running":
            return
        await anyio.sleep(_PAUSE if live else _PAUSE / 5)


def _progress(name: str, status: Status) -> str:
    one = status.streams[name]
    held = f", held by {', '.join(one.held_by)}" if one.held_by else ""
    lag = f", {one.lag:,} behind" if one.lag else ""
    return output.cut(
        output.one_line(f"{name}: {several(one.count, 'value')}, {one.rate:,.0f}/s, {one.state}{lag}{held}"),
        output.width(),
    )


# --- what all need ---


def _in_loop(function: Any) -> Any:
    from elliptio.flows import Supervisor  # says which extra is missing

    assert Supervisor is not None
    import anyio

    try:
        return anyio.run(function)
    except BaseExceptionGroup as group:
        found: BaseException = group
        while isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        raise found from group


@contextlib.asynccontextmanager
async def _supervisor(args: argparse.Namespace, flow: Flow | None = None, *, workers: bool = False) -> Any:
    """Make the supervisor that the options and variables say, or what a module has attached."""
    import os

    from elliptio.flows import LocalExecutor, Supervisor, WorkerExecutor
    from elliptio.flows.settings import REDIS

    settings = {name: getattr(args, name) for name in _SETTINGS if getattr(args, name) is not None}
    here = flow is not None and not args.workers and {one.name for one in flow.processors} <= set(_implemented())
    attached = Supervisor._instance
    where: dict[str, Any]
    if args.redis or os.environ.get(REDIS, "").strip() or not (here or attached):
        where = {"redis_config": {"url": args.redis}}
    else:
        where = {} if attached is None else {"broker": attached.broker}
    executor = LocalExecutor() if here else WorkerExecutor()
    async with Supervisor(executor=executor, **where, **settings) as supervisor:
        yield supervisor


def _module(name: str) -> Any:
    """Import a module, also from the working directory."""
    import importlib
    import os

    from elliptio.errors import ConfigError

    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise ConfigError(f"There is no module {name!r}, from {os.getcwd()} either.") from error


def _flow(given: str) -> Flow:
    """Find a flow that is named ``module:flow``."""
    from elliptio.errors import ConfigError
    from elliptio.flows import Flow

    name, _, attribute = given.partition(":")
    if not attribute:
        raise ConfigError(f"{given!r} names no flow: MODULE:FLOW does, such as shop.crafts:flow.")
    found = vars(_module(name)).get(attribute)
    if not isinstance(found, Flow):
        flows = ", ".join(key for key, value in vars(_module(name)).items() if isinstance(value, Flow))
        raise ConfigError(f"The module {name!r} has no flow {attribute!r}. It has: {flows or 'none'}.")
    return found.resolve() if found._topology is None else found
