"""Counts how far a call goes through the package: ``python -m tests.hops`` prints it for the main verbs.

Each verb is called on a small local lake, outside of any repository, and counted the second time. What is counted are
calls of functions of the package in the calling thread. A comprehension or a generator expression is a part of the
function that it stands in: whether Python makes a call of it depends on its version.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import elliptio as eio

PACKAGE = os.path.dirname(eio.__file__)
PARTS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")
TAGS = 100


def hops(action: Callable[[], object]) -> dict[str, int]:
    """Count the calls that an action makes, the functions and files they are in, and how deep they nest."""
    calls: Counter[tuple[str, str, int]] = Counter()
    depth = deepest = 0

    def seen(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal depth, deepest
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE) or code.co_name in PARTS:
            return
        if event == "call":
            calls[code.co_filename, code.co_qualname, code.co_firstlineno] += 1
            depth += 1
            deepest = max(depth, deepest)
        elif event == "return":
            depth -= 1

    sys.setprofile(seen)
    try:
        action()
    finally:
        sys.setprofile(None)
    files = {file for file, _, _ in calls}
    return {"calls": calls.total(), "functions": len(calls), "files": len(files), "depth": deepest}


def measured(folder: Path) -> dict[str, dict[str, int]]:
    """Count the hops of the main verbs on a new lake in a folder."""
    source = folder / "a.csv"
    source.write_text("x\n1\n")
    h = eio.Handler(folder / "lake", progress=False)
    first, second = h.upload(source), h.upload(source)
    identifier = first.artifact_id
    turns = itertools.cycle([second, first])

    def new() -> None:
        with h.new(["model.txt"]) as made:
            made.file.upload_string("model")

    def run() -> None:
        with h.run("train", {"rate": 0.1}) as run:
            run.log(loss=1)

    def tag() -> None:
        h.tag(next(turns), "prod", overwrite=True)

    found = {
        "upload": warm(lambda: h.upload(source)),
        "new": warm(new),
        "get": warm(lambda: h.get(identifier)),
        "find": warm(lambda: h.find({})),
        "download": warm(lambda: first.download(folder / "copy")),
        "run": warm(run),
        "tag": warm(tag),
    }
    for number in range(TAGS):
        h.tag(first, f"other {number}")
    return {**found, "tag among 100": warm(tag)}


def warm(action: Callable[[], object]) -> dict[str, int]:
    """Count the hops of an action that was done once before."""
    action()
    return hops(action)


def main() -> None:
    """Print what each verb takes, as JSON: in a folder of its own, with no settings but the defaults."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        del sys.modules["__main__"].__file__  # else the repository of this file is that of the code
        os.environ.update(ELLIPTIO_USER_DIR=f"{folder}/user-dir", ELLIPTIO_CONFIG_FILE=os.devnull)
        print(json.dumps(measured(Path(folder)), indent=1))
        os.chdir("/")


if __name__ == "__main__":
    main()
