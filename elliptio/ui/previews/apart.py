"""Read a file in a process of its own: a damaged one may end the process that reads it.

pyarrow takes what stands in a file of columns for true, and a wrong length there ends the process, or reads what lies
behind. So it reads apart, with limits to its memory and time, and asks this side for each range of the file.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from threading import Timer
from typing import IO, Any

from elliptio.ui.previews.reading import Ranged, Source, UnfitError
from elliptio.ui.previews.shapes import Column, Table

EXTRA = "showing it needs pyarrow: pip install 'elliptio[formats]'"
SECONDS = 20
MEMORY = 4 * 2**30
"""Limits of the process."""


def read_parquet(ranged: Ranged, rows: int) -> Table:
    """Show a Parquet file."""
    return _apart("read_parquet", ranged, rows)


def read_arrow(ranged: Ranged, rows: int) -> Table:
    """Show a Feather or Arrow file."""
    return _apart("read_arrow", ranged, rows)


def _apart(reader: str, ranged: Ranged, rows: int) -> Table:
    if importlib.util.find_spec("pyarrow") is None:
        raise UnfitError(EXTRA)
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "elliptio.ui.previews.apart"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    timer = Timer(SECONDS, child.kill)
    timer.start()
    try:
        if child.stdin is None or child.stdout is None:
            raise UnfitError("it cannot be read")
        asked = {"reader": reader, "suffix": ranged.source.suffix, "size": ranged.source.size, "rows": rows}
        _send(child.stdin, {**asked, "budget": ranged.left})
        return _answered(child.stdin, child.stdout, ranged)
    except BrokenPipeError:
        raise UnfitError("it is damaged: the process that read it came to its end") from None
    finally:
        timer.cancel()
        child.kill()
        for pipe in (child.stdin, child.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except BrokenPipeError:  # it ended before it took all
                continue
        child.wait()


def _answered(to: IO[bytes], out: IO[bytes], ranged: Ranged) -> Table:
    """Give the process the ranges that it asks for, until it has the answer."""
    while line := out.readline():
        message = json.loads(line)
        if "table" in message:
            found = message["table"]
            columns = [Column(**column) for column in found["columns"]]
            return Table(columns, found["rows"], found["total"], found["more"])
        if "unfit" in message:
            raise UnfitError(str(message["unfit"]))
        data = ranged.read(*message["read"])
        _send(to, len(data))
        to.write(data)
        to.flush()
    raise UnfitError("it is damaged: the process that read it came to its end")


def _send(to: IO[bytes], message: Any) -> None:
    to.write(json.dumps(message).encode() + b"\n")
    to.flush()


def main() -> None:
    """Be the process: read what is asked for, and answer."""
    limit()
    _import_fast()
    from elliptio.ui.previews import arrow

    asked = json.loads(sys.stdin.buffer.readline())

    def read(offset: int, length: int) -> bytes:
        _send(sys.stdout.buffer, {"read": [offset, length]})
        return sys.stdin.buffer.read(int(sys.stdin.buffer.readline()))

    ranged = Ranged(Source(f"file{asked['suffix']}", asked["size"], read), asked["budget"])
    try:
        table = getattr(arrow, asked["reader"])(ranged, asked["rows"])
        answer: dict[str, Any] = {"table": dataclasses.asdict(table)}
    except UnfitError as error:
        answer = {"unfit": str(error)}
    except Exception as error:
        answer = {"unfit": f"it is damaged ({type(error).__name__})"}
    _send(sys.stdout.buffer, answer)


def _import_fast() -> None:
    """Import pyarrow without numpy, which takes longer than pyarrow itself; old versions need it."""
    sys.modules["numpy"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("pyarrow")
    except ImportError:
        del sys.modules["numpy"]


def limit() -> None:
    """Set limits to this process, where the system knows any."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):
        return


if __name__ == "__main__":
    main()
