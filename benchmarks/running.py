"""Runs a job: every side in a process of its own, in turn, round by round."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.environments import python_of
from benchmarks.model import Bar, Job, Side
from benchmarks.place import remove
from benchmarks.worker import PROFILE

WORKER = Path(__file__).with_name("worker.py")
LONGEST = 900
"""Seconds that a side may take for one answer."""


class WorkerError(Exception):
    """A side did not do its job."""


class Worker:
    """One side doing one job."""

    def __init__(self, side: Side, options: dict[str, Any], environment: dict[str, str], log: Path) -> None:
        command = [str(python_of(side.module)), str(WORKER), side.module, side.function, json.dumps(options)]
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )
        try:
            self._answer()
        except BaseException:
            self.kill()
            raise

    def seconds(self, times: int) -> float:
        return statistics.median(self._ask(f"{times}\n")["seconds"])

    def profile(self) -> dict[str, float]:
        """Which functions take which share of the time."""
        return self._ask(PROFILE)["profile"]

    def end(self) -> dict[str, Any]:
        """End it, and return what it noted."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        answer = self._answer()
        self._process.wait(60)
        return answer

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        timer = threading.Timer(LONGEST, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        answer = json.loads(line) if line else {"error": f"it ended without an answer, or took over {LONGEST} s"}
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what could not be sent any more
                if pipe is not None:
                    pipe.close()
        self._process.wait()


def run(job: Job, sides: list[Side], folder: Path, shared: Path) -> dict[str, Any]:
    """Time a job, and return what is written down of it."""
    rounds: dict[str, list[float]] = {side.name: [] for side in sides}
    ends: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        base, environment = stack.enter_context(servers(job, folder))
        workers: dict[str, Worker] = {}
        for number, side in enumerate(sides):
            options = {"folder": str(folder / str(number)), "shared": str(shared), "size": job.size, "count": job.count,
                       "documents": job.documents, **base}  # fmt: skip
            if "s3" in options:
                options["s3"] += f"/{number}"
            with told(side, ends):
                workers[side.name] = Worker(side, options, environment, folder / f"{number}.log")
                stack.callback(workers[side.name].kill)
                workers[side.name].seconds(1)  # caches, connections, imports
        for _ in range(job.rounds):
            for side in sides:
                if side.name in ends:
                    continue
                if job.synced:
                    # The others leave what they wrote to the system, and whoever flushes next would pay for it.
                    os.sync()
                with told(side, ends):
                    rounds[side.name].append(workers[side.name].seconds(job.times))
        profiles = {}
        for side in sides:
            if side.name not in ends:
                with told(side, ends):
                    if job.limit and job.limit.is_profiled and side.name == "elliptio":
                        profiles[side.name] = workers[side.name].profile()
                    ends[side.name] = workers[side.name].end()
    for number in range(len(sides)):
        remove(folder / str(number))
    return described(job, sides, rounds, ends, profiles)


@contextlib.contextmanager
def told(side: Side, ends: dict[str, dict[str, Any]]) -> Iterator[None]:
    """Note a side's failure, and go on with the others."""
    try:
        yield
    except (WorkerError, RuntimeError, OSError, ValueError) as error:
        print(f"  {side.name}: {error}", flush=True)
        ends[side.name] = {"error": str(error)}


@contextlib.contextmanager
def servers(job: Job, folder: Path) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Start what the job needs; yield the place's options and the environment of the workers."""
    # Whoever installs a package has its bytecode: without it each process compiles all that it imports.
    ignored = ("AWS_", "ELLIPTIO_", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ignored)}
    environment |= {"PYTHONWARNINGS": "ignore", "GIT_CEILING_DIRECTORIES": tempfile.gettempdir(), "TMPDIR": str(folder)}
    # Indexes of S3 lakes lie there. What is in a cache would not be moved at all.
    environment |= {"ELLIPTIO_USER_DIR": str(folder / "user"), "ELLIPTIO_CACHE_SIZE": "0"}
    if job.needs == "s3":
        from elliptio.testing.servers import s3_server

        with s3_server() as server:
            server.create_bucket("bench")
            nothing = folder / "no-aws-config"
            nothing.touch()  # DVC refuses /dev/null
            files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), str(nothing))
            yield {"s3": "s3://bench/side"}, environment | server.environ() | files
    elif job.needs == "mongodb":
        from elliptio.testing.servers import mongodb_server

        with mongodb_server() as url:
            yield {"mongodb": f"{url.rstrip('/')}/bench"}, environment
    elif job.needs == "redis":
        from elliptio.flows.testing import redis_server

        with redis_server() as redis:
            yield {"redis": redis.url}, environment
    else:
        yield {}, environment


def described(
    job: Job,
    sides: list[Side],
    rounds: dict[str, list[float]],
    ends: dict[str, dict[str, Any]],
    profiles: dict[str, dict[str, float]],
) -> dict[str, Any]:
    found = []
    for side in sides:
        entry: dict[str, Any] = {"name": side.name, "kind": side.kind}
        if side.leaves_out:
            entry["leaves_out"] = side.leaves_out
        if "error" in ends[side.name]:
            entry["error"] = ends[side.name]["error"]
        else:
            entry["seconds"] = rounded(statistics.median(rounds[side.name]))
            entry["rounds"] = [rounded(value) for value in rounds[side.name]]
            entry["peak_mb"] = round(ends[side.name]["peak_mb"])
            entry |= {"notes": ends[side.name]["notes"]} if ends[side.name]["notes"] else {}
            entry |= {"profile": profiles[side.name]} if side.name in profiles else {}
        found.append(entry)
    bars = [met for bar in job.bars if (met := measured(bar, rounds, ends)) is not None]
    entry = {"name": job.name, "title": job.title, "sides": found, "bars": bars}
    entry |= {"remark": job.remark} if job.remark else {}
    return entry | ({"limit": asdict(job.limit)} if job.limit else {})


def measured(bar: Bar, rounds: dict[str, list[float]], ends: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """How a bar stands: the median over the rounds of what elliptio took and what it might have taken."""
    if "error" in ends.get(bar.who, {"error": ""}):
        return None
    if bar.unit != "s":
        end = ends[bar.who]
        value = end["peak_mb"] if bar.unit == "MB" else end["notes"].get("added_mb", 0.0)
        return {"text": bar.text, "share": rounded(value / bar.plus), "value": rounded(value), "unit": "MB"}
    against = [name for name in bar.against if "error" not in ends.get(name, {"error": ""})]
    if bar.against and not against:
        return None
    mine = rounds[bar.who]
    allowed, ratios = [], []
    for number, value in enumerate(mine):
        other = bar.choose([rounds[name][number] for name in against]) if against else 0.0
        allowed.append(bar.factor * other + bar.plus)
        ratios.append(value / other if other else 0.0)
    share = statistics.median(value / most for value, most in zip(mine, allowed, strict=True))
    found: dict[str, Any] = {"text": bar.text, "share": rounded(share)}
    found |= {"allowed": rounded(statistics.median(allowed)), "seconds": rounded(statistics.median(mine))}
    if against:
        found |= {"ratio": rounded(statistics.median(ratios)), "against": against}
    return found


def rounded(value: float) -> float:
    """Four digits: more would be noise, and larger files."""
    return float(f"{value:.4g}")
