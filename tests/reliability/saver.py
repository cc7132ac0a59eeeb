"""A process that saves without end, and may be told to kill itself at a named step: run by the crash tests.

It prints the identifier of each artifact once ``upload`` or ``new`` has returned: what was printed must survive.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import elliptio as eio
from elliptio.indexes.sqlite import index as sqlite
from elliptio.indexes.sqlite import writing
from elliptio.lake import identity, lake
from elliptio.saving import publication, transfer
from elliptio.stores.local import store as local
from elliptio.stores.s3 import staging as s3

STEPS: dict[str, tuple[Any, str]] = {
    "stage": (publication.Publication, "__init__"),
    "copy": (transfer, "_save_one"),
    "hash in place": (transfer, "_hash_one"),
    "describe": (publication, "to_manifest"),
    "put (folder)": (local.LocalStaging, "put"),
    "put (S3)": (s3.S3Staging, "put"),
    "flush": (local, "flush"),
    "rename": (os, "rename"),
    "publish (folder)": (local.LocalStaging, "publish"),
    "publish (S3)": (s3.S3Staging, "publish"),
    "record": (lake.Lake, "add"),
    "insert": (sqlite.SqliteIndex, "insert"),
    "insert rows": (writing.Writer, "add"),
    "identity": (identity, "read"),
}
"""Where a save can be cut off: what is patched to kill the process before, or after, it ran."""


def kill_at(step: str, when: str, call: int, steps: Mapping[str, tuple[Any, str]] = STEPS) -> None:
    """Kill this process before or after the n-th call of a step."""
    owner, name = steps[step]
    original: Callable[..., Any] = getattr(owner, name)
    calls = iter(range(1, 10**9))

    def patched(*arguments: Any, **options: Any) -> Any:
        if when == "before" and next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)  # one that fails, and is tried again, is no call that is over
        if when == "after" and next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, patched)


def save_without_end(root: str, source: Path) -> None:
    h = eio.Handler(root, progress=False)
    for number in range(10**9):
        if number % 2:
            with h.new(["a.bin", "deep/b.txt"]) as new:
                new.files["a.bin"].local_path.write_bytes(random.randbytes(random.choice((0, 10, 300_000))))
                new.files["deep/b.txt"].upload_string(str(number))
            saved: eio.Artifact = new
        else:
            saved = h.upload(source, labels={"number": number})
        print(saved.artifact_id, flush=True)


def main(root: str, source: str, step: str = "", when: str = "", call: str = "") -> None:
    """Save until this process is killed."""
    if step:
        kill_at(step, when, int(call))
    save_without_end(root, Path(source))
