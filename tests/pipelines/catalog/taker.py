"""A process that takes in what lies at windows, and kills itself at a named step: run by the crash tests."""

from __future__ import annotations

import elliptio as eio
from elliptio.pipelines import Session
from elliptio.pipelines.catalog import memory, saving
from elliptio.saving import together
from tests.reliability import saver

STEPS = {
    **{name: saver.STEPS[name] for name in ("stage", "describe", "flush", "rename", "record", "insert rows")},
    "publish (folder)": saver.STEPS["publish (folder)"],
    "stage a file": (saving, "stage_file"),
    "publish all": (together, "publish_all"),
    "remember": (memory.Memory, "write"),
}


def take_in(lake: str, project: str) -> None:
    """Take in all partitions of `sales`, and say how many there are."""
    with Session(project, handler=eio.Handler(lake, progress=False)) as session:
        print(len(session.catalog.partitions("sales")))


def main(lake: str, project: str, step: str, when: str, call: str) -> None:
    """Take all in until this process kills itself."""
    saver.kill_at(step, when, int(call), STEPS)
    take_in(lake, project)
