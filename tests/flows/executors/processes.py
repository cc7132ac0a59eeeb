"""Worker processes for tests: a module of processors, and what starts, stops and kills those who run them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECRET = "known to all in this test"
LEASE = 1.0

MODULE = """
import os
from pathlib import Path
import anyio
from elliptio.flows import IO, Checkpoint, Flow, IOVal, Processor

HERE = Path(__file__).parent

numbers = Processor(name="numbers", inputs=["count"], outputs=["n"])
squares = Processor(name="squares", inputs=["n"], outputs=["n2"])
sums = Processor(name="sums", inputs=["n2"], outputs=["total"])
last = Processor(name="last", inputs=["n2"], outputs=["end"], wait=True)
boom = Processor(name="boom", inputs=["count"], outputs=["never"])
fatal = Processor(name="fatal", inputs=["count"], outputs=["gone"])

@numbers
async def _numbers(count: IO[int]):
    for number in range(await count.first()):
        await anyio.sleep(0.005)
        yield number

@squares
async def _squares(n: IO[int]):
    with (HERE / "squares.txt").open("a") as log:
        print(os.getpid(), file=log)
    async for value in n.stream():
        yield value**2

@sums
async def _sums(n2: IO[int], c: Checkpoint):
    done, total = await c.load((0, 0))
    async for value in n2.stream(cursor=done):
        done, total = done + 1, total + value
        yield total
        c.save((done, total))

@last
async def _last(n2: IO[int]):
    return await n2.latest()

@boom
async def _boom(count: IO[int]):
    await count.first()
    raise KeyError("no such thing")

@fatal
async def _fatal(count: IO[int]):
    await count.first()
    os._exit(9)  # as a fault in compiled code does

flow = Flow.from_tasks(numbers, squares, sums, last).resolve()
broken = Flow.from_tasks(boom).resolve()
deadly = Flow.from_tasks(fatal).resolve()
"""


def expected(count: int) -> dict[str, list[int]]:
    """What the flow makes of a count."""
    squares = [number**2 for number in range(count)]
    return {"total": [sum(squares[: at + 1]) for at in range(count)], "end": squares[-1:]}


def variables(url: str, **more: str) -> dict[str, str]:
    """Those of a process that takes part."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ELLIPTIO_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    ours = {"ELLIPTIO_FLOWS_REDIS": url, "ELLIPTIO_FLOWS_SECRET": SECRET, "ELLIPTIO_FLOWS_LEASE": str(LEASE)}
    return {**kept, **ours, "ELLIPTIO_FLOWS_IO_READ_PENDING_TIMEOUT": "20", **more}


@contextmanager
def started(*command: str, folder: Path, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of Python for as long as the block lasts; its log lies beside the module."""
    number = len(list(folder.glob("*.log")))
    with (folder / f"{number}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=folder, env=environ, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()


def until(there: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until something is so; a bound against hanging, no verdict."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = there()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"never came: {there}")


def logs(folder: Path) -> str:
    """What all processes said."""
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("*.log")))
